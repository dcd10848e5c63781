#ifndef CONSENTRY_GATEWAY_SERVER_RESTORE_H_
#define CONSENTRY_GATEWAY_SERVER_RESTORE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/upkeep/configuration_replay.h"

namespace consentry::server {

// Lies in the data directory from the first step of a restore to its last; no
// gateway starts beside it.
inline constexpr char kUnfinishedRestoreFile[] = "restore.unfinished";

struct RestoreOptions {
  // consentry.txtpb or its folder. Its data directory, epoch file and root key
  // may be missing; the key of the log must be there.
  std::string config;
  // A backup of the data. Required.
  std::string data_file;
  // A backup of the keys; empty: the keys that are here.
  std::string keys_file;
  // As somebody typed it; needed for `keys_file` alone.
  std::string recovery_key;
  // A copy of the log, taken when it is longer than the log that is here;
  // empty: none.
  std::string log_folder;
  // The newest checkpoint that anybody outside has kept; empty: none.
  std::string checkpoint_file;
  // Goes on where it is not certain that the log is whole: every consent is
  // then uncertain until it is renewed.
  bool accept_loss = false;
  const base::Clock* clock = base::Clock::System();
  // For tests: called before each step; an error ends the restore there, as a
  // crash would.
  std::function<absl::Status(std::string_view step)> before_step = nullptr;
};

struct RestoreReport {
  int64_t customers = 0;
  int64_t rows = 0;
  // Rows of customers whose keys are gone.
  int64_t dropped_rows = 0;
  // Customers whose keys do not open what the backup holds of them.
  int64_t unreadable = 0;
  // Entries of the log that took something away and were done again.
  int64_t replayed = 0;
  // Customers whose erasure was done again.
  int64_t erased = 0;
  // Customers whose erasure was decided and has to be entered again; nothing of
  // them is read until then.
  int64_t erasures_open = 0;
  // What was taken away of the configuration, done again or held for a person.
  upkeep::ConfigurationReplay::Counts configuration;
  // Lines of the log that this program does not know: who they are about is
  // restricted.
  int64_t unknown = 0;
  // Entries about customers who are not here.
  int64_t about_nobody = 0;
  // Audits of fairness of which the log alone knows: their dates and what they
  // spent stand, without their files.
  int64_t lost_audits = 0;
  // Fairness profiles that were changed since: what is in force of them is the
  // text of the backup, under a version of its own, or nothing.
  std::vector<std::string> older_profiles;
  uint64_t log_size = 0;
  // Every consent counts as uncertain.
  bool uncertain = false;
};

// Makes the data directory anew from a backup (PROTOCOLS E2), while no gateway
// runs: keys, log, store, blind indexes; then does again what the log says was
// taken away since the backup, and every erasure, before anything can be read.
// Releases of outputs since the backup are known to nobody any more: their key
// is made anew, and release-verifier.txt with it.
// Its entry stands in the log before it acts. What a crash leaves half done,
// the same call does from the start.
//
// FailedPrecondition while a gateway runs, without a checkpoint from outside,
// for a backup of keys that has expired or a newer format; DataLoss for a
// backup that is damaged, not signed by the log's key or of another gateway,
// and for a log that is shorter than, or differs from, the checkpoint.
absl::StatusOr<RestoreReport> Restore(const RestoreOptions& options);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_RESTORE_H_
