#include "policy/fairness/confidence_sequence.h"

#include <gtest/gtest.h>

#include <cmath>

namespace consentry::policy::fairness {
namespace {

constexpr double kAlpha = 0.05;

TEST(RateSequence, GivesThePublishedEnds) {
  const struct {
    Proportion rate;
    double lower;
    double upper;
  } rows[] = {
      {{0, 20}, 0, 0.26067135},
      {{3, 10}, 0.03664029, 0.73325947},
      {{30, 100}, 0.16944648, 0.45724599},
      {{300, 1000}, 0.25033795, 0.35301520},
      {{3000, 10000}, 0.28250131, 0.31789650},
  };
  for (const auto& row : rows) {
    const Interval got = RateSequence(row.rate, kAlpha);
    EXPECT_NEAR(got.lower, row.lower, 5e-9) << row.rate.cases;
    EXPECT_NEAR(got.upper, row.upper, 5e-9) << row.rate.cases;
  }
}

TEST(RateSequence, SaysNothingWithoutCases) {
  const Interval got = RateSequence({0, 0}, kAlpha);
  EXPECT_EQ(got.lower, 0);
  EXPECT_EQ(got.upper, 1);
}

TEST(RateSequence, MirrorsWhenHitsAndMissesAreExchanged) {
  for (const int64_t hits : {0, 1, 7, 20}) {
    const Interval one = RateSequence({hits, 20}, kAlpha);
    const Interval other = RateSequence({20 - hits, 20}, kAlpha);
    EXPECT_NEAR(one.lower, 1 - other.upper, 1e-12) << hits;
    EXPECT_NEAR(one.upper, 1 - other.lower, 1e-12) << hits;
  }
}

TEST(RateSequence, HoldsTheRateAndStaysFiniteForBillions) {
  for (const int64_t cases : {int64_t{1000000000}, int64_t{1} << 53}) {
    for (const int64_t hits : {int64_t{0}, int64_t{1}, cases / 3, cases}) {
      const Interval got = RateSequence({hits, cases}, 1e-9);
      const double rate =
          static_cast<double>(hits) / static_cast<double>(cases);
      EXPECT_LE(got.lower, rate);
      EXPECT_GE(got.upper, rate);
      EXPECT_GE(got.lower, 0);
      EXPECT_LE(got.upper, 1);
      EXPECT_LT(got.upper - got.lower, 1e-3);
    }
  }
}

TEST(RatioSequence, IsUnboundedWhileTheReferenceMayBeZero) {
  const Interval got = RatioSequence({5, 10}, {0, 10}, kAlpha);
  EXPECT_TRUE(std::isinf(got.upper));
  EXPECT_GT(got.lower, 0);
}

TEST(DifferenceSequence, IsMadeOfTwoHalves) {
  const Interval g = RateSequence({30, 100}, kAlpha / 2);
  const Interval r = RateSequence({50, 100}, kAlpha / 2);
  const Interval got = DifferenceSequence({30, 100}, {50, 100}, kAlpha);
  EXPECT_DOUBLE_EQ(got.lower, g.lower - r.upper);
  EXPECT_DOUBLE_EQ(got.upper, g.upper - r.lower);
}

}  // namespace
}  // namespace consentry::policy::fairness
