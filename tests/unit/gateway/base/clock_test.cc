#include "gateway/base/clock.h"

#include <gtest/gtest.h>

#include "tests/testing/manual_clock.h"

namespace consentry::base {
namespace {

TEST(ClockTest, SystemClockIsInMicrosecondsOfThisCentury) {
  const int64_t now = Clock::System()->NowUs();
  EXPECT_GT(now, 1'600'000'000'000'000);
  EXPECT_LT(now, 4'200'000'000'000'000);
}

TEST(ClockTest, MonotonicNeverStepsBack) {
  int64_t last = Clock::System()->MonotonicUs();
  for (int i = 0; i < 1000; ++i) {
    const int64_t next = Clock::System()->MonotonicUs();
    ASSERT_GE(next, last);
    last = next;
  }
}

TEST(ClockTest, ManualWallClockStepsBackAloneWhenSet) {
  testing::ManualClock clock(5'000'000);
  const int64_t monotonic = clock.MonotonicUs();
  clock.AdvanceUs(10);
  clock.SetNowUs(1'000'000);
  EXPECT_EQ(clock.NowUs(), 1'000'000);
  EXPECT_EQ(clock.MonotonicUs(), monotonic + 10);
}

}  // namespace
}  // namespace consentry::base
