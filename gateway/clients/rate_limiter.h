#ifndef CONSENTRY_GATEWAY_CLIENTS_RATE_LIMITER_H_
#define CONSENTRY_GATEWAY_CLIENTS_RATE_LIMITER_H_

#include <atomic>
#include <cstdint>

namespace consentry::clients {

// A token bucket for one client: `rate` calls per second sustained, bursts of
// twice as many. Kept as the one moment at which the bucket would be full
// again, so that a call costs a compare-and-swap and no lock. Safe for many
// threads. Times are monotonic microseconds.
class RateLimiter {
 public:
  // `rate` is 1 to 1,000,000.
  explicit RateLimiter(uint32_t rate) { SetRate(rate); }

  // Takes effect for the next call.
  void SetRate(uint32_t rate) { rate_.store(rate, std::memory_order_relaxed); }

  // Takes one token. Otherwise the microseconds after which one call would
  // pass, at least 1; 0 means taken.
  int64_t Take(int64_t now_us);

 private:
  std::atomic<uint32_t> rate_{1};
  // In nanoseconds.
  std::atomic<int64_t> full_at_ns_{0};
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_RATE_LIMITER_H_
