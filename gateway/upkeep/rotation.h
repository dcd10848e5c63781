#ifndef CONSENTRY_GATEWAY_UPKEEP_ROTATION_H_
#define CONSENTRY_GATEWAY_UPKEEP_ROTATION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/base/clock.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "proto/support/mutex.h"

namespace consentry::upkeep {

// Rotation of the keys that wrap all others (PROTOCOLS C6): a new epoch, the
// keys of every living subject wrapped anew under it, every blind index made
// anew, and the old epoch's keys destroyed. Online and in bounded steps; each
// is idempotent, its place is kept in the store, so that a rotation goes on
// where a crash left it. Suppression and system keys stay.
//
//   kDecided     entry written; the new epoch is made
//   kWrapping    slots move to the new epoch
//   kReindexing  lookup and source_rows move, kSubjectsPerStep a change
//   kDestroying  entry written; the old epochs' keys are overwritten
//   kDone
//
// Why nothing is lost. Who plans a write under the old epoch is refused when it
// is applied (WriteSet) and plans anew. Who looks a name up has tried every
// epoch there was; `settle_us` passes between the new epoch and the first
// removed row, so that who asked before it has had the answer.
//
// Safe for many threads; Step waits for the disk.
class Rotation {
 public:
  static constexpr int64_t kSubjectsPerStep = 64;
  enum class State : int64_t {
    kDecided = 1,
    kWrapping = 2,
    kReindexing = 3,
    kDestroying = 4,
    kDone = 5,
  };

  struct Options {
    // All outlive it.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    crypto::EpochFile* epochs = nullptr;
    crypto::SlotFile* slots = nullptr;
    const base::Clock* clock = nullptr;
    // Longer than any call.
    int64_t settle_us = int64_t{70} * 1'000'000;
    // Makes blind indexes of other parts anew under the current epoch, of up to
    // `limit` rows above `after`, inside of a change. The last row's number; 0
    // at the end. Idempotent.
    using Reindex = std::function<absl::StatusOr<int64_t>(
        store::ChangeContext& context, int64_t after, int limit)>;
    std::vector<Reindex> others = {};
    // For tests: called before each step; an error ends the step there, as a
    // crash would.
    std::function<absl::Status(std::string_view step)> before_step = nullptr;
  };
  explicit Rotation(Options options) : options_(std::move(options)) {}

  // Decides a rotation, unless one is under way, and writes its entry. `done`
  // is called once, on a thread of the committer.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  void Start(const clients::CallerContext& caller,
             std::optional<store::RequestBinding> request, Done done);

  // Takes one step. What is left to be done: kWait: ask again later.
  enum class Progress { kIdle, kMore, kWait };
  absl::StatusOr<Progress> Step();

  // Whether the current epoch is as old as that and no rotation is under way.
  absl::StatusOr<bool> IsDue(int64_t max_age_us) const;

  // All but what a KeyStatus says of backups and of the recovery key.
  absl::StatusOr<v1::KeyStatus> Status() const;

 private:
  struct Row {
    int64_t rotation = 0;
    State state = State::kDone;
    uint32_t base_epoch = 0;
    int64_t next_subject = 0;
  };
  absl::StatusOr<std::optional<Row>> Open() const;
  absl::Status Before(std::string_view step) const;
  // One change: the row as `row` says, with an entry.
  absl::Status Advance(const Row& row, std::string_view event,
                       const std::vector<std::string>& details);
  store::v1::Leaf SelfLeaf(std::string_view event,
                           const store::ChangeContext& context) const;
  absl::Status AddEpoch(Row row);
  absl::StatusOr<Progress> Wrap(Row row);
  absl::StatusOr<Progress> Reindex(Row row);
  absl::Status ReindexOthers();
  absl::Status DestroyOld(Row row);

  const Options options_;
  // One step at a time.
  Mutex step_mu_;
  mutable Mutex mu_;
  uint64_t wrap_from_ ABSL_GUARDED_BY(mu_) = 1;
  // Monotonic; 0: nobody of this process can have asked before the new epoch.
  int64_t settled_at_us_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_ROTATION_H_
