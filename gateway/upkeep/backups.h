#ifndef CONSENTRY_GATEWAY_UPKEEP_BACKUPS_H_
#define CONSENTRY_GATEWAY_UPKEEP_BACKUPS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/audit_log.h"
#include "audit/log/signer.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/recovery_key.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "gateway/store/reader_pool.h"

namespace consentry::upkeep {

// A row of backups. The numbers are stored.
enum class BackupState : int64_t {
  kRunning = 1,
  kVerified = 2,
  kFailed = 3,
};

// Tables that no backup holds: what is made anew (lookup), what ends within a
// day (requests), what is in the log by then (outbox), and the list of backups
// itself. Of source_rows and logins the key, a blind index, is left out;
// everything else that the store has comes along, whoever made it.
bool IsLeftOutOfBackups(std::string_view table);
bool IsLeftOutOfBackups(std::string_view table, std::string_view column);

// From when on no backup of keys opens what was sealed under keys that were
// destroyed at `destroyed_us`: the latest end of those that were begun before,
// as they are listed, whatever became of them; `destroyed_us` without any.
absl::StatusOr<int64_t> KeysOpenUntil(store::Connection* connection,
                                      int64_t destroyed_us);

// What a key backup's signature is over.
std::string SignedWords(std::string_view digest);

// Backups, online and apart (PROTOCOLS E1): the data as a logical export of one
// state of the store, values sealed as they are; the keys (slots and epochs)
// sealed to the recovery key and signed with the log's key; the log as copies
// of its segments. Each is read back before it is counted, has its entry before
// it is begun and one when it is done, and data and keys are removed when they
// expire. Work is for one thread of its own; List is safe for many.
class Backups {
 public:
  struct Options {
    // All outlive it.
    audit::FileSystem* fs = nullptr;
    store::Engine* engine = nullptr;
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    crypto::EpochFile* epochs = nullptr;
    crypto::SlotFile* slots = nullptr;
    audit::AuditLog* log = nullptr;
    const audit::Signer* signer = nullptr;
    std::string log_folder;
    // Empty: none of that part.
    std::string data_folder;
    std::string keys_folder;
    std::string logs_folder;
    int64_t keep_data_us = 0;
    int64_t keep_keys_us = 0;
    // nullopt: none was made.
    std::function<std::optional<crypto::RecoveryPublicKey>()> recovery_key;
    // For tests: called before each step; an error ends it there, as a crash
    // would.
    std::function<absl::Status(std::string_view step)> before_step = nullptr;
  };
  explicit Backups(Options options) : options_(std::move(options)) {}

  // Which parts are configured.
  std::vector<v1::BackupPart> Parts() const;

  // Decides a backup of these parts, all that are configured where none is
  // named: one entry, and a row for each that is running. The first of them.
  // STATE_INVALID where a part is not configured or no recovery key was made.
  // Waits for the commit.
  absl::StatusOr<v1::Backup> Decide(
      const clients::CallerContext& caller, std::vector<v1::BackupPart> parts,
      std::optional<store::RequestBinding> request);

  // Takes the oldest that is running to its end. False when there was none.
  // What a crash left of it is begun anew.
  absl::StatusOr<bool> RunNext();

  // Removes what has expired. How many.
  absl::StatusOr<int64_t> Expire();

  // Newest first, of those before (time, id) `before`; `next` is where to go
  // on, empty at the end.
  absl::StatusOr<v1::ListBackupsResponse> List(const std::string& before,
                                               size_t limit,
                                               std::string* next) const;

  // As its row says now. NotFound.
  absl::StatusOr<v1::Backup> Get(const std::string& id) const;

  // When the last verified one of the part was begun; 0: there is none.
  absl::StatusOr<int64_t> LastUs(v1::BackupPart part) const;
  // When the last backup of keys expires; 0: there is none.
  absl::StatusOr<int64_t> KeysExpireUs() const;

 private:
  absl::Status Before(std::string_view step) const {
    return options_.before_step == nullptr ? absl::OkStatus()
                                           : options_.before_step(step);
  }
  struct Made {
    uint64_t bytes = 0;
    uint64_t log_size = 0;
  };
  absl::StatusOr<Made> WriteData(const crypto::ObjectId& id, int64_t now_us,
                                 int64_t expires_us, const std::string& path);
  absl::StatusOr<Made> WriteKeys(const crypto::ObjectId& id, int64_t now_us,
                                 int64_t expires_us, const std::string& path);
  absl::StatusOr<Made> CopyLog();
  std::string FileOf(v1::BackupPart part, const std::string& id,
                     int64_t now_us) const;

  const Options options_;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_BACKUPS_H_
