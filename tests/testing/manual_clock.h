#ifndef CONSENTRY_TESTS_TESTING_MANUAL_CLOCK_H_
#define CONSENTRY_TESTS_TESTING_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "gateway/base/clock.h"

namespace consentry::testing {

// A clock that stands still until it is told otherwise. Safe for many threads.
class ManualClock final : public base::Clock {
 public:
  explicit ManualClock(int64_t now_us = 1'700'000'000'000'000)
      : now_us_(now_us) {}

  int64_t NowUs() const override { return now_us_.load(); }
  int64_t MonotonicUs() const override { return monotonic_us_.load(); }

  // Both clocks move.
  void AdvanceUs(int64_t by_us) {
    now_us_ += by_us;
    monotonic_us_ += by_us;
  }
  // The wall clock steps, in either direction; the monotonic one does not.
  void SetNowUs(int64_t now_us) { now_us_ = now_us; }

 private:
  std::atomic<int64_t> now_us_;
  std::atomic<int64_t> monotonic_us_{1'000'000};
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_MANUAL_CLOCK_H_
