// Who may ask for what, proved how, refused on what ground: the tables of the
// law, written down a second time and asked for through the accessors.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/civil.h"
#include "policy/engine/rights_tables.h"
#include "policy/packs/fideslang.h"
#include "policy/packs/packs.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/policy_files.h"

namespace consentry::policy {
namespace {

using config::v1::GroundRule;
using config::v1::Pack;
using config::v1::RedressRule;
using config::v1::RightRule;
using config::v1::Verification;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Basis = config::v1::LawfulBasis;
using PC = config::v1::PurposeClass;
using R = config::v1::Right;

int64_t Day(std::string_view day) { return *ParseDay(day) * kUsPerDay; }

const int64_t kToday = Day("2026-11-22");

class LawRightsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto sources = tools::LoadPolicySources({}, false);
    ASSERT_OK(sources);
    sources->profile.message.set_home("DE");
    for (const char* market : {"GB", "US"}) {
      sources->profile.message.add_markets(market);
    }
    sources->profile.message.add_thresholds("us-ca.business");
    auto bundle = Bundle::Compile(*std::move(sources));
    ASSERT_OK(bundle);
    bundle_ = *std::move(bundle);
  }
  static void TearDownTestSuite() { bundle_.reset(); }

  static RegimeId Regime(const char* id) { return *bundle_->FindRegime(id); }

  static std::vector<std::string> Attached(const char* residence) {
    SubjectFacts facts;
    facts.residences = {*bundle_->FindJurisdiction(residence)};
    std::vector<std::string> out;
    for (const RegimeId id : AttachedRegimes(*bundle_, facts, kToday)) {
      out.push_back(bundle_->regime(id));
    }
    return out;
  }

  // "REASONABLY_HIGH" or "CONTACT/REASONABLE" where sensitive data asks for
  // more; of several rows the one without classes.
  static std::map<std::string, std::string> LevelsOn(const char* regime,
                                                     int64_t time_us) {
    std::map<std::string, std::string> out;
    for (int r = 1; r < R::Value_ARRAYSIZE; ++r) {
      for (const RightGrant& grant : GrantsOf(
               *bundle_, Regime(regime), static_cast<R::Value>(r), time_us)) {
        if (grant.row->classes_size() > 0 &&
            GrantsOf(*bundle_, Regime(regime), grant.row->right(), time_us)
                    .size() > 1) {
          continue;
        }
        std::string level = Verification::Value_Name(grant.row->verification());
        if (grant.row->verification_sensitive() != Verification::UNSPECIFIED) {
          level += "/" + Verification::Value_Name(
                             grant.row->verification_sensitive());
        }
        out[R::Value_Name(static_cast<R::Value>(r))] = level;
      }
    }
    return out;
  }

  static std::set<std::string> GroundIds(const char* regime, R::Value right,
                                         int64_t time_us) {
    std::set<std::string> out;
    for (const GroundRule* ground :
         GroundsOf(*bundle_, Regime(regime), right, time_us)) {
      out.insert(ground->rule().id());
    }
    return out;
  }

  static std::shared_ptr<const Bundle> bundle_;
};

std::shared_ptr<const Bundle> LawRightsTest::bundle_;

TEST_F(LawRightsTest, AttachedRegimesAreThoseThatDecisionsSee) {
  EXPECT_THAT(Attached("DE"), ElementsAre("eu-gdpr"));
  EXPECT_THAT(Attached("GB"), ElementsAre("eu-gdpr", "uk-gdpr"));
  EXPECT_THAT(Attached("US-CA"), ElementsAre("eu-gdpr", "us-ca"));
  SubjectFacts unknown;
  unknown.unreadable = kUnreadableResidence;
  EXPECT_EQ(AttachedRegimes(*bundle_, unknown, kToday).size(), 3u);
}

// w3c/dpv, legal/eu/gdpr, legal_basis_rights_mapping: Articles 13, 14 (notices)
// and 77 (the authority) are no requests to the business; 7-3 is WITHDRAWAL.
TEST_F(LawRightsTest, BasisDecidesWhichRightsAEuropeanHas) {
  const std::map<Basis::Value, std::string> matrix = {
      {Basis::CONSENT, "15 16 17 18 20 22 7-3"},
      {Basis::CONTRACT, "15 16 17 18 20 22"},
      {Basis::LEGAL_OBLIGATION, "15 16 18"},
      {Basis::VITAL_INTEREST, "15 16 17 18 22"},
      {Basis::PUBLIC_TASK, "15 16 18 21 22"},
      {Basis::LEGITIMATE_INTEREST, "15 16 17 18 21 22"},
  };
  const std::vector<std::pair<std::string, R::Value>> articles = {
      {"15", R::ACCESS},       {"16", R::RECTIFICATION}, {"17", R::ERASURE},
      {"18", R::RESTRICTION},  {"20", R::PORTABILITY},   {"21", R::OBJECTION},
      {"22", R::HUMAN_REVIEW}, {"7-3", R::WITHDRAWAL}};
  for (const auto& [basis, expected] : matrix) {
    std::string found;
    for (const auto& [article, right] : articles) {
      bool reached = false;
      for (const RightGrant& grant :
           GrantsOf(*bundle_, Regime("eu-gdpr"), right, kToday)) {
        reached = reached || Reaches(*grant.row, PC::SERVICE, basis);
      }
      if (reached) found += (found.empty() ? "" : " ") + article;
    }
    EXPECT_EQ(found, expected) << Basis::Value_Name(basis);
  }
}

TEST_F(LawRightsTest, ObjectionToMarketingIsAbsoluteAndUnproved) {
  bool found = false;
  for (const RightGrant& grant :
       GrantsOf(*bundle_, Regime("eu-gdpr"), R::OBJECTION, kToday)) {
    if (grant.row->classes_size() == 0) {
      EXPECT_FALSE(grant.row->absolute());
      EXPECT_FALSE(Reaches(*grant.row, PC::SERVICE, Basis::CONTRACT));
      continue;
    }
    found = true;
    EXPECT_TRUE(grant.row->absolute());
    EXPECT_EQ(grant.row->verification(), Verification::NONE);
    EXPECT_TRUE(Reaches(*grant.row, PC::DIRECT_MARKETING, Basis::CONSENT));
    EXPECT_FALSE(Reaches(*grant.row, PC::SERVICE, Basis::CONSENT));
  }
  EXPECT_TRUE(found);
}

using Levels = std::map<std::string, std::string>;

TEST_F(LawRightsTest, ProofAskedForInEurope) {
  const Levels levels = {{"ACCESS", "CONTACT/REASONABLE"},
                         {"RECTIFICATION", "CONTACT"},
                         {"ERASURE", "CONTACT/REASONABLE"},
                         {"RESTRICTION", "CONTACT"},
                         {"PORTABILITY", "CONTACT/REASONABLE"},
                         {"OBJECTION", "CONTACT"},
                         {"HUMAN_REVIEW", "CONTACT"},
                         {"EXPLANATION", "CONTACT/REASONABLE"},
                         {"WITHDRAWAL", "NONE"},
                         {"OPT_OUT_SALE_SHARE", "NONE"},
                         {"OPT_OUT_PROFILING", "NONE"}};
  EXPECT_EQ(LevelsOn("eu-gdpr", kToday), levels);
  EXPECT_EQ(LevelsOn("uk-gdpr", Day("2026-06-18")), levels);
  Levels since = levels;
  since["COMPLAINT"] = "NONE";
  EXPECT_EQ(LevelsOn("uk-gdpr", Day("2026-06-19")), since);
}

TEST_F(LawRightsTest, ProofAskedForInCalifornia) {
  Levels levels = {{"ACCESS", "REASONABLY_HIGH"},
                   {"PORTABILITY", "REASONABLY_HIGH"},
                   {"RECTIFICATION", "REASONABLE/REASONABLY_HIGH"},
                   {"ERASURE", "REASONABLE/REASONABLY_HIGH"},
                   {"OPT_OUT_SALE_SHARE", "NONE"},
                   {"LIMIT_SENSITIVE", "NONE"},
                   {"OBJECTION", "NONE"}};
  EXPECT_EQ(LevelsOn("us-ca", Day("2026-12-31")), levels);
  levels["OPT_OUT_PROFILING"] = "NONE";
  levels["HUMAN_REVIEW"] = "REASONABLE";
  levels["EXPLANATION"] = "REASONABLE/REASONABLY_HIGH";
  EXPECT_EQ(LevelsOn("us-ca", Day("2027-01-01")), levels);
  for (const RightGrant& grant :
       GrantsOf(*bundle_, Regime("us-ca"), R::ACCESS, kToday)) {
    EXPECT_EQ(grant.row->look_back_months(), 12u);
    EXPECT_EQ(grant.row->look_back_from(), "2022-01-01");
    EXPECT_EQ(grant.row->free_count(), 2u);
    EXPECT_EQ(grant.row->free_months(), 12u);
  }
}

TEST_F(LawRightsTest, NobodyProvesWhoSheIsToSayNo) {
  for (size_t r = 0; r < bundle_->regime_count(); ++r) {
    const Pack& pack = bundle_->pack(RegimeId{static_cast<uint16_t>(r)});
    for (const RightRule& row : pack.rights()) {
      const bool no = row.right() == R::WITHDRAWAL ||
                      row.right() == R::OPT_OUT_SALE_SHARE ||
                      row.right() == R::OPT_OUT_PROFILING ||
                      row.right() == R::LIMIT_SENSITIVE;
      if (no) {
        EXPECT_EQ(row.verification(), Verification::NONE)
            << pack.id() << "/" << row.rule().id();
      }
      if (row.scope() == RightRule::ALL || row.scope() == RightRule::PROVIDED) {
        EXPECT_TRUE(row.verification() != Verification::NONE ||
                    row.right() == R::COMPLAINT)
            << pack.id() << "/" << row.rule().id();
      }
    }
  }
}

TEST_F(LawRightsTest, GroundsAgainstErasure) {
  const std::set<std::string> europe = {
      "gdpr.12.5",   "gdpr.12.6",   "gdpr.17.1",   "gdpr.17.3.a",
      "gdpr.17.3.b", "gdpr.17.3.c", "gdpr.17.3.d", "gdpr.17.3.e"};
  EXPECT_EQ(GroundIds("eu-gdpr", R::ERASURE, kToday), europe);
  EXPECT_EQ(GroundIds("uk-gdpr", R::ERASURE, kToday), europe);
  std::set<std::string> california = {
      "ccpa.1798.145.h.3", "ccpa.7021.unverified", "ccpa.1798.145.a"};
  for (int i = 1; i <= 8; ++i) {
    california.insert("ccpa.1798.105.d." + std::to_string(i));
  }
  EXPECT_EQ(GroundIds("us-ca", R::ERASURE, kToday), california);
}

TEST_F(LawRightsTest, GroundIsFoundForItsRightAndTimeAlone) {
  const RegimeId eu = Regime("eu-gdpr");
  const GroundRule* law =
      FindGround(*bundle_, eu, R::ERASURE, "gdpr.17.3.b", kToday);
  ASSERT_NE(law, nullptr);
  EXPECT_EQ(law->effect(), GroundRule::KEEP);
  EXPECT_EQ(RuleName(*bundle_, eu, law->rule()), "eu-gdpr/gdpr.17.3.b");
  EXPECT_TRUE(bundle_->FindRule("eu-gdpr/gdpr.17.3.b"));
  EXPECT_EQ(FindGround(*bundle_, eu, R::ACCESS, "gdpr.17.3.b", kToday),
            nullptr);
  EXPECT_EQ(FindGround(*bundle_, eu, R::ERASURE, "gdpr.17.3.x", kToday),
            nullptr);
  const RegimeId ca = Regime("us-ca");
  EXPECT_EQ(FindGround(*bundle_, ca, R::OPT_OUT_PROFILING, "ccpa.7221.b.1",
                       Day("2026-12-31")),
            nullptr);
  EXPECT_NE(FindGround(*bundle_, ca, R::OPT_OUT_PROFILING, "ccpa.7221.b.1",
                       Day("2027-01-01")),
            nullptr);
}

TEST_F(LawRightsTest, WhatCaliforniaNeverDiscloses) {
  const GroundRule* never =
      FindGround(*bundle_, Regime("us-ca"), R::ACCESS, "ccpa.7024.d", kToday);
  ASSERT_NE(never, nullptr);
  config::v1::Field field;
  for (const char* held :
       {"user.government_id.passport_number", "user.financial.bank_account",
        "user.authorization.password", "user.biometric.fingerprint",
        "user.health_and_medical.insurance_beneficiary_id"}) {
    field.set_category(held);
    EXPECT_TRUE(GroundHoldsField(*never, field)) << held;
  }
  for (const char* told : {"user.contact.email", "user.health.condition",
                           "user.behavior.purchase_history"}) {
    field.set_category(told);
    EXPECT_FALSE(GroundHoldsField(*never, field)) << told;
  }
  field.add_reveals("user.biometrics.voice");
  EXPECT_TRUE(GroundHoldsField(*never, field));
}

TEST_F(LawRightsTest, RedressNamesTheOwnAuthorityOrTheGeneralOne) {
  const auto ids = [&](const char* regime, const char* residence,
                       int64_t time_us) {
    std::vector<std::string> out;
    for (const RedressRule* row :
         RedressOf(*bundle_, Regime(regime), residence, time_us)) {
      out.push_back(row->rule().id());
    }
    return out;
  };
  EXPECT_THAT(ids("eu-gdpr", "FR", kToday),
              ElementsAre("redress.authority.fr", "redress.court"));
  EXPECT_THAT(ids("eu-gdpr", "DE-BE", kToday),
              ElementsAre("redress.authority.de", "redress.court"));
  EXPECT_THAT(ids("eu-gdpr", "PT", kToday),
              ElementsAre("redress.authority", "redress.court"));
  EXPECT_THAT(ids("uk-gdpr", "GB", Day("2026-06-18")),
              ElementsAre("redress.authority", "redress.court"));
  EXPECT_THAT(
      ids("uk-gdpr", "GB", Day("2026-06-19")),
      ElementsAre("redress.authority", "redress.complaint", "redress.court"));
}

TEST_F(LawRightsTest, DecisionRightsFallToTheClockOfDecisions) {
  const auto* clock =
      ClockOf(*bundle_, Regime("eu-gdpr"), R::HUMAN_REVIEW, kToday);
  ASSERT_NE(clock, nullptr);
  EXPECT_EQ(clock->rule().id(), "clock.automated-decision");
  EXPECT_EQ(ClockOf(*bundle_, Regime("us-va"), R::EXPLANATION, kToday),
            nullptr);
  EXPECT_THAT(GrantsOf(*bundle_, Regime("us-va"), R::EXPLANATION, kToday),
              IsEmpty());
}

TEST_F(LawRightsTest, OneProofBreachAndReaskRowHoldsAtATime) {
  const RegimeId ca = Regime("us-ca");
  EXPECT_EQ(ProofOf(*bundle_, ca, kToday)->keep().count(), 24u);
  EXPECT_EQ(BreachOf(*bundle_, Regime("eu-gdpr"), kToday)->authority().count(),
            72u);
  EXPECT_EQ(ReaskOf(*bundle_, ca, PC::TARGETED_ADS, kToday)->wait().count(),
            12u);
  EXPECT_EQ(ReaskOf(*bundle_, ca, PC::SERVICE, kToday), nullptr);
  EXPECT_EQ(ProofOf(*bundle_, ca, Day("2022-12-31")), nullptr);
}

TEST_F(LawRightsTest, EveryTextStandsInFourLanguages) {
  const auto check = [&](const auto& texts, const std::string& where) {
    std::set<std::string> words;
    for (const char* language : {"en", "de", "fr", "es"}) {
      const auto* text = TextIn(texts, language);
      ASSERT_NE(text, nullptr) << where;
      EXPECT_EQ(text->language(), language) << where;
      EXPECT_TRUE(words.insert(text->text()).second) << where;
    }
  };
  for (size_t r = 0; r < bundle_->regime_count(); ++r) {
    const Pack& pack = bundle_->pack(RegimeId{static_cast<uint16_t>(r)});
    for (const GroundRule& row : pack.grounds()) {
      check(row.text(), pack.id() + "/" + row.rule().id());
      for (const std::string& category : row.categories()) {
        EXPECT_TRUE(IsFideslangCategory(category)) << category;
      }
    }
    for (const RedressRule& row : pack.redress()) {
      check(row.text(), pack.id() + "/" + row.rule().id());
    }
  }
  const auto& texts = bundle_->pack(Regime("eu-gdpr")).grounds(0).text();
  EXPECT_EQ(TextIn(texts, "de-AT")->language(), "de");
  EXPECT_EQ(TextIn(texts, "pt")->language(), "en");
}

// --- Faults -----------------------------------------------------------------

std::string CompileLaw(const std::string& rows) {
  auto sources = tools::LoadPolicySources({}, false);
  if (!sources.ok()) return sources.status().ToString();
  sources->profile.message.set_home("DE");
  auto pack = ParseText<Pack>(
      "law.txtpb",
      "id: \"law\" kind: LEGAL attach { rule { id: \"a\" citation: \"x\" "
      "evidence: CHECKED } residence: \"ZZ\" }\n"
      "clocks { rule { id: \"c\" citation: \"x\" evidence: CHECKED } right: "
      "ACCESS respond { count: 1 unit: MONTH } }\n"
      "rights { rule { id: \"r\" citation: \"x\" evidence: CHECKED } right: "
      "ACCESS scope: ALL verification: CONTACT agents: NOBODY }\n" +
          rows);
  if (!pack.ok()) return pack.status().ToString();
  sources->packs.push_back(*std::move(pack));
  const auto bundle = Bundle::Compile(*std::move(sources));
  return bundle.ok() ? "ok" : bundle.status().ToString();
}

TEST(LawRightsFaults, RowsThatSayNothingOrTooMuchAreRefused) {
  EXPECT_EQ(CompileLaw(""), "ok");
  const std::string right =
      "rights { rule { id: \"s\" citation: \"x\" evidence: CHECKED } ";
  const std::string ground =
      "grounds { rule { id: \"g\" citation: \"x\" evidence: CHECKED } ";
  const std::string text = "text { language: \"en\" text: \"words\" } }";
  const std::vector<std::pair<std::string, std::string>> faults = {
      {right + "right: ERASURE scope: ALL verification: NONE agents: NOBODY }",
       "has no clocks row in its pack"},
      {right + "right: AUTOMATED_DECISION scope: ALL verification: NONE "
               "agents: NOBODY }",
       "for automated decisions HUMAN_REVIEW, EXPLANATION"},
      {right + "right: ACCESS verification: NONE agents: NOBODY }",
       "scope: is missing"},
      {right + "right: ACCESS scope: ALL agents: NOBODY }",
       "write NONE for none"},
      {right + "right: ACCESS scope: ALL verification: NONE }",
       "write NOBODY for none"},
      {right + "right: ACCESS scope: ALL verification: LOGIN "
               "verification_sensitive: CONTACT agents: NOBODY }",
       "must not be less than verification"},
      {right + "right: ACCESS scope: ALL verification: LOGIN agents: NOBODY "
               "look_back_from: \"2022-01-01\" }",
       "beside look_back_months"},
      {right + "right: ACCESS scope: ALL verification: LOGIN agents: NOBODY "
               "free_count: 2 }",
       "goes with free_count"},
      {ground + "rights: ERASURE effect: KEEP support: CATALOG " + text,
       "names a right that no rights row gives"},
      {ground + "rights: ACCESS effect: KEEP support: CATALOG " + text,
       "KEEP is for ERASURE alone"},
      {ground + "rights: ACCESS effect: REFUSE " + text, "support: is missing"},
      {ground + "rights: ACCESS effect: REFUSE support: PURPOSE " + text,
       "is needed with the support PURPOSE"},
      {ground + "rights: ACCESS effect: WITHHOLD support: CATEGORY " + text,
       "is needed with the support CATEGORY"},
      {ground + "rights: ACCESS effect: REFUSE support: ASSESSMENT }",
       "needs plain words in language en"},
      {"redress { rule { id: \"d\" citation: \"x\" evidence: CHECKED } " + text,
       "kind: is missing"},
      {"redress { rule { id: \"d\" citation: \"x\" evidence: CHECKED } kind: "
       "COURT jurisdictions: \"Germany\" " +
           text,
       "is no code like DE or US-CA"},
  };
  for (const auto& [rows, message] : faults) {
    EXPECT_THAT(CompileLaw(rows), HasSubstr(message)) << rows;
  }
}

}  // namespace
}  // namespace consentry::policy
