#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "policy/fairness/distributions.h"
#include "policy/fairness/intervals.h"
#include "policy/fairness/two_sample_tests.h"

// Reference values without a source here were computed with whole numbers and
// by numeric integration, apart from this code.
namespace consentry::policy::fairness {
namespace {

constexpr double kFine = 1e-6;

TEST(IntervalsTest, TheRatioOfTwoSamplesOfHitsAloneHasAWidth) {
  const Proportion group{30, 30};
  const Proportion reference{402, 402};
  EXPECT_EQ(KatzInterval(group, reference, 0.95)->lower, 1);
  EXPECT_EQ(RatioMethod(group, reference), "Donner and Zou");
  const auto told = RatioInterval(group, reference, 0.95);
  ASSERT_TRUE(told);
  EXPECT_NEAR(told->lower, WilsonInterval(group, 0.95)->lower, 1e-12);
  EXPECT_NEAR(told->upper, 1 / WilsonInterval(reference, 0.95)->lower, 1e-12);
  EXPECT_EQ(RatioMethod({29, 30}, reference), "Katz");
  EXPECT_EQ(RatioMethod({0, 30}, reference), "Walter");
}

TEST(DistributionsTest, QuantilesAndTailsAreTheTabulatedOnes) {
  EXPECT_NEAR(NormalQuantile(0.975), 1.959963984540054, 1e-12);
  EXPECT_NEAR(NormalTwoSided(1.959963984540054), 0.05, 1e-14);
  EXPECT_NEAR(NormalUpperTail(-1), 0.8413447460685429, 1e-14);
  EXPECT_NEAR(NormalTwoSided(12.78026471) / 2.1135e-37, 1, 1e-4);
  EXPECT_NEAR(ChiSquareUpperTail(3.841458820694124, 1), 0.05, 1e-12);
  EXPECT_NEAR(ChiSquareUpperTail(18.307038053275146, 10), 0.05, 1e-12);
  EXPECT_NEAR(StudentQuantile(0.975, 10), 2.2281388519649385, 1e-10);
  EXPECT_NEAR(StudentTwoSided(2.91943726693349, 27.94635114325581),
              0.006856936717834938, 1e-10);
  EXPECT_NEAR(LogChoose(52, 5), std::log(2598960.0), 1e-10);
}

TEST(DistributionsTest, OutsideTheirRangeTheyAreNoNumberAndThrowNothing) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(NormalQuantile(0)));
  EXPECT_TRUE(std::isnan(NormalQuantile(1)));
  EXPECT_TRUE(std::isnan(NormalQuantile(nan)));
  EXPECT_TRUE(std::isnan(ChiSquareUpperTail(-1, 1)));
  EXPECT_TRUE(std::isnan(ChiSquareUpperTail(1, 0)));
  EXPECT_EQ(ChiSquareUpperTail(infinite, 1), 0);
  EXPECT_TRUE(std::isnan(StudentQuantile(0.5, -1)));
  EXPECT_TRUE(std::isnan(StudentTwoSided(nan, 3)));
  EXPECT_EQ(StudentUpperTail(infinite, 3), 0);
  EXPECT_TRUE(std::isnan(LogChoose(3, 4)));
}

TEST(IntervalsTest, WilsonIsThePublishedOne) {
  const struct {
    Proportion rate;
    double lower;
    double upper;
  } cases[] = {{{0, 20}, 0, 0.16112516},
               {{3, 10}, 0.10779127, 0.60322185},
               {{30, 100}, 0.21894885, 0.39584855},
               {{300, 1000}, 0.27240684, 0.32912386},
               {{3000, 10000}, 0.29109651, 0.30905709},
               {{2, 23}, 0.024180, 0.267960},
               {{3, 8}, 0.136844, 0.694258}};
  for (const auto& one : cases) {
    const auto interval = WilsonInterval(one.rate, 0.95);
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->lower, one.lower, kFine);
    EXPECT_NEAR(interval->upper, one.upper, kFine);
  }
}

TEST(IntervalsTest, WilsonHoldsItsOwnRateAtBothEnds) {
  for (const int64_t n : {1, 2, 7, 1000, 1000000000}) {
    const auto none = WilsonInterval({0, n}, 0.95);
    EXPECT_EQ(none->lower, 0);
    EXPECT_LT(none->upper, 1);
    const auto all = WilsonInterval({n, n}, 0.95);
    EXPECT_EQ(all->upper, 1);
    EXPECT_GT(all->lower, 0);
  }
  EXPECT_FALSE(WilsonInterval({0, 0}, 0.95));
}

TEST(IntervalsTest, NewcombeIsTheOneOfTheArticle) {
  // Newcombe 1998, table II, method 10.
  const struct {
    Proportion group;
    Proportion reference;
    double lower;
    double upper;
  } cases[] = {
      {{56, 70}, {48, 80}, 0.0524, 0.3339}, {{9, 10}, {3, 10}, 0.1705, 0.8090},
      {{6, 7}, {2, 7}, 0.0582, 0.8062},     {{5, 56}, {0, 29}, -0.0381, 0.1926},
      {{0, 10}, {0, 20}, -0.1611, 0.2775},  {{10, 10}, {0, 20}, 0.6791, 1.0},
      {{10, 10}, {0, 10}, 0.6075, 1.0}};
  for (const auto& one : cases) {
    const auto interval = NewcombeInterval(one.group, one.reference, 0.95);
    ASSERT_TRUE(interval);
    EXPECT_NEAR(interval->lower, one.lower, 5.1e-5);
    EXPECT_NEAR(interval->upper, one.upper, 5.1e-5);
  }
  EXPECT_FALSE(NewcombeInterval({0, 0}, {1, 2}, 0.95));
}

TEST(IntervalsTest, KatzNeedsHitsOnBothSidesAndWalterDoesNot) {
  EXPECT_FALSE(KatzInterval({0, 50}, {10, 50}, 0.95));
  EXPECT_FALSE(KatzInterval({10, 50}, {0, 50}, 0.95));
  const auto none = WalterInterval({0, 50}, {10, 50}, 0.95);
  EXPECT_EQ(none->lower, 0);
  EXPECT_LT(none->upper, 0.8);
  const auto open = WalterInterval({10, 50}, {0, 50}, 0.95);
  EXPECT_TRUE(std::isinf(open->upper));
  EXPECT_FALSE(WalterInterval({0, 0}, {10, 50}, 0.95));
}

TEST(IntervalsTest, ExactOnesAreThoseOfClopperAndPearson) {
  // 1 - 0.025^(1/30), and 8 of 20.
  EXPECT_NEAR(ExactInterval({30, 30}, 0.95)->lower, std::pow(0.025, 1.0 / 30),
              1e-12);
  EXPECT_EQ(ExactInterval({30, 30}, 0.95)->upper, 1);
  EXPECT_NEAR(ExactInterval({8, 20}, 0.95)->lower, 0.1911901, 1e-6);
  EXPECT_NEAR(ExactInterval({8, 20}, 0.95)->upper, 0.6394574, 1e-6);
  EXPECT_EQ(ExactInterval({0, 5}, 0.95)->lower, 0);
  EXPECT_FALSE(ExactInterval({0, 0}, 0.95));
}

TEST(IntervalsTest, BoundsOfFindingsDoNotTrustSamplesWithoutMisses) {
  // Katz says exactly 1.
  const auto ratio = RatioBounds({30, 30}, {30, 30}, 0.95);
  ASSERT_TRUE(ratio);
  EXPECT_LT(ratio->lower, 0.9);
  EXPECT_GT(ratio->upper, 1.1);
  const auto difference = DifferenceBounds({30, 30}, {850, 1000}, 0.95);
  ASSERT_TRUE(difference);
  EXPECT_LT(difference->lower, 0.1);
  EXPECT_EQ(RatioBounds({0, 30}, {30, 30}, 0.95)->lower, 0);
  EXPECT_TRUE(std::isinf(RatioBounds({30, 30}, {0, 30}, 0.95)->upper));
  // Of many they are those that are told.
  const auto told = KatzInterval({5000, 9000}, {6000, 10000}, 0.95);
  const auto bounds = RatioBounds({5000, 9000}, {6000, 10000}, 0.95);
  EXPECT_NEAR(bounds->lower, told->lower, 2e-4);
  EXPECT_NEAR(bounds->upper, told->upper, 2e-4);
  EXPECT_FALSE(RatioBounds({0, 0}, {1, 2}, 0.95));
  EXPECT_FALSE(DifferenceBounds({1, 2}, {0, 0}, 0.95));
}

TEST(IntervalsTest, GreaterCoverageIsWider) {
  double width = 0;
  for (const double level : {0.5, 0.8, 0.9, 0.95, 0.99, 0.999}) {
    const auto interval = KatzInterval({30, 90}, {44, 100}, level);
    EXPECT_GT(interval->upper - interval->lower, width);
    width = interval->upper - interval->lower;
  }
}

TEST(FisherTest, IsTheExactSum) {
  EXPECT_NEAR(*FisherExactP({1, 12}, {9, 14}), 0.005303540180374209, 1e-12);
  EXPECT_NEAR(*FisherExactP({0, 5}, {5, 5}), 0.007936507936507936, 1e-12);
  EXPECT_NEAR(*FisherExactP({8, 10}, {1, 15}), 0.0003352953413526842, 1e-12);
  EXPECT_NEAR(*FisherExactP({2, 23}, {349, 1488}), 0.13326958569833103, 1e-10);
  EXPECT_NEAR(*FisherExactP({3, 8}, {349, 1488}), 0.4012009347463775, 1e-10);
  EXPECT_EQ(*FisherExactP({3, 3}, {9, 9}), 1);
  EXPECT_FALSE(FisherExactP({0, 0}, {1, 2}));
}

TEST(FisherTest, ItsChancesSumToOneOverAllTables) {
  // Adding up the tables that are as likely as each gives p >= each alone.
  const int64_t n = 9;
  const int64_t m = 14;
  const int64_t hits = 8;
  double least = 1;
  for (int64_t x = 0; x <= std::min(n, hits); ++x) {
    const double p = *FisherExactP({x, n}, {hits - x, m});
    EXPECT_GT(p, 0);
    EXPECT_LE(p, 1);
    least = std::min(least, p);
  }
  EXPECT_LT(least, 1e-3);
}

TEST(RateTestTest, SparseTablesAreTestedExactly) {
  EXPECT_TRUE(TestRates({3, 8}, {349, 1488})->exact);
  EXPECT_FALSE(TestRates({805, 1795}, {349, 1488})->exact);
  EXPECT_FALSE(TestRates({0, 0}, {5, 10}));
}

TEST(RateTestTest, AllOrNoneHitIsNoDifference) {
  EXPECT_FALSE(PooledZTest({0, 100}, {0, 100}));
  // Exactly: no other table has these margins.
  EXPECT_EQ(TestRates({0, 100}, {0, 100})->p_value, 1);
}

// Admissions to Berkeley in 1973, six departments, men and women.
TEST(StrataTest, BerkeleyIsAsRComputesIt) {
  const std::array<StratumRates, 6> departments = {
      StratumRates{{512, 825}, {89, 108}},
      StratumRates{{353, 560}, {17, 25}},
      StratumRates{{120, 325}, {202, 593}},
      StratumRates{{138, 417}, {131, 375}},
      StratumRates{{53, 191}, {94, 393}},
      StratumRates{{22, 373}, {24, 341}}};
  const auto result = CompareWithinStrata(departments, 0.95);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->chi_square, 1.5246066604434356, 1e-9);
  EXPECT_NEAR(result->p_value, 0.21692369705551828, 1e-9);
  EXPECT_NEAR(*result->odds_ratio, 0.9046968, 1e-7);
  EXPECT_NEAR(result->odds_ratio_interval->lower, 0.7719074, 1e-6);
  EXPECT_NEAR(result->odds_ratio_interval->upper, 1.0603298, 1e-6);
  EXPECT_NEAR(result->rate_difference, -0.018425196190852512, 1e-12);
  EXPECT_NEAR(result->rate_difference_interval.lower, -0.047078827969682366,
              1e-12);
  EXPECT_EQ(result->compared_cases, 4526);
  // Over all departments together men seem favoured by 14 points.
  Proportion men;
  Proportion women;
  for (const StratumRates& one : departments) {
    men = {men.hits + one.group.hits, men.cases + one.group.cases};
    women = {women.hits + one.reference.hits,
             women.cases + one.reference.cases};
  }
  EXPECT_GT(*men.rate() - *women.rate(), 0.14);
}

TEST(StrataTest, StrataOfOneGroupAloneSayNothing) {
  const std::array<StratumRates, 2> strata = {StratumRates{{5, 10}, {0, 0}},
                                              StratumRates{{0, 0}, {3, 10}}};
  EXPECT_FALSE(CompareWithinStrata(strata, 0.95));
  EXPECT_FALSE(CompareWithinStrata({}, 0.95));
}

TEST(BenjaminiHochbergTest, CorrectsAsTheArticleSays) {
  const std::vector<double> raw = {0.205, 0.001, 0.039, 0.041, 0.216,
                                   0.042, 0.06,  0.074, 0.008, 0.212};
  const std::vector<double> expected = {0.216, 0.01, 0.084,      0.084, 0.216,
                                        0.084, 0.1,  74.0 / 700, 0.04,  0.216};
  const std::vector<double> corrected = BenjaminiHochberg(raw);
  for (size_t i = 0; i < raw.size(); ++i) {
    EXPECT_NEAR(corrected[i], expected[i], 1e-12) << i;
  }
  EXPECT_TRUE(BenjaminiHochberg({}).empty());
  EXPECT_EQ(BenjaminiHochberg(std::vector<double>{0.03}),
            std::vector<double>{0.03});
}

TEST(MeansTest, WelchIsTheOneWithUnequalVariances) {
  const std::vector<double> a = {27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1,
                                 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4};
  const std::vector<double> b = {27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0,
                                 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 25.8};
  const auto result = CompareMeans(MomentsOf(a), MomentsOf(b), 0.95);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->difference, -2.926666666666673, 1e-10);
  EXPECT_NEAR(result->degrees, 27.94635114325581, 1e-8);
  EXPECT_NEAR(result->p_value, 0.006856936717834938, 1e-10);
  EXPECT_LT(result->interval.upper, 0);
}

TEST(MeansTest, OneValueHasNoVariance) {
  EXPECT_FALSE(CompareMeans(MomentsOf(std::vector<double>{1}),
                            MomentsOf(std::vector<double>{1, 2}), 0.95));
  const auto same = CompareMeans(MomentsOf(std::vector<double>{1, 1}),
                                 MomentsOf(std::vector<double>{1, 1}), 0.95);
  EXPECT_EQ(same->p_value, 1);
}

}  // namespace
}  // namespace consentry::policy::fairness
