#include "policy/conduct/rulebook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "policy/conduct/rulebook_tables.h"
#include "tests/testing/status_matchers.h"

namespace consentry::conduct {
namespace {

std::string FaultsOf(const char* text) {
  auto file = policy::ParseText<config::v1::ConductPolicy>("own.txtpb", text);
  EXPECT_OK(file);
  if (!file.ok()) return "";
  Rulebook::Options options;
  options.own.push_back(*std::move(file));
  const auto rules = Rulebook::Create(std::move(options));
  return rules.ok() ? "" : std::string(rules.status().message());
}

TEST(RulebookTest, TheShippedRulesLoadAndSayWhereTheyComeFrom) {
  ASSERT_OK(Rulebook::Create({}));
  const auto policy = ShippedPolicy();
  ASSERT_OK(policy);
  const auto each = [](const auto& rows) {
    EXPECT_FALSE(rows.empty());
    for (const auto& row : rows) {
      EXPECT_FALSE(row.rule().citation().empty()) << row.rule().id();
      EXPECT_FALSE(row.rule().note().empty()) << row.rule().id();
      EXPECT_NE(row.rule().evidence(), config::v1::Evidence::UNSPECIFIED)
          << row.rule().id();
    }
  };
  const auto& message = policy->message;
  each(message.claims());
  each(message.combinations());
  each(message.inputs());
  each(message.prices());
  each(message.disclosures());
  each(message.vulnerabilities());
  each(message.budgets());
  each(message.quiet_hours());
  each(message.cool_downs());
}

TEST(RulebookTest, EveryClaimIsAskedForItsProofByAShippedRule) {
  using config::v1::ConductProof;
  using config::v1::ConductType;
  for (int proof = 1; proof <= ConductProof::Value_MAX; ++proof) {
    for (int type = 1; type <= ConductType::Value_MAX; ++type) {
      bool asked = false;
      for (const auto& [row, scope] : Rulebook::Shipped().tables().claims) {
        const auto has = [](const auto& values, int value) {
          return std::find(values.begin(), values.end(), value) != values.end();
        };
        asked = asked || (has(row.proofs(), proof) && row.claims().empty() &&
                          (row.types().empty() || has(row.types(), type)));
      }
      EXPECT_TRUE(asked) << proof << " " << type;
    }
  }
}

TEST(RulebookTest, AllFaultsAreToldAtOnceWithTheirPlaces) {
  const std::string faults = FaultsOf(R"pb(
    claims {
      rule { id: "Bad Id" valid_from: "2026-13-01" }
      scope { places: "UK" }
      max_age_minutes: 999999999
    }
    budgets {
      rule { id: "own.b" citation: "own policy" }
      limit: 3
      vulnerable_limit: 4
    }
    quiet_hours {
      rule { id: "own.q" citation: "own policy" }
      from: "25:00"
      to: "8"
    }
    topics { name: "own" expressions: "(" }
    vulnerabilities {
      rule { id: "own.v" citation: "own policy" }
      topics: "unheard_of"
      action: BLOCK
    }
    prices { rule { id: "own.p" citation: "own policy" } }
    minor_below_age: 40
  )pb");
  for (const char* expected :
       {"own.txtpb:3:14: claims[0].rule.id", "claims[0].rule.citation",
        "claims[0].rule.valid_from", "claims[0].scope.places[0]",
        "claims[0].proofs", "claims[0].missing", "claims[0].max_age_minutes",
        "budgets[0].vulnerable_limit", "budgets[0].window_minutes",
        "quiet_hours[0].from", "quiet_hours[0].to", "topics[0].expressions[0]",
        "vulnerabilities[0].topics[0]", "prices[0]", "prices[0].action",
        "minor_below_age"}) {
    EXPECT_NE(faults.find(expected), std::string::npos) << expected << "\n"
                                                        << faults;
  }
}

TEST(RulebookTest, AShippedRuleCannotBeReplaced) {
  const std::string faults = FaultsOf(R"pb(
    budgets {
      rule { id: "pressure.week" citation: "own policy" }
      limit: 100
      window_minutes: 10
    }
  )pb");
  EXPECT_NE(faults.find("budgets[0].rule.id: is not unique"), std::string::npos)
      << faults;
}

TEST(RulebookTest, IdsOfUnreadableOutputsAreKept) {
  EXPECT_NE(FaultsOf(R"pb(
              cool_downs {
                rule { id: "output.price" citation: "own policy" }
                days: 3
              }
            )pb")
                .find("is kept for"),
            std::string::npos);
}

TEST(RulebookTest, TwoOwnFilesShareTheirTopics) {
  Rulebook::Options options;
  const auto topic = policy::ParseText<config::v1::ConductPolicy>(
      "topic.txtpb", R"pb(topics { name: "tobacco" prefixes: "tobacco" })pb");
  const auto rule =
      policy::ParseText<config::v1::ConductPolicy>("rule.txtpb", R"pb(
        vulnerabilities {
          rule { id: "own.tobacco" citation: "own policy" }
          topics: "tobacco"
          action: BLOCK
        }
        minor_below_age: 20
      )pb");
  ASSERT_OK(topic);
  ASSERT_OK(rule);
  options.own = {*rule, *topic};
  const auto rules = Rulebook::Create(std::move(options));
  ASSERT_OK(rules);
  EXPECT_TRUE((*rules)->tables().topics.Knows("tobacco"));
  EXPECT_EQ((*rules)->tables().minor_below_age, 20);
}

TEST(RulebookTest, AZoneThatNobodyKnowsIsRefused) {
  Rulebook::Options options;
  options.default_time_zone = "Middle-earth/Shire";
  EXPECT_FALSE(Rulebook::Create(std::move(options)).ok());
}

TEST(RulebookTest, AnExpressionThatMatchesNothingAtAllIsRefused) {
  for (const char* expression : {"", "a*", "~a?~", "(?P<", "\\"}) {
    EXPECT_FALSE(Topics::Check(expression).ok()) << expression;
  }
  EXPECT_OK(Topics::Check("kredit~"));
}

}  // namespace
}  // namespace consentry::conduct
