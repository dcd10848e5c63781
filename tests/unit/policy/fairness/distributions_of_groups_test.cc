#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include "policy/fairness/benefit_indices.h"
#include "policy/fairness/calibration.h"
#include "policy/fairness/differential.h"
#include "policy/fairness/distances.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/price_parity.h"
#include "policy/fairness/proxies.h"
#include "policy/fairness/ranking.h"

namespace consentry::policy::fairness {
namespace {

using Numbers = std::vector<double>;
constexpr double kExact = 1e-12;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(DistancesTest, OfSamplesAreThoseOfTheirFunctions) {
  const Numbers a = {3, 1, 2};
  const Numbers b = {4, 2, 2, 8};
  // F_a - F_b: 1/3 on [1,2), 2/3 - 1/2 on [2,3), 1/2 on [3,4), 1/4 on [4,8).
  EXPECT_NEAR(*KolmogorovSmirnov(a, b), 0.5, kExact);
  EXPECT_NEAR(*Wasserstein1(a, b), 1.0 / 3 + 1.0 / 6 + 0.5 + 1, kExact);
  EXPECT_NEAR(*Wasserstein1(b, a), *Wasserstein1(a, b), kExact);
  EXPECT_EQ(*Wasserstein1(a, a), 0);
  EXPECT_FALSE(KolmogorovSmirnov(a, {}));
  EXPECT_FALSE(Wasserstein1({}, b));
}

TEST(DistancesTest, QuantilesLieBetweenNeighbours) {
  const Numbers sorted = {10, 20, 40};
  EXPECT_EQ(*Quantile(sorted, 0), 10);
  EXPECT_EQ(*Quantile(sorted, 0.5), 20);
  EXPECT_NEAR(*Quantile(sorted, 0.75), 30, kExact);
  EXPECT_EQ(*Quantile(sorted, 1), 40);
  EXPECT_FALSE(Quantile({}, 0.5));
}

// The counts of LiFT's own tests.
TEST(DistancesTest, LiftDivergencesMatchInBits) {
  const Numbers a = {24, 4, 0, 0};
  const Numbers b = {0, 0, 20, 10};
  EXPECT_NEAR(*KullbackLeibler(a, b, 1) / std::log(2.0), 4.495790062668012,
              kExact);
  EXPECT_FALSE(KullbackLeibler(a, b));
  EXPECT_NEAR(*JensenShannon(a, b) / std::log(2.0), 1, kExact);
  EXPECT_NEAR(*TotalVariation(a, b), 1, kExact);
  EXPECT_NEAR(*GreatestShareDifference(a, b), 24.0 / 28, kExact);
  EXPECT_NEAR(*Skew(a, b, 2, 1), std::log(1 / 21.0 * 34 / 32), kExact);
  EXPECT_NEAR(*Skew(a, b, 0, 1), std::log(25.0 * 34 / 32), kExact);

  const Numbers c = {24, 12, 4, 0};
  const Numbers d = {0, 10, 5, 20};
  EXPECT_NEAR(*KullbackLeibler(c, d, 1) / std::log(2.0), 2.6936146389606,
              kExact);
  const double js =
      0.5 / std::log(2.0) *
      (0.6 * std::log(2.0) + 0.3 * std::log(0.3 / (820.0 / 2800)) +
       0.1 * std::log(0.1 / (340.0 / 2800)) + 20.0 / 35 * std::log(2.0) +
       5.0 / 35 * std::log(5.0 / 35 / (340.0 / 2800)) +
       10.0 / 35 * std::log(10.0 / 35 / (820.0 / 2800)));
  EXPECT_NEAR(*JensenShannon(c, d) / std::log(2.0), js, kExact);
}

TEST(DistancesTest, WhatIsNoDistributionHasNoDistance) {
  const Numbers fair = {1, 1};
  for (const Numbers& other :
       {Numbers{}, Numbers{1}, Numbers{0, 0}, Numbers{-1, 2}, Numbers{kNaN, 1},
        Numbers{kInfinite, 1}}) {
    EXPECT_FALSE(TotalVariation(fair, other));
    EXPECT_FALSE(KullbackLeibler(other, fair, 1));
    EXPECT_FALSE(JensenShannon(fair, other));
    EXPECT_FALSE(Skew(fair, other, 0, 1));
  }
}

TEST(DistancesTest, AifDivergenceOfOutcomesMatches) {
  EXPECT_NEAR(*KullbackLeibler(Numbers{.2, .3, .5}, Numbers{.3, .3, .4}),
              0.030478754035472, kExact);
}

std::vector<uint32_t> Ranking(std::string_view letters) {
  std::vector<uint32_t> groups;
  for (const char c : letters) groups.push_back(static_cast<uint32_t>(c - 'a'));
  return groups;
}

TEST(RankingTest, DivergenceIsThePublishedOne) {
  const Numbers desired = {0.5, 0.5};
  const struct {
    std::string_view order;
    double expected;
  } cases[] = {{"ababab", 0.22067377},
               {"aabab", 0.41476513},
               {"aaabbb", 0.46636331},
               {"bbbaaa", 0.46636331},
               {"aaaaaabbbb", 0.53902654}};
  for (const auto& one : cases) {
    EXPECT_NEAR(*DiscountedDivergence(Ranking(one.order), desired),
                one.expected, 1e-8)
        << one.order;
  }
}

TEST(RankingTest, ManyAtOnePlaceDivergeAsSoManyLists) {
  const Numbers desired = {0.5, 0.5};
  using Counts = std::vector<std::vector<int64_t>>;
  // "aaabbb", once and ten times over.
  for (const int64_t times : {1, 10}) {
    Counts counts;
    for (int i = 0; i < 6; ++i) {
      counts.push_back({i < 3 ? times : 0, i < 3 ? 0 : times});
    }
    EXPECT_NEAR(*DiscountedDivergenceOfCounts(counts, desired), 0.46636331,
                1e-8);
  }
  // Both at every place.
  EXPECT_NEAR(*DiscountedDivergenceOfCounts(Counts{{3, 3}, {8, 8}}, desired), 0,
              kExact);
  // Nobody at the first place: it says nothing.
  EXPECT_NEAR(*DiscountedDivergenceOfCounts(Counts{{0, 0}, {5, 0}}, desired),
              std::log(2.0), kExact);
  EXPECT_FALSE(DiscountedDivergenceOfCounts(Counts{{0, 0}}, desired));
  EXPECT_FALSE(DiscountedDivergenceOfCounts(Counts{}, desired));
  EXPECT_FALSE(DiscountedDivergenceOfCounts(Counts{{1, 1, 1}}, desired));
  EXPECT_FALSE(DiscountedDivergenceOfCounts(Counts{{1, 1}}, Numbers{0, 1}));
}

TEST(RankingTest, SkewAndExposureAreThePublishedOnes) {
  const Numbers desired = {0.5, 0.5};
  EXPECT_NEAR(*SkewAt(Ranking("aabab"), 0, desired, 3), 0.28768207, 1e-8);
  EXPECT_NEAR(*SkewAt(Ranking("aabab"), 1, desired, 3), -0.40546511, 1e-8);
  const auto exposure = ExposureByGroup(Ranking("aaabbb"), 2);
  EXPECT_NEAR(*(*exposure)[0].mean(), 0.71030992, 1e-8);
  EXPECT_NEAR(*(*exposure)[1].mean(), 0.39124552, 1e-8);
  EXPECT_NEAR(*(*exposure)[1].mean() / *(*exposure)[0].mean(), 0.55080959,
              1e-8);
}

TEST(RankingTest, AGroupWithoutPlacesHasNoSkewInsteadOfAnInfiniteOne) {
  const Numbers desired = {0.5, 0.5};
  EXPECT_FALSE(SkewAt(Ranking("aaa"), 1, desired, 3));
  EXPECT_FALSE(SkewAt(Ranking("aaa"), 0, desired, 0));
  EXPECT_FALSE(SkewAt(Ranking("aaa"), 0, desired, 4));
  EXPECT_FALSE(SkewAt({}, 0, desired, 1));
  EXPECT_FALSE(DiscountedDivergence(Ranking("abc"), desired));
  EXPECT_FALSE(DiscountedDivergence(Ranking("ab"), Numbers{0.5, 0.6}));
  EXPECT_FALSE(DiscountedDivergence(Ranking("ab"), Numbers{kNaN, 1}));
  EXPECT_FALSE((*ExposureByGroup(Ranking("aa"), 2))[1].mean());
}

// Ten scored persons, r over b; AIF360 counts 2 to 6 of its nine beginnings.
TEST(RankingTest, InfeasibleBeginningsAreFoundUpToTheLast) {
  const Numbers half = {0.5, 0.5};
  // By score: 85 r, 70 r, 65 r, 60 b, 55 r, 50 b, 40 b, 30 b, 20 b, 10 r.
  const auto places = InfeasiblePlaces(Ranking("aaababbbba"), half);
  EXPECT_EQ(*places, (std::vector<size_t>{2, 3, 4, 5, 6}));
  // AIF360's other list, which it does not sort, and counts places of from 0:
  // its index is 1, at 3.
  EXPECT_EQ(*InfeasiblePlaces(Ranking("abbbaaabab"), half),
            (std::vector<size_t>{4}));
  // The whole ranking lacks b: a loop that ends before the last place is blind
  // to it.
  EXPECT_EQ(*InfeasiblePlaces(Ranking("ab"), Numbers{0, 1}),
            (std::vector<size_t>{1, 2}));
}

TEST(RankingTest, DiscountedGainIsTheOneOfAif) {
  const Numbers scores = {55, 65, 85, 70, 60, 50, 40, 30, 20, 10};
  Numbers scaled;
  for (const double score : scores) scaled.push_back((score - 10) / 75);
  EXPECT_NEAR(*DiscountedGain(scaled), 2.6126967369231484, 1e-9);
  EXPECT_NEAR(*NormalizedDiscountedGain(scaled), 0.9205433036318259, 1e-9);
  EXPECT_FALSE(NormalizedDiscountedGain(Numbers{0, 0}));
  EXPECT_FALSE(DiscountedGain({}));
}

TEST(BenefitTest, EntropiesAreThoseOfAif) {
  // Labels 1001001011, four of them predicted otherwise.
  const Confusion table = {3, 2, 3, 2};
  const auto benefits = BenefitsOf(table);
  EXPECT_NEAR(*GeneralizedEntropy(benefits.counts, 2), 0.2, kExact);
  EXPECT_NEAR(*Theil(benefits.counts), 4 * std::log(2.0) / 10, kExact);
  // Predicted 0110000111 instead.
  const auto others = BenefitsOf({2, 3, 2, 3});
  EXPECT_NEAR(*GeneralizedEntropy(others.counts, 2), 0.3, kExact);
  // Three groups, with mean benefits 1, 1.25 and 0.75.
  const std::array<Confusion, 3> groups = {
      Confusion{1, 0, 1, 0}, Confusion{0, 2, 1, 1}, Confusion{2, 0, 1, 1}};
  EXPECT_NEAR(*BetweenGroupEntropy(groups, 2), 0.025, kExact);
}

TEST(BenefitTest, TwentyRowsOfAifHaveTheExactIndices) {
  const auto benefits = BenefitsOf({1, 6, 10, 3});
  EXPECT_NEAR(*GeneralizedEntropy(benefits.counts, 2), 0.16162571, 1e-8);
  EXPECT_NEAR(*Theil(benefits.counts), 0.22188006, 1e-8);
  EXPECT_NEAR(*CoefficientOfVariation(benefits.counts), 0.56855204, 1e-8);
}

// AIF360 divides by the mean once more here, and says -infinity for a benefit
// of zero.
TEST(BenefitTest, AlphaZeroIsTheMeanLogDeviation) {
  const std::array<BenefitCount, 2> some = {BenefitCount{1, 3},
                                            BenefitCount{2, 1}};
  EXPECT_NEAR(*GeneralizedEntropy(some, 0),
              -(3 * std::log(0.8) + std::log(1.6)) / 4, kExact);
  const std::array<BenefitCount, 2> none = {BenefitCount{0, 1},
                                            BenefitCount{2, 1}};
  EXPECT_FALSE(GeneralizedEntropy(none, 0));
  EXPECT_FALSE(GeneralizedEntropy(none, -1));
  EXPECT_TRUE(GeneralizedEntropy(none, 1));
  EXPECT_TRUE(GeneralizedEntropy(none, 0.5));
}

TEST(BenefitTest, IndicesDependOnSharesAlone) {
  const std::array<BenefitCount, 3> one = {
      BenefitCount{1, 5}, BenefitCount{2, 3}, BenefitCount{7, 1}};
  const std::array<BenefitCount, 3> tenfold = {
      BenefitCount{10, 50}, BenefitCount{20, 30}, BenefitCount{70, 10}};
  for (const double alpha : {-1.0, 0.0, 0.5, 1.0, 2.0, 3.0}) {
    EXPECT_NEAR(*GeneralizedEntropy(one, alpha),
                *GeneralizedEntropy(tenfold, alpha), kExact);
    EXPECT_GT(*GeneralizedEntropy(one, alpha), 0);
  }
  for (const double aversion : {0.0, 0.5, 1.0, 2.0}) {
    EXPECT_NEAR(*Atkinson(one, aversion), *Atkinson(tenfold, aversion), kExact);
  }
  EXPECT_NEAR(*Atkinson(one, 0), 0, kExact);
}

TEST(BenefitTest, NobodyOrNothingHasNoIndex) {
  EXPECT_FALSE(Theil({}));
  const std::array<BenefitCount, 1> nothing = {BenefitCount{0, 9}};
  EXPECT_FALSE(Theil(nothing));
  const std::array<BenefitCount, 2> broken = {BenefitCount{kNaN, 1},
                                              BenefitCount{1, 1}};
  EXPECT_FALSE(Theil(broken));
  const std::array<BenefitCount, 2> negative = {BenefitCount{-1, 1},
                                                BenefitCount{5, 1}};
  EXPECT_FALSE(Theil(negative));
}

TEST(DifferentialTest, IsTheGreatestLogRatioOfHitsOrMisses) {
  const std::array<Proportion, 3> groups = {
      Proportion{10, 20}, Proportion{5, 20}, Proportion{0, 0}};
  const auto result = MeasureDifferentialFairness(groups, 1);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->epsilon, std::log((10.5 / 21) / (5.5 / 21)), kExact);
  EXPECT_EQ(result->highest, 0u);
  EXPECT_EQ(result->lowest, 1u);
  const std::array<Proportion, 2> mostly = {Proportion{90, 100},
                                            Proportion{99, 100}};
  const auto missed = MeasureDifferentialFairness(mostly, 1);
  EXPECT_TRUE(missed->of_misses);
  EXPECT_NEAR(missed->epsilon, std::log(10.5 / 1.5), kExact);
  EXPECT_FALSE(MeasureDifferentialFairness(std::span(groups).first(1), 1));
  const std::array<Proportion, 2> never = {Proportion{0, 5}, Proportion{1, 5}};
  EXPECT_FALSE(MeasureDifferentialFairness(never, 0));
}

TEST(CalibrationTest, BinsHoldTheirLowerEndAndTheLastBoth) {
  const Numbers scores = {0, 0.4, 0.5, 0.9, 1, kNaN, 2};
  const bool labels[] = {false, true, true, false, true, true, true};
  const Numbers edges = {0, 0.5, 1};
  const auto bins = CalibrationBins(scores, labels, edges);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].outcome, (Proportion{1, 2}));
  EXPECT_EQ(bins[1].outcome, (Proportion{2, 3}));
  EXPECT_NEAR(bins[1].mean_score, 0.8, kExact);
  EXPECT_NEAR(*ExpectedCalibrationError(bins),
              (2 * 0.3 + 3 * std::fabs(2.0 / 3 - 0.8)) / 5, kExact);
  EXPECT_FALSE(ExpectedCalibrationError({}));
}

TEST(CalibrationTest, EqualValuesAreNeverParted) {
  Numbers sorted(90, 1.0);
  sorted.resize(100, 2.0);
  const auto edges = QuantileEdges(sorted, 10);
  EXPECT_EQ(edges, (Numbers{1, 2, 2}));
  std::vector<char> unused;
  const bool labels[] = {true, false};
  const auto bins = CalibrationBins(Numbers{1, 2}, labels, edges);
  EXPECT_EQ(bins[0].outcome, (Proportion{1, 1}));
  EXPECT_EQ(bins[1].outcome, (Proportion{0, 1}));
  EXPECT_EQ(QuantileEdges(Numbers{5, 5}, 4), (Numbers{5, 5}));
  EXPECT_TRUE(QuantileEdges({}, 4).empty());
}

TEST(CalibrationTest, BinsThatOneGroupLacksAreNotCompared) {
  const std::array<CalibrationBin, 2> group = {CalibrationBin{0, 1, {6, 10}, 0},
                                               CalibrationBin{1, 2, {9, 9}, 0}};
  const std::array<CalibrationBin, 2> reference = {
      CalibrationBin{0, 1, {5, 10}, 0}, CalibrationBin{1, 2, {0, 1}, 0}};
  const auto gap = CompareCalibration(group, reference, 5);
  EXPECT_EQ(gap->compared_bins, 1u);
  EXPECT_NEAR(gap->mean, 0.1, kExact);
  EXPECT_FALSE(CompareCalibration(group, reference, 11));
}

TEST(ProxyTest, AnInputThatIsTheGroupTellsIt) {
  std::vector<uint32_t> group;
  for (uint32_t i = 0; i < 1000; ++i) group.push_back(i * 7 % 10 < 3 ? 1 : 0);
  const auto same = MeasureAssociation(group, group);
  EXPECT_GT(same->uncertainty_removed, 0.99);
  EXPECT_EQ(same->guessed_with, 1);
  EXPECT_NEAR(same->guessed_without, 0.7, 0.02);
  EXPECT_LT(same->p_value, 1e-100);
  // Known already, it adds nothing.
  EXPECT_EQ(*InformationAdded(group, group, group), 0);
}

TEST(ProxyTest, ManyValuesWithoutAssociationTellNothing) {
  // Fixed noise.
  uint64_t state = 7;
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  };
  std::vector<uint32_t> input;
  std::vector<uint32_t> group;
  for (int i = 0; i < 4000; ++i) {
    input.push_back(next() % 200);
    group.push_back(next() % 2);
  }
  const auto result = MeasureAssociation(input, group);
  // By itself it looks like something; less chance it is nothing.
  EXPECT_GT(result->mutual_information_bits, 0.02);
  EXPECT_LT(result->uncertainty_removed, 0.01);
  EXPECT_GT(result->p_value, 0.001);
  EXPECT_LT(result->guessed_with, 0.54);
  EXPECT_LT(*InformationAdded(input, std::vector<uint32_t>(4000, 0), group),
            0.01);
}

TEST(ProxyTest, AnInputCanTellOnlyTogetherWithAnother) {
  std::vector<uint32_t> a;
  std::vector<uint32_t> b;
  std::vector<uint32_t> group;
  for (uint32_t i = 0; i < 4000; ++i) {
    a.push_back(i % 2);
    b.push_back(i / 2 % 2);
    group.push_back(a.back() ^ b.back());
  }
  EXPECT_LT(MeasureAssociation(a, group)->uncertainty_removed, 1e-6);
  EXPECT_NEAR(*InformationAdded(a, b, group), 1, 1e-3);
}

TEST(ProxyTest, OneGroupHasNothingToTell) {
  const std::vector<uint32_t> one(10, 3);
  std::vector<uint32_t> input(10);
  std::iota(input.begin(), input.end(), 0u);
  EXPECT_FALSE(MeasureAssociation(input, one));
  EXPECT_FALSE(InformationAdded(input, input, one));
  EXPECT_FALSE(MeasureAssociation({}, {}));
  EXPECT_EQ(CodesOfNumbers(Numbers{1, kNaN, 2, kInfinite}, 2)[1],
            CodesOfNumbers(Numbers{1, kNaN, 2, kInfinite}, 2)[3]);
}

TEST(PriceTest, WithinStrataARatioOfSumsDisappears) {
  // The group lives where it is dearer, and pays what others pay there.
  const Numbers dear_group = {100, 101, 99, 100, 102, 98};
  const Numbers dear_reference = {99, 101, 100};
  const Numbers cheap_group = {50, 51};
  const Numbers cheap_reference = {50, 51, 49, 50, 52, 48, 50, 51};
  const std::array<StratumPrices, 2> strata = {
      StratumPrices{dear_group, dear_reference},
      StratumPrices{cheap_group, cheap_reference}};
  const auto result = ComparePrices(strata, 0.95, 1.05);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->ratio, 1, 0.01);
  EXPECT_LT(result->equivalence_p_value, 0.05);
  EXPECT_EQ(result->compared_cases, 19);
  Numbers group = dear_group;
  group.insert(group.end(), cheap_group.begin(), cheap_group.end());
  Numbers reference = dear_reference;
  reference.insert(reference.end(), cheap_reference.begin(),
                   cheap_reference.end());
  EXPECT_GT(*MeanRatio(group, reference), 1.3);
}

TEST(PriceTest, TooFewPricesAreNotEquivalent) {
  const Numbers a = {100, 80};
  const Numbers b = {90, 100};
  const std::array<StratumPrices, 1> strata = {StratumPrices{a, b}};
  const auto result = ComparePrices(strata, 0.95, 1.05);
  EXPECT_GT(result->p_value, 0.3);
  EXPECT_GT(result->equivalence_p_value, 0.3);
}

TEST(PriceTest, FixedPricesAreAsSureAsManyPaidThem) {
  const auto compare = [](size_t persons) {
    const Numbers a(persons, 10.3);
    const Numbers b(persons, 10.0);
    const std::array<StratumPrices, 1> strata = {StratumPrices{a, b}};
    return *ComparePrices(strata, 0.95, 1.05);
  };
  const PriceComparison few = compare(20);
  EXPECT_NEAR(few.ratio, 1.03, kExact);
  EXPECT_NEAR(few.interval.lower, 1.03, kExact);
  EXPECT_EQ(few.p_value, 1);
  EXPECT_GT(few.equivalence_p_value, 0.9);
  EXPECT_LT(PriceBoundsAt(few, 0.95).lower, 1 / 1.05);
  // Of a share of ln(1.03) / (2 ln 2) who pay otherwise two hundred meet none
  // so often; either side.
  EXPECT_NEAR(compare(200).p_value,
              2 * std::pow(1 - std::log(1.03) / (2 * std::log(2)), 200), 1e-9);
  const PriceComparison many = compare(2000);
  EXPECT_LT(many.p_value, 1e-10);
  EXPECT_LT(many.equivalence_p_value, 1e-9);
  EXPECT_LT(PriceBoundsAt(many, 0.95).upper, 1.05);
}

TEST(PriceTest, AStratumWithOnePriceOfAGroupSaysNothing) {
  const Numbers one = {10};
  const Numbers many = {10, 11, 12};
  const std::array<StratumPrices, 1> strata = {StratumPrices{one, many}};
  EXPECT_FALSE(ComparePrices(strata, 0.95, 1.05));
  const Numbers broken = {10, 0, -1};
  const std::array<StratumPrices, 1> bad = {StratumPrices{broken, many}};
  EXPECT_FALSE(ComparePrices(bad, 0.95, 1.05));
  const Numbers infinite = {10, kInfinite};
  const std::array<StratumPrices, 1> worse = {StratumPrices{infinite, many}};
  EXPECT_FALSE(ComparePrices(worse, 0.95, 1.05));
}

TEST(GroupsTest, NamesOfIntersectionsAreNeverShared) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(JoinGroups(Parts{"female", "over 60"}), "female*over 60");
  EXPECT_NE(JoinGroups(Parts{"a*b", "c"}), JoinGroups(Parts{"a", "b*c"}));
  EXPECT_NE(JoinGroups(Parts{"a\\", "b"}), JoinGroups(Parts{"a", "\\b"}));
}

TEST(GroupsTest, OneSparseGroupAloneIsNotPooled) {
  using Bools = std::vector<bool>;
  const std::vector<int64_t> two = {100, 3, 200, 4};
  EXPECT_EQ(SparseGroups(two, 10), (Bools{false, true, false, true}));
  const std::vector<int64_t> one = {100, 3, 200, 0};
  EXPECT_EQ(SparseGroups(one, 10), (Bools{false, false, false, false}));
}

TEST(GroupsTest, ASuppressedSizeDoesNotFollowFromTheOthers) {
  using Bools = std::vector<bool>;
  const std::vector<int64_t> one = {100, 3, 50, 0};
  EXPECT_EQ(SuppressedGroups(one, 10), (Bools{false, true, true, false}));
  const std::vector<int64_t> two = {100, 3, 50, 4};
  EXPECT_EQ(SuppressedGroups(two, 10), (Bools{false, true, true, true}));
  const std::vector<int64_t> enough = {100, 6, 50, 4};
  EXPECT_EQ(SuppressedGroups(enough, 10), (Bools{false, true, false, true}));
  const std::vector<int64_t> none = {100, 60, 50};
  EXPECT_EQ(SuppressedGroups(none, 10), (Bools{false, false, false}));
}

}  // namespace
}  // namespace consentry::policy::fairness
