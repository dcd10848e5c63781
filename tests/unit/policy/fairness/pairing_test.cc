#include "policy/fairness/pairing.h"

#include <gtest/gtest.h>

#include <set>

#include "policy/engine/civil.h"

namespace consentry::policy::fairness {
namespace {

int64_t At(const char* time) { return *ParseTime(time); }

TEST(PeriodOf, ChangesAtMidnightOnMondayAndOnTheFirst) {
  const auto same = [](Period period, const char* a, const char* b) {
    return PeriodOf(period, At(a)) == PeriodOf(period, At(b));
  };
  EXPECT_TRUE(same(Period::kDay, "2026-11-22T00:00:00Z",
                   "2026-11-22T23:59:59.999999Z"));
  EXPECT_FALSE(same(Period::kDay, "2026-11-22T23:59:59.999999Z",
                    "2026-11-23T00:00:00Z"));
  // 2026-11-23 is a Monday.
  EXPECT_FALSE(
      same(Period::kWeek, "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"));
  EXPECT_TRUE(
      same(Period::kWeek, "2026-11-23T00:00:00Z", "2026-11-29T23:59:59Z"));
  EXPECT_FALSE(
      same(Period::kMonth, "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"));
  EXPECT_FALSE(
      same(Period::kMonth, "2025-11-30T00:00:00Z", "2026-11-30T00:00:00Z"));
  EXPECT_TRUE(
      same(Period::kVersion, "1970-01-01T00:00:00Z", "2199-01-01T00:00:00Z"));
}

TEST(StratumKey, TellsPartsApart) {
  std::set<uint64_t> keys;
  keys.insert(StratumKey().Add("ab").Add("c").value());
  keys.insert(StratumKey().Add("a").Add("bc").value());
  keys.insert(StratumKey().Add("abc").value());
  keys.insert(StratumKey().Add("abc").Add("").value());
  keys.insert(StratumKey().value());
  EXPECT_EQ(keys.size(), 5u);
}

constexpr int64_t kHour = kUsPerHour;

TEST(Pairing, TheFirstOfOneMeetsTheFirstOfTheOther) {
  Pairing pairing(kHour);
  EXPECT_FALSE(pairing.Offer(Side::kReference, 0.1, 1, 0));
  EXPECT_FALSE(pairing.Offer(Side::kReference, 0.2, 1, 1));
  const auto first = pairing.Offer(Side::kGroup, 0.9, 1, 2);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->group, 0.9);
  EXPECT_EQ(first->reference, 0.1);
  const auto second = pairing.Offer(Side::kGroup, 0.8, 1, 3);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->reference, 0.2);
  EXPECT_TRUE(pairing.waiting().empty());
}

TEST(Pairing, NobodyMeetsAcrossStrataOrTime) {
  Pairing pairing(kHour);
  EXPECT_FALSE(pairing.Offer(Side::kReference, 0, 1, 0));
  EXPECT_FALSE(pairing.Offer(Side::kGroup, 1, 2, 0));
  EXPECT_EQ(pairing.waiting().size(), 2u);
  EXPECT_FALSE(pairing.Offer(Side::kGroup, 1, 1, kHour));
  EXPECT_EQ(pairing.unpaired(), 2u);
  EXPECT_EQ(pairing.waiting().size(), 1u);
}

TEST(Pairing, AFloodOfOneSideIsBoundedAndDoesNotPushOutOtherStrata) {
  Pairing pairing(kHour);
  EXPECT_FALSE(pairing.Offer(Side::kGroup, 1, 7, 0));
  for (int i = 0; i < 10000; ++i) {
    EXPECT_FALSE(pairing.Offer(Side::kReference, 0, 1, 1));
  }
  EXPECT_EQ(pairing.waiting().size(), Pairing::kMaxOfStratum + 1);
  EXPECT_TRUE(pairing.Offer(Side::kReference, 0, 7, 2));
  for (uint64_t stratum = 100; stratum < 20000; ++stratum) {
    EXPECT_FALSE(pairing.Offer(Side::kGroup, 0, stratum, 3));
  }
  EXPECT_EQ(pairing.waiting().size(), Pairing::kMaxWaiting);
  EXPECT_EQ(pairing.unpaired() + pairing.waiting().size() + 2, 10002u + 19900u);
}

}  // namespace
}  // namespace consentry::policy::fairness
