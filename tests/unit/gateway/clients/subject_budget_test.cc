#include "gateway/clients/subject_budget.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace consentry::clients {
namespace {

constexpr int64_t kMinute = 60'000'000;
constexpr int64_t kHour = 60 * kMinute;

TEST(SubjectBudgetTest, ExactlyTheBudgetPasses) {
  SubjectBudget budget(1000);
  for (uint64_t s = 1; s <= 1000; ++s) ASSERT_TRUE(budget.Charge(s, 0));
  EXPECT_FALSE(budget.Charge(1001, 0));
  EXPECT_EQ(budget.used(0), 1000u);
}

TEST(SubjectBudgetTest, TheSameCustomerCountsOnce) {
  SubjectBudget budget(1);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget.Charge(7, i * 1000));
  EXPECT_FALSE(budget.Charge(8, 100));
  EXPECT_TRUE(budget.Charge(7, 100));
}

TEST(SubjectBudgetTest, ACustomerStopsCountingWithinAMinuteAfterAnHour) {
  SubjectBudget budget(1);
  ASSERT_TRUE(budget.Charge(1, 30 * kMinute + 1));
  EXPECT_FALSE(budget.Charge(2, 30 * kMinute + kHour));
  EXPECT_TRUE(budget.Charge(2, 30 * kMinute + kHour + kMinute));
}

TEST(SubjectBudgetTest, AskingAgainKeepsACustomerCounted) {
  SubjectBudget budget(1);
  ASSERT_TRUE(budget.Charge(1, 0));
  ASSERT_TRUE(budget.Charge(1, 50 * kMinute));
  EXPECT_FALSE(budget.Charge(2, 100 * kMinute));
  EXPECT_TRUE(budget.Charge(2, 111 * kMinute));
}

TEST(SubjectBudgetTest, ABatchPassesWholeOrNotAtAll) {
  SubjectBudget budget(3);
  EXPECT_TRUE(budget.ChargeAll(std::vector<uint64_t>{1, 2, 2, 1}, 0));
  EXPECT_FALSE(budget.ChargeAll(std::vector<uint64_t>{3, 4}, 0));
  EXPECT_EQ(budget.used(0), 2u);
  EXPECT_TRUE(budget.ChargeAll(std::vector<uint64_t>{1, 3, 3}, 0));
  EXPECT_EQ(budget.used(0), 3u);
}

TEST(SubjectBudgetTest, ALowerLimitHoldsAtOnceForNewCustomersOnly) {
  SubjectBudget budget(10);
  for (uint64_t s = 0; s < 10; ++s) ASSERT_TRUE(budget.Charge(s, 0));
  budget.SetLimit(5);
  EXPECT_TRUE(budget.Charge(3, 0));
  EXPECT_FALSE(budget.Charge(10, 0));
}

TEST(SubjectBudgetTest, ALimitOfZeroLetsNobodyThrough) {
  SubjectBudget budget(0);
  EXPECT_FALSE(budget.Charge(1, 0));
  EXPECT_FALSE(budget.Charge(0, 0));
}

// Against the plain definition, minute by minute, with customers that come
// back, gaps longer than an hour, and a table that shrinks and grows.
TEST(SubjectBudgetTest, AgreesWithThePlainDefinition) {
  constexpr uint32_t kLimit = 200;
  SubjectBudget budget(kLimit);
  std::map<uint64_t, int64_t> last_minute;
  std::mt19937_64 random(20261122);
  int64_t now = 0;
  int refused = 0;
  for (int step = 0; step < 200'000; ++step) {
    now += static_cast<int64_t>(random() % (kMinute / 40));
    if (random() % 20'000 == 0) now += 2 * kHour;
    const uint64_t subject = random() % 400;
    const int64_t minute = now / kMinute;
    std::erase_if(last_minute,
                  [&](const auto& e) { return e.second + 61 <= minute; });
    const bool expected =
        last_minute.contains(subject) || last_minute.size() < kLimit;
    ASSERT_EQ(budget.Charge(subject, now), expected) << step;
    if (expected) last_minute[subject] = minute;
    if (!expected) ++refused;
    if (step % 1000 == 0) {
      ASSERT_EQ(budget.used(now), last_minute.size());
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace consentry::clients
