#include "policy/fairness/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "policy/engine/civil.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCredit[] = R"pb(
  id: "credit"
  title: "Credit decisions"
  model: "credit"
  kinds: DECISION
  favourable { labels { labels: "granted" } }
  purpose: "bias_detection"
  attributes {
    name: "sex"
    source: TEXT
    field: "profile.sex"
    groups { name: "female" values: "f" values: "female" }
    groups { name: "male" values: "m" values: "male" }
    reference: "male"
  }
  attributes {
    name: "age_band"
    source: BIRTH_DATE
    field: "profile.birth_date"
    bands: 30
    bands: 60
    reference: "30_59"
  }
  intersections {
    attributes: "sex"
    attributes: "age_band"
    reference: "male"
    reference: "30_59"
  }
  metrics { kind: SELECTION_RATE }
  metrics { kind: SCORE_MEAN tolerance: 5 lower: 0 upper: 100 }
  traffic {
    units_per_day: 1000
    rate: 0.4
    shares { key: "sex=female" value: 0.5 }
    shares { key: "age_band=60_and_over" value: 0.1 }
  }
)pb";

absl::StatusOr<std::shared_ptr<const Profile>> Make(const std::string& text) {
  auto file =
      policy::ParseText<config::v1::FairnessProfile>("credit.txtpb", text);
  if (!file.ok()) return file.status();
  return Profile::Create(*std::move(file));
}

// The message of the refusal after a change of the text.
std::string Refusal(const std::string& from, const std::string& to) {
  const std::string text = absl::StrReplaceAll(kCredit, {{from, to}});
  EXPECT_NE(text, kCredit) << from;
  const auto made = Make(text);
  return made.ok() ? "" : std::string(made.status().message());
}

TEST(Profile, SplitsAlphaOverAllStreamsBeforeTheFirstLook) {
  const auto made = Make(kCredit);
  ASSERT_OK(made.status());
  const Profile& profile = **made;
  // Sex 1, age 2, both 6 - 1, by two metrics.
  ASSERT_EQ(profile.streams().size(), 16u);
  double sum = 0;
  for (const auto& stream : profile.streams()) sum += stream.plan.alpha;
  EXPECT_NEAR(sum, 0.05, 1e-12);
  EXPECT_EQ(profile.streams()[0].Title(profile),
            "sex: female against male, selection_rate_group_over_reference");
  EXPECT_EQ(profile.streams()[0].plan.tolerance,
            (Tolerance{Comparison::kRatio, 0.8}));
  EXPECT_EQ(profile.streams()[1].plan.tolerance,
            (Tolerance{Comparison::kDifference, 0.05}));
  EXPECT_FALSE(profile.streams()[1].plan.binary);
}

TEST(Profile, PutsPeopleWhereTheyBelong) {
  const auto made = Make(kCredit);
  ASSERT_OK(made.status());
  const Profile& profile = **made;
  const int64_t now_us = *ParseTime("2026-06-15T12:00:00Z");
  v1::Value value;
  value.set_string_value(" F ");
  EXPECT_EQ(profile.attributes()[0].GroupOf(value, now_us), 0);
  value.set_string_value("x");
  EXPECT_EQ(profile.attributes()[0].GroupOf(value, now_us), kOtherGroup);
  value.set_string_value("");
  EXPECT_EQ(profile.attributes()[0].GroupOf(value, now_us), kUnknownGroup);

  const Profile::Attribute& age = profile.attributes()[1];
  const auto band = [&](const char* date) {
    v1::Value born;
    born.set_date_value(date);
    return std::string(age.GroupName(age.GroupOf(born, now_us)));
  };
  EXPECT_EQ(band("1996-06-15"), "30_59");
  EXPECT_EQ(band("1996-06-16"), "under_30");
  EXPECT_EQ(band("1966-06-15"), "60_and_over");
  EXPECT_EQ(band("2027-01-01"), "unknown");
  EXPECT_EQ(band("15.06.1966"), "unknown");

  const auto reduced = [&](const char* ages) {
    v1::Value text;
    text.set_string_value(ages);
    return std::string(age.GroupName(age.GroupOf(text, now_us)));
  };
  EXPECT_EQ(reduced("18-24"), "under_30");
  EXPECT_EQ(reduced("25-34"), "unknown");
  EXPECT_EQ(reduced("60+"), "60_and_over");
  EXPECT_EQ(reduced("45+"), "unknown");
  EXPECT_EQ(reduced("-"), "unknown");
  EXPECT_EQ(reduced("+"), "unknown");

  const auto& streams = profile.streams();
  const int female_young[] = {0, 0};
  const int male_middle[] = {1, 1};
  const int unknown_middle[] = {kUnknownGroup, 1};
  EXPECT_EQ(streams[0].SideOf(female_young), Side::kGroup);
  EXPECT_EQ(streams[0].SideOf(male_middle), Side::kReference);
  EXPECT_EQ(streams[0].SideOf(unknown_middle), std::nullopt);
  const auto& both = streams[6];
  EXPECT_EQ(both.attribute_name, "sex*age_band");
  EXPECT_EQ(both.group_name, "female*under_30");
  EXPECT_EQ(both.SideOf(female_young), Side::kGroup);
  EXPECT_EQ(both.SideOf(male_middle), Side::kReference);
}

TEST(Profile, APersonCountsOnceForAVersionUnlessSomethingElseIsAsked) {
  const auto made = Make(kCredit);
  ASSERT_OK(made.status());
  EXPECT_EQ((*made)->period(), Period::kVersion);
  const auto said = [](const Profile& profile) {
    return absl::StrJoin(Explain(profile).remarks, "\n");
  };
  EXPECT_THAT(said(**made), HasSubstr("once in a version of the model"));
  EXPECT_THAT(said(**made), Not(HasSubstr("come back count again")));
  const auto daily = Make(absl::StrCat(kCredit, "unit { period: DAY }"));
  ASSERT_OK(daily.status());
  EXPECT_EQ((*daily)->period(), Period::kDay);
  EXPECT_THAT(said(**daily), HasSubstr("come back count again each day"));
  EXPECT_THAT(said(**daily),
              HasSubstr("does not follow from what she got before"));
}

TEST(Profile, RestMeansAllOthersThatAreKnown) {
  const auto made = Make(absl::StrReplaceAll(
      kCredit, {{"reference: \"male\"\n  }\n  attributes",
                 "rule: REST compare_unknown: true\n  }\n  attributes"}}));
  ASSERT_OK(made.status());
  const auto& streams = (*made)->streams();
  EXPECT_EQ(streams[0].reference_name, "rest");
  const int male[] = {1, 0};
  const int unknown[] = {kUnknownGroup, 0};
  const int other[] = {kOtherGroup, 0};
  EXPECT_EQ(streams[0].SideOf(male), Side::kReference);
  EXPECT_EQ(streams[0].SideOf(unknown), std::nullopt);
  EXPECT_EQ(streams[0].SideOf(other), std::nullopt);
  EXPECT_EQ(streams[4].group_name, "unknown");
  EXPECT_EQ(streams[4].SideOf(unknown), Side::kGroup);
}

TEST(Profile, ReadsWhatAnOutputSays) {
  const auto made = Make(absl::StrReplaceAll(
      kCredit,
      {{"metrics { kind: SELECTION_RATE }",
        "metrics { kind: SELECTION_RATE } metrics { kind: PRICE_MEAN } "
        "metrics { kind: EXPOSURE_MEAN items: \"b\" items: \"a\" }"}}));
  ASSERT_OK(made.status());
  const Profile& profile = **made;
  const auto value = [&](size_t metric, const v1::Output& output) {
    return profile.ValueOf(profile.metrics()[metric], output);
  };
  v1::Output output;
  output.set_model("credit");
  EXPECT_FALSE(profile.Watches(output));
  output.set_kind(v1::OUTPUT_KIND_DECISION);
  EXPECT_TRUE(profile.Watches(output));
  EXPECT_FALSE(value(0, output));
  output.set_label("granted");
  EXPECT_EQ(value(0, output)->value, 1);
  output.set_label("refused");
  EXPECT_EQ(value(0, output)->value, 0);

  EXPECT_FALSE(value(1, output));
  output.mutable_price()->set_currency("EUR");
  output.mutable_price()->set_minor_units(1500);
  output.mutable_base_price()->set_currency("EUR");
  EXPECT_FALSE(value(1, output)) << "nothing over nothing";
  output.mutable_base_price()->set_minor_units(1000);
  EXPECT_EQ(value(1, output)->value, 0.75);
  output.mutable_price()->set_minor_units(5000);
  EXPECT_EQ(value(1, output)->value, 1);
  EXPECT_TRUE(value(1, output)->clipped);
  output.mutable_price()->set_currency("USD");
  EXPECT_FALSE(value(1, output));

  EXPECT_FALSE(value(2, output));
  output.add_ranking("x");
  EXPECT_EQ(value(2, output)->value, 0);
  output.add_ranking("a");
  output.add_ranking("b");
  EXPECT_NEAR(value(2, output)->value, 1 / std::log2(3), 1e-12);

  EXPECT_FALSE(value(3, output)) << "no score is not a score of zero";
  output.set_score(0);
  EXPECT_EQ(value(3, output)->value, 0);
  output.set_score(250);
  EXPECT_TRUE(value(3, output)->clipped);
  output.set_score(25);
  EXPECT_EQ(value(3, output)->value, 0.25);
  for (const double bad :
       {std::nan(""), std::numeric_limits<double>::infinity()}) {
    output.set_score(bad);
    EXPECT_FALSE(value(3, output));
  }
}

TEST(Profile, SilenceIsNoOutcome) {
  const auto favourable = [](const std::string& by, const v1::Output& output) {
    const auto made = Make(absl::StrReplaceAll(
        kCredit,
        {{"kinds: DECISION", ""}, {"labels { labels: \"granted\" }", by}}));
    EXPECT_OK(made.status());
    return (*made)->ValueOf((*made)->metrics()[0], output);
  };
  v1::Output output;
  output.set_kind(v1::OUTPUT_KIND_PAGE_CONTENT);
  for (const char* by : {"stated: true", "score_at_least: 0",
                         "score_at_most: 0.5", "labels { labels: \"x\" }"}) {
    EXPECT_FALSE(favourable(by, output)) << by;
  }
  output.set_favourable(false);
  EXPECT_EQ(favourable("stated: true", output)->value, 0);
  output.set_favourable(true);
  EXPECT_EQ(favourable("stated: true", output)->value, 1);
  v1::Output decision;
  decision.set_kind(v1::OUTPUT_KIND_DECISION);
  EXPECT_EQ(favourable("stated: true", decision)->value, 0);
}

TEST(Profile, ComparesWithinTheHourAndTheChannelUnlessAskedOtherwise) {
  const auto made = Make(kCredit);
  ASSERT_OK(made.status());
  EXPECT_EQ((*made)->streams()[0].plan.bucket_us, int64_t{3600} * 1'000'000);
  const v1::Output output;
  EXPECT_NE((*made)->StratumOf(output, v1::CHANNEL_EMAIL),
            (*made)->StratumOf(output, v1::CHANNEL_WEB));
  const auto wide =
      Make(absl::StrCat(kCredit, "pairing { hours: 24 channel: false }"));
  ASSERT_OK(wide.status());
  EXPECT_EQ((*wide)->streams()[0].plan.bucket_us,
            int64_t{24} * 3600 * 1'000'000);
  EXPECT_EQ((*wide)->StratumOf(output, v1::CHANNEL_EMAIL),
            (*wide)->StratumOf(output, v1::CHANNEL_WEB));
  EXPECT_THAT(
      Explain(**wide).remarks,
      ::testing::Contains(HasSubstr("different times of these 24 hours, or")));
}

TEST(Profile, RefusesWhatCouldNotBeHonest) {
  EXPECT_THAT(Refusal("kinds: DECISION", "kinds: 0"),
              HasSubstr("must be a kind of output"));
  EXPECT_THAT(Refusal("kinds: DECISION", "kinds: DECISION kinds: DECISION"),
              HasSubstr("named once"));
  EXPECT_THAT(
      Refusal("reference: \"male\"\n  }\n  attributes", "}\n  attributes"),
      HasSubstr("name it before the first look"));
  EXPECT_THAT(Refusal("favourable { labels { labels: \"granted\" } }", ""),
              HasSubstr("good for the customer"));
  EXPECT_THAT(Refusal("model: \"credit\"", "model: \"credit\" on_alarm: BLOCK"),
              HasSubstr("an alarm proves nothing"));
  EXPECT_THAT(Refusal("model: \"credit\"", "model: \"credit\" alpha: 0.9"),
              HasSubstr("to 0.2"));
  EXPECT_THAT(Refusal("model: \"credit\"", "model: \"credit\" alpha: nan"),
              HasSubstr("to 0.2"));
  EXPECT_THAT(Refusal("bands: 60", "bands: 20"),
              HasSubstr("above the one before"));
  EXPECT_THAT(Refusal("values: \"m\"", "values: \"F\""),
              HasSubstr("is a value of another group"));
  EXPECT_THAT(Refusal("name: \"female\"", "name: \"unknown\""),
              HasSubstr("a word of the gateway's own"));
  EXPECT_THAT(Refusal("tolerance: 5", "tolerance: 100"),
              HasSubstr("width of the range"));
  EXPECT_THAT(Refusal("tolerance: 5", "tolerance: nan"),
              HasSubstr("width of the range"));
  EXPECT_THAT(Refusal("upper: 100", "upper: inf"), HasSubstr("finite"));
  EXPECT_THAT(
      Refusal("kind: SELECTION_RATE", "kind: SELECTION_RATE tolerance: 1.2"),
      HasSubstr("from 0.01 to 1"));
  EXPECT_THAT(Refusal("sex=female", "sex=girls"), HasSubstr("names no group"));
  EXPECT_THAT(Refusal("value: 0.5", "value: nan"), HasSubstr("from 0 to 1"));
  EXPECT_THAT(Refusal("profile.sex", "sex"), HasSubstr("must name a field"));
}

TEST(Profile, TellsAllFaultsAtOnceWithTheirPlaces) {
  const auto made = Make("id: \"A\"\nmodel: \"m\"\nalpha: 7\n");
  ASSERT_FALSE(made.ok());
  const std::string message(made.status().message());
  EXPECT_THAT(message, HasSubstr("credit.txtpb:1:1"));
  EXPECT_THAT(message, HasSubstr("credit.txtpb:3:1"));
  EXPECT_THAT(message, HasSubstr("metrics"));
}

TEST(Profile, RefusesTooManyGroupsInsteadOfSpreadingAlphaThin) {
  std::string groups;
  for (int i = 0; i < 33; ++i) {
    absl::StrAppend(&groups, "groups { name: \"g", i, "\" }\n");
  }
  EXPECT_THAT(Refusal("groups { name: \"female\"",
                      groups + "groups { name: \"female\""),
              HasSubstr("2 to 32"));
  std::string bands;
  for (int i = 1; i <= 31; ++i) absl::StrAppend(&bands, "bands: ", i, " ");
  const auto made = Make(absl::StrReplaceAll(
      kCredit, {{"bands: 30\n    bands: 60", bands},
                {"30_59", "30_30"},
                {"age_band=60_and_over", "age_band=30_30"},
                {"groups { name: \"female\"",
                 "groups { name: \"x\" } groups { name: \"female\""}}));
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(std::string(made.status().message()),
              HasSubstr("all of them are 96, more than 64"));
}

TEST(Profile, RefusesMoreFactorsThanAnybodyCouldExplain) {
  const auto with = [](int factors, const std::string& more) {
    std::string audits = "audits {";
    for (int i = 0; i < factors; ++i) {
      absl::StrAppend(&audits, " legitimate_factors: \"profile.f", i, "\"");
    }
    const auto made = Make(absl::StrCat(kCredit, audits, more, " }"));
    return made.ok() ? "" : std::string(made.status().message());
  };
  EXPECT_EQ(with(16, ""), "");
  EXPECT_THAT(with(17, ""),
              HasSubstr("legitimate_factors: must be at most 16"));
  EXPECT_THAT(with(2, " legitimate_factors: \"profile.f1\""),
              HasSubstr("legitimate_factors: names a field twice"));
  EXPECT_THAT(with(2, " legitimate_factors: \"\""),
              HasSubstr("legitimate_factors: must name a field"));
}

TEST(Profile, ChecksFieldsAgainstTheCatalog) {
  const auto file =
      policy::ParseText<config::v1::FairnessProfile>("credit.txtpb", kCredit);
  ASSERT_OK(file.status());
  config::v1::Catalog catalog;
  auto* const kind = catalog.add_kinds();
  kind->set_key("profile");
  auto* const sex = kind->add_fields();
  sex->set_key("sex");
  sex->set_type(config::v1::FieldType::STRING);
  auto* const born = kind->add_fields();
  born->set_key("birth_date");
  born->set_type(config::v1::FieldType::DATE);
  EXPECT_OK(Profile::Create(*file, &catalog).status());
  sex->set_sensitivity(config::v1::Sensitivity::SPECIAL);
  EXPECT_THAT(std::string(Profile::Create(*file, &catalog).status().message()),
              HasSubstr("special category"));
  sex->clear_sensitivity();
  born->set_type(config::v1::FieldType::STRING);
  EXPECT_THAT(std::string(Profile::Create(*file, &catalog).status().message()),
              HasSubstr("cannot be read from"));
  kind->mutable_fields()->RemoveLast();
  EXPECT_THAT(std::string(Profile::Create(*file, &catalog).status().message()),
              HasSubstr("not in the catalog"));
}

TEST(Explain, SaysWhichTextAnAuditKeepsAndHowLongOutputsAreNeeded) {
  const auto said = [](const std::string& audits) {
    const auto made = Make(absl::StrCat(kCredit, audits));
    EXPECT_OK(made.status());
    return made.ok() ? absl::StrJoin(Explain(**made).remarks, "\n") : "";
  };
  EXPECT_THAT(said(""), Not(HasSubstr("keep_days")));
  const std::string dates =
      said("audits { calendar: QUARTERLY outcome_days: 30 }");
  EXPECT_THAT(dates, HasSubstr("in force when the span begins, and keeps it"));
  EXPECT_THAT(dates, HasSubstr("up to 122 days"));
  EXPECT_THAT(dates, HasSubstr("screening.keep_days"));
  const std::string alarm = said("audits { alarm_days: 14 }");
  EXPECT_THAT(alarm, HasSubstr("of the 14 days after it"));
  EXPECT_THAT(alarm, HasSubstr("up to 14 days"));
  EXPECT_THAT(alarm, Not(HasSubstr("span begins")));
}

TEST(Explain, SaysWhatCanBeSeenAndWhatCannot) {
  const auto made = Make(kCredit);
  ASSERT_OK(made.status());
  const Explanation explained = Explain(**made);
  ASSERT_EQ(explained.streams.size(), 16u);
  const StreamOutlook& sex = explained.streams[0];
  // Of 20.8 an hour on either side, the lesser number is 18.3 on average.
  EXPECT_NEAR(sex.pairs_per_day, 438.3, 0.5);
  ASSERT_TRUE(sex.days_if_equal);
  EXPECT_GT(*sex.days_if_equal, 1);
  EXPECT_LT(*sex.days_if_equal, 30);
  ASSERT_TRUE(sex.found_in_30 && sex.found_in_90 && sex.found_in_365);
  EXPECT_LT(*sex.found_in_30, *sex.found_in_90);
  EXPECT_LT(*sex.found_in_90, *sex.found_in_365);
  EXPECT_LT(*sex.found_in_365, 0.8);
  // 60 and over are a tenth.
  EXPECT_NEAR(explained.streams[4].pairs_per_day, 100, 0.2);

  EXPECT_THAT(explained.remarks,
              ::testing::Contains(HasSubstr(
                  "selection_rate, group over reference, from 0.8 to 1.25; "
                  "mean score, group minus reference, from -5 to 5. That makes "
                  "2 tests")));

  const Explanation few = Explain(**made, 0.1);
  EXPECT_FALSE(few.streams[0].found_in_365);
  EXPECT_THAT(few.remarks,
              ::testing::Contains(HasSubstr("will say \"insufficient\"")));
  const Explanation none = Explain(**made, 0);
  EXPECT_FALSE(none.streams[0].days_if_equal);
  EXPECT_THAT(none.remarks, ::testing::Contains(HasSubstr("No traffic")));
  // 30 and 60 end within bands of ages.
  EXPECT_THAT(none.remarks, ::testing::Contains(HasSubstr("(at 30, 60)")));
  const auto fits = Make(absl::StrReplaceAll(
      kCredit, {{"bands: 30\n    bands: 60", "bands: 35\n    bands: 65"},
                {"30_59", "35_64"},
                {"under_30", "under_35"},
                {"60_and_over", "65_and_over"}}));
  ASSERT_OK(fits.status());
  EXPECT_THAT(Explain(**fits).remarks,
              ::testing::Not(::testing::Contains(HasSubstr("AGE_BAND"))));
}

}  // namespace
}  // namespace consentry::policy::fairness
