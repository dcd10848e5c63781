#ifndef CONSENTRY_GATEWAY_CLIENTS_SUBJECT_BUDGET_H_
#define CONSENTRY_GATEWAY_CLIENTS_SUBJECT_BUDGET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/support/mutex.h"

namespace consentry::clients {

// How many distinct customers one client asks about within an hour. Exact: a
// customer counts once for as long as the client keeps asking about her, and
// stops counting 60 to 61 minutes after the last time (time is kept in
// minutes, rounded so that no hour ever holds more than the budget).
//
// Memory is 16 bytes for each place of a table that is two to four times as
// large as the customers counted, so it is bounded by the budget: 0.5 MiB at
// the default of 10,000, 512 MiB at the highest of 10,000,000. Safe for many
// threads.
class SubjectBudget {
 public:
  explicit SubjectBudget(uint32_t limit) : limit_(limit) {}

  // Also lower than what was used already: then nothing new passes for a while.
  void SetLimit(uint32_t limit);

  // Counts `subject`, a number that stands for one customer or for one
  // identifier that no customer has. False, and nothing counted, when that
  // would be one too many. `now_us` is monotonic.
  bool Charge(uint64_t subject, int64_t now_us);
  // All or none.
  bool ChargeAll(std::span<const uint64_t> subjects, int64_t now_us);

  // Customers that count now.
  uint32_t used(int64_t now_us);

 private:
  static constexpr uint32_t kMinutes = 61;
  struct Slot {
    uint64_t subject = 0;
    // 0: empty. Minutes count from kMinutes, so that 0 is always long ago.
    uint32_t minute = 0;
  };

  void Advance(int64_t now_us) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Lives(const Slot& slot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return slot.minute + kMinutes > minute_;
  }
  // The slot that holds `subject`, or the empty one where it would go.
  Slot* Find(uint64_t subject) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Count(uint64_t subject) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Rebuild() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Mutex mu_;
  uint32_t limit_ ABSL_GUARDED_BY(mu_);
  // Open addressing; the size is a power of two. Slots of customers that no
  // longer count stay until the next Rebuild().
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mu_);
  size_t filled_ ABSL_GUARDED_BY(mu_) = 0;
  uint32_t minute_ ABSL_GUARDED_BY(mu_) = 0;
  // Customers last asked about in each minute, and their sum.
  std::array<uint32_t, kMinutes> per_minute_ ABSL_GUARDED_BY(mu_) = {};
  uint32_t used_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_SUBJECT_BUDGET_H_
