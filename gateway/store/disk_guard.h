#ifndef CONSENTRY_GATEWAY_STORE_DISK_GUARD_H_
#define CONSENTRY_GATEWAY_STORE_DISK_GUARD_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "proto/support/mutex.h"

namespace consentry::store {

// Watches the room on the volume: when it runs short, reads stop first, and a
// reserve is given up so that withdrawals and erasures still find room. Reads
// wait until there is room for a new reserve. Safe for many threads.
class DiskGuard {
 public:
  struct Options {
    // Empty: the disk is taken to be endless.
    std::function<absl::StatusOr<uint64_t>()> free_bytes;
    uint64_t high_water_bytes = 0;
    std::string reserve_path;  // Empty: none.
    uint64_t reserve_bytes = 0;
  };

  // `clock` outlives the guard.
  DiskGuard(Options options, const base::Clock* clock);

  // Asks the volume when the last answer is older than 100 ms. True while reads
  // and other changes than negative ones must be refused: less is free than the
  // high-water mark and a reserve that was given up, or the question failed.
  bool Low();

  // Gives the reserve up now: a write found no room. True when there was one.
  bool GiveUpReserve();

 private:
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool DropReserve() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MakeReserve() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const base::Clock* const clock_;
  std::atomic<int64_t> next_look_us_{0};
  std::atomic<bool> low_{false};
  Mutex mu_;
  bool have_reserve_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_DISK_GUARD_H_
