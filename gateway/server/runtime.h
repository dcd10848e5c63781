#ifndef CONSENTRY_GATEWAY_SERVER_RUNTIME_H_
#define CONSENTRY_GATEWAY_SERVER_RUNTIME_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/audit_log.h"
#include "gateway/access/audit_reader.h"
#include "gateway/access/explainer.h"
#include "gateway/access/governed_reads.h"
#include "gateway/access/refusals.h"
#include "gateway/access/select.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/archive.h"
#include "gateway/clients/registry.h"
#include "gateway/consent/ledger.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/note_signer.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/audit_log_sink.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::server {

// Names inside the data directory. The root key, the epoch file and the key of
// the log lie where the configuration says, best on another volume.
inline constexpr char kLockFile[] = "lock";
inline constexpr char kStoreFile[] = "store.db";
inline constexpr char kTrailFile[] = "trail.db";
inline constexpr char kSlotFile[] = "subject.keys";
inline constexpr char kLogFolder[] = "log";
inline constexpr char kReserveFile[] = "reserve";

struct RuntimePaths {
  std::string data_directory;
  std::string epoch_file;
  std::string log_key_file;

  std::string InData(const char* name) const {
    return data_directory + "/" + name;
  }
};

// Everything of a gateway but the network: keys, store, log, index, and the
// capabilities that services adapt. Opened once per process and folder, under
// the folder's lock. Members are used through the accessors, each safe for many
// threads as its own header says.
class Runtime {
 public:
  struct Options {
    RuntimePaths paths;
    // ISO 3166-1 alpha-2, for telephone numbers.
    std::string home_country;
    // "consentry 0.1.0".
    std::string engine_version;
    // Given to every service, such as decisions.explain under --dev.
    clients::PermissionSet extra_permissions;
    // See CommitterOptions.
    uint64_t high_water_bytes = uint64_t{256} << 20;
    uint64_t reserve_bytes = uint64_t{64} << 20;
    // Told whenever entries can, or can no longer, persist.
    std::function<void(bool serving)> on_serving;
  };

  // Makes the files of an empty gateway: epochs, slots, store, log. The data
  // directory exists; AlreadyExists when any of the files does. `log_origin`
  // names the log for ever, such as "example-shop/9f3c2a".
  static absl::Status Create(const RuntimePaths& paths,
                             const crypto::RootKey& root,
                             const std::string& log_origin);

  // Opens, recovers and checks that keys, store and log belong together; then
  // everything but the network runs. FailedPrecondition when another process
  // holds the folder; DATA_CORRUPT when something is older than what another
  // part remembers of it.
  static absl::StatusOr<std::unique_ptr<Runtime>> Open(
      Options options, const crypto::RootKey& root);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  // As Close().
  ~Runtime();

  // Nothing is accepted any more; what was is completed, the log is closed in
  // good order. Calls must have ended.
  absl::Status Close();

  const Options& options() const { return options_; }
  const base::Clock* clock() const { return clock_; }
  store::Committer* committer() { return committer_.get(); }
  store::ReaderPool* readers() { return readers_.get(); }
  store::Engine* engine() { return engine_.get(); }
  clients::Registry* registry() { return registry_.get(); }
  crypto::SlotFile* slots() { return slots_.get(); }
  crypto::EpochFile* epochs() { return epochs_.get(); }
  const crypto::OpaqueTokens* tokens() { return tokens_.get(); }
  const crypto::PageTokens* page_tokens() { return page_tokens_.get(); }
  const crypto::RequestDigests* digests() { return digests_.get(); }
  const vault::SubjectReader* subjects() { return subjects_.get(); }
  vault::HeadCache* cache() { return cache_.get(); }
  base::WorkerPool* workers() { return workers_.get(); }
  audit::AuditLog* log() { return log_.get(); }
  trail::TrailIndex* trail() { return trail_.get(); }
  access::GovernedReads* reads() { return reads_.get(); }
  access::Selection* selection() { return selection_.get(); }
  access::Explainer* explainer() { return explainer_.get(); }
  access::AuditReader* audit_reader() { return audit_reader_.get(); }
  access::Refusals* refusals() { return refusals_.get(); }
  consent::Ledger* ledger() { return ledger_.get(); }
  const std::string& log_origin() const { return log_origin_; }
  const std::string& verifier_key() const { return verifier_key_; }
  clients::ConfigurationSource configuration_source() const {
    return [registry = registry_.get()] { return registry->current(); };
  }

  // Loads the configuration that the store holds. NotFound before the first.
  absl::Status LoadConfiguration();

 private:
  explicit Runtime(Options options) : options_(std::move(options)) {}

  absl::Status OpenKeys(const crypto::RootKey& root);
  absl::Status OpenStore(const crypto::RootKey& root);
  absl::Status OpenLog(audit::RecoveryReport* report);
  absl::Status CheckKeysAgainstLog() const;
  absl::Status StartCommitter();
  absl::Status OpenTrail(const crypto::RootKey& root);
  void MakeCapabilities(const crypto::RootKey& root);
  absl::Status NoteStart(const audit::RecoveryReport& report);
  absl::StatusOr<std::map<std::string, uint64_t, std::less<>>> ResolveTags(
      const std::vector<uint32_t>& months) const;

  // In the order of construction; destroyed in reverse.
  const Options options_;
  const base::Clock* const clock_ = base::Clock::System();
  std::unique_ptr<audit::File> lock_;
  std::unique_ptr<crypto::LockedSlab> slab_;
  std::unique_ptr<crypto::EpochFile> epochs_;
  std::unique_ptr<crypto::SlotFile> slots_;
  std::unique_ptr<crypto::OpaqueTokens> tokens_;
  std::unique_ptr<crypto::PageTokens> page_tokens_;
  std::unique_ptr<crypto::RequestDigests> digests_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<store::ReaderPool> readers_;
  std::string log_origin_;
  std::string verifier_key_;
  std::unique_ptr<crypto::NoteSigner> signer_;
  std::unique_ptr<audit::AuditLog> log_;
  std::unique_ptr<store::AuditLogSink> sink_;
  std::unique_ptr<vault::HeadCache> cache_;
  std::unique_ptr<vault::SubjectReader> subjects_;
  std::unique_ptr<clients::Registry> registry_;
  std::unique_ptr<clients::ConfigurationArchive> archive_;
  std::unique_ptr<store::Engine> trail_engine_;
  // Null until the index is open; the committer's thread reads it.
  std::atomic<trail::TrailIndex*> trail_feed_{nullptr};
  std::unique_ptr<store::Committer> committer_;
  std::unique_ptr<trail::TrailIndex> trail_;
  std::unique_ptr<access::Refusals> refusals_;
  std::unique_ptr<access::GovernedReads> reads_;
  std::unique_ptr<access::Selection> selection_;
  std::unique_ptr<access::Explainer> explainer_;
  std::unique_ptr<access::AuditReader> audit_reader_;
  std::unique_ptr<consent::Ledger> ledger_;
  // Last: its tasks use all of the above.
  std::unique_ptr<base::WorkerPool> workers_;
  bool closed_ = false;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_RUNTIME_H_
