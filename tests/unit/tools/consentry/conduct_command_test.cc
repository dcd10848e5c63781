#include "tools/consentry/conduct_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/testing/temp_dir.h"
#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ConductCommandTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_.File(name)) << text;
    return dir_.File(name);
  }
  int Scan(const std::string& file, const std::string& column, bool json,
           const std::string& rules = "") {
    ConductScanOptions options;
    options.file = file;
    options.column = column;
    options.json = json;
    if (!rules.empty()) options.rules = {rules};
    out_.str("");
    err_.str("");
    return ConductScan(options, out_, err_);
  }

  testing::TempDir dir_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ConductCommandTest, EveryRowHasItsLine) {
  const std::string file = Write("mails.tsv",
                                 "id\tbody\n"
                                 "1\tHello\n"
                                 "2\tOnly two left!\n"
                                 "3\ta \"quote\n"
                                 "4\tVerkauf endet in 02:30:00\n");
  ASSERT_EQ(Scan(file, "body", true), kExitOk);
  std::istringstream lines(out_.str());
  std::vector<std::string> line(4);
  for (std::string& one : line) ASSERT_TRUE(std::getline(lines, one));
  EXPECT_EQ(line[0], "{\"row\":1,\"findings\":[]}");
  EXPECT_EQ(line[1],
            "{\"row\":2,\"findings\":[{\"rule\":\"en.low_stock.n_left\","
            "\"claim\":\"low_stock\",\"type\":\"SCARCITY\",\"proof\":\"STOCK\","
            "\"start\":0,\"length\":13,\"text\":\"Only two left\","
            "\"quantity\":2}]}");
  EXPECT_THAT(line[2], AllOf(HasSubstr("\"row\":3"), HasSubstr("\"error\":")));
  EXPECT_THAT(line[3], AllOf(HasSubstr("\"row\":4"),
                             HasSubstr("\"left_seconds\":9000")));
}

TEST_F(ConductCommandTest,
       ATableShowsWhatIsClaimedAndNothingSteersTheTerminal) {
  const std::string file =
      Write("texts.csv", "text\nHurry\x1b[2J! Only 3 left\nfine\n");
  ASSERT_EQ(Scan(file, "text", false), kExitOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("SCARCITY"), HasSubstr("low_stock"),
                                HasSubstr("Only 3 left"),
                                HasSubstr("1 of 2 rows make 2 claims"),
                                Not(HasSubstr("\x1b"))));
}

TEST_F(ConductCommandTest, WhatCannotBeReadIsNamed) {
  EXPECT_EQ(Scan(dir_.File("none.csv"), "text", false), kExitError);
  EXPECT_THAT(err_.str(), HasSubstr("cannot read"));
  const std::string file = Write("texts.csv", "id,text\n1,a\n");
  EXPECT_EQ(Scan(file, "body", false), kExitNo);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("no column body"), HasSubstr("id, text")));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ConductCommandTest, OwnRulesComeOnTopAndAreTested) {
  const std::string rules = Write("own.txtpb", R"(
    rules { id: "en.own.gift" language: "en" claim: "pressured_selling"
            expressions: "mystery gifts?"
            examples: "A mystery gift" counterexamples: "A gift" })");
  const std::string file = Write("texts.csv", "text\nYour mystery gift\n");
  ASSERT_EQ(Scan(file, "text", true), kExitOk);
  EXPECT_EQ(out_.str(), "{\"row\":1,\"findings\":[]}\n");
  ASSERT_EQ(Scan(file, "text", true, rules), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("en.own.gift"));

  std::ostringstream out;
  EXPECT_EQ(ConductTest({rules}, false, out, err_), kExitOk);
  EXPECT_THAT(out.str(), HasSubstr(", 0 failed"));
  const std::string wrong = Write("wrong.txtpb", R"(
    rules { id: "en.own.gift" language: "en" claim: "pressured_selling"
            expressions: "gift" examples: "A present"
            counterexamples: "A gift" })");
  out.str("");
  EXPECT_EQ(ConductTest({wrong}, false, out, err_), kExitNo);
  EXPECT_THAT(out.str(), AllOf(HasSubstr("en.own.gift misses: A present"),
                               HasSubstr("en.own.gift finds: A gift"),
                               HasSubstr(", 2 failed")));
  out.str("");
  EXPECT_EQ(ConductTest({wrong}, true, out, err_), kExitNo);
  EXPECT_THAT(out.str(), HasSubstr("\"found\":false"));
  EXPECT_EQ(ConductTest({Write("bad.txtpb", "rules { id: \"x\" }")}, false, out,
                        err_),
            kExitError);
}

TEST_F(ConductCommandTest, TheCasesOfOutputsAreRunToo) {
  EXPECT_EQ(ConductTest({}, false, out_, err_), kExitOk);
  EXPECT_THAT(out_.str(), ::testing::ContainsRegex("\n[0-9]+ cases, 0 failed"));
  out_.str("");
  EXPECT_EQ(ConductTest({}, true, out_, err_), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"case_failures\":[]}"));
}

TEST_F(ConductCommandTest, OwnRulesAboutOutputsAreCheckedWithAllFaults) {
  const std::string good = Write("good.txtpb", R"(
    budgets { rule { id: "own.month" citation: "own policy" }
              limit: 5 window_minutes: 43200 })");
  EXPECT_EQ(ConductCheck({good}, out_, err_), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("1 files"));
  const std::string bad = Write("bad.txtpb", R"(
    budgets { rule { id: "pressure.week" citation: "own policy" } limit: 900 }
    cool_downs { rule { id: "own.c" } days: 7 })");
  EXPECT_EQ(ConductCheck({bad, good}, out_, err_), kExitNo);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("bad.txtpb:2:"), HasSubstr("is not unique"),
                    HasSubstr("budgets[0].limit"),
                    HasSubstr("budgets[0].window_minutes"),
                    HasSubstr("cool_downs[0].rule.citation")));
  EXPECT_EQ(ConductCheck({Write("text.txtpb", "nonsense")}, out_, err_),
            kExitNo);
  EXPECT_EQ(ConductCheck({dir_.File("none.txtpb")}, out_, err_), kExitError);
}

}  // namespace
}  // namespace consentry::tools
