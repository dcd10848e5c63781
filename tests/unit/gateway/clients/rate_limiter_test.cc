#include "gateway/clients/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace consentry::clients {
namespace {

constexpr int64_t kSecond = 1'000'000;

int Burst(RateLimiter* limiter, int64_t now_us) {
  int taken = 0;
  while (limiter->Take(now_us) == 0) ++taken;
  return taken;
}

TEST(RateLimiterTest, BurstIsTwiceTheRate) {
  RateLimiter limiter(10);
  EXPECT_EQ(Burst(&limiter, 5 * kSecond), 20);
}

TEST(RateLimiterTest, SustainedRateIsTheRate) {
  RateLimiter limiter(10);
  Burst(&limiter, 0);
  int taken = 0;
  for (int64_t now = 0; now < 100 * kSecond; now += 1000) {
    if (limiter.Take(now) == 0) ++taken;
  }
  EXPECT_NEAR(taken, 1000, 1);
}

TEST(RateLimiterTest, RefusalSaysWhenACallPasses) {
  RateLimiter limiter(4);
  Burst(&limiter, kSecond);
  const int64_t wait = limiter.Take(kSecond);
  EXPECT_EQ(wait, kSecond / 4);
  EXPECT_NE(limiter.Take(kSecond + wait - 1), 0);
  EXPECT_EQ(limiter.Take(kSecond + wait), 0);
}

TEST(RateLimiterTest, RefusedCallsCostNothing) {
  RateLimiter limiter(1);
  Burst(&limiter, 0);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(limiter.Take(0), 0);
  EXPECT_EQ(limiter.Take(kSecond), 0);
}

TEST(RateLimiterTest, IdleTimeGivesNoMoreThanOneBurst) {
  RateLimiter limiter(5);
  Burst(&limiter, 0);
  EXPECT_EQ(Burst(&limiter, 3600 * kSecond), 10);
}

TEST(RateLimiterTest, ANewRateHoldsAtOnce) {
  RateLimiter limiter(1);
  Burst(&limiter, 0);
  limiter.SetRate(1000);
  EXPECT_EQ(limiter.Take(kSecond / 1000), 0);
}

TEST(RateLimiterTest, ManyThreadsTogetherGetOneBurst) {
  RateLimiter limiter(1000);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { taken += Burst(&limiter, kSecond); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.load(), 2000);
}

}  // namespace
}  // namespace consentry::clients
