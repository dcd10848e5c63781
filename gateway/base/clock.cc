#include "gateway/base/clock.h"

#include <ctime>

namespace consentry::base {
namespace {

int64_t ReadUs(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
}

class SystemClock final : public Clock {
 public:
  int64_t NowUs() const override { return ReadUs(CLOCK_REALTIME); }
  int64_t MonotonicUs() const override { return ReadUs(CLOCK_MONOTONIC); }
};

}  // namespace

Clock* Clock::System() {
  static SystemClock* const clock = new SystemClock();
  return clock;
}

}  // namespace consentry::base
