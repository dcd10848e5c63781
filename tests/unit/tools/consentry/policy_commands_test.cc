#include "tools/consentry/policy_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include <fstream>
#include <sstream>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/testing/temp_dir.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPermitted[] = R"(
  name: "an order"
  profile { home: "DE" establishments: "DE" markets: "DE" }
  subject { residences: "DE" birth_date: "1985-06-15" }
  request {
    purpose: "essential.service.operations" channel: INTERNAL
    fields { field: "profile.email" }
    at: "2026-11-22T10:00:00Z" recipient: "DE"
  }
)";

std::string Write(const testing::TempDir& dir, const std::string& name,
                  const std::string& text) {
  std::ofstream(dir.File(name)) << text;
  return dir.File(name);
}

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran RunTest(const PolicyTestOptions& options) {
  std::ostringstream out, err;
  const int code = RunPolicyTest(options, out, err);
  return {code, out.str(), err.str()};
}

Ran Eval(const std::string& text, PolicyEvalOptions options = {}) {
  std::istringstream in(text);
  std::ostringstream out, err;
  const int code = RunPolicyEval(options, in, out, err);
  return {code, out.str(), err.str()};
}

google::protobuf::Struct ParseJson(const std::string& text) {
  google::protobuf::Struct out;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &out).ok())
      << text;
  return out;
}

TEST(PolicyTest, ShippedCasesPassAndReachEveryCellAndRule) {
  PolicyTestOptions options;
  options.coverage_threshold = 100;
  options.all_rules = true;
  const Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("100.0% of cells reached"));
}

TEST(PolicyTest, WrongExpectationFailsTheRunAndIsNamedWithItsLine) {
  const testing::TempDir dir;
  PolicyTestOptions options;
  options.cases = {Write(dir, "one.txtpb", R"(
cases {
  name: "service is denied"
  profile { home: "DE" }
  subject { residences: "DE" }
  request {
    purpose: "service.contract" channel: INTERNAL
    fields { field: "profile.email" }
    at: "2026-11-22T10:00:00Z" recipient: "DE"
  }
  expect { effect: DENY reason: "CONSENT_MISSING" }
})")};
  const Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.out, HasSubstr("one.txtpb:2:1: service is denied"));
  EXPECT_THAT(ran.out, HasSubstr("0 of 1 cases passed"));
  EXPECT_THAT(ran.out, HasSubstr("no case determines: us-va/restriction"));
}

TEST(PolicyTest, CoverageBelowTheThresholdFailsTheRun) {
  const testing::TempDir dir;
  PolicyTestOptions options;
  options.cases = {Write(dir, "one.txtpb", R"(
cases {
  name: "service is permitted"
  profile { home: "DE" }
  subject { residences: "DE" }
  request {
    purpose: "service.contract" channel: INTERNAL
    fields { field: "profile.email" }
    at: "2026-11-22T10:00:00Z" recipient: "DE"
  }
  expect { effect: PERMIT }
})")};
  EXPECT_EQ(RunTest(options).code, 0);
  options.coverage_threshold = 1;
  const Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("fewer cells are reached than 1%"));
}

TEST(PolicyTest, JsonTellsCasesFailuresAndCells) {
  PolicyTestOptions options;
  options.json = true;
  const Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 0);
  const auto json = ParseJson(ran.out);
  EXPECT_GT(json.fields().at("cases").number_value(), 1000);
  EXPECT_EQ(json.fields().at("failed").number_value(), 0);
  EXPECT_EQ(json.fields().at("packs").list_value().values_size(), 13);
  EXPECT_EQ(ran.out, RunTest(options).out);
}

TEST(PolicyTest, BrokenFilesAreNamedWithLineAndField) {
  const testing::TempDir dir;
  PolicyTestOptions options;
  options.cases = {Write(dir, "syntax.txtpb", "cases {\n  nam: \"x\"\n}")};
  Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("syntax.txtpb:2"));

  options.cases = {Write(dir, "twice.txtpb",
                         "cases { name: \"x\" }\ncases { name: \"x\" }")};
  ran = RunTest(options);
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("twice.txtpb:2:"));
  EXPECT_THAT(ran.err, HasSubstr("stands twice"));

  options.cases = {dir.File("absent.txtpb")};
  ran = RunTest(options);
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("absent.txtpb: cannot be read"));
}

TEST(PolicyTest, CaseThatNamesWhatIsNotThereFailsAsACase) {
  const testing::TempDir dir;
  PolicyTestOptions options;
  options.cases = {Write(dir, "one.txtpb", R"(
cases {
  name: "no such purpose"
  profile { home: "DE" }
  request { purpose: "nothing" channel: INTERNAL at: "2026-11-22T10:00:00Z" }
  expect { effect: PERMIT }
})")};
  const Ran ran = RunTest(options);
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.out, HasSubstr("request.purpose"));
}

TEST(PolicyEval, DecidesOneCaseFromStandardInput) {
  const Ran ran = Eval(kPermitted);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("PERMIT\n"));
  EXPECT_THAT(ran.out, HasSubstr("rule: eu-gdpr/use.service: GDPR Art. 6"));
  EXPECT_THAT(ran.out, HasSubstr("basis: eu-gdpr CONTRACT"));
}

TEST(PolicyEval, PrintsJson) {
  PolicyEvalOptions options;
  options.json = true;
  const auto json = ParseJson(Eval(kPermitted, options).out);
  EXPECT_EQ(json.fields().at("effect").string_value(), "PERMIT");
  EXPECT_EQ(json.fields().at("regimes").list_value().values(0).string_value(),
            "eu-gdpr");
}

TEST(PolicyEval, ExpectationThatDoesNotHoldEndsWithTwo) {
  const Ran ran = Eval(std::string(kPermitted) +
                       "expect { effect: DENY reason: \"OPTED_OUT\" }");
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("not as expected: expected DENY OPTED_OUT"));
}

TEST(PolicyEval, WithoutAProfileSaysHowToGiveOne) {
  const Ran ran = Eval(R"(
    subject { residences: "DE" }
    request {
      purpose: "essential.service.operations" channel: INTERNAL
      at: "2026-11-22T10:00:00Z"
    })");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("--profile"));
}

TEST(PolicyEval, TakesTheProfileFromAFile) {
  const testing::TempDir dir;
  PolicyEvalOptions options;
  options.sources.profile =
      Write(dir, "profile.txtpb", "home: \"GB\" establishments: \"GB\"");
  const Ran ran = Eval(R"(
    subject { residences: "GB" }
    request {
      purpose: "essential.service.operations" channel: INTERNAL
      at: "2026-11-22T10:00:00Z" recipient: "GB"
    })",
                       options);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("regimes: uk-gdpr\n"));
}

TEST(PolicyEval, OfSeveralCasesOneMustBeNamed) {
  const std::string two =
      "cases {" + std::string(kPermitted) + "}\ncases { name: \"other\" }";
  EXPECT_THAT(Eval(two).err, HasSubstr("--case"));
  PolicyEvalOptions options;
  options.name = "an order";
  EXPECT_EQ(Eval(two, options).code, 0);
  options.name = "a third";
  EXPECT_THAT(Eval(two, options).err, HasSubstr("no such case"));
}

TEST(PolicyEval, TakesEverythingFromTheConfiguration) {
  const testing::TempDir dir;
  const std::string defaults =
      std::string(CONSENTRY_SOURCE_DIR) + "/policy/packs/defaults/";
  Write(dir, "own.txtpb", R"(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "nothing" citation: "own policy" }
  effect: DENY
})");
  PolicyEvalOptions options;
  options.sources.config =
      Write(dir, "consentry.txtpb",
            "format: 1\ncontroller { home: \"GB\" }\n"
            "policy {\n  catalog: \"" +
                defaults + "catalog.txtpb\"\n  purposes: \"" + defaults +
                "purposes.txtpb\"\n  owner_pack: "
                "\"own.txtpb\"\n  packs: \"uk-gdpr\"\n}\n");
  const Ran ran = Eval(R"(
    subject { residences: "DE" }
    request {
      purpose: "essential.service.operations" channel: INTERNAL
      at: "2026-11-22T10:00:00Z" recipient: "GB"
    })",
                       options);
  EXPECT_EQ(ran.code, 2) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("DENY OWNER_FORBIDS"));
  EXPECT_THAT(ran.out, HasSubstr("regimes: uk-gdpr\n"));
  options.sources.config = dir.path();
  EXPECT_EQ(Eval(R"(
    subject { residences: "DE" }
    request {
      purpose: "essential.service.operations" channel: INTERNAL
      at: "2026-11-22T10:00:00Z" recipient: "GB"
    })",
                 options)
                .out,
            ran.out);
}

int Parse(const std::string& line) {
  CLI::App app("consentry");
  AddPolicy(app);
  try {
    app.parse(line);
  } catch (const CLI::RuntimeError& end) {
    return end.get_exit_code();
  } catch (const CLI::ParseError&) {
    return -1;
  }
  return -2;
}

TEST(PolicyCommandLine, EndsWithTheExitCodeOfTheCommand) {
  EXPECT_EQ(Parse("policy lint"), 0);
  EXPECT_EQ(Parse("policy test --coverage-threshold 100 --all-rules"), 0);
  EXPECT_EQ(Parse("policy eval /nowhere.txtpb"), 1);
  EXPECT_EQ(Parse("policy lint --own /nowhere.txtpb"), 1);
  EXPECT_EQ(Parse("policy test --coverage-threshold 101"), -1);
  EXPECT_EQ(Parse("policy"), -1);
}

TEST(PolicyExplain, TellsTheStepsAndTheirCitations) {
  std::istringstream in(kPermitted);
  std::ostringstream out, err;
  EXPECT_EQ(RunPolicyExplain({}, in, out, err), 0) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("an order\n"));
  EXPECT_THAT(out.str(), HasSubstr("eu-gdpr/use.service: GDPR Art. 6(1)"));
  EXPECT_THAT(out.str(), HasSubstr("not checked"));
  EXPECT_THAT(out.str(), Not(HasSubstr("1985")));
}

TEST(PolicyLint, ShippedFilesAreCleanAndTheirUncheckedRulesAreNoted) {
  PolicyLintOptions options;
  options.notes = true;
  std::ostringstream out, err;
  EXPECT_EQ(RunPolicyLint(options, out, err), 0) << out.str();
  EXPECT_THAT(out.str(), HasSubstr("0 errors, 0 warnings"));
  EXPECT_THAT(out.str(),
              HasSubstr("us-va/clock.access: cited and not checked"));
  EXPECT_THAT(out.str(), HasSubstr("eu-gdpr/minor.consent DK: age 15"));
}

TEST(PolicyLint, FindsWhatIsDoubtfulAndWhatIsRefused) {
  const testing::TempDir dir;
  PolicyLintOptions options;
  options.sources.packs = {Write(dir, "thin.txtpb", R"(
id: "thin"
kind: LEGAL
attach {
  rule { id: "attach" citation: "Art. 1" evidence: CHECKED }
  established_in: "DE"
}
uses {
  rule {
    id: "use" citation: "Art. 2" evidence: CHECKED
    valid_from: "2020-01-01" valid_to: "2021-01-01"
  }
  classes: SERVICE
  mode: BY_BASIS
  bases { basis: CONTRACT }
}
sensitive_categories: "user.helth"
proofs {
  rule { id: "proof.1" citation: "Art. 3" evidence: CHECKED }
  keep { count: 1 unit: MONTH }
}
proofs {
  rule { id: "proof.2" citation: "Art. 3" evidence: CHECKED }
  keep { count: 2 unit: MONTH }
}
)")};
  std::ostringstream out, err;
  EXPECT_EQ(RunPolicyLint(options, out, err), 2);
  EXPECT_THAT(out.str(), HasSubstr("thin: no use rule for SUPPORT, ever"));
  EXPECT_THAT(out.str(), HasSubstr("thin: no use rule for SERVICE, from the "
                                   "beginning to 2020-01-01"));
  EXPECT_THAT(out.str(),
              HasSubstr("user.helth is no data category of fideslang"));
  EXPECT_THAT(out.str(),
              HasSubstr("proofs[1]: says the same thing as proof.1"));
  EXPECT_THAT(out.str(), HasSubstr("no pack of this id is loaded"));
  EXPECT_THAT(out.str(), HasSubstr("has no basis under thin"));
}

TEST(PolicyLint, OwnPackThatLoosensIsAnError) {
  const testing::TempDir dir;
  PolicyLintOptions options;
  options.sources.owner_pack = Write(dir, "own.txtpb", R"(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "longer" citation: "own policy" }
  effect: SHORTEN_RETENTION
  max_retention_months: 1200
}
)");
  std::ostringstream out, err;
  EXPECT_EQ(RunPolicyLint(options, out, err), 2);
  EXPECT_THAT(out.str(), HasSubstr("error: "));
  EXPECT_THAT(out.str(), HasSubstr("own.txtpb:"));
  EXPECT_THAT(out.str(), HasSubstr("can only tighten"));
}

}  // namespace
}  // namespace consentry::tools
