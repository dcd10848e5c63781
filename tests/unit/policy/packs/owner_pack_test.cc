// What the owner's own pack may not do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/engine/bundle.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/policy_files.h"

namespace consentry::policy {
namespace {

using ::testing::HasSubstr;

std::string CompileWith(const std::vector<std::string>& packs) {
  auto sources = tools::LoadPolicySources({}, false);
  if (!sources.ok()) return sources.status().ToString();
  sources->profile.message.set_home("DE");
  int n = 0;
  for (const std::string& text : packs) {
    auto pack = ParseText<config::v1::Pack>(
        "own" + std::to_string(++n) + ".txtpb", text);
    if (!pack.ok()) return pack.status().ToString();
    sources->packs.push_back(*std::move(pack));
  }
  const auto bundle = Bundle::Compile(*std::move(sources));
  return bundle.ok() ? "ok" : bundle.status().ToString();
}

std::string Own(const std::string& rows) {
  return "id: \"own\"\nkind: OWNER\n" + rows;
}

std::string Row(const std::string& rest) {
  return Own("owner_rules {\n  rule { id: \"r\" citation: \"own\" }\n" + rest +
             "\n}\n");
}

constexpr char kRule[] = "{ rule { id: \"r\" citation: \"own\" } ";

TEST(OwnerPackTest, RowsThatTightenAreAccepted) {
  EXPECT_EQ(CompileWith({Row("classes: DIRECT_MARKETING effect: DENY")}), "ok");
  EXPECT_EQ(CompileWith({Row("effect: REQUIRE_EXPLICIT_CONSENT")}), "ok");
  EXPECT_EQ(CompileWith({Row("effect: SHORTEN_RETENTION "
                             "max_retention_months: 6")}),
            "ok");
}

TEST(OwnerPackTest, EveryKindOfLegalRowIsRefused) {
  const char* const kRows[] = {
      "attach { rule { id: \"r\" citation: \"own\" } fallback: true }",
      "uses { rule { id: \"r\" citation: \"own\" } classes: TARGETED_ADS mode: "
      "NOTICE bases { basis: NOTICE } }",
      "sensitive_categories: \"user.health\"",
      "sensitive { rule { id: \"r\" citation: \"own\" } demand: NONE }",
      "minors { rule { id: \"r\" citation: \"own\" } below_age: 13 action: "
      "CONSENT_BY_PARENT }",
      "signals { rule { id: \"r\" citation: \"own\" } signal: GPC classes: "
      "TARGETED_ADS }",
      "opt_outs { rule { id: \"r\" citation: \"own\" } opt_out: SALE classes: "
      "SALE_OR_SHARE }",
      "objections { rule { id: \"r\" citation: \"own\" } kind: PURPOSE }",
      "restrictions { rule { id: \"r\" citation: \"own\" } still_permitted: "
      "TARGETED_ADS }",
      "transfers { rule { id: \"r\" citation: \"own\" } area: \"US\" }",
      "automated_decisions { rule { id: \"r\" citation: \"own\" } bases: "
      "CONTRACT human: NONE }",
      "clocks { rule { id: \"r\" citation: \"own\" } right: ACCESS respond { "
      "count: 9 unit: MONTH } }",
      "reasks { rule { id: \"r\" citation: \"own\" } wait { count: 1 unit: "
      "MONTH } }",
      "breaches { rule { id: \"r\" citation: \"own\" } }",
      "proofs { rule { id: \"r\" citation: \"own\" } keep { count: 1 unit: "
      "MONTH } }",
      "rights { rule { id: \"r\" citation: \"own\" } right: ACCESS }",
      "grounds { rule { id: \"r\" citation: \"own\" } rights: ACCESS effect: "
      "REFUSE }",
      "redress { rule { id: \"r\" citation: \"own\" } kind: COURT }",
  };
  for (const std::string row : kRows) {
    EXPECT_THAT(CompileWith({Own(row)}),
                HasSubstr("stands in the owner's pack, which can only tighten"))
        << row;
  }
}

TEST(OwnerPackTest, LongerRetentionIsRefusedWithItsPlace) {
  const std::string answer = CompileWith(
      {Row("purposes: \"analytics.reporting\"\n  effect: SHORTEN_RETENTION\n"
           "  max_retention_months: 1200")});
  EXPECT_THAT(answer, HasSubstr("shortens nothing that holds already"));
  EXPECT_THAT(answer, HasSubstr("own1.txtpb:7:"));
  EXPECT_THAT(answer, HasSubstr("owner_rules[0].max_retention_months"));
}

TEST(OwnerPackTest, WeakerTransformIsRefused) {
  EXPECT_THAT(CompileWith({Row("purposes: \"analytics.reporting\" fields: "
                               "\"profile.birth_date\" effect: TRANSFORM "
                               "transform: MONTH")}),
              HasSubstr("reduces nothing further"));
  EXPECT_THAT(CompileWith({Row("effect: TRANSFORM transform: NONE")}),
              HasSubstr("must tighten"));
}

TEST(OwnerPackTest, ProhibitionOfWhatDoesNotExistIsRefused) {
  EXPECT_THAT(CompileWith({Row("purposes: \"newsleter\" effect: DENY")}),
              HasSubstr("is no purpose of the registry"));
  EXPECT_THAT(CompileWith({Row("fields: \"profile.emial\" effect: DENY")}),
              HasSubstr("is no field of the catalog"));
  EXPECT_THAT(CompileWith({Row("categories: \"user.helth\" effect: DENY")}),
              HasSubstr("holds no field of the catalog"));
}

TEST(OwnerPackTest, SecondOwnPackAndOwnRulesInALegalPackAreRefused) {
  std::string second = Row("effect: DENY");
  second.replace(second.find("\"own\""), 5, "\"two\"");
  EXPECT_THAT(CompileWith({Row("effect: DENY"), second}),
              HasSubstr("there is another pack of kind OWNER"));
  EXPECT_THAT(
      CompileWith({"id: \"law\"\nkind: LEGAL\nattach " + std::string(kRule) +
                   "fallback: true }\nowner_rules " + kRule +
                   "effect: DENY }"}),
      HasSubstr("belongs in a pack of kind OWNER"));
}

}  // namespace
}  // namespace consentry::policy
