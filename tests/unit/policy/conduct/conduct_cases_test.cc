#include "policy/conduct/conduct_case.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_join.h"
#include "policy/conduct/rulebook_tables.h"
#include "tests/testing/status_matchers.h"

namespace consentry::conduct {
namespace {

TEST(ConductCasesTest, EveryShippedCaseIsJudgedAsItSays) {
  const auto results = RunShippedCases();
  ASSERT_OK(results);
  EXPECT_GT(results->size(), 80u);
  std::set<std::string> names;
  for (const CaseResult& result : *results) {
    EXPECT_TRUE(result.differences.empty())
        << result.name << "\n  " << absl::StrJoin(result.differences, "\n  ");
    EXPECT_TRUE(names.insert(result.name).second) << result.name;
  }
}

TEST(ConductCasesTest, EveryShippedRuleIsShownByACase) {
  std::set<std::string> shown;
  for (const EmbeddedFile& file : EmbeddedConductCases()) {
    const auto parsed =
        policy::ParseText<config::v1::ConductCaseFile>(file.name, file.content);
    ASSERT_OK(parsed);
    for (const auto& one : parsed->message.cases()) {
      shown.insert(one.expect().rules().begin(), one.expect().rules().end());
    }
  }
  const Rulebook::Tables& tables = Rulebook::Shipped().tables();
  std::set<std::string> missing;
  const auto each = [&](const auto& rows) {
    for (const auto& [row, scope] : rows) {
      if (!shown.contains(row.rule().id())) missing.insert(row.rule().id());
    }
  };
  each(tables.claims);
  each(tables.combinations);
  each(tables.inputs);
  each(tables.prices);
  each(tables.disclosures);
  each(tables.vulnerabilities);
  each(tables.budgets);
  each(tables.quiet_hours);
  each(tables.cool_downs);
  EXPECT_TRUE(missing.empty()) << absl::StrJoin(missing, " ");
}

TEST(ConductCasesTest, ACaseThatExpectsOtherwiseIsTold) {
  const auto file =
      policy::ParseText<config::v1::ConductCaseFile>("t.txtpb", R"pb(
        cases {
          name: "wrong"
          at: "2026-11-22T10:00:00Z"
          purpose_class: SERVICE
          channel: WEB
          output { kind: PRICE }
          expect { action: RELEASE charged: true retry_at: "x" }
        }
      )pb");
  ASSERT_OK(file);
  const auto results = RunCases(*file);
  ASSERT_OK(results);
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ((*results)[0].differences.size(), 5u);
}

TEST(ConductCasesTest, ACaseThatCannotBeReadTellsAllFaults) {
  const auto file =
      policy::ParseText<config::v1::ConductCaseFile>("t.txtpb", R"pb(
        cases {
          name: "wrong"
          at: "yesterday"
          output { evidence { offer_end: "soon" } }
        }
        cases {}
      )pb");
  ASSERT_OK(file);
  const auto results = RunCases(*file);
  ASSERT_FALSE(results.ok());
  const std::string message(results.status().message());
  EXPECT_NE(message.find("cases[0].at"), std::string::npos) << message;
  EXPECT_NE(message.find("cases[0].output.evidence[0].offer_end"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("cases[1].at"), std::string::npos) << message;
}

}  // namespace
}  // namespace consentry::conduct
