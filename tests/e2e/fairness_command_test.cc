// `consentry fairness audit` as it is typed, on public data, against a script
// that computes the same figures a second time (fairness_figures.py) and shares
// no code with it.

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "tests/testing/child_process.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/fairness_audit.h"
#include "tools/consentry/fairness_command.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kSame = 1e-9;

std::string DataFile(const std::string& name) {
  const char* folder = std::getenv("CONSENTRY_SHARED_DATA");
  const std::filesystem::path path =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::path(CONSENTRY_SOURCE_DIR) / "../shared/data";
  return (path / name).string();
}

struct Ran {
  int code = -1;
  std::string out;
};

// What `--run` was asked for last.
FairnessRunOptions asked;

// The command in this process.
Ran Type(std::vector<std::string> words) {
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  CommandContext context;
  CLI::App app{"consentry"};
  AddFairness(&app, &context,
              [](const std::string&, const FairnessRunOptions& options) {
                asked = options;
                return kExitOk;
              });
  Ran ran;
  // CLI11 takes them from the end.
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
    ran.code = context.exit_code;
  } catch (const CLI::ParseError& error) {
    ran.code = app.exit(error, out, out);
  }
  std::cout.rdbuf(before);
  ran.out = out.str();
  return ran;
}

// What to ask both sides.
struct Question {
  std::string file;
  std::vector<std::string> options;
  std::string prediction;
  std::string label;
  std::string group;
  std::string reference;
};

class FairnessEndToEndTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::RunToEnd({{"python3", "--version"}}).code != 0) {
      GTEST_SKIP() << "no python3";
    }
  }

  // Every figure of the script is one of the report, to the last digits.
  // Returns how many there were.
  int Compare(const Question& question) {
    const std::string file = DataFile(question.file);
    std::vector<std::string> words = {"fairness", "audit", "--csv", file};
    words.insert(words.end(), question.options.begin(), question.options.end());
    words.push_back("--json");
    const Ran ours = Type(words);
    EXPECT_EQ(ours.code, kExitOk) << ours.out;
    v1::FairnessReport report;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(ours.out, &report).ok());
    const auto theirs = testing::RunToEnd(
        {{"python3", CONSENTRY_SOURCE_DIR "/tests/e2e/fairness_figures.py",
          file, question.prediction, question.label, question.group,
          question.reference}});
    EXPECT_EQ(theirs.code, 0) << theirs.err;
    google::protobuf::Struct figures;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(theirs.out, &figures).ok());
    int compared = 0;
    for (const auto& [group, of_group] : figures.fields()) {
      for (const auto& [metric, value] : of_group.struct_value().fields()) {
        const auto found = std::find_if(
            report.figures().begin(), report.figures().end(),
            [&, &group = group, &metric = metric](const auto& figure) {
              return figure.group() == group && figure.metric() == metric;
            });
        if (found == report.figures().end()) {
          ADD_FAILURE() << group << " " << metric << " is missing";
          continue;
        }
        const auto& numbers = value.list_value();
        EXPECT_NEAR(found->value(), numbers.values(0).number_value(), kSame)
            << group << " " << metric;
        EXPECT_NEAR(found->lower(), numbers.values(1).number_value(), kSame)
            << group << " " << metric;
        EXPECT_NEAR(found->upper(), numbers.values(2).number_value(), kSame)
            << group << " " << metric;
        ++compared;
      }
    }
    return compared;
  }

  static bool Absent(const std::string& name) {
    return !std::filesystem::exists(DataFile(name));
  }
};

TEST_F(FairnessEndToEndTest, TheBankCampaignByBandsOfAge) {
  if (Absent("bank-marketing.csv")) GTEST_SKIP() << "no bank-marketing.csv";
  EXPECT_EQ(
      Compare({"bank-marketing.csv",
               {"--prediction", "y", "--favourable", "yes", "--group", "age",
                "--bands", "age=30,45,60", "--reference", "30 to 44"},
               "r['y']=='yes'",
               "",
               "'under 30' if int(r['age'])<30 else '30 to 44' if "
               "int(r['age'])<45 else '45 to 59' if int(r['age'])<60 else "
               "'60 and over'",
               "30 to 44"}),
      4 + 3 * 2);
}

TEST_F(FairnessEndToEndTest, GermanCreditBySex) {
  if (Absent("german-credit.csv")) GTEST_SKIP() << "no german-credit.csv";
  EXPECT_EQ(Compare({"german-credit.csv",
                     {"--prediction", "credit", "--favourable", "1", "--group",
                      "personal_status in A92, A95", "--reference", "no"},
                     "r['credit']=='1'",
                     "",
                     "'yes' if r['personal_status'] in ('A92','A95') else 'no'",
                     "no"}),
            2 + 2);
}

TEST_F(FairnessEndToEndTest, GermanCreditByAge) {
  if (Absent("german-credit.csv")) GTEST_SKIP() << "no german-credit.csv";
  EXPECT_EQ(Compare({"german-credit.csv",
                     {"--prediction", "credit = 1", "--group", "age >= 25",
                      "--reference", "yes"},
                     "r['credit']=='1'",
                     "",
                     "'yes' if int(r['age'])>=25 else 'no'",
                     "yes"}),
            2 + 2);
}

TEST_F(FairnessEndToEndTest, CompasByRace) {
  if (Absent("compas.csv")) GTEST_SKIP() << "no compas.csv";
  EXPECT_GE(
      Compare({"compas.csv",
               {"--prediction", "score_text != Low", "--label",
                "two_year_recid", "--favourable", "false", "--group", "race",
                "--reference", "Caucasian", "--suppress-below", "0"},
               "r['score_text']!='Low'",
               "r['two_year_recid']=='1'",
               "r['race']",
               "Caucasian"}),
      6 * 4 + 3 * 4 * 2);
}

// Eight Native Americans and nine Asians of one outcome are too few to be told
// what was predicted of them, though the groups are large enough.
TEST_F(FairnessEndToEndTest, CompasTellsNoErrorRatesOfFew) {
  if (Absent("compas.csv")) GTEST_SKIP() << "no compas.csv";
  const Ran ran =
      Type({"fairness", "audit", "--csv", DataFile("compas.csv"),
            "--prediction", "score_text != Low", "--label", "two_year_recid",
            "--favourable", "false", "--group", "race", "--json"});
  ASSERT_EQ(ran.code, kExitOk) << ran.out;
  v1::FairnessReport report;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(ran.out, &report).ok());
  int withheld = 0;
  for (const auto& figure : report.figures()) {
    const bool few =
        figure.group() == "Asian" || figure.group() == "Native American";
    if (figure.metric() == "selection_rate") {
      EXPECT_TRUE(figure.has_value());
    }
    if (figure.metric() != "false_positive_rate") continue;
    EXPECT_EQ(figure.has_hits(), !few) << figure.group();
    EXPECT_EQ(figure.has_value(), !few) << figure.group();
    EXPECT_EQ(figure.count() == 0, few) << figure.group();
    withheld += few ? 1 : 0;
  }
  EXPECT_EQ(withheld, 2);
}

TEST_F(FairnessEndToEndTest, ThePageHoldsEverythingItself) {
  if (Absent("compas.csv")) GTEST_SKIP() << "no compas.csv";
  testing::TempDir folder;
  const std::string file = folder.File("report.html");
  const Ran ran =
      Type({"fairness", "audit", "--csv", DataFile("compas.csv"),
            "--prediction", "decile_score >= 5", "--label", "two_year_recid",
            "--group", "race", "--group", "sex", "--cross", "--score",
            "decile_score", "--favourable", "false", "--html", file});
  ASSERT_EQ(ran.code, kExitOk) << ran.out;
  std::ifstream in(file, std::ios::binary);
  std::stringstream page;
  page << in.rdbuf();
  const std::string html = page.str();
  EXPECT_THAT(html, HasSubstr("<svg"));
  EXPECT_THAT(html, HasSubstr("What this report does not claim"));
  for (const char* foreign :
       {"http://", "https://", "<script", "src=", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(foreign)));
  }
}

TEST_F(FairnessEndToEndTest, HelpTellsTheGrammar) {
  const Ran ran = Type({"fairness", "audit", "--help"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.out, HasSubstr("COLUMN OP VALUE"));
  EXPECT_THAT(ran.out, HasSubstr("--strata"));
}

TEST_F(FairnessEndToEndTest, AMissingOptionIsAnError) {
  EXPECT_NE(Type({"fairness", "audit", "--csv", "x"}).code, 0);
}

TEST_F(FairnessEndToEndTest, AnAuditOfTheGatewayDescribesUnlessItIsToDecide) {
  EXPECT_EQ(Type({"fairness", "audit", "--run", "credit"}).code, 0);
  EXPECT_EQ(asked.profile, "credit");
  EXPECT_FALSE(asked.confirmatory);
  EXPECT_EQ(Type({"fairness", "audit", "--run", "credit", "--confirmatory",
                  "--to", "2027-01-01"})
                .code,
            0);
  EXPECT_TRUE(asked.confirmatory);
  EXPECT_EQ(asked.to, "2027-01-01");
}

TEST_F(FairnessEndToEndTest, AnOptionWithoutEffectIsRefused) {
  for (const char* option :
       {"--alpha", "--tolerance", "--difference", "--minimum",
        "--suppress-below", "--strata", "--score", "--group", "--figures"}) {
    const Ran ran =
        Type({"fairness", "audit", "--run", "credit", option, "0.5"});
    EXPECT_NE(ran.code, 0) << option;
    EXPECT_THAT(ran.out, HasSubstr(option));
  }
  for (const char* option : {"--from", "--to", "--model-version", "--as"}) {
    const Ran ran = Type({"fairness", "audit", "--csv", "x", "--group", "g",
                          option, "2026-01-01"});
    EXPECT_NE(ran.code, 0) << option;
    EXPECT_THAT(ran.out, HasSubstr(option));
  }
}

}  // namespace
}  // namespace consentry::tools
