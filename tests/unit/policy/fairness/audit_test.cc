#include "policy/fairness/audit.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "policy/fairness/groups.h"
#include "policy/fairness/report_html.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

using consentry::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

// Cases of one attribute: so many of each group, so many of them positive.
class TableMaker {
 public:
  TableMaker() {
    table_.attributes.emplace_back();
    table_.attributes[0].name = "sex";
  }

  // An empty name: unknown.
  TableMaker& Group(const std::string& name, int cases, int positives) {
    AuditColumn& column = table_.attributes[0];
    uint32_t code = kNoCode;
    if (!name.empty()) {
      code = static_cast<uint32_t>(column.values.size());
      column.values.push_back(name);
    }
    for (int i = 0; i < cases; ++i) {
      column.codes.push_back(code);
      table_.predicted.push_back(i < positives ? Answer::kYes : Answer::kNo);
      ++table_.cases;
    }
    return *this;
  }

  AuditTable& table() { return table_; }

 private:
  AuditTable table_;
};

AuditPlan OnePlan() {
  AuditPlan plan;
  plan.groupings = {{{0}, "m"}};
  return plan;
}

const v1::FairnessFigure* Find(const v1::FairnessReport& report,
                               const std::string& group,
                               const std::string& metric,
                               const std::string& variant = "") {
  for (const auto& figure : report.figures()) {
    if (figure.group() == group && figure.metric() == metric &&
        figure.variant() == variant) {
      return &figure;
    }
  }
  return nullptr;
}

constexpr char kRatio[] = "selection_rate_group_over_reference";
constexpr char kDifference[] = "selection_rate_group_minus_reference";

TEST(AuditTest, AClearDifferenceLiesOutsideTheTolerance) {
  auto table =
      TableMaker().Group("f", 2000, 400).Group("m", 3000, 1200).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "f", kRatio);
  ASSERT_NE(ratio, nullptr);
  EXPECT_EQ(ratio->reference(), "m");
  EXPECT_NEAR(ratio->value(), 0.5, 1e-12);
  EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
  EXPECT_LT(ratio->p_value(), 1e-6);
  EXPECT_EQ(ratio->hits(), 400);
  EXPECT_EQ(ratio->reference_count(), 3000);
  EXPECT_NEAR(Find(*report, "f", kDifference)->value(), -0.2, 1e-12);
}

TEST(AuditTest, ItEndsSoonAfterItIsStopped) {
  auto table =
      TableMaker().Group("f", 2000, 400).Group("m", 3000, 1200).table();
  for (int i = 0; i < 5; ++i) {
    table.inputs.push_back(table.attributes[0]);
    table.inputs.back().name = "input" + std::to_string(i);
  }
  int asked = 0;
  const auto never = RunAudit(OnePlan(), table, {}, [&] {
    ++asked;
    return false;
  });
  ASSERT_OK(never.status());
  const int all = asked;
  ASSERT_GE(all, 7);
  for (int at = 1; at <= all; ++at) {
    asked = 0;
    const auto report =
        RunAudit(OnePlan(), table, {}, [&] { return ++asked >= at; });
    EXPECT_THAT(report.status(),
                testing::StatusIs(absl::StatusCode::kCancelled));
    EXPECT_LE(asked, at + 1);
  }
}

TEST(AuditTest, EqualRatesOfManyLieWithinTheTolerance) {
  auto table =
      TableMaker().Group("f", 5000, 2000).Group("m", 5000, 2010).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "f", kRatio)->finding(),
            v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
}

TEST(AuditTest, WithoutANamedReferenceTheLargestKnownGroupIsIt) {
  auto table = TableMaker()
                   .Group("f", 500, 250)
                   .Group("m", 400, 200)
                   .Group("", 900, 200)
                   .table();
  AuditPlan plan = OnePlan();
  plan.groupings[0].reference = "";
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  ASSERT_NE(Find(*report, "m", kRatio), nullptr);
  EXPECT_EQ(Find(*report, "m", kRatio)->reference(), "f");
}

// A significant but small difference is not one outside of the tolerance.
TEST(AuditTest, SignificanceAloneIsNoFinding) {
  auto table =
      TableMaker().Group("f", 100000, 48000).Group("m", 100000, 50000).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "f", kRatio);
  EXPECT_LT(ratio->p_value(), 1e-6);
  EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
}

// Other tools call these unfair, or fair.
TEST(AuditTest, TinyGroupsAreInsufficientWhateverTheirRate) {
  for (const int positives : {0, 9, 18}) {
    auto table =
        TableMaker().Group("f", 18, positives).Group("m", 3000, 1500).table();
    const auto report = RunAudit(OnePlan(), table);
    ASSERT_OK(report.status());
    const auto* ratio = Find(*report, "f", kRatio);
    EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
    EXPECT_FALSE(ratio->has_value());
    EXPECT_FALSE(ratio->has_lower());
    EXPECT_FALSE(ratio->has_p_value());
    EXPECT_THAT(ratio->remark(), HasSubstr("18 of 30 cases"));
    // The rate itself is told, with its interval.
    EXPECT_TRUE(Find(*report, "f", "selection_rate")->has_lower());
  }
}

// A group can have cases enough and still too few of those that a rate is of.
TEST(AuditTest, TheMinimumHoldsForEachDenominator) {
  auto table = TableMaker().Group("f", 500, 250).Group("m", 500, 250).table();
  for (size_t i = 0; i < table.cases; ++i) {
    // Fifteen women came true, and all men.
    table.label.push_back(i < 15 || i >= 500 ? Answer::kYes : Answer::kNo);
  }
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* tpr =
      Find(*report, "f", "true_positive_rate_group_minus_reference");
  EXPECT_EQ(tpr->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  EXPECT_THAT(tpr->remark(), HasSubstr("15 of 30 cases"));
  const auto* fpr =
      Find(*report, "f", "false_positive_rate_group_minus_reference");
  EXPECT_THAT(fpr->remark(), HasSubstr("0 of 30 cases"));
  EXPECT_FALSE(Find(*report, "f", "equalized_odds_distance")->has_value());
}

// Two hundred scored cases on both sides, of which hardly one has a score that
// the other side has too.
TEST(AuditTest, CalibrationCountsOnlyScoresThatBothHave) {
  constexpr char kMean[] = "outcome_rate_at_equal_score_group_minus_reference";
  const auto report_of = [](int shared) {
    auto table = TableMaker().Group("f", 400, 100).Group("m", 400, 100).table();
    for (int i = 0; i < 800; ++i) {
      table.label.push_back(i % 2 == 0 ? Answer::kYes : Answer::kNo);
      const bool woman = i < 400;
      const bool alike = i % 400 < (woman ? shared : 200);
      table.score.push_back(alike ? 0.5 : woman ? 0.9 : 0.1);
    }
    return *RunAudit(OnePlan(), table);
  };
  const auto few = report_of(12);
  const auto* lacking = Find(few, "f", kMean);
  ASSERT_NE(lacking, nullptr);
  EXPECT_EQ(lacking->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  EXPECT_THAT(lacking->remark(), HasSubstr("12 of 30 cases"));
  EXPECT_EQ(lacking->count(), 12);
  EXPECT_EQ(lacking->reference_count(), 200);
  EXPECT_FALSE(lacking->has_value());
  const auto many = report_of(200);
  const auto* enough = Find(many, "f", kMean);
  EXPECT_EQ(enough->count(), 200);
  EXPECT_EQ(enough->reference_count(), 200);
  EXPECT_NEAR(enough->value(), 0, 1e-12);
  EXPECT_THAT(enough->formula(), HasSubstr("1 of 3 bins"));
}

// Many cases of a group do not make up for few of those that came true.
TEST(AuditTest, EqualizedOddsOverAllNeedsEveryDenominator) {
  const auto report_of = [](int came_true) {
    auto table = TableMaker().Group("f", 500, 250).Group("m", 500, 400).table();
    for (int i = 0; i < 1000; ++i) {
      table.label.push_back(
          i % 500 < (i < 500 ? came_true : 200) ? Answer::kYes : Answer::kNo);
    }
    return *RunAudit(OnePlan(), table);
  };
  constexpr char kOdds[] = "equalized_odds_greatest_difference";
  for (const int lacking : {0, 29, 471, 500}) {
    const auto report = report_of(lacking);
    const auto* odds = Find(report, "", kOdds);
    ASSERT_NE(odds, nullptr);
    EXPECT_FALSE(odds->has_value()) << lacking;
    EXPECT_EQ(odds->remark(), "fewer than two groups have enough cases");
  }
  for (const int enough : {30, 470}) {
    const auto report = report_of(enough);
    const auto* odds = Find(report, "", kOdds);
    ASSERT_NE(odds, nullptr);
    EXPECT_TRUE(odds->has_value()) << enough;
    EXPECT_EQ(odds->count(), 1000);
  }
}

TEST(AuditTest, WhatStraddlesTheToleranceIsInsufficient) {
  auto table = TableMaker().Group("f", 100, 35).Group("m", 100, 45).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "f", kRatio);
  EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  EXPECT_TRUE(ratio->has_value());
  EXPECT_FALSE(ratio->remark().empty());
}

TEST(AuditTest, AGroupThatIsNeverSelectedIsFound) {
  auto table = TableMaker().Group("f", 400, 0).Group("m", 400, 200).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "f", kRatio);
  EXPECT_EQ(ratio->value(), 0);
  EXPECT_EQ(ratio->lower(), 0);
  EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
}

TEST(AuditTest, AReferenceThatIsNeverSelectedLeavesNoRatio) {
  auto table = TableMaker().Group("f", 400, 200).Group("m", 500, 0).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "f", kRatio);
  EXPECT_FALSE(ratio->has_value());
  EXPECT_EQ(ratio->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  EXPECT_NEAR(Find(*report, "f", kDifference)->value(), 0.5, 1e-12);
}

TEST(AuditTest, AnUnfavourablePositiveTurnsTheFigureThatDecides) {
  auto table = TableMaker().Group("f", 900, 540).Group("m", 1000, 200).table();
  AuditPlan plan = OnePlan();
  plan.positive_is_favourable = false;
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "f", kRatio)->finding(),
            v1::FAIRNESS_FINDING_UNSPECIFIED);
  const auto* favourable =
      Find(*report, "f", "favourable_rate_group_over_reference");
  EXPECT_NEAR(favourable->value(), 0.4 / 0.8, 1e-12);
  EXPECT_EQ(favourable->finding(), v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
}

TEST(AuditTest, WithoutBudgetNothingDecides) {
  auto table =
      TableMaker().Group("f", 2000, 400).Group("m", 3000, 1200).table();
  AuditPlan plan = OnePlan();
  plan.confirmatory = false;
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  EXPECT_EQ(report->alpha(), 0);
  EXPECT_EQ(report->tests(), 0);
  for (const auto& figure : report->figures()) {
    EXPECT_EQ(figure.finding(), v1::FAIRNESS_FINDING_UNSPECIFIED);
    EXPECT_FALSE(figure.has_p_value());
    EXPECT_FALSE(figure.has_equivalence_p_value());
  }
}

TEST(AuditTest, MoreTestsMakeFindingsHarder) {
  auto two = TableMaker().Group("a", 400, 140).Group("m", 4000, 2200).table();
  const auto alone = RunAudit(OnePlan(), two);
  TableMaker many;
  many.Group("a", 400, 140).Group("m", 4000, 2200);
  for (int i = 0; i < 40; ++i) {
    many.Group("g" + std::to_string(i), 400, 220);
  }
  const auto together = RunAudit(OnePlan(), many.table());
  ASSERT_OK(alone.status());
  ASSERT_OK(together.status());
  EXPECT_EQ(alone->tests(), 1);
  EXPECT_EQ(together->tests(), 41);
  EXPECT_GT(Find(*together, "a", kRatio)->p_value(),
            Find(*alone, "a", kRatio)->p_value());
}

TEST(AuditTest, UnknownIsAGroupThatIsToldAndComparedWithNobody) {
  auto table = TableMaker()
                   .Group("f", 400, 200)
                   .Group("m", 400, 200)
                   .Group("", 200, 10)
                   .table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "unknown", "selection_rate")->hits(), 10);
  EXPECT_EQ(Find(*report, "unknown", kRatio), nullptr);
  EXPECT_EQ(report->coverage(0).known(), 800);
  EXPECT_EQ(report->coverage(0).count(), 1000);
}

TEST(AuditTest, AllUnknownIsInsufficient) {
  auto table = TableMaker().Group("", 500, 100).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  for (const auto& figure : report->figures()) {
    EXPECT_NE(figure.finding(), v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
    if (figure.group().empty()) {
      EXPECT_FALSE(figure.has_value());
    }
  }
}

TEST(AuditTest, OneGroupHasNobodyToBeComparedWith) {
  auto table = TableMaker().Group("f", 500, 100).table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "f", kRatio), nullptr);
  const auto* overall =
      Find(*report, "", "selection_rate_smallest_over_greatest");
  EXPECT_FALSE(overall->has_value());
  EXPECT_THAT(overall->remark(), HasSubstr("fewer than two groups"));
}

TEST(AuditTest, NoCasesAreNoError) {
  AuditTable table;
  table.attributes.emplace_back();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  EXPECT_EQ(report->count(), 0);
  EXPECT_EQ(report->groups_size(), 0);
}

TEST(AuditTest, SmallGroupsAreNotToldNorWhatTellsThem) {
  auto table = TableMaker()
                   .Group("f", 400, 200)
                   .Group("m", 500, 250)
                   .Group("x", 3, 1)
                   .table();
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "x", "selection_rate"), nullptr);
  // With all but one told, the last follows from the sum.
  EXPECT_EQ(Find(*report, "f", "selection_rate"), nullptr);
  for (const auto& group : report->groups()) {
    EXPECT_EQ(group.suppressed(), group.group() != "m");
    EXPECT_EQ(group.count(), group.suppressed() ? 0 : 500);
  }
}

TEST(AuditTest, AMillionGroupsAreRefusedWithAnAdvice) {
  AuditTable table;
  table.cases = 1'000'000;
  AuditColumn column;
  column.name = "email";
  for (uint32_t i = 0; i < table.cases; ++i) {
    column.values.push_back(std::to_string(i));
    column.codes.push_back(i);
    table.predicted.push_back(Answer::kYes);
  }
  table.attributes.push_back(std::move(column));
  const auto report = RunAudit(OnePlan(), table);
  EXPECT_THAT(report.status(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("email has more than 500 groups"));
}

TEST(AuditTest, SparseIntersectionsArePooledAndNamed) {
  AuditTable table;
  table.attributes.resize(2);
  table.attributes[0] = {"sex", {"f", "m"}, {}};
  table.attributes[1] = {"age", {"old", "young"}, {}};
  const auto add = [&table](uint32_t sex, uint32_t age, int cases) {
    for (int i = 0; i < cases; ++i) {
      table.attributes[0].codes.push_back(sex);
      table.attributes[1].codes.push_back(age);
      table.predicted.push_back(i % 2 == 0 ? Answer::kYes : Answer::kNo);
      ++table.cases;
    }
  };
  add(0, 0, 20);
  add(0, 1, 25);
  add(1, 0, 300);
  add(1, 1, 200);
  add(1, kNoCode, 40);
  AuditPlan plan;
  plan.groupings = {{{0, 1}, ""}};
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  ASSERT_EQ(report->groups_size(), 4);
  EXPECT_EQ(report->groups(0).group(), "m*old");
  EXPECT_TRUE(report->groups(0).reference());
  EXPECT_EQ(report->groups(2).group(), kPooledGroupName);
  EXPECT_EQ(report->groups(2).count(), 45);
  EXPECT_EQ(report->groups(2).pooled(0), "f*old");
  EXPECT_EQ(report->groups(2).pooled(1), "f*young");
  EXPECT_EQ(report->groups(3).group(), kUnknownGroupName);
}

// Together all is well, in one arm nothing.
TEST(AuditTest, EachVariantIsAuditedForItself) {
  auto table = TableMaker().Group("f", 800, 400).Group("m", 800, 400).table();
  table.variant = AuditColumn{"arm", {"A", "B"}, {}};
  for (size_t i = 0; i < table.cases; ++i) {
    // Women's positives are all in A, men's in both.
    const bool a = i < 800 ? i < 500 : i % 2 == 0;
    table.variant->codes.push_back(a ? 0u : 1u);
  }
  AuditPlan plan = OnePlan();
  plan.by_variant = true;
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "f", kRatio)->finding(),
            v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
  EXPECT_EQ(Find(*report, "f", kRatio, "B")->value(), 0);
  EXPECT_EQ(Find(*report, "f", kRatio, "B")->finding(),
            v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
}

TEST(AuditTest, NumbersThatAreNoneAreLeftOutAndCounted) {
  auto table = TableMaker().Group("f", 100, 50).Group("m", 100, 50).table();
  for (size_t i = 0; i < table.cases; ++i) {
    table.score.push_back(i % 10 == 0   ? kNaN
                          : i % 10 == 1 ? kInfinite
                                        : static_cast<double>(i % 7));
    table.price.push_back(i % 10 == 0   ? -kInfinite
                          : i % 10 == 1 ? 0
                          : i % 10 == 2 ? -3
                                        : 10.0 + static_cast<double>(i % 3));
  }
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  ASSERT_EQ(report->left_out_size(), 2);
  EXPECT_EQ(report->left_out(0).count(), 40);
  EXPECT_EQ(report->left_out(1).count(), 60);
  for (const auto& figure : report->figures()) {
    EXPECT_TRUE(std::isfinite(figure.value())) << figure.metric();
    EXPECT_FALSE(std::isnan(figure.lower())) << figure.metric();
    EXPECT_FALSE(std::isnan(figure.upper())) << figure.metric();
    EXPECT_FALSE(std::isnan(figure.p_value())) << figure.metric();
  }
  EXPECT_EQ(Find(*report, "f", "mean_price")->count(), 70);
}

// Numbers that are none, or cannot be added up, in every column that takes
// numbers.
TEST(AuditTest, NothingInAReportIsNoNumber) {
  constexpr double kGreatest = std::numeric_limits<double>::max();
  constexpr double kLeast = std::numeric_limits<double>::denorm_min();
  for (const double odd :
       {kNaN, kInfinite, -kInfinite, 1e308, -1e308, kGreatest, -kGreatest,
        kLeast, 1e60, -1e60, 1e-60, 0.0}) {
    for (const int share : {1, 2, 100}) {
      for (const bool lists : {false, true}) {
        auto table =
            TableMaker().Group("f", 300, 150).Group("m", 300, 100).table();
        if (lists) table.list = AuditColumn{"list", {"a", "b"}, {}};
        table.stratum = AuditColumn{"region", {"n", "s"}, {}};
        for (uint32_t i = 0; i < table.cases; ++i) {
          const double value =
              i % static_cast<uint32_t>(share) == 0 ? odd : 1.0 + i % 5;
          table.label.push_back(i % 3 == 0 ? Answer::kYes : Answer::kNo);
          table.score.push_back(value);
          table.price.push_back(value);
          table.stratum->codes.push_back(i % 2);
          if (lists) {
            table.list->codes.push_back(i % 2);
            table.place.push_back(value);
          } else {
            table.exposures.resize(1);
            table.exposures[0].push_back(value);
          }
        }
        const auto report = RunAudit(OnePlan(), table);
        ASSERT_OK(report.status());
        std::string json;
        ASSERT_TRUE(
            google::protobuf::util::MessageToJsonString(*report, &json).ok());
        for (const char* none : {"NaN", "Infinity", "nan", "inf\""}) {
          EXPECT_THAT(json, Not(HasSubstr(none))) << odd << " " << share;
        }
        const std::string html = FairnessReportHtml(*report);
        for (const char* none : {"nan", ">inf", "\"inf", "-inf", "e+30"}) {
          EXPECT_THAT(html, Not(HasSubstr(none))) << odd << " " << share;
        }
      }
    }
  }
}

TEST(AuditTest, PricesAreEquivalentOnlyWithEvidence) {
  const auto report_of = [](int cases) {
    auto table = TableMaker().Group("f", cases, 0).Group("m", cases, 0).table();
    for (size_t i = 0; i < table.cases; ++i) {
      table.price.push_back(100 + static_cast<double>(i * 37 % 41));
    }
    AuditPlan plan = OnePlan();
    plan.minimum = 5;
    return *RunAudit(plan, table);
  };
  const auto few = report_of(12);
  const auto* few_prices = Find(few, "f", "price_group_over_reference");
  EXPECT_EQ(few_prices->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  const auto many = report_of(2000);
  const auto* many_prices = Find(many, "f", "price_group_over_reference");
  EXPECT_EQ(many_prices->finding(), v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
  EXPECT_LT(many_prices->equivalence_p_value(), 0.001);
}

TEST(AuditTest, AProxyIsFoundAndNoiseIsNot) {
  auto table = TableMaker().Group("f", 400, 100).Group("m", 400, 100).table();
  AuditColumn proxy = {"title", {"Ms", "Mr"}, table.attributes[0].codes};
  AuditColumn noise = {"day", {"a", "b", "c", "d", "e"}, {}};
  for (uint32_t i = 0; i < table.cases; ++i) noise.codes.push_back(i % 5);
  table.inputs = {proxy, noise};
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  ASSERT_EQ(report->proxies_size(), 2);
  EXPECT_GT(report->proxies(0).uncertainty_removed(), 0.99);
  EXPECT_GT(report->proxies(0).information_added_bits(), 0.99);
  EXPECT_LT(report->proxies(1).uncertainty_removed(), 0.01);
  EXPECT_LT(report->proxies(1).information_added_bits(), 0.01);
}

// Ten inputs that are the group are ten sure rejections.
TEST(AuditTest, InputsMakeNoFindingEasierAndNoneHarder) {
  auto table = TableMaker().Group("f", 900, 300).Group("m", 900, 340).table();
  const auto plain = RunAudit(OnePlan(), table);
  ASSERT_OK(plain.status());
  const auto* before = Find(*plain, "f", kRatio);
  ASSERT_GT(before->p_value(), 0.01);
  for (const uint32_t values : {2u, 7u}) {
    auto with_inputs = table;
    for (int i = 0; i < 10; ++i) {
      AuditColumn input = {"input" + std::to_string(i), {}, {}};
      for (uint32_t v = 0; v < values; ++v) {
        input.values.push_back(std::to_string(v));
      }
      for (uint32_t row = 0; row < table.cases; ++row) {
        input.codes.push_back(values == 2 ? table.attributes[0].codes[row]
                                          : row % values);
      }
      with_inputs.inputs.push_back(input);
    }
    const auto report = RunAudit(OnePlan(), with_inputs);
    ASSERT_OK(report.status());
    const auto* after = Find(*report, "f", kRatio);
    EXPECT_EQ(after->p_value(), before->p_value());
    EXPECT_EQ(after->finding(), before->finding());
    EXPECT_EQ(report->tests(), plain->tests());
    ASSERT_EQ(report->proxies_size(), 10);
    // All alike: corrected they are what they were.
    const bool sure = report->proxies(0).p_value() < 1e-6;
    EXPECT_EQ(sure, values == 2);
    EXPECT_THAT(report->rules(),
                ::testing::Contains(HasSubstr("10 tests of inputs")));
  }
}

TEST(AuditTest, ExposureInListsIsComparedByGroup) {
  TableMaker maker;
  maker.Group("a", 120, 0).Group("b", 120, 0);
  AuditTable& table = maker.table();
  table.predicted.clear();
  table.list = AuditColumn{"list", {}, {}};
  for (uint32_t i = 0; i < 40; ++i) {
    table.list->values.push_back(std::to_string(i));
  }
  // Forty lists "aaabbb".
  for (uint32_t i = 0; i < 240; ++i) {
    table.list->codes.push_back(i % 120 / 3);
    table.place.push_back(static_cast<double>(i % 3 + (i < 120 ? 1 : 4)));
  }
  AuditPlan plan = OnePlan();
  plan.groupings[0].reference = "a";
  plan.ranking_depth = 3;
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  EXPECT_NEAR(Find(*report, "b", "mean_exposure_group_over_reference")->value(),
              .55080959, 1e-8);
  EXPECT_NEAR(
      Find(*report, "", "discounted_divergence_mean_over_lists")->value(),
      .46636331, 1e-8);
  EXPECT_NEAR(Find(*report, "a", "skew_of_first_3")->value(), std::log(2.0),
              1e-12);
  EXPECT_FALSE(Find(*report, "b", "skew_of_first_3")->has_value());
}

TEST(AuditTest, NamesOfFiguresTellSignAndOrientation) {
  auto table = TableMaker().Group("f", 400, 100).Group("m", 500, 100).table();
  for (size_t i = 0; i < table.cases; ++i) {
    table.label.push_back(i % 3 == 0 ? Answer::kYes : Answer::kNo);
    table.score.push_back(static_cast<double>(i % 11) / 10);
    table.price.push_back(static_cast<double>(i % 11) + 5);
  }
  table.stratum = AuditColumn{"region", {"n", "s"}, {}};
  for (uint32_t i = 0; i < table.cases; ++i) {
    table.stratum->codes.push_back(i % 2);
  }
  const auto report = RunAudit(OnePlan(), table);
  ASSERT_OK(report.status());
  for (const auto& figure : report->figures()) {
    EXPECT_FALSE(figure.formula().empty()) << figure.metric();
    if (figure.reference().empty()) continue;
    const std::string& metric = figure.metric();
    const bool named =
        metric.find("_group_minus_reference") != std::string::npos ||
        metric.find("_group_over_reference") != std::string::npos ||
        metric.find("_distance") != std::string::npos;
    EXPECT_TRUE(named) << metric;
  }
}

TEST(AuditTest, WhatIsNotAskedForIsNeitherToldNorTested) {
  auto table = TableMaker().Group("f", 400, 100).Group("m", 500, 100).table();
  for (size_t i = 0; i < table.cases; ++i) {
    table.label.push_back(i % 3 == 0 ? Answer::kYes : Answer::kNo);
    table.score.push_back(static_cast<double>(i % 11) / 10);
  }
  const auto all = RunAudit(OnePlan(), table);
  ASSERT_OK(all.status());
  // Selection, three rates, the mean score, and calibration.
  EXPECT_EQ(all->tests(), 6);
  AuditPlan plan = OnePlan();
  plan.figures = {"true_positive_rate"};
  const auto one = RunAudit(plan, table);
  ASSERT_OK(one.status());
  EXPECT_EQ(one->tests(), 3);
  EXPECT_TRUE(one->distributions().empty());
  std::set<std::string> metrics;
  for (const auto& figure : one->figures()) metrics.insert(figure.metric());
  EXPECT_EQ(
      metrics,
      (std::set<std::string>{
          "selection_rate", "selection_rate_group_minus_reference",
          "selection_rate_group_over_reference", "true_positive_rate",
          "true_positive_rate_group_minus_reference",
          "true_positive_rate_group_over_reference", "mean_score",
          "mean_score_group_minus_reference", "mean_score_group_over_reference",
          "selection_rate_greatest_minus_smallest",
          "selection_rate_smallest_over_greatest"}));
  // As in the report of all, but for what is corrected for the many.
  const auto* tpr = Find(*one, "f", "true_positive_rate");
  EXPECT_EQ(tpr->value(), Find(*all, "f", "true_positive_rate")->value());
  for (const AuditFigure& figure : kAuditFigures) {
    plan.figures = {std::string(figure.name)};
    const auto report = RunAudit(plan, table);
    ASSERT_OK(report.status());
    const int figures = report->figures_size() + report->distributions_size();
    EXPECT_GT(figures, 8) << figure.name;
    EXPECT_LT(figures, all->figures_size()) << figure.name;
    EXPECT_EQ(report->tests(), figure.tests ? 3 : 2) << figure.name;
  }
  plan.figures = {"true_positives"};
  EXPECT_THAT(RunAudit(plan, table).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(AuditTest, EqualInputsGiveEqualReports) {
  auto table = TableMaker().Group("f", 400, 100).Group("m", 500, 100).table();
  const auto one = RunAudit(OnePlan(), table);
  const auto other = RunAudit(OnePlan(), table);
  EXPECT_EQ(one->SerializeAsString(), other->SerializeAsString());
}

TEST(AuditTest, PlansAndTablesOutsideTheirRangesAreRefused) {
  auto table = TableMaker().Group("f", 40, 10).Group("m", 50, 10).table();
  const auto refused = [](const AuditPlan& plan, const AuditTable& cases) {
    EXPECT_THAT(RunAudit(plan, cases).status(),
                StatusIs(absl::StatusCode::kInvalidArgument));
  };
  for (const double bad : {0.0, 1.0, -1.0, kNaN, kInfinite}) {
    AuditPlan plan = OnePlan();
    plan.alpha = bad;
    refused(plan, table);
  }
  for (const double bad : {0.0, 1.1, -1.0, kNaN, kInfinite}) {
    AuditPlan plan = OnePlan();
    plan.ratio_tolerance = bad;
    refused(plan, table);
  }
  for (const double bad : {-0.1, 1.1, kNaN}) {
    AuditPlan plan = OnePlan();
    plan.difference_tolerance = bad;
    refused(plan, table);
  }
  for (const double bad : {1.0, 0.5, kNaN, kInfinite}) {
    AuditPlan plan = OnePlan();
    plan.price_tolerance = bad;
    refused(plan, table);
  }
  AuditPlan plan = OnePlan();
  plan.minimum = 0;
  refused(plan, table);
  plan = OnePlan();
  plan.groupings = {};
  refused(plan, table);
  plan.groupings = {{{1}, ""}};
  refused(plan, table);
  plan.groupings = {{{0, 0}, ""}};
  refused(plan, table);
  AuditTable broken = table;
  broken.attributes[0].codes[0] = 2;
  refused(OnePlan(), broken);
  broken = table;
  broken.attributes[0].codes.pop_back();
  refused(OnePlan(), broken);
  broken = table;
  broken.label.resize(3);
  refused(OnePlan(), broken);
  broken = table;
  broken.label.assign(broken.cases, Answer::kYes);
  broken.predicted.clear();
  refused(OnePlan(), broken);
}

}  // namespace
}  // namespace consentry::policy::fairness
