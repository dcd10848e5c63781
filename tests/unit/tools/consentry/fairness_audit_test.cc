#include "tools/consentry/fairness_audit.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "consentry/v1/screening_service.pb.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FairnessAuditCommandTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) {
    const std::filesystem::path path =
        std::filesystem::path(folder_.path()) / "cases.csv";
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }

  // Ages from 20 to 79, decisions, outcomes, and a sex that some lack.
  std::string Cases() {
    std::string text = "age,sex,decision,paid,price,Region\n";
    for (int i = 0; i < 600; ++i) {
      const bool woman = i % 2 == 0;
      text += std::to_string(20 + i % 60) + "," +
              (i % 50 == 7 ? ""
               : woman     ? "F"
                           : "M") +
              "," + (i % 5 < (woman ? 2 : 3) ? "good" : "bad") + "," +
              (i % 3 == 0 ? "1" : "0") + "," + std::to_string(100 + i % 7) +
              "," + (i % 4 == 0 ? "north" : "south") + "\n";
    }
    return Write(text);
  }

  int Run(const FairnessAuditOptions& options) {
    out_.str("");
    err_.str("");
    return FairnessAudit(options, out_, err_);
  }

  v1::FairnessReport Report(FairnessAuditOptions options) {
    options.json = true;
    EXPECT_EQ(Run(options), kExitOk) << err_.str();
    v1::FairnessReport report;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(out_.str(), &report).ok());
    return report;
  }

  consentry::testing::TempDir folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

const v1::FairnessFigure* Find(const v1::FairnessReport& report,
                               const std::string& group,
                               const std::string& metric) {
  for (const auto& figure : report.figures()) {
    if (figure.group() == group && figure.metric() == metric) return &figure;
  }
  return nullptr;
}

TEST_F(FairnessAuditCommandTest, AuditsBySexAndByBandsOfAge) {
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision";
  options.columns.favourable = "good";
  options.columns.label = "paid";
  options.columns.groups = {"sex", "age"};
  options.columns.bands = {"age=30,60"};
  options.columns.references = {"sex=M"};
  options.columns.cross = true;
  const auto report = Report(options);
  EXPECT_EQ(report.prediction(), "decision = good");
  EXPECT_EQ(report.subject(), "cases.csv");
  EXPECT_EQ(report.coverage(0).known(), 588);
  const auto* women = Find(report, "F", "selection_rate_group_over_reference");
  ASSERT_NE(women, nullptr);
  EXPECT_EQ(women->reference(), "M");
  EXPECT_NE(Find(report, "30 to 59", "selection_rate"), nullptr);
  // Two of a hundred are left out: of so few the sex is not known.
  EXPECT_EQ(Find(report, "under 30", "selection_rate")->count(), 98);
  EXPECT_NE(Find(report, "F*under 30", "selection_rate"), nullptr);
  options.json = false;
  EXPECT_EQ(Run(options), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("By sex (known of 588 of 600)"));
  EXPECT_THAT(out_.str(), HasSubstr("What it does not say"));
}

TEST_F(FairnessAuditCommandTest, OnlyFiguresThatAreAskedFor) {
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision = good";
  options.columns.label = "paid";
  options.columns.groups = {"sex"};
  options.figures = {"false_positive_rate"};
  const auto report = Report(options);
  EXPECT_NE(Find(report, "F", "false_positive_rate"), nullptr);
  EXPECT_EQ(Find(report, "F", "true_positive_rate"), nullptr);
  EXPECT_EQ(report.tests(), 2);
  options.figures = {"fairness"};
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("no figure is called fairness"));
}

TEST_F(FairnessAuditCommandTest, AnExpressionMakesTwoGroups) {
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision = good";
  options.columns.groups = {"age < 25"};
  options.columns.references = {"no"};
  const auto report = Report(options);
  EXPECT_EQ(report.groups(0).attribute(), "age < 25");
  EXPECT_EQ(Find(report, "yes", "selection_rate")->count(), 50);
}

TEST_F(FairnessAuditCommandTest, FavourableFalseTurnsWhatDecides) {
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision = bad";
  options.columns.favourable = "false";
  options.columns.groups = {"sex"};
  const auto report = Report(options);
  EXPECT_FALSE(report.positive_is_favourable());
  EXPECT_NE(Find(report, "M", "favourable_rate_group_over_reference"), nullptr);
}

TEST_F(FairnessAuditCommandTest, StrataPricesAndInputsAreLookedAt) {
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision = good";
  options.columns.groups = {"sex"};
  options.columns.strata = "Region";
  options.columns.price = "price";
  options.columns.inputs = {"Region", "age"};
  const auto report = Report(options);
  EXPECT_NE(
      Find(report, "M", "selection_rate_group_minus_reference_within_strata"),
      nullptr);
  EXPECT_NE(Find(report, "M", "price_group_over_reference_within_strata"),
            nullptr);
  EXPECT_EQ(report.proxies_size(), 2);
  // North is women alone here.
  EXPECT_GT(report.proxies(0).uncertainty_removed(), 0.2);
}

TEST_F(FairnessAuditCommandTest, WhatIsNotThereIsNamed) {
  const struct {
    const char* prediction;
    const char* group;
    const char* reference;
    const char* says;
  } cases[] = {
      {"decison = good", "sex", "", "no column decison; there are age, sex"},
      {"decision", "sex", "", "says neither yes nor no"},
      {"decision = good", "gender", "", "no column gender"},
      {"decision = good", "sex", "X", "sex has no group X; there are F, M"},
      {"decision > good", "sex", "", "only numbers"},
  };
  for (const auto& one : cases) {
    FairnessAuditOptions options;
    options.csv = Cases();
    options.columns.prediction = one.prediction;
    options.columns.groups = {one.group};
    if (*one.reference != '\0') options.columns.references = {one.reference};
    EXPECT_EQ(Run(options), kExitNo);
    EXPECT_THAT(err_.str(), HasSubstr(one.says));
    EXPECT_EQ(out_.str(), "");
  }
}

TEST_F(FairnessAuditCommandTest, BadBandsAndFavourablesAreRefused) {
  for (const char* bands :
       {"age", "age=", "age=60,30", "age=a", "=30", "price=100", "age=30,30"}) {
    FairnessAuditOptions options;
    options.csv = Cases();
    options.columns.prediction = "decision = good";
    options.columns.groups = {"age"};
    options.columns.bands = {bands};
    EXPECT_EQ(Run(options), kExitNo) << bands;
  }
  FairnessAuditOptions options;
  options.csv = Cases();
  options.columns.prediction = "decision = good";
  options.columns.favourable = "good";
  options.columns.groups = {"sex"};
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("either true or false"));
}

TEST_F(FairnessAuditCommandTest, AColumnOfManyValuesIsNoGroup) {
  std::string text = "email,y\n";
  for (int i = 0; i < 2000; ++i) {
    text += "c" + std::to_string(i) + "@example.org,1\n";
  }
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.prediction = "y";
  options.columns.groups = {"email"};
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("email has more than 500 values"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("example.org")));
}

TEST_F(FairnessAuditCommandTest, BrokenRowsAreCountedAndNotGuessed) {
  FairnessAuditOptions options;
  options.csv = Write("g,y\na,1\nb,0\na\n\"b,1\na,0,3\nb,1\n");
  options.columns.prediction = "y";
  options.columns.groups = {"g"};
  const auto report = Report(options);
  EXPECT_EQ(report.count(), 3);
  ASSERT_GT(report.left_out_size(), 0);
  EXPECT_EQ(report.left_out(report.left_out_size() - 1).count(), 3);
}

TEST_F(FairnessAuditCommandTest, NoFileIsAnErrorAndAnEmptyOneARefusal) {
  FairnessAuditOptions options;
  options.csv = "/nonexistent.csv";
  options.columns.groups = {"g"};
  EXPECT_EQ(Run(options), kExitError);
  options.csv = Write("g,y\n");
  options.columns.prediction = "y";
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("no row"));
}

TEST_F(FairnessAuditCommandTest, AFolderIsNoFile) {
  FairnessAuditOptions options;
  options.csv = std::string(folder_.path());
  options.columns.groups = {"g"};
  EXPECT_EQ(Run(options), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("cannot read"));
}

// Taken for an outcome that is not "1", it would have come true.
TEST_F(FairnessAuditCommandTest, WhatIsNoNumberIsNoOutcome) {
  std::string text = "g,y,s\n";
  for (int i = 0; i < 200; ++i) {
    text += i % 2 == 0 ? "a," : "b,";
    text += i < 100 ? "nan,NaN\n" : i % 3 == 0 ? "1,0.5\n" : "0,0.25\n";
  }
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.prediction = "y != 0";
  options.columns.label = "y != 1";
  options.columns.groups = {"g"};
  options.columns.score = "s";
  const auto report = Report(options);
  for (const auto& left : report.left_out()) EXPECT_EQ(left.count(), 100);
  EXPECT_EQ(report.left_out_size(), 3);
  EXPECT_EQ(Find(report, "a", "selection_rate")->count(), 50);
  options.csv = Write("g,y\na,nan\nb,NaN\n");
  options.columns.score = "";
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("says neither yes nor no of any row"));
  // As a group too.
  text = "g,y\n";
  for (int i = 0; i < 100; ++i) text += i % 2 == 0 ? "nan,1\n" : "b,0\n";
  options.csv = Write(text);
  options.columns.prediction = "y";
  options.columns.label = "";
  EXPECT_EQ(Report(options).coverage(0).known(), 50);
}

TEST_F(FairnessAuditCommandTest, NumbersBeyondAllBoundsLeaveNoneInTheReport) {
  std::string text = "g,y,s,p\n";
  for (int i = 0; i < 200; ++i) {
    text += i % 2 == 0 ? "a,1," : "b,0,";
    text += i % 3 == 0   ? "1e308,1e308\n"
            : i % 3 == 1 ? "-1e308,5e-324\n"
                         : "inf,1e400\n";
  }
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.prediction = "y";
  options.columns.groups = {"g"};
  options.columns.score = "s";
  options.columns.price = "p";
  options.json = true;
  EXPECT_EQ(Run(options), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("NaN")));
  EXPECT_THAT(out_.str(), Not(HasSubstr("Infinity")));
  EXPECT_EQ(Find(Report(options), "a", "mean_score"), nullptr);
}

TEST_F(FairnessAuditCommandTest, ARangeKeepsOneValueFromHidingADifference) {
  std::string text = "g,s,p\n";
  for (int i = 0; i < 400; ++i) {
    text += i == 0        ? "a,1e9,1e9\n"
            : i == 2      ? "a,nan,\n"
            : i % 2 == 0  ? "a,0.2,150\n"
            : i % 10 == 1 ? "b,0.7,101\n"
                          : "b,0.8,100\n";
  }
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.groups = {"g"};
  options.columns.references = {"b"};
  options.columns.score = "s";
  options.columns.price = "p";
  constexpr char kScore[] = "mean_score_group_minus_reference";
  EXPECT_LT(Find(Report(options), "a", kScore)->lower(), 0);
  EXPECT_GT(Find(Report(options), "a", kScore)->upper(), 0);
  options.columns.score_range = "0,1";
  options.columns.price_range = "50,200";
  const auto report = Report(options);
  const auto* score = Find(report, "a", kScore);
  EXPECT_NEAR(score->value(), -0.58, 0.01);
  EXPECT_LT(score->upper(), -0.5);
  EXPECT_EQ(score->clipped_count(), 1);
  EXPECT_EQ(score->count(), 199);
  EXPECT_EQ(Find(report, "a", "price_group_over_reference")->finding(),
            v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
  options.json = false;
  EXPECT_EQ(Run(options), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("1 and 0 beyond the range"));
  EXPECT_THAT(out_.str(), HasSubstr("Scores count from 0 to 1"));
  for (const char* range : {"1", "1,0", "0,nan", "0,1,2", ",", "0,inf"}) {
    options.columns.score_range = range;
    EXPECT_EQ(Run(options), kExitNo) << range;
    EXPECT_THAT(err_.str(), HasSubstr("LOWER,UPPER"));
  }
  options.columns.score_range = "";
  options.columns.price_range = "0,200";
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("both above zero"));
  options.columns.price = "";
  options.columns.price_range = "1,200";
  EXPECT_EQ(Run(options), kExitNo);
  EXPECT_THAT(err_.str(), HasSubstr("no effect without its column"));
}

TEST_F(FairnessAuditCommandTest, AStratumOfItsOwnForEachRowSaysNothing) {
  std::string text = "g,y,s,p\n";
  for (int i = 0; i < 400; ++i) {
    text += (i % 2 == 0 ? "a,1," : "b,0,") + std::to_string(i) + ",10\n";
  }
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.prediction = "y";
  options.columns.groups = {"g"};
  options.columns.strata = "s";
  options.columns.price = "p";
  const auto report = Report(options);
  for (const char* metric :
       {"selection_rate_group_minus_reference_within_strata",
        "price_group_over_reference_within_strata"}) {
    const auto* figure = Find(report, "b", metric);
    ASSERT_NE(figure, nullptr) << metric;
    EXPECT_EQ(figure->finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
    EXPECT_THAT(figure->remark(), HasSubstr("0 of 30 cases"));
  }
}

TEST_F(FairnessAuditCommandTest, NamesDoNotSteerTheTerminal) {
  std::string text = "g,y\n";
  for (int i = 0; i < 100; ++i) text += "a\x1b[31m,1\nb,0\n";
  FairnessAuditOptions options;
  options.csv = Write(text);
  options.columns.prediction = "y";
  options.columns.groups = {"g"};
  EXPECT_EQ(Run(options), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace consentry::tools
