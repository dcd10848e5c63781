#include "policy/fairness/profile_audit.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/fairness/groups.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

constexpr char kProfile[] = R"pb(
  id: "credit"
  title: "Credit decisions"
  model: "credit"
  purpose: "fairness"
  favourable { stated: true }
  attributes {
    name: "sex"
    source: TEXT
    field: "person.sex"
    groups { name: "female" }
    groups { name: "male" }
    reference: "male"
  }
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "person.birth_date"
    bands: [ 30, 60 ]
    reference: "30_59"
  }
  intersections {
    attributes: [ "sex", "age" ]
    reference: [ "male", "30_59" ]
  }
  metrics { kind: SELECTION_RATE tolerance: 0.8 }
  metrics { kind: SCORE_MEAN tolerance: 0.1 }
  metrics { kind: PRICE_MEAN tolerance: 0.95 }
  metrics { kind: EXPOSURE_MEAN tolerance: 0.8 items: "a" }
  minimum: 30
  inputs: "user.location"
  audits {
    calendar: QUARTERLY
    yearly_alpha: 0.05
    outcome: "REPAID"
    outcome_days: 30
    legitimate_factors: "person.region"
    by_variant: true
  }
)pb";

std::shared_ptr<const Profile> MakeProfile() {
  ProfileFile file;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  auto profile = Profile::Create(std::move(file));
  EXPECT_OK(profile.status());
  return profile.ok() ? *profile : nullptr;
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

v1::Output OutputOf(int i, bool woman) {
  v1::Output output;
  output.set_model("credit");
  output.set_favourable(i % 10 < (woman ? 3 : 6));
  output.set_score(i % 10 / 10.0);
  output.mutable_price()->set_minor_units(1000 + i % 7 * 10);
  output.mutable_price()->set_currency("EUR");
  output.mutable_base_price()->set_minor_units(1000);
  output.mutable_base_price()->set_currency("EUR");
  output.add_ranking(i % 2 == 0 ? "a" : "b");
  output.add_ranking("c");
  output.set_experiment("x");
  output.set_variant(i % 4 < 2 ? "A" : "B");
  if (woman) output.add_input_categories("user.location");
  return output;
}

TEST(ProfileAuditTest, AsksForWhatTheProfileNames) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, 0.0125);
  for (int i = 0; i < 1200; ++i) {
    const bool woman = i % 3 == 0;
    const std::vector<int> groups = {i % 20 == 0 ? kUnknownGroup
                                     : woman     ? 0
                                                 : 1,
                                     i % 3};
    audit.Add(OutputOf(i / 3, woman),
              {.groups = groups,
               .outcome = i % 5 == 0 ? Answer::kUnknown
                          : i % 2    ? Answer::kYes
                                     : Answer::kNo,
               .factor = i % 11 < 5 ? "north" : "south"});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(report->profile_id(), "credit");
  EXPECT_EQ(report->subject(), "Credit decisions");
  EXPECT_EQ(report->alpha(), 0.0125);
  EXPECT_EQ(report->count(), 1200);
  const auto* women =
      Find(*report, "female", "selection_rate_group_over_reference");
  ASSERT_NE(women, nullptr);
  EXPECT_EQ(women->reference(), "male");
  EXPECT_EQ(women->finding(), v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
  for (const char* metric :
       {"true_positive_rate_group_minus_reference",
        "selection_rate_group_minus_reference_within_strata",
        "mean_score_group_minus_reference",
        "price_group_over_reference_within_strata",
        "mean_exposure_group_over_reference"}) {
    EXPECT_NE(Find(*report, "female", metric), nullptr) << metric;
  }
  EXPECT_NE(Find(*report, "female", "selection_rate", "x/A"), nullptr);
  EXPECT_NE(Find(*report, "male*30_59", "selection_rate"), nullptr);
  ASSERT_GE(report->proxies_size(), 1);
  EXPECT_GT(report->proxies(0).uncertainty_removed(), 0.9);
  EXPECT_EQ(report->coverage(0).known(), 1140);
}

TEST(ProfileAuditTest, EachFigureTakesTheFirstOutputThatSaysSomethingAboutIt) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, std::nullopt);
  v1::Output silent;
  silent.set_kind(v1::OUTPUT_KIND_DECISION);
  silent.set_score(std::nan(""));
  EXPECT_NE(audit.TellsOf(silent), 0u) << "a decision is stated in any case";
  for (int i = 0; i < 200; ++i) {
    const bool woman = i % 2 == 0;
    const std::vector<int> groups = {woman ? 0 : 1, 1};
    // A page without a price, then the price.
    v1::Output page = OutputOf(i, woman);
    page.clear_price();
    page.clear_base_price();
    v1::Output offer = OutputOf(i, woman);
    offer.mutable_price()->set_minor_units(woman ? 2000 : 1000);
    const uint32_t first = audit.TellsOf(page);
    const uint32_t both = audit.TellsOf(offer);
    ASSERT_NE(first, both);
    audit.Add(page, {.groups = groups, .outcome = Answer::kYes});
    const size_t row = audit.cases() - 1;
    v1::Output elsewhere = offer;
    elsewhere.set_variant("C");
    EXPECT_FALSE(audit.Fill(row, both & ~first, elsewhere, {}));
    EXPECT_TRUE(audit.Fill(row, both & ~first, offer, {}));
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(report->count(), 200);
  const auto* price = Find(*report, "female", "price_group_over_reference");
  ASSERT_NE(price, nullptr);
  EXPECT_NEAR(price->value(), 2, 0.01);
}

// Names of arms are the engine's: however many it makes up, the audit is made.
TEST(ProfileAuditTest, OfTooManyArmsTheLargestAreTold) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, 0.05);
  const std::vector<int> groups = {0, 1};
  for (int i = 0; i < 2000; ++i) {
    v1::Output output = OutputOf(i, true);
    output.set_variant(i % 2 == 0 ? "large" : "small" + std::to_string(i));
    audit.Add(output, {.groups = groups, .outcome = Answer::kYes});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  const auto* large = Find(*report, "female", "selection_rate", "x/large");
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(large->count(), 1000);
  EXPECT_EQ(report->count(), 2000);
  bool said = false;
  for (const std::string& limit : report->limits()) {
    said = said || limit.find("951 others") != std::string::npos;
  }
  EXPECT_TRUE(said);
}

// A profile of some metrics over sex, of 600 people on each side.
std::shared_ptr<const Profile> Declaring(const std::string& metrics,
                                         const std::string& more = "") {
  ProfileFile file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
            id: "credit"
            model: "credit"
            purpose: "fairness"
            favourable { stated: true }
            attributes {
              name: "sex"
              source: TEXT
              field: "person.sex"
              groups { name: "female" }
              groups { name: "male" }
              reference: "male"
            }
      )pb" +
          metrics + more,
      &file.message));
  if (file.message.minimum() == 0) file.message.set_minimum(30);
  auto profile = Profile::Create(std::move(file));
  EXPECT_OK(profile.status());
  return profile.ok() ? *profile : nullptr;
}

using Change = std::function<void(int i, bool woman, v1::Output* output)>;

v1::FairnessReport AuditOf(const Profile& profile, const Change& change) {
  ProfileAudit audit(profile, 0.05);
  for (int i = 0; i < 1200; ++i) {
    const bool woman = i % 2 == 0;
    v1::Output output = OutputOf(i / 2, true);
    output.clear_experiment();
    output.clear_variant();
    output.clear_input_categories();
    change(i / 2, woman, &output);
    const std::vector<int> groups = {woman ? 0 : 1};
    audit.Add(output, {.groups = groups,
                       .outcome = i / 2 % 3 == 0 ? Answer::kNo : Answer::kYes,
                       .factor = i / 2 % 4 < 2 ? "north" : "south"});
  }
  auto report = audit.Run();
  EXPECT_OK(report.status());
  return report.ok() ? *std::move(report) : v1::FairnessReport();
}

// Names of what decides, each with its finding.
std::map<std::string, v1::FairnessFinding> Decided(
    const v1::FairnessReport& report) {
  std::map<std::string, v1::FairnessFinding> decided;
  for (const auto& figure : report.figures()) {
    if (figure.finding() != v1::FAIRNESS_FINDING_UNSPECIFIED) {
      EXPECT_TRUE(figure.has_tolerance_lower()) << figure.metric();
      decided[figure.metric()] = figure.finding();
    } else {
      EXPECT_FALSE(figure.has_p_value()) << figure.metric();
      EXPECT_FALSE(figure.has_tolerance_lower()) << figure.metric();
    }
  }
  return decided;
}

constexpr auto kOutside = v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE;
constexpr auto kWithin = v1::FAIRNESS_FINDING_WITHIN_TOLERANCE;
constexpr auto kInsufficient = v1::FAIRNESS_FINDING_INSUFFICIENT;
using Decisions = std::map<std::string, v1::FairnessFinding>;

// 1 % against 4 %: by ratio far outside, by difference within.
TEST(DeclaredTest, ARateIsDecidedByTheDeclaredComparisonAlone) {
  const auto rates = [](int women, int men) {
    return [=](int i, bool woman, v1::Output* output) {
      output->set_favourable(i % 100 < (woman ? women : men));
    };
  };
  const auto difference = Declaring(
      "metrics { kind: SELECTION_RATE comparison: DIFFERENCE tolerance: 0.1 }");
  ASSERT_NE(difference, nullptr);
  v1::FairnessReport report = AuditOf(*difference, rates(1, 4));
  EXPECT_EQ(Decided(report),
            (Decisions{{"selection_rate_group_minus_reference", kWithin}}));
  EXPECT_EQ(report.tests(), 1);
  const auto* figure =
      Find(report, "female", "selection_rate_group_minus_reference");
  EXPECT_DOUBLE_EQ(figure->tolerance_lower(), -0.1);
  EXPECT_DOUBLE_EQ(figure->tolerance_upper(), 0.1);
  EXPECT_THAT(report.rules(), ::testing::Contains(::testing::HasSubstr(
                                  "group minus reference: tolerated from -0.1 "
                                  "to 0.1")));
  // 80 % against 98 %: a ratio of 0.82, which nobody asked about.
  report = AuditOf(*difference, rates(80, 98));
  EXPECT_EQ(Decided(report),
            (Decisions{{"selection_rate_group_minus_reference", kOutside}}));

  const auto ratio =
      Declaring("metrics { kind: SELECTION_RATE tolerance: 0.6 }");
  ASSERT_NE(ratio, nullptr);
  report = AuditOf(*ratio, rates(80, 98));
  EXPECT_EQ(Decided(report),
            (Decisions{{"selection_rate_group_over_reference", kWithin}}));
  EXPECT_DOUBLE_EQ(Find(report, "female", "selection_rate_group_over_reference")
                       ->tolerance_lower(),
                   0.6);

  const auto both = Declaring(
      "metrics { kind: SELECTION_RATE tolerance: 0.8 }"
      "metrics { kind: SELECTION_RATE comparison: DIFFERENCE tolerance: 0.1 }");
  ASSERT_NE(both, nullptr);
  report = AuditOf(*both, rates(10, 25));
  EXPECT_EQ(report.tests(), 2);
  EXPECT_EQ(Decided(report).size(), 2u);
}

// Errors, calibration and factors have no tolerance but the one that is named.
TEST(DeclaredTest, WhatHasNoToleranceOfItsOwnDescribes) {
  const std::string metrics =
      "metrics { kind: SELECTION_RATE } metrics { kind: SCORE_MEAN tolerance: "
      "0.1 }";
  const std::string audits =
      "outcome: \"REPAID\" legitimate_factors: \"person.region\"";
  const auto bare = Declaring(metrics, "audits { " + audits + " }");
  ASSERT_NE(bare, nullptr);
  const Change fair = [](int, bool, v1::Output*) {};
  v1::FairnessReport report = AuditOf(*bare, fair);
  EXPECT_EQ(report.tests(), 2);
  EXPECT_EQ(Decided(report).size(), 2u);
  EXPECT_NE(Find(report, "female", "true_positive_rate_group_minus_reference"),
            nullptr);
  EXPECT_NE(Find(report, "female",
                 "outcome_rate_at_equal_score_group_minus_reference"),
            nullptr);

  const std::string tolerances =
      "tolerances { key: \"true_positive_rate\" value: 0.3 }"
      "tolerances { key: \"calibration\" value: 0.2 }"
      "tolerances { key: \"selection_rate_within_factors\" value: 0.15 }";
  const auto named =
      Declaring(metrics, "audits { " + audits + " " + tolerances + " }");
  ASSERT_NE(named, nullptr);
  report = AuditOf(*named, fair);
  EXPECT_EQ(report.tests(), 5);
  const auto decided = Decided(report);
  EXPECT_EQ(decided.size(), 5u);
  for (const auto& [metric, tolerance] : std::map<std::string, double>{
           {"true_positive_rate_group_minus_reference", 0.3},
           {"outcome_rate_at_equal_score_group_minus_reference", 0.2},
           {"selection_rate_group_minus_reference_within_strata", 0.15}}) {
    ASSERT_TRUE(decided.contains(metric)) << metric;
    EXPECT_DOUBLE_EQ(Find(report, "female", metric)->tolerance_upper(),
                     tolerance);
  }
}

TEST(DeclaredTest, MeansOfScoresAndExposuresDecide) {
  const auto profile = Declaring(
      "metrics { kind: SCORE_MEAN tolerance: 0.1 }"
      "metrics { kind: SCORE_MEAN comparison: RATIO tolerance: 0.5 }"
      "metrics { kind: EXPOSURE_MEAN tolerance: 0.8 items: \"a\" }"
      "metrics { kind: EXPOSURE_MEAN tolerance: 0.9 items: \"b\" items: "
      "\"d\" }"
      "metrics { kind: EXPOSURE_MEAN comparison: DIFFERENCE tolerance: 0.3 "
      "items: \"a\" }");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(profile->metrics()[3].name, "exposure_mean_2_group_over_reference");
  EXPECT_EQ(profile->metrics()[4].name, "exposure_mean_group_minus_reference");
  const auto report =
      AuditOf(*profile, [](int i, bool woman, v1::Output* output) {
        output->set_score(i % 10 / 10.0 * (woman ? 0.7 : 1));
        output->clear_ranking();
        // "a" stands first for most men, "b" for most women.
        const bool first = woman ? i % 10 < 2 : i % 10 < 8;
        output->add_ranking(first ? "a" : "b");
        output->add_ranking(first ? "b" : "a");
      });
  // 0.315 against 0.45.
  EXPECT_EQ(Decided(report),
            (Decisions{{"mean_score_group_minus_reference", kOutside},
                       {"mean_score_group_over_reference", kWithin},
                       {"mean_exposure_group_over_reference", kOutside},
                       {"mean_exposure_group_minus_reference", kWithin},
                       {"mean_exposure_2_group_over_reference", kOutside}}));
  EXPECT_EQ(report.tests(), 5);
  EXPECT_THAT(
      Find(report, "female", "mean_exposure_2_group_over_reference")->formula(),
      ::testing::HasSubstr("of b, d"));
}

TEST(DeclaredTest, APriceIsDecidedByTheDeclaredComparison) {
  const Change dearer = [](int i, bool woman, v1::Output* output) {
    output->mutable_price()->set_minor_units((woman ? 1030 : 1000) +
                                             i % 7 * 10);
  };
  const auto difference = Declaring(
      "metrics { kind: PRICE_MEAN comparison: DIFFERENCE tolerance: 0.01 }");
  ASSERT_NE(difference, nullptr);
  const v1::FairnessReport report = AuditOf(*difference, dearer);
  EXPECT_EQ(Decided(report),
            (Decisions{{"mean_price_group_minus_reference", kOutside}}));
  EXPECT_FALSE(Find(report, "female", "price_group_over_reference")
                   ->has_equivalence_p_value());
  const auto within = Declaring(
      "metrics { kind: PRICE_MEAN comparison: DIFFERENCE tolerance: 0.1 }",
      "audits { legitimate_factors: \"person.region\" }");
  ASSERT_NE(within, nullptr);
  EXPECT_EQ(
      Decided(AuditOf(*within, dearer)),
      (Decisions{{"mean_price_group_minus_reference_within_strata", kWithin}}));
  // Equality can be found broken, and never shown.
  const auto equal = Declaring("metrics { kind: PRICE_MEAN tolerance: 1 }");
  ASSERT_NE(equal, nullptr);
  EXPECT_EQ(Decided(AuditOf(*equal, dearer)),
            (Decisions{{"price_group_over_reference", kOutside}}));
  EXPECT_EQ(Decided(AuditOf(*equal, [](int, bool, v1::Output*) {})),
            (Decisions{{"price_group_over_reference", kInsufficient}}));
}

// Thirty equal scores on each side prove no equality of the next hundred.
TEST(DeclaredTest, EqualScoresOfFewProveNothing) {
  const auto profile = Declaring(
      "metrics { kind: SCORE_MEAN tolerance: 0.05 }"
      "metrics { kind: EXPOSURE_MEAN tolerance: 0.95 items: \"a\" }");
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, 0.05);
  for (int i = 0; i < 60; ++i) {
    v1::Output output;
    output.set_score(0.5);
    output.add_ranking("a");
    const std::vector<int> groups = {i % 2};
    audit.Add(output, {.groups = groups});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(Decided(*report),
            (Decisions{{"mean_score_group_minus_reference", kInsufficient},
                       {"mean_exposure_group_over_reference", kInsufficient}}));
}

TEST(DeclaredTest, WhatCannotBeDecidedIsRefused) {
  ProfileFile file;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  const auto refused = [&file](const std::string& name, double tolerance,
                               const char* why) {
    ProfileFile one = file;
    (*one.message.mutable_audits()->mutable_tolerances())[name] = tolerance;
    EXPECT_THAT(Profile::Create(one).status().message(),
                ::testing::HasSubstr(why))
        << name;
  };
  refused("accuracy", 0.1, "names nothing that an audit decides");
  refused("calibration", 1, "must be from 0 to less than 1");
  refused("calibration", std::nan(""), "must be from 0 to less than 1");
  file.message.mutable_audits()->add_figures("calibration");
  refused("true_positive_rate", 0.1, "which figures does not ask for");
  file.message.mutable_audits()->clear_legitimate_factors();
  refused("selection_rate_within_factors", 0.1, "legitimate_factors");
  *file.message.add_metrics() = file.message.metrics(3);
  EXPECT_THAT(Profile::Create(file).status().message(),
              ::testing::HasSubstr("is compared so already"));
}

TEST(ProfileAuditTest, NothingTestedIsSaid) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  const auto report = ProfileAudit(*profile, 0.05).Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(report->tests(), 0);
  EXPECT_THAT(report->rules(),
              ::testing::Contains(::testing::HasSubstr("Nothing was tested")));
}

// As a monitor compares: each with all others known.
constexpr char kRegions[] = R"pb(
  id: "credit"
  model: "credit"
  purpose: "fairness"
  favourable { stated: true }
  attributes {
    name: "region"
    source: TEXT
    field: "person.region"
    groups { name: "a" }
    groups { name: "b" }
    groups { name: "c" }
    groups { name: "d" }
    rule: REST
  }
  metrics { kind: SELECTION_RATE }
  metrics { kind: SCORE_MEAN tolerance: 0.1 }
  metrics { kind: PRICE_MEAN tolerance: 0.9 }
  minimum: 30
  audits { outcome: "REPAID" legitimate_factors: "person.town" }
)pb";

class RestTest : public ::testing::Test {
 protected:
  RestTest() {
    ProfileFile file;
    EXPECT_TRUE(
        google::protobuf::TextFormat::ParseFromString(kRegions, &file.message));
    profile_ = *Profile::Create(std::move(file));
    audit_.emplace(*profile_, 0.05);
  }

  // So many people of a group, so many of whom are selected.
  void Add(int group, int people, int selected) {
    for (int i = 0; i < people; ++i) {
      v1::Output output = OutputOf(i, true);
      output.clear_experiment();
      output.clear_variant();
      output.set_favourable(i < selected);
      const std::vector<int> groups = {group};
      audit_->Add(output, {.groups = groups,
                           .outcome = i % 2 ? Answer::kYes : Answer::kNo,
                           .factor = i % 3 ? "x" : "y"});
    }
  }

  std::shared_ptr<const Profile> profile_;
  std::optional<ProfileAudit> audit_;
};

TEST_F(RestTest, EachGroupIsComparedWithAllOthersKnown) {
  Add(0, 400, 80);
  Add(1, 300, 150);
  Add(2, 200, 100);
  Add(3, 100, 50);
  Add(kOtherGroup, 50, 0);
  Add(kUnknownGroup, 60, 0);
  const auto report = audit_->Run();
  ASSERT_OK(report.status());
  const int all[] = {400, 300, 200, 100};
  const int hits[] = {80, 150, 100, 50};
  for (int g = 0; g < 4; ++g) {
    const std::string name(1, static_cast<char>('a' + g));
    for (const char* metric :
         {"selection_rate_group_over_reference",
          "selection_rate_group_minus_reference",
          "selection_rate_group_minus_reference_within_strata",
          "true_positive_rate_group_minus_reference",
          "mean_score_group_minus_reference", "price_group_over_reference"}) {
      const auto* figure = Find(*report, name, metric);
      ASSERT_NE(figure, nullptr) << name << " " << metric;
      EXPECT_EQ(figure->reference(), "rest");
    }
    const auto* ratio =
        Find(*report, name, "selection_rate_group_over_reference");
    EXPECT_EQ(ratio->count(), all[g]);
    EXPECT_EQ(ratio->reference_count(), 1000 - all[g]);
    EXPECT_EQ(ratio->reference_hits(), 380 - hits[g]);
    EXPECT_EQ(Find(*report, name, "mean_score_group_minus_reference")
                  ->reference_count(),
              1000 - all[g]);
  }
  EXPECT_EQ(
      Find(*report, "a", "selection_rate_group_over_reference")->finding(),
      v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
  for (const auto& figure : report->figures()) {
    if (figure.reference().empty()) continue;
    EXPECT_NE(figure.group(), "other");
    EXPECT_NE(figure.group(), "unknown");
  }
  EXPECT_THAT(
      report->rules(),
      ::testing::Contains(::testing::HasSubstr("with all other known groups")));
}

// A group too small to be told, and the next that would give it away, count in
// no rest: a rest less what is told of its groups is nobody.
TEST_F(RestTest, ARestTellsNothingOfWhoIsTooFew) {
  Add(0, 400, 80);
  Add(1, 300, 150);
  Add(2, 200, 100);
  Add(3, 4, 4);
  const auto report = audit_->Run();
  ASSERT_OK(report.status());
  const auto* ratio = Find(*report, "a", "selection_rate_group_over_reference");
  ASSERT_NE(ratio, nullptr);
  EXPECT_EQ(ratio->reference_count(), 300);
  EXPECT_EQ(ratio->reference_hits(), 150);
  EXPECT_EQ(Find(*report, "c", "selection_rate_group_over_reference"), nullptr);
  EXPECT_EQ(Find(*report, "d", "selection_rate_group_over_reference"), nullptr);
}

TEST(ProfileAuditTest, WithoutAlphaItDescribes) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, std::nullopt);
  const std::vector<int> groups = {0, 0};
  audit.Add(OutputOf(1, true), {.groups = groups, .outcome = Answer::kYes});
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_FALSE(report->confirmatory());
  EXPECT_EQ(report->tests(), 0);
}

TEST(ProfileAuditTest, OutputsWithoutNumbersAreLeftOut) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, 0.05);
  for (int i = 0; i < 100; ++i) {
    v1::Output output;
    output.set_score(i % 2 == 0 ? std::numeric_limits<double>::quiet_NaN()
                                : std::numeric_limits<double>::infinity());
    output.mutable_price()->set_minor_units(-5);
    const std::vector<int> groups = {kOtherGroup, kUnknownGroup};
    audit.Add(output, {.groups = groups});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "other", "mean_score"), nullptr);
  EXPECT_EQ(Find(*report, "other", "mean_price"), nullptr);
}

TEST(ProfileAuditTest, ValuesBehindAnInputTellWhatItsUseDoesNot) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  ProfileAudit audit(*profile, 0.05, {"person.town", "person.income"});
  for (int i = 0; i < 1000; ++i) {
    const bool woman = i % 2 == 0;
    v1::Output output = OutputOf(i, woman);
    output.clear_input_categories();
    output.add_input_categories("user.location");
    const std::vector<int> groups = {woman ? 0 : 1, 0};
    const std::vector<std::string> values = {woman ? "Ulm" : "Bonn",
                                             std::to_string(1000 + i * 7)};
    audit.Add(output, {.groups = groups, .inputs = values});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  std::map<std::string, double> told;
  for (const auto& proxy : report->proxies()) {
    if (proxy.attribute() == "sex") {
      told[proxy.input()] = proxy.uncertainty_removed();
    }
  }
  // Used by every output: it tells nothing.
  EXPECT_FALSE(told.contains("user.location"));
  ASSERT_TRUE(told.contains("person.town"));
  EXPECT_GT(told["person.town"], 0.99);
  ASSERT_TRUE(told.contains("person.income"));
  EXPECT_LT(told["person.income"], 0.05);
}

TEST(ProfileAuditTest, RatesOfPeriodsStandInTheReport) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
  ProfileAudit audit(*profile, 0.05, {}, {0, 90 * kDay});
  // Women only in the first month, but for two in the last.
  for (int i = 0; i < 1800; ++i) {
    const bool woman = i < 600 || i >= 1798;
    const std::vector<int> groups = {woman ? 0 : 1, 0};
    audit.Add(OutputOf(i, woman), {.groups = groups, .time_us = kDay * i / 20});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  const auto find = [&](const char* group) -> const v1::FairnessTrend* {
    for (const auto& trend : report->trends()) {
      if (trend.attribute() == "sex" && trend.group() == group) return &trend;
    }
    return nullptr;
  };
  const auto* men = find("male");
  ASSERT_NE(men, nullptr);
  EXPECT_EQ(men->metric(), "selection_rate");
  int64_t counted = 0;
  for (const auto& point : men->points()) {
    EXPECT_LE(point.lower(), point.estimate());
    EXPECT_GE(point.upper(), point.estimate());
    counted += point.count();
  }
  // But for those of the last period, which would tell the two women in it.
  EXPECT_LT(counted, 1198);
  EXPECT_GT(counted, 900);
  // The two are not told, nor could they be found by subtraction.
  const auto* women = find("female");
  ASSERT_NE(women, nullptr);
  counted = 0;
  for (const auto& point : women->points()) {
    EXPECT_GE(point.count(), 10);
    counted += point.count();
  }
  EXPECT_LE(counted, 602 - 10);
}

// Rates of both rise alike: what is tolerated rises with the reference's.
TEST(ProfileAuditTest, WhatIsToleratedOfARateFollowsTheReference) {
  constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
  const auto points_of = [&](const Profile& profile, const char* group) {
    ProfileAudit audit(profile, 0.05, {}, {0, 24 * kDay});
    for (int i = 0; i < 2400; ++i) {
      v1::Output output = OutputOf(i, true);
      output.clear_experiment();
      output.clear_variant();
      output.set_favourable(i / 2 % 100 < (i < 1200 ? 20 : 60));
      const std::vector<int> groups = {i % 2};
      audit.Add(output, {.groups = groups, .time_us = kDay * i / 100});
    }
    const auto report = audit.Run();
    EXPECT_OK(report.status());
    std::vector<v1::FairnessTrendPoint> points;
    for (const auto& trend : report->trends()) {
      if (trend.group() != group) continue;
      points.assign(trend.points().begin(), trend.points().end());
    }
    return points;
  };
  const auto ratio = Declaring("metrics { kind: SELECTION_RATE }");
  ASSERT_NE(ratio, nullptr);
  auto points = points_of(*ratio, "female");
  ASSERT_EQ(points.size(), 12u);
  EXPECT_DOUBLE_EQ(points[0].tolerance_lower(), 0.2 * 0.8);
  EXPECT_DOUBLE_EQ(points[0].tolerance_upper(), 0.2 * 1.25);
  EXPECT_DOUBLE_EQ(points[11].tolerance_lower(), 0.6 * 0.8);
  EXPECT_DOUBLE_EQ(points[11].tolerance_upper(), 0.6 * 1.25);
  // Of the reference nothing is tolerated.
  for (const auto& point : points_of(*ratio, "male")) {
    EXPECT_FALSE(point.has_tolerance_lower());
  }
  const auto difference = Declaring(
      "metrics { kind: SELECTION_RATE comparison: DIFFERENCE tolerance: 0.3 }");
  ASSERT_NE(difference, nullptr);
  points = points_of(*difference, "female");
  ASSERT_EQ(points.size(), 12u);
  EXPECT_DOUBLE_EQ(points[0].tolerance_lower(), 0);
  EXPECT_DOUBLE_EQ(points[0].tolerance_upper(), 0.5);
  // With too few of the reference in a period no rate is held against theirs.
  const auto many =
      Declaring("metrics { kind: SELECTION_RATE }", "minimum: 101");
  ASSERT_NE(many, nullptr);
  points = points_of(*many, "female");
  ASSERT_EQ(points.size(), 12u);
  EXPECT_FALSE(points[0].has_tolerance_lower());
}

TEST(ProfileAuditTest, AnOutcomeThatNobodyReportsIsRefused) {
  ProfileFile file;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  for (const char* outcome : {"REPAYED", "UNSPECIFIED", "repaid"}) {
    file.message.mutable_audits()->set_outcome(outcome);
    EXPECT_FALSE(Profile::Create(file).ok()) << outcome;
  }
}

TEST(ProfileAuditTest, FiguresThatAreNoneOrHaveNoDataAreRefused) {
  ProfileFile file;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  auto& audits = *file.message.mutable_audits();
  audits.add_figures("true_positive_rate");
  audits.add_figures("calibration");
  EXPECT_OK(Profile::Create(file).status());
  const auto refused = [](const ProfileFile& one, const char* why) {
    const auto profile = Profile::Create(one);
    EXPECT_THAT(profile.status().message(), ::testing::HasSubstr(why));
  };
  ProfileFile other = file;
  other.message.mutable_audits()->add_figures("true_positives");
  refused(other, "names no figure; there are base_rate");
  other = file;
  other.message.mutable_audits()->add_figures("calibration");
  refused(other, "names a figure twice");
  other = file;
  other.message.mutable_audits()->clear_outcome();
  refused(other, "an outcome");
  other = file;
  other.message.mutable_metrics()->DeleteSubrange(1, 1);
  refused(other, "SCORE_MEAN");
}

TEST(ProfileAuditTest, AProfileAsksForItsFiguresAlone) {
  ProfileFile file;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  file.message.mutable_audits()->add_figures("false_positive_rate");
  const auto profile = Profile::Create(std::move(file));
  ASSERT_OK(profile.status());
  ProfileAudit audit(**profile, 0.05);
  for (int i = 0; i < 600; ++i) {
    const bool woman = i % 2 == 0;
    const std::vector<int> groups = {woman ? 0 : 1, i / 2 % 3};
    audit.Add(
        OutputOf(i, woman),
        {.groups = groups, .outcome = i % 5 < 2 ? Answer::kYes : Answer::kNo});
  }
  const auto report = audit.Run();
  ASSERT_OK(report.status());
  EXPECT_NE(Find(*report, "female", "false_positive_rate"), nullptr);
  EXPECT_EQ(Find(*report, "female", "true_positive_rate"), nullptr);
  EXPECT_EQ(Find(*report, "female", "expected_calibration_error"), nullptr);
}

// An output that says all at once.
v1::Output Says(double score, int64_t price) {
  v1::Output output;
  output.set_model("credit");
  output.set_score(score);
  output.mutable_price()->set_minor_units(price);
  output.mutable_price()->set_currency("EUR");
  output.mutable_base_price()->set_minor_units(1000);
  output.mutable_base_price()->set_currency("EUR");
  return output;
}

// Raw, one of them makes the variance greater than any difference.
TEST(ProfileAuditTest, OneOutlierHidesNoDisparity) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  for (const int64_t outlier : {std::numeric_limits<int64_t>::max(),
                                int64_t{1'000'000'000'000}, int64_t{0}}) {
    ProfileAudit audit(*profile, 0.05);
    for (int i = 0; i < 1200; ++i) {
      const bool woman = i % 2 == 0;
      const std::vector<int> groups = {woman ? 0 : 1, 1};
      const bool odd = i == 100;
      audit.Add(Says(odd ? (outlier == 0 ? -1e308 : 1e308)
                         : (woman ? 0.3 : 0.6) + i % 7 * 0.01,
                     odd ? outlier : (woman ? 1500 : 1000) + i % 7),
                {.groups = groups, .factor = "north"});
    }
    const auto report = audit.Run();
    ASSERT_OK(report.status());
    const auto* score =
        Find(*report, "female", "mean_score_group_minus_reference");
    ASSERT_NE(score, nullptr);
    EXPECT_NEAR(score->value(), -0.3, 0.01);
    EXPECT_LT(score->upper(), -0.2);
    EXPECT_EQ(score->clipped_count(), 1);
    EXPECT_EQ(score->reference_clipped_count(), 0);
    const auto* price =
        Find(*report, "female", "price_group_over_reference_within_strata");
    ASSERT_NE(price, nullptr);
    EXPECT_NEAR(price->value(), 1.5, 0.02);
    EXPECT_EQ(price->finding(), v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
    EXPECT_EQ(price->clipped_count(), 1);
    EXPECT_EQ(Find(*report, "female", "mean_price")->clipped_count(), 1);
    EXPECT_EQ(Find(*report, "male", "mean_price")->clipped_count(), 0);
  }
}

// Women see the watched item at the seventh place, men at the second.
TEST(ProfileAuditTest, PlacesOfWatchedItemsRankPeople) {
  ProfileFile file;
  ASSERT_TRUE(
      google::protobuf::TextFormat::ParseFromString(kProfile, &file.message));
  const auto report_of = [&](uint32_t depth) {
    ProfileFile one = file;
    one.message.mutable_audits()->set_ranking_depth(depth);
    const auto profile = Profile::Create(std::move(one));
    EXPECT_OK(profile.status());
    ProfileAudit audit(**profile, std::nullopt);
    for (int i = 0; i < 900; ++i) {
      const bool woman = i % 3 != 0;
      v1::Output output;
      output.set_model("credit");
      // One in ten gets it nowhere.
      const int at = i % 10 == 9 ? 99 : woman ? 6 : 1;
      for (int place = 0; place < 10; ++place) {
        output.add_ranking(place == at ? "a" : "x");
      }
      const std::vector<int> groups = {woman ? 0 : 1, 1};
      audit.Add(output, {.groups = groups, .factor = "north"});
    }
    auto report = audit.Run();
    EXPECT_OK(report.status());
    return *report;
  };
  // Of the first five only men; of the first ten all but those who get none.
  const auto five = report_of(5);
  const auto* men = Find(five, "male", "skew_of_first_5");
  ASSERT_NE(men, nullptr);
  EXPECT_NEAR(men->value(), std::log(3.0), 1e-9);
  EXPECT_EQ(men->count(), 300);
  const auto* women = Find(five, "female", "skew_of_first_5");
  EXPECT_FALSE(women->has_value());
  EXPECT_EQ(women->remark(), "none stands among the first");
  EXPECT_NEAR(Find(five, "", "discounted_divergence_of_first_5")->value(),
              std::log(3.0), 1e-9);
  const auto ten = report_of(10);
  EXPECT_NEAR(Find(ten, "male", "skew_of_first_10")->value(), 0, 1e-9);
  const auto* divergence = Find(ten, "", "discounted_divergence_of_first_10");
  EXPECT_GT(divergence->value(), 0.3);
  EXPECT_LT(divergence->value(), std::log(3.0));
  // Without watched items a depth would say nothing.
  file.message.mutable_audits()->set_ranking_depth(5);
  file.message.mutable_metrics()->RemoveLast();
  EXPECT_THAT(Profile::Create(file).status().message(),
              ::testing::HasSubstr("needs the metric EXPOSURE_MEAN"));
}

// Four times and twice the base both count as the end of "0 to 2".
TEST(ProfileAuditTest, WithTooManyBeyondTheirRangeNothingIsWithinTolerance) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  const auto report_of = [&](auto price_of) {
    ProfileAudit audit(*profile, 0.05);
    for (int i = 0; i < 4000; ++i) {
      const bool woman = i % 2 == 0;
      const std::vector<int> groups = {woman ? 0 : 1, 1};
      audit.Add(Says(0.5, price_of(i, woman)),
                {.groups = groups, .factor = "north"});
    }
    auto report = audit.Run();
    EXPECT_OK(report.status());
    return *report;
  };
  constexpr char kPrice[] = "price_group_over_reference_within_strata";
  const auto dear =
      report_of([](int, bool woman) { return woman ? 4000 : 2000; });
  const auto* price = Find(dear, "female", kPrice);
  EXPECT_EQ(price->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
  EXPECT_EQ(price->remark(), kTooManyBeyond);
  EXPECT_EQ(price->clipped_count(), 2000);
  EXPECT_EQ(price->reference_clipped_count(), 0);
  // Of 2,000, twenty may lie beyond.
  for (const int some : {20, 21}) {
    const auto report = report_of([some](int i, bool woman) {
      return !woman && i < 2 * some ? 5000 : 1000 + i / 2 % 5;
    });
    const auto* figure = Find(report, "female", kPrice);
    EXPECT_EQ(figure->reference_clipped_count(), some);
    EXPECT_EQ(figure->finding(), some == 20
                                     ? v1::FAIRNESS_FINDING_WITHIN_TOLERANCE
                                     : v1::FAIRNESS_FINDING_INSUFFICIENT);
  }
}

TEST(ProfileAuditTest, AnEmptyAuditIsNoError) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  const auto report = ProfileAudit(*profile, 0.05).Run();
  ASSERT_OK(report.status());
  EXPECT_EQ(report->count(), 0);
}

TEST(ProfileAuditTest, YoungOutputsAreNotAskedForTheirOutcome) {
  const auto profile = MakeProfile();
  ASSERT_NE(profile, nullptr);
  constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
  EXPECT_FALSE(ProfileAudit::OutcomeIsDue(*profile, 0, 30 * kDay - 1));
  EXPECT_TRUE(ProfileAudit::OutcomeIsDue(*profile, 0, 30 * kDay));
}

}  // namespace
}  // namespace consentry::policy::fairness
