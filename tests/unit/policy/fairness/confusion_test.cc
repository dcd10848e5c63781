#include "policy/fairness/confusion.h"

#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <vector>

namespace consentry::policy::fairness {
namespace {

constexpr double kExact = 1e-12;

TEST(ConfusionTest, NothingOfNothingIsNoRate) {
  const Confusion none;
  for (const Rate rate :
       {Rate::kSelection, Rate::kBase, Rate::kTruePositive,
        Rate::kFalsePositive, Rate::kTrueNegative, Rate::kFalseNegative,
        Rate::kPositivePredictiveValue, Rate::kNegativePredictiveValue,
        Rate::kFalseDiscovery, Rate::kFalseOmission, Rate::kAccuracy,
        Rate::kError}) {
    EXPECT_FALSE(RateOf(rate, none)) << NameOf(rate);
  }
}

// Other tools say 0 here, which reads as "no bias".
TEST(ConfusionTest, FiguresOverAnEmptyDenominatorAreAbsentAndNotZero) {
  // Nobody in the group is truly positive.
  const Confusion group = {0, 4, 6, 0};
  const Confusion reference = {3, 2, 4, 1};
  EXPECT_FALSE(RateDifference(Rate::kTruePositive, group, reference));
  EXPECT_FALSE(RateRatio(Rate::kTruePositive, group, reference));
  EXPECT_FALSE(AverageOddsDifference(group, reference));
  EXPECT_FALSE(EqualizedOddsDistance(group, reference));
  EXPECT_TRUE(RateDifference(Rate::kFalsePositive, group, reference));
}

TEST(ConfusionTest, RatioToAReferenceWithoutHitsIsAbsentAndNotInfinite) {
  const Confusion group = {3, 0, 7, 0};
  const Confusion reference = {0, 0, 10, 0};
  EXPECT_FALSE(RateRatio(Rate::kSelection, group, reference));
  EXPECT_NEAR(*RateDifference(Rate::kSelection, group, reference), 0.3, kExact);
  EXPECT_NEAR(*RateRatio(Rate::kSelection, reference, group), 0, kExact);
}

TEST(ConfusionTest, ExchangingGroupAndReferenceTurnsTheSign) {
  const Confusion a = {12, 5, 20, 3};
  const Confusion b = {9, 9, 9, 9};
  for (const Rate rate : {Rate::kSelection, Rate::kTruePositive,
                          Rate::kFalsePositive, Rate::kFalseOmission}) {
    EXPECT_NEAR(*RateDifference(rate, a, b), -*RateDifference(rate, b, a),
                kExact);
    EXPECT_NEAR(*RateRatio(rate, a, b) * *RateRatio(rate, b, a), 1, kExact);
  }
}

// The example of Fairlearn's guide to assessments: 18 cases, three groups.
class FairlearnVectorTest : public testing::Test {
 protected:
  static constexpr std::string_view kTrue = "011110101000111111";
  static constexpr std::string_view kPredicted = "001011100111100110";
  static constexpr std::string_view kGroup = "bbabbcccaacabccbcc";

  FairlearnVectorTest() : groups_(3) {
    for (size_t i = 0; i < kTrue.size(); ++i) {
      groups_[static_cast<size_t>(kGroup[i] - 'a')].Add(kPredicted[i] == '1',
                                                        kTrue[i] == '1');
    }
  }
  std::vector<Confusion> groups_;
};

TEST_F(FairlearnVectorTest, RatesByGroupAreThePublishedOnes) {
  const Confusion all = groups_[0] + groups_[1] + groups_[2];
  EXPECT_NEAR(*RateOf(Rate::kTruePositive, all), 0.5, kExact);
  EXPECT_NEAR(*RateOf(Rate::kFalsePositive, all), 4.0 / 6, kExact);
  EXPECT_NEAR(*RateOf(Rate::kSelection, all), 10.0 / 18, kExact);
  const std::array<double, 3> tpr = {0.5, 0.6, 0.4};
  const std::array<double, 3> fpr = {1, 0, 2.0 / 3};
  const std::array<double, 3> selection = {0.75, 0.5, 0.5};
  const std::array<int64_t, 3> cases = {4, 6, 8};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(*RateOf(Rate::kTruePositive, groups_[i]), tpr[i], kExact);
    EXPECT_NEAR(*RateOf(Rate::kFalsePositive, groups_[i]), fpr[i], kExact);
    EXPECT_NEAR(*RateOf(Rate::kSelection, groups_[i]), selection[i], kExact);
    EXPECT_EQ(groups_[i].cases(), cases[i]);
  }
}

TEST_F(FairlearnVectorTest, AggregatesAreThePublishedOnes) {
  EXPECT_NEAR(*GreatestRateDifference(Rate::kSelection, groups_), 0.25, kExact);
  EXPECT_NEAR(*SmallestRateRatio(Rate::kSelection, groups_), 2.0 / 3, kExact);
  EXPECT_NEAR(*EqualizedOddsDifference(groups_), 1, kExact);
  EXPECT_NEAR(*EqualizedOddsRatio(groups_), 0, kExact);
  EXPECT_NEAR(*GreatestRateDifferenceToOverall(Rate::kTruePositive, groups_),
              0.1, kExact);
  EXPECT_NEAR(*GreatestRateDifferenceToOverall(Rate::kFalsePositive, groups_),
              2.0 / 3, kExact);
  EXPECT_NEAR(*GreatestRateDifferenceToOverall(Rate::kSelection, groups_),
              0.194444, 1e-6);
  EXPECT_NEAR(*SmallestRateRatioToOverall(Rate::kTruePositive, groups_), 0.8,
              kExact);
  EXPECT_NEAR(*SmallestRateRatioToOverall(Rate::kFalsePositive, groups_), 0,
              kExact);
  EXPECT_NEAR(*SmallestRateRatioToOverall(Rate::kSelection, groups_), 0.740741,
              1e-6);
}

TEST_F(FairlearnVectorTest, CrossedWithASecondFeatureRecallIsThePublishedOne) {
  // One sign a case: 8 for the first, 6 for the second value.
  constexpr std::string_view kFeature = "868888666866668666";
  std::vector<Confusion> cells(6);
  for (size_t i = 0; i < kTrue.size(); ++i) {
    const auto group = static_cast<size_t>(kGroup[i] - 'a');
    cells[2 * group + (kFeature[i] == '8' ? 1 : 0)].Add(kPredicted[i] == '1',
                                                        kTrue[i] == '1');
  }
  const std::array<double, 6> recall = {0, 1, 2.0 / 3, 0.5, 0.5, 0};
  const std::array<int64_t, 6> cases = {2, 2, 3, 3, 6, 2};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cells[i].cases(), cases[i]) << i;
    EXPECT_NEAR(*RateOf(Rate::kTruePositive, cells[i]), recall[i], kExact) << i;
  }
}

// 20 rows that the R package of AIF360 ships, by sex; 0 is the group.
TEST(AifVectorTest, FiguresAreTheExactFractionsOfThePublishedOnes) {
  constexpr std::string_view kActual = "00001000000001001001";
  constexpr std::string_view kPredicted = "00110000101000011010";
  constexpr std::string_view kSex = "01000011011111101010";
  Confusion group;
  Confusion reference;
  for (size_t i = 0; i < kSex.size(); ++i) {
    (kSex[i] == '1' ? reference : group)
        .Add(kPredicted[i] == '1', kActual[i] == '1');
  }
  const Confusion all = group + reference;
  ASSERT_EQ(all, (Confusion{1, 6, 10, 3}));
  EXPECT_NEAR(*RateOf(Rate::kAccuracy, all), 0.55, kExact);
  EXPECT_NEAR(*RateDifference(Rate::kError, group, reference), 13.0 / 33,
              kExact);
  EXPECT_NEAR(*AverageAbsoluteOddsDifference(group, reference), 107.0 / 252,
              kExact);
  EXPECT_NEAR(*AverageOddsDifference(group, reference), -0.07539683, 1e-8);
  EXPECT_NEAR(*RateRatio(Rate::kSelection, group, reference), 44.0 / 27,
              kExact);
  EXPECT_NEAR(*RateDifference(Rate::kTruePositive, group, reference), -0.5,
              kExact);
  EXPECT_NEAR(*RateOf(Rate::kFalseDiscovery, all), 6.0 / 7, kExact);
  EXPECT_NEAR(*RateOf(Rate::kFalseOmission, all), 3.0 / 13, kExact);
  EXPECT_NEAR(*RateDifference(Rate::kFalseOmission, group, reference), 0.275,
              kExact);
  EXPECT_NEAR(*RateOf(Rate::kFalsePositive, all), 0.375, kExact);
  EXPECT_NEAR(*RateDifference(Rate::kFalsePositive, group, reference),
              22.0 / 63, kExact);
  EXPECT_NEAR(*RateOf(Rate::kSelection, all), 0.35, kExact);
}

TEST(ConfusionTest, ConditionalDisparityWeighsStrataBySize) {
  // In the one stratum the group is worse off, in the other better.
  const std::array<ConditionalCounts, 2> strata = {
      ConditionalCounts{{1, 4}, {5, 10}}, ConditionalCounts{{9, 10}, {15, 30}}};
  // 10/40 (3/5 - 1/5) + 30/40 (1/15 - 9/15).
  EXPECT_NEAR(*ConditionalDemographicDisparity(strata),
              0.25 * 0.4 - 0.75 * 8 / 15, kExact);
}

// Three groups that AIF360 weighs 3, 7 and 6; of each, how many were favoured.
TEST(ConfusionTest, DisparityOverGroupsIsTheOneOfAif) {
  const std::array<Proportion, 3> groups = {Proportion{2, 3}, Proportion{4, 7},
                                            Proportion{2, 6}};
  const Proportion all = {8, 16};
  double mean = 0;
  for (const Proportion& group : groups) {
    const ConditionalCounts one = {group, all};
    mean += static_cast<double>(group.cases) / 16 *
            *ConditionalDemographicDisparity({&one, 1});
  }
  EXPECT_NEAR(mean, .015625, kExact);
}

TEST(ConfusionTest, ConditionalDisparityNeedsBothDecisionsInEachStratum) {
  const std::array<ConditionalCounts, 1> strata = {
      ConditionalCounts{{0, 4}, {0, 10}}};
  EXPECT_FALSE(ConditionalDemographicDisparity(strata));
  EXPECT_FALSE(ConditionalDemographicDisparity({}));
}

}  // namespace
}  // namespace consentry::policy::fairness
