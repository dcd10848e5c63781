#include "policy/engine/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace consentry::policy {
namespace {

using ::testing::HasSubstr;

TEST(Bundle, SmallWorldCompilesAndAnswersForItsNames) {
  ASSERT_OK_AND_ASSIGN(const auto bundle, SmallTexts().Compile());
  EXPECT_EQ(bundle->purpose_count(), 6u);
  EXPECT_EQ(bundle->field_count(), 7u);
  EXPECT_EQ(bundle->regime_count(), 2u);
  const auto field = bundle->FindField("profile.email");
  ASSERT_TRUE(field);
  EXPECT_EQ(bundle->field_name(*field), "profile.email");
  EXPECT_EQ(bundle->field(*field).category(), "user.contact.email");
  EXPECT_EQ(bundle->kind(bundle->kind_of(*field)).key(), "profile");
  const auto rule = bundle->FindRule("ask-first/use.sale");
  ASSERT_TRUE(rule);
  EXPECT_EQ(bundle->rule(*rule).citation, "Act 4");
  const auto purpose = bundle->FindPurpose("newsletter");
  ASSERT_TRUE(purpose);
  EXPECT_EQ(
      bundle->NeededAs(*purpose, *bundle->FindField("profile.birth_date")),
      config::v1::Transform::YEAR);
  EXPECT_FALSE(
      bundle->NeededAs(*purpose, *bundle->FindField("profile.allergies")));
  EXPECT_FALSE(bundle->FindPurpose("newsletters"));
  EXPECT_FALSE(bundle->FindField("email"));
  EXPECT_FALSE(bundle->FindRegime("own")) << "the owner's pack is no regime";
}

TEST(Bundle, CanonicalBytesFollowContentAlone) {
  const SmallTexts texts;
  ASSERT_OK_AND_ASSIGN(const auto bundle, texts.Compile());
  SmallTexts other = texts;
  std::swap(other.packs[0], other.packs[2]);
  other.catalog = "# A comment.\n\n" + other.catalog;
  ASSERT_OK_AND_ASSIGN(const auto same, other.Compile());
  EXPECT_EQ(bundle->canonical_bytes(), same->canonical_bytes());

  std::vector<SmallTexts> changed(4, texts);
  SmallTexts::Replace(&changed[0].catalog, "retention_months: 12",
                      "retention_months: 13");
  SmallTexts::Replace(&changed[1].purposes, "notice_version: 2",
                      "notice_version: 3");
  SmallTexts::Replace(&changed[2].profile, "\"FR\"", "\"GB\"");
  SmallTexts::Replace(&changed[3].packs[2], "22", "21");
  for (const SmallTexts& texts_changed : changed) {
    ASSERT_OK_AND_ASSIGN(const auto another, texts_changed.Compile());
    EXPECT_NE(bundle->canonical_bytes(), another->canonical_bytes());
  }
}

TEST(Bundle, RetentionIsTheShortestOfAllThatHolds) {
  SmallTexts texts;
  texts.packs[2] += R"txtpb(
    owner_rules {
      rule { id: "short" citation: "House rule 3" valid_from: "2026-01-01" }
      fields: "profile.email"
      effect: SHORTEN_RETENTION
      max_retention_months: 2
    }
    owner_rules {
      rule { id: "short.post" citation: "House rule 4" }
      fields: "profile.name"
      channels: POST
      effect: SHORTEN_RETENTION
      max_retention_months: 2
    })txtpb";
  ASSERT_OK_AND_ASSIGN(const auto bundle, texts.Compile());
  constexpr int64_t kDay = 86'400'000'000;
  constexpr int64_t k2026 = 20454 * kDay;
  const auto days = [&](const char* purpose, const char* field, int64_t now) {
    return bundle->RetentionEndUs(*bundle->FindPurpose(purpose),
                                  *bundle->FindField(field), 0, now) /
           kDay;
  };
  EXPECT_EQ(days("newsletter", "profile.name", k2026), 1096);
  EXPECT_EQ(days("newsletter", "profile.email", k2026 - 1), 1096);
  EXPECT_EQ(days("newsletter", "profile.email", k2026), 59);
  EXPECT_EQ(days("analytics", "profile.segment", k2026), 90);
}

// One change of one file, the fault that it must give, and where.
struct Broken {
  std::string SmallTexts::*file;
  const char* from;
  const char* to;
  const char* fault;
};

void ExpectRefused(const SmallTexts& texts, const std::string& fault) {
  const auto bundle = texts.Compile();
  ASSERT_THAT(bundle, testing::StatusIs(absl::StatusCode::kInvalidArgument))
      << fault;
  EXPECT_EQ(ReasonOf(bundle.status()), v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_THAT(std::string(bundle.status().message()), HasSubstr(fault));
}

TEST(BundleFaults, CatalogAndPurposesAreToldByFileLineAndField) {
  const Broken kBroken[] = {
      {&SmallTexts::catalog, "key: \"profile\"", "key: \"Profile\"",
       "catalog.txtpb:3:3: kinds[0].key"},
      {&SmallTexts::catalog, "type: EMAIL", "",
       "kinds[0].fields[1].type: is missing"},
      {&SmallTexts::catalog, "user.contact.email", "User.",
       "kinds[0].fields[1].category"},
      {&SmallTexts::catalog, "retention_months: 12", "retention_months: 1201",
       "kinds[0].fields[3].retention_months: must be 1 to 1200"},
      {&SmallTexts::catalog, "key: \"email\"", "key: \"name\"",
       "stands twice in its kind"},
      {&SmallTexts::catalog, "opened_field: \"opened\"",
       "opened_field: \"text\"", "opened_field: must be a TIMESTAMP"},
      {&SmallTexts::catalog, "type: DATE",
       "type: DATE filterable: true "
       "validation { pattern: \"a(\" }",
       "validation.pattern: is no pattern"},
      {&SmallTexts::catalog, "type: EMAIL",
       "type: INT validation { min: nan max: 1 }", "min must not be above max"},
      {&SmallTexts::catalog, "type: TEXT", "type: TEXT filterable: true",
       "free text is never filtered on"},
      {&SmallTexts::catalog, "type: DATE", "type: STRING",
       "legal_fact: needs a field of type DATE"},
      {&SmallTexts::purposes, "key: \"support\"", "key: \"newsletter\"",
       "purposes[1].key: stands twice"},
      {&SmallTexts::purposes, "field: \"profile.name\"",
       "field: \"profile.nam\"", "is no field of the catalog"},
      {&SmallTexts::purposes, "transform: NONE", "",
       "fields[0].transform: is missing"},
      {&SmallTexts::purposes, "necessity_note: \"support-1\"", "",
       "necessity_note: is missing for CONTRACT"},
      {&SmallTexts::purposes, "lia: \"lia-1\"", "", "lia: is missing"},
      {&SmallTexts::purposes, "notice_version: 2", "",
       "notice_version: must be 1 or more"},
      {&SmallTexts::purposes, "language: \"en\"", "language: \"de\"",
       "needs plain words in language en"},
      {&SmallTexts::purposes, "dpia: \"dpia-1\"", "", "dpia: is missing"},
      {&SmallTexts::purposes, "kind: \"ticket\"", "kind: \"profile\"",
       "must be a kind of the catalog with opened_field"},
      {&SmallTexts::purposes, "special_gate: EXPLICIT_CONSENT",
       "special_gate: HEALTH_CARE", "special_gate_document: is missing"},
      // One basis for each regime and field, and one that the law allows.
      {&SmallTexts::purposes, "regimes: \"opt-out\"",
       "regimes: \"opt-out\" regimes: \"ask-first\"",
       "has a second basis for the same fields"},
      {&SmallTexts::purposes, "basis: CONTRACT\n    necessity_note",
       "basis: LEGAL_OBLIGATION law: \"x\" necessity_note",
       "no use rule of ask-first lets LEGAL_OBLIGATION carry SUPPORT"},
      {&SmallTexts::profile, "home: \"DE\"", "home: \"Germany\"",
       "profile.txtpb:2:1: home"},
      {&SmallTexts::profile, "opt-out.business", "opt-out.busines",
       "is no threshold of any pack"},
      {&SmallTexts::profile, "utc_offset_minutes: 60",
       "utc_offset_minutes: 900", "must be -720 to 840"},
  };
  for (const Broken& broken : kBroken) {
    SmallTexts texts;
    SmallTexts::Replace(&(texts.*broken.file), broken.from, broken.to);
    ExpectRefused(texts, broken.fault);
  }
}

struct BrokenPack {
  const char* from;
  const char* to;
  const char* fault;
};

TEST(BundleFaults, LegalPacksAreToldByRow) {
  const BrokenPack kBroken[] = {
      {"id: \"ask-first\"", "id: \"opt-out\"", "is the id of another pack"},
      {"id: \"ask-first\"", "id: \"Ask\"", "pack0.txtpb:2:1: id"},
      {"citation: \"Act 2\"", "", "rule.citation: is missing"},
      {"\"Act 3\" evidence: CHECKED", "\"Act 3\"", "rule.evidence: is missing"},
      {"id: \"use.sale\"", "id: \"use.support\"", "stands twice in its pack"},
      {"citation: \"Act 4\"", "citation: \"Act 4\" valid_from: \"2026-02-30\"",
       "must be a day"},
      {"citation: \"Act 4\"",
       "citation: \"Act 4\" valid_from: \"2026-02-02\" valid_to: "
       "\"2026-02-02\"",
       "must be after valid_from"},
      {"kind: LEGAL",
       "kind: LEGAL valid_to: \"2020-01-01\" minors { rule { id: "
       "\"late\" citation: \"x\" evidence: CHECKED valid_from: \"2021-01-01\" "
       "} "
       "below_age: 16 action: DENY }",
       "never holds within the days"},
      {"@UNION", "@EU", "is no group of this pack"},
      {"\"JP\"", "\"Japan\"", "is no code"},
      {"mode: BY_BASIS", "", "mode: is missing"},
      {"mode: OPT_IN_EXPLICIT\n  bases { basis: EXPLICIT_CONSENT }",
       "mode: OPT_IN_EXPLICIT\n  bases { basis: CONTRACT }",
       "cannot stand with this mode"},
      {"channels: POST\n", "channels: POST channels: EMAIL\n",
       "speaks about a class and channel that use.marketing"},
      {"soft_opt_in_months: 24", "soft_opt_in_months: 1201",
       "must be at most 1200"},
      {"mode: SOFT_OPT_IN", "mode: OPT_OUT", "soft_opt_in_months"},
      {"demand: GATE", "demand: OPT_IN", "gates: is for GATE"},
      {"below_age: 18", "below_age: 22", "must be 1 to 21"},
      {"action: DENY", "", "action: is missing"},
      {"human: BEFORE_EFFECT", "", "human: is missing"},
      {"area: \"@UNION\"", "", "area: is missing"},
      {"residence_or_location: \"@UNION\"", "",
       "needs a condition, or fallback alone"},
  };
  for (const BrokenPack& broken : kBroken) {
    SmallTexts texts;
    SmallTexts::Replace(&texts.packs[0], broken.from, broken.to);
    ExpectRefused(texts, broken.fault);
  }
}

TEST(BundleFaults, OptOutWithoutAWayOutIsRefused) {
  SmallTexts texts;
  SmallTexts::Replace(&texts.packs[1],
                      "opt_out: SALE\n  classes: SALE_OR_SHARE",
                      "opt_out: SALE\n  classes: ANALYTICS");
  ExpectRefused(texts, "no opt_outs or objections row covers SALE_OR_SHARE");
}

TEST(BundleFaults, OwnersPackCanOnlyTighten) {
  const char* const kLoosening[] = {
      "uses { rule { id: \"u\" citation: \"x\" } classes: SALE_OR_SHARE mode: "
      "NOTICE bases { basis: NOTICE } }",
      "attach { rule { id: \"a\" citation: \"x\" } residence: \"DE\" }",
      "sensitive { rule { id: \"s\" citation: \"x\" } demand: NONE }",
      "restrictions { rule { id: \"r\" citation: \"x\" } still_permitted: "
      "SALE_OR_SHARE }",
      "transfers { rule { id: \"t\" citation: \"x\" } area: \"US\" }",
      "minors { rule { id: \"m\" citation: \"x\" } below_age: 3 action: DENY }",
      "signals { rule { id: \"g\" citation: \"x\" } signal: GPC classes: "
      "ANALYTICS }",
      "opt_outs { rule { id: \"o\" citation: \"x\" } opt_out: SALE classes: "
      "ANALYTICS }",
      "objections { rule { id: \"j\" citation: \"x\" } kind: PURPOSE }",
      "automated_decisions { rule { id: \"d\" citation: \"x\" } human: NONE }",
      "sensitive_categories: \"user.financial\"",
      "clocks { rule { id: \"c\" citation: \"x\" } right: ACCESS respond { "
      "count: 9 unit: MONTH } }",
      "reasks { rule { id: \"k\" citation: \"x\" } wait { count: 1 unit: MONTH "
      "} }",
      "breaches { rule { id: \"b\" citation: \"x\" } }",
      "proofs { rule { id: \"p\" citation: \"x\" } keep { count: 1 unit: MONTH "
      "} }",
  };
  for (const char* row : kLoosening) {
    SmallTexts texts;
    texts.packs[2] += row;
    ExpectRefused(texts, "which can only tighten");
  }
}

TEST(BundleFaults, OwnersRuleThatTightensNothingIsRefused) {
  SmallTexts longer;
  longer.packs[2] +=
      "owner_rules { rule { id: \"long\" citation: \"x\" } fields: "
      "\"profile.segment\" effect: SHORTEN_RETENTION max_retention_months: 6 }";
  ExpectRefused(longer, "shortens nothing that holds already");
  SmallTexts weaker;
  SmallTexts::Replace(&weaker.packs[2], "purposes: \"credit\"",
                      "purposes: \"analytics\"");
  ExpectRefused(weaker, "reduces nothing further");
  SmallTexts none;
  SmallTexts::Replace(&none.packs[2], "transform: YEAR", "transform: NONE");
  ExpectRefused(none, "must tighten");
}

TEST(BundleFaults, OwnersRuleForSomethingMisspeltIsRefused) {
  SmallTexts purpose;
  SmallTexts::Replace(&purpose.packs[2], "purposes: \"credit\"",
                      "purposes: \"credits\"");
  ExpectRefused(purpose, "is no purpose of the registry");
  SmallTexts field;
  SmallTexts::Replace(&field.packs[2], "fields: \"profile.birth_date\"",
                      "fields: \"profile.birthdate\"");
  ExpectRefused(field, "is no field of the catalog");
  SmallTexts category;
  SmallTexts::Replace(&category.packs[2], "fields: \"profile.birth_date\"",
                      "categories: \"user.demographics\"");
  ExpectRefused(category, "holds no field of the catalog");
}

TEST(BundleFaults, OwnerRulesInALegalPackAndTwoOwnersAreRefused) {
  SmallTexts legal;
  legal.packs[0] +=
      "owner_rules { rule { id: \"x\" citation: \"x\" evidence: CHECKED } "
      "effect: DENY }";
  ExpectRefused(legal, "belongs in a pack of kind OWNER");
  SmallTexts two;
  two.packs.push_back("id: \"own-2\" kind: OWNER");
  ExpectRefused(two, "there is another pack of kind OWNER");
}

TEST(BundleFaults, AllFaultsOfAllFilesAreToldAtOnce) {
  SmallTexts texts;
  SmallTexts::Replace(&texts.catalog, "type: EMAIL", "");
  SmallTexts::Replace(&texts.purposes, "lia: \"lia-1\"", "");
  SmallTexts::Replace(&texts.profile, "home: \"DE\"", "home: \"D\"");
  SmallTexts::Replace(&texts.packs[0], "action: DENY", "");
  ExpectRefused(texts, "catalog.txtpb");
  ExpectRefused(texts, "purposes.txtpb");
  ExpectRefused(texts, "profile.txtpb");
  ExpectRefused(texts, "pack0.txtpb");
}

TEST(BundleFaults, FilesBeyondTheBoundsAreRefused) {
  SmallTexts places;
  places.packs[2] += "groups { name: \"MANY\"";
  for (int i = 0; i < 4200; ++i) {
    char code[8];
    std::snprintf(code, sizeof code, "%c%c-%03d", 'A' + i / 1000 % 26,
                  'A' + i / 26 % 26, i % 1000);
    places.packs[2] += std::string(" members: \"") + code + "\"";
  }
  places.packs[2] += " }";
  ExpectRefused(places, "more than 4096 places");

  SmallTexts rules;
  for (int i = 0; i < 257; ++i) {
    rules.packs[2] += "owner_rules { rule { id: \"r" + std::to_string(i) +
                      "\" citation: \"x\" } effect: DENY }";
  }
  ExpectRefused(rules, "owner_rules: must be at most 256");

  SmallTexts days;
  for (int i = 0; i < 520; ++i) {
    const int year = 1900 + i / 12;
    char row[160];
    std::snprintf(row, sizeof row,
                  "restrictions { rule { id: \"d%d\" citation: \"x\" "
                  "evidence: CHECKED valid_from: \"%04d-%02d-01\" } }\n",
                  i, year, 1 + i % 12);
    days.packs[0] += row;
  }
  ExpectRefused(days, "begin and end on more than 512 days");
}

TEST(BundleWarnings, PurposeWithoutABasisInARegimeIsTold) {
  SmallTexts texts;
  SmallTexts::Replace(&texts.purposes, "regimes: \"opt-out\"",
                      "regimes: \"not-loaded\"");
  ASSERT_OK_AND_ASSIGN(const auto bundle, texts.Compile());
  std::string all;
  for (const Fault& warning : bundle->warnings()) {
    all += warning.ToString() + "\n";
  }
  EXPECT_THAT(all, HasSubstr("purposes[0]: has no basis under opt-out"));
  EXPECT_THAT(all, HasSubstr("no pack of this id is loaded"));
  EXPECT_THAT(all, HasSubstr("ask-first: only if balanced"));
}

}  // namespace
}  // namespace consentry::policy
