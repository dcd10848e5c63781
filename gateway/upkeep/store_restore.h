#ifndef CONSENTRY_GATEWAY_UPKEEP_STORE_RESTORE_H_
#define CONSENTRY_GATEWAY_UPKEEP_STORE_RESTORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "gateway/store/outbox.h"
#include "gateway/upkeep/backup_file.h"
#include "gateway/vault/head_cache.h"

namespace consentry::upkeep {

// Row of meta: SlotFile::erased_through as the store last saw it. A start
// refuses slots that know of less.
inline constexpr std::string_view kErasedThroughKey = "keys_erased_through";

// What became of the rows of a backup.
struct RestoreCounts {
  int64_t rows = 0;
  int64_t subjects = 0;
  // Rows of customers whose keys are gone: erased since, or never here.
  int64_t dropped_rows = 0;
  // Customers whose keys are here and whose head they do not open: sealed anew
  // since the backup, when part of them was erased.
  int64_t unreadable = 0;
};

// Fills an empty file with the rows of a backup, and makes all blind indexes
// anew. Rows of customers without keys are left out.
class StoreRestore {
 public:
  struct Options {
    store::Engine* engine = nullptr;  // Of a new, empty file.
    const crypto::EpochFile* epochs = nullptr;
    const crypto::SlotFile* slots = nullptr;
    // Blind indexes of other parts: see Rotation::Options::Reindex.
    std::vector<std::function<absl::StatusOr<int64_t>(
        store::ChangeContext& context, int64_t after, int limit)>>
        others = {};
  };
  explicit StoreRestore(Options options) : options_(std::move(options)) {}

  // FailedPrecondition for a backup of a newer format; DataLoss for one that
  // does not fit the format that it names, or is damaged.
  absl::StatusOr<RestoreCounts> Load(BackupReader* backup);

  // What of an older store outlives a restore: certificates of erasures,
  // suppressed names, the list of backups. Tables that either lacks are passed
  // over.
  absl::Status CarryOver(store::Connection* from);

  // Where changes and the log go on, behind all that the log holds; the epoch
  // of the configuration stays that of the backup.
  absl::Status SetState(const store::CommitterState& state);

 private:
  absl::Status LoadRows(BackupReader* backup, RestoreCounts* counts);
  absl::Status DropPending();
  absl::Status Reindex(RestoreCounts* counts);

  const Options options_;
  std::unique_ptr<store::Connection> writer_;
};

// Suspends every grant of every customer: received before `now_us`, it counts
// as uncertain. One change for some of them, those above `after`; the last
// one's number, 0 at the end.
absl::StatusOr<int64_t> MakeUncertain(store::ChangeContext& context,
                                      const crypto::SlotFile& slots,
                                      vault::HeadCache* cache, int64_t after,
                                      int limit);

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_STORE_RESTORE_H_
