#include "gateway/clients/rate_limiter.h"

#include <algorithm>

namespace consentry::clients {
namespace {

constexpr int64_t kBurstNs = 2'000'000'000;

}  // namespace

int64_t RateLimiter::Take(int64_t now_us) {
  const int64_t now_ns = now_us * 1000;
  const int64_t cost_ns = 1'000'000'000 / rate_.load(std::memory_order_relaxed);
  int64_t full_at = full_at_ns_.load(std::memory_order_relaxed);
  for (;;) {
    const int64_t next = std::max(full_at, now_ns) + cost_ns;
    if (next - now_ns > kBurstNs) {
      return std::max<int64_t>(1, (next - now_ns - kBurstNs) / 1000);
    }
    if (full_at_ns_.compare_exchange_weak(full_at, next,
                                          std::memory_order_relaxed)) {
      return 0;
    }
  }
}

}  // namespace consentry::clients
