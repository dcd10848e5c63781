// Numbers and days of the law that no decision reads, and those that are easy
// to mistype, written down a second time.

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/check.h"
#include "policy/packs/fideslang.h"
#include "policy/packs/packs.h"
#include "policy/rights/holidays.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy {
namespace {

using config::v1::AutomatedDecisionRule;
using config::v1::ClockRule;
using config::v1::Duration;
using config::v1::Evidence;
using config::v1::Pack;
using config::v1::Right;

Pack LoadPack(std::string_view id) {
  for (const EmbeddedFile& file : EmbeddedPacks()) {
    auto pack = ParseText<Pack>(file.name, file.content);
    EXPECT_OK(pack);
    if (pack.ok() && pack->message.id() == id) return pack->message;
  }
  ADD_FAILURE() << id << ": no such pack";
  return {};
}

std::vector<std::string> AllPacks() {
  std::vector<std::string> ids;
  for (const EmbeddedFile& file : EmbeddedPacks()) {
    ids.emplace_back(file.name.substr(0, file.name.find('.')));
  }
  EXPECT_EQ(ids.size(), 13u);
  return ids;
}

std::string Text(const Duration& duration) {
  const char* unit = "?";
  switch (duration.unit()) {
    case Duration::CALENDAR_DAY:
      unit = "d";
      break;
    case Duration::BUSINESS_DAY:
      unit = "bd";
      break;
    case Duration::MONTH:
      unit = "mo";
      break;
    case Duration::HOUR:
      unit = "h";
      break;
    default:
      break;
  }
  return std::to_string(duration.count()) + unit;
}

// "10bd/45d+45d" for acknowledgement, answer, extension; "~60d" for an appeal;
// "!" where no proof of identity is asked.
std::string Text(const ClockRule& clock) {
  std::string out;
  if (clock.has_acknowledge()) out += Text(clock.acknowledge()) + "/";
  out += Text(clock.respond());
  if (clock.has_extension()) out += "+" + Text(clock.extension());
  if (clock.has_appeal()) out += "~" + Text(clock.appeal());
  if (clock.has_appeal_extension()) out += "+" + Text(clock.appeal_extension());
  for (const std::string& pause : clock.pauses()) out += " " + pause;
  if (clock.unverified()) out += "!";
  return out;
}

// The clocks that hold on a day, by right.
std::map<std::string, std::string> ClocksOn(const Pack& pack,
                                            const std::string& day) {
  std::map<std::string, std::string> out;
  for (const ClockRule& clock : pack.clocks()) {
    if ((!clock.rule().valid_from().empty() &&
         day < clock.rule().valid_from()) ||
        (!clock.rule().valid_to().empty() && day >= clock.rule().valid_to())) {
      continue;
    }
    const std::string name = Right::Value_Name(clock.right());
    EXPECT_FALSE(out.contains(name)) << name;
    out[name] = Text(clock);
  }
  return out;
}

using Clocks = std::map<std::string, std::string>;

TEST(LawFactsTest, ChildAgesOfTheMemberStates) {
  const std::map<int, std::string> ages = {
      {13, "BE EE FI IS LV MT NO PT SE "},
      {14, "AT BG CY ES IT LT "},
      {15, "CZ DK FR GR SI "},
      {16, "DE HR HU IE LI LU NL PL RO SK "}};
  const Pack pack = LoadPack("eu-gdpr");
  std::map<int, std::string> found;
  std::set<std::string> states;
  ASSERT_EQ(pack.minors(0).rule().id(), "minor.consent");
  EXPECT_EQ(pack.minors(0).below_age(), 16u);
  for (const auto& entry : pack.minors(0).below_age_in()) {
    for (const std::string& state : entry.jurisdictions()) {
      found[static_cast<int>(entry.below_age())] += state + " ";
      states.insert(state);
      EXPECT_NE(entry.evidence(), Evidence::CHECKED) << state;
    }
  }
  EXPECT_EQ(found, ages);
  EXPECT_EQ(states.size(), 30u);
  for (const std::string& member : pack.groups(0).members()) {
    EXPECT_TRUE(states.contains(member)) << member;
  }
  EXPECT_EQ(pack.groups(0).members_size(), 30);
}

TEST(LawFactsTest, EuropeanClocks) {
  const std::string month = "1mo+2mo identity";
  EXPECT_EQ(ClocksOn(LoadPack("eu-gdpr"), "2026-11-22"),
            (Clocks{{"ACCESS", month},
                    {"RECTIFICATION", month},
                    {"ERASURE", month},
                    {"RESTRICTION", month},
                    {"PORTABILITY", month},
                    {"OBJECTION", month},
                    {"AUTOMATED_DECISION", month},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"},
                    {"OPT_OUT_PROFILING", "0d!"}}));
}

TEST(LawFactsTest, BritishClocksStopForMoreReasonsSinceTheAct) {
  const Pack pack = LoadPack("uk-gdpr");
  EXPECT_EQ(ClocksOn(pack, "2026-02-04").at("ACCESS"), "1mo+2mo identity");
  EXPECT_EQ(ClocksOn(pack, "2026-02-05").at("ACCESS"),
            "1mo+2mo identity clarification fee");
  EXPECT_EQ(ClocksOn(pack, "2026-02-04").size(), 10u);
  EXPECT_EQ(ClocksOn(pack, "2026-06-18").size(), 10u);
  EXPECT_EQ(ClocksOn(pack, "2026-06-19").size(), 11u);
  EXPECT_EQ(ClocksOn(pack, "2026-06-19").at("COMPLAINT"), "30d/30d");
}

TEST(LawFactsTest, CalifornianClocks) {
  const std::string verified = "10bd/45d+45d";
  Clocks clocks{{"ACCESS", verified},
                {"PORTABILITY", verified},
                {"RECTIFICATION", verified},
                {"ERASURE", verified},
                {"OPT_OUT_SALE_SHARE", "15bd!"},
                {"LIMIT_SENSITIVE", "15bd!"},
                {"OBJECTION", "10bd!"}};
  EXPECT_EQ(ClocksOn(LoadPack("us-ca"), "2026-12-31"), clocks);
  clocks["AUTOMATED_DECISION"] = verified;
  clocks["OPT_OUT_PROFILING"] = "15bd!";
  EXPECT_EQ(ClocksOn(LoadPack("us-ca"), "2027-01-01"), clocks);
}

TEST(LawFactsTest, VirginianClocks) {
  const std::string verified = "45d+45d~60d";
  EXPECT_EQ(ClocksOn(LoadPack("us-va"), "2026-11-22"),
            (Clocks{{"ACCESS", verified},
                    {"PORTABILITY", verified},
                    {"RECTIFICATION", verified},
                    {"ERASURE", verified},
                    {"OPT_OUT_SALE_SHARE", verified + "!"},
                    {"OPT_OUT_PROFILING", verified + "!"},
                    {"OBJECTION", "10bd!"},
                    {"WITHDRAWAL", "0d!"}}));
}

Clocks StateClocks(const std::string& verified) {
  return {{"ACCESS", verified},
          {"PORTABILITY", verified},
          {"RECTIFICATION", verified},
          {"ERASURE", verified},
          {"OPT_OUT_SALE_SHARE", verified + "!"},
          {"OPT_OUT_PROFILING", verified + "!"},
          {"OBJECTION", "10bd!"},
          {"WITHDRAWAL", "0d!"}};
}

TEST(LawFactsTest, ColoradanClocks) {
  Clocks clocks = StateClocks("45d+45d~45d+60d");
  clocks["OPT_OUT_SALE_SHARE"] = clocks["OPT_OUT_PROFILING"] = "0d!";
  EXPECT_EQ(ClocksOn(LoadPack("us-co"), "2026-12-31"), clocks);
  clocks["EXPLANATION"] = "30d";
  clocks["HUMAN_REVIEW"] = "45d";
  EXPECT_EQ(ClocksOn(LoadPack("us-co"), "2027-01-01"), clocks);
}

TEST(LawFactsTest, ConnecticutClocks) {
  const std::string verified = "45d+45d~60d";
  Clocks clocks = StateClocks(verified);
  clocks["WITHDRAWAL"] = "15d!";
  EXPECT_EQ(ClocksOn(LoadPack("us-ct"), "2026-06-30"), clocks);
  clocks["EXPLANATION"] = clocks["HUMAN_REVIEW"] = verified;
  EXPECT_EQ(ClocksOn(LoadPack("us-ct"), "2026-07-01"), clocks);
}

TEST(LawFactsTest, TexanClocks) {
  EXPECT_EQ(ClocksOn(LoadPack("us-tx"), "2026-11-22"),
            StateClocks("45d+45d~60d"));
}

TEST(LawFactsTest, SwissClocks) {
  EXPECT_EQ(ClocksOn(LoadPack("ch-fadp"), "2026-11-22"),
            (Clocks{{"ACCESS", "30d+30d identity"},
                    {"PORTABILITY", "30d+30d identity"},
                    {"RECTIFICATION", "30d identity"},
                    {"ERASURE", "30d identity"},
                    {"RESTRICTION", "30d identity"},
                    {"OBJECTION", "30d identity"},
                    {"AUTOMATED_DECISION", "30d identity"},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"},
                    {"OPT_OUT_PROFILING", "0d!"}}));
}

TEST(LawFactsTest, BrazilianClocks) {
  EXPECT_EQ(ClocksOn(LoadPack("br-lgpd"), "2026-11-22"),
            (Clocks{{"ACCESS", "0d/15d"},
                    {"PORTABILITY", "15d"},
                    {"RECTIFICATION", "15d"},
                    {"ERASURE", "15d"},
                    {"RESTRICTION", "15d"},
                    {"OBJECTION", "15d"},
                    {"AUTOMATED_DECISION", "15d"},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"},
                    {"OPT_OUT_PROFILING", "0d!"}}));
}

TEST(LawFactsTest, CanadianClocks) {
  EXPECT_EQ(ClocksOn(LoadPack("ca-pipeda"), "2026-11-22"),
            (Clocks{{"ACCESS", "30d+30d"},
                    {"RECTIFICATION", "30d+30d"},
                    {"COMPLAINT", "30d"},
                    {"OBJECTION", "10bd!"},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"},
                    {"OPT_OUT_PROFILING", "0d!"}}));
  Clocks quebec{{"ACCESS", "30d"},           {"RECTIFICATION", "30d"},
                {"ERASURE", "30d"},          {"AUTOMATED_DECISION", "30d"},
                {"COMPLAINT", "30d"},        {"OBJECTION", "0d!"},
                {"WITHDRAWAL", "0d!"},       {"OPT_OUT_SALE_SHARE", "0d!"},
                {"OPT_OUT_PROFILING", "0d!"}};
  EXPECT_EQ(ClocksOn(LoadPack("ca-qc"), "2024-09-21"), quebec);
  quebec["PORTABILITY"] = "30d";
  EXPECT_EQ(ClocksOn(LoadPack("ca-qc"), "2024-09-22"), quebec);
}

TEST(LawFactsTest, AsianClocks) {
  EXPECT_EQ(ClocksOn(LoadPack("jp-appi"), "2026-11-22"),
            (Clocks{{"ACCESS", "14d"},
                    {"RECTIFICATION", "14d"},
                    {"ERASURE", "14d"},
                    {"RESTRICTION", "14d"},
                    {"COMPLAINT", "14d"},
                    {"OBJECTION", "0d!"},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"}}));
  EXPECT_EQ(ClocksOn(LoadPack("in-dpdp"), "2027-05-13"),
            (Clocks{{"ACCESS", "90d"},
                    {"RECTIFICATION", "90d"},
                    {"ERASURE", "90d"},
                    {"COMPLAINT", "90d"},
                    {"OBJECTION", "0d!"},
                    {"WITHDRAWAL", "0d!"},
                    {"OPT_OUT_SALE_SHARE", "0d!"},
                    {"OPT_OUT_PROFILING", "0d!"}}));
}

TEST(LawFactsTest, FirstDays) {
  EXPECT_EQ(LoadPack("eu-gdpr").valid_from(), "2018-05-25");
  EXPECT_EQ(LoadPack("us-ca").valid_from(), "2023-01-01");
  EXPECT_EQ(LoadPack("us-va").valid_from(), "2023-01-01");
  EXPECT_EQ(LoadPack("ch-fadp").valid_from(), "2023-09-01");
  EXPECT_EQ(LoadPack("br-lgpd").valid_from(), "2020-09-18");
  EXPECT_EQ(LoadPack("ca-pipeda").valid_from(), "2004-01-01");
  EXPECT_EQ(LoadPack("ca-qc").valid_from(), "2023-09-22");
  EXPECT_EQ(LoadPack("us-co").valid_from(), "2023-07-01");
  EXPECT_EQ(LoadPack("us-ct").valid_from(), "2023-07-01");
  EXPECT_EQ(LoadPack("us-tx").valid_from(), "2024-07-01");
  EXPECT_EQ(LoadPack("jp-appi").valid_from(), "2022-04-01");
  EXPECT_EQ(LoadPack("in-dpdp").valid_from(), "2027-05-13");
  const std::map<std::string, std::set<std::string>> days = {
      {"eu-gdpr", {}},
      {"uk-gdpr", {"2026-02-05", "2026-06-19"}},
      {"us-ca", {"2026-01-01", "2027-01-01"}},
      {"us-va", {}},
      {"ch-fadp", {}},
      {"br-lgpd", {"2026-03-17"}},
      {"ca-pipeda", {}},
      {"ca-qc", {"2024-09-22"}},
      {"us-co", {"2024-07-01", "2025-10-01", "2027-01-01"}},
      {"us-ct", {"2025-01-01", "2026-07-01"}},
      {"us-tx", {"2025-01-01"}},
      {"jp-appi", {}},
      {"in-dpdp", {}}};
  for (const auto& [id, expected] : days) {
    std::set<std::string> found;
    ForEachRule(LoadPack(id),
                [&](const config::v1::RuleInfo& rule, const char*, int) {
                  if (!rule.valid_from().empty())
                    found.insert(rule.valid_from());
                  if (!rule.valid_to().empty()) found.insert(rule.valid_to());
                });
    EXPECT_EQ(found, expected) << id;
  }
}

TEST(LawFactsTest, OnlyTheRegulationsThatWereReadCountAsChecked) {
  std::set<std::string> checked;
  for (const std::string& id : AllPacks()) {
    ForEachRule(LoadPack(id),
                [&](const config::v1::RuleInfo& rule, const char*, int) {
                  if (rule.evidence() == Evidence::CHECKED) {
                    checked.insert(id + "/" + rule.id());
                  }
                });
  }
  EXPECT_EQ(
      checked,
      (std::set<std::string>{
          "us-ca/ccpa.7021.unverified", "us-ca/clock.access",
          "us-ca/clock.erasure", "us-ca/clock.rectification",
          "us-ca/signal.gpc.before-display", "us-co/clock.opt-out-profiling",
          "us-co/clock.opt-out-sale-share", "us-tx/signal.gpc"}));
}

TEST(LawFactsTest, SignalsThatBindAndThatMustBeShown) {
  const Pack california = LoadPack("us-ca");
  ASSERT_EQ(california.signals_size(), 2);
  EXPECT_FALSE(california.signals(0).display());
  EXPECT_TRUE(california.signals(1).display());
  EXPECT_EQ(california.signals(1).rule().valid_from(), "2026-01-01");
  EXPECT_EQ(LoadPack("us-va").signals_size(), 0);
  EXPECT_EQ(LoadPack("eu-gdpr").signals_size(), 1);
  const std::map<std::string, std::string> since = {{"us-co", "2024-07-01"},
                                                    {"us-ct", "2025-01-01"},
                                                    {"us-tx", "2025-01-01"}};
  for (const auto& [id, day] : since) {
    const Pack pack = LoadPack(id);
    ASSERT_EQ(pack.signals_size(), 1) << id;
    EXPECT_EQ(pack.signals(0).rule().valid_from(), day) << id;
  }
  for (const char* id :
       {"ch-fadp", "br-lgpd", "ca-pipeda", "ca-qc", "jp-appi", "in-dpdp"}) {
    EXPECT_EQ(LoadPack(id).signals_size(), 0) << id;
  }
}

TEST(LawFactsTest, AutomatedDecisions) {
  EXPECT_EQ(LoadPack("eu-gdpr").automated_decisions(0).human(),
            AutomatedDecisionRule::BEFORE_EFFECT);
  const Pack britain = LoadPack("uk-gdpr");
  ASSERT_EQ(britain.automated_decisions_size(), 2);
  EXPECT_EQ(britain.automated_decisions(1).human(),
            AutomatedDecisionRule::ON_REQUEST);
  for (const int basis : britain.automated_decisions(1).bases()) {
    EXPECT_NE(basis, config::v1::LawfulBasis::RECOGNISED_INTEREST);
  }
  EXPECT_EQ(LoadPack("us-ca").automated_decisions(0).human(),
            AutomatedDecisionRule::ON_REQUEST);
  for (const char* id : {"us-va", "us-tx", "br-lgpd", "in-dpdp"}) {
    ASSERT_EQ(LoadPack(id).automated_decisions_size(), 1) << id;
    EXPECT_EQ(LoadPack(id).automated_decisions(0).human(),
              AutomatedDecisionRule::NONE)
        << id;
  }
  for (const char* id : {"ch-fadp", "ca-qc"}) {
    ASSERT_EQ(LoadPack(id).automated_decisions_size(), 1) << id;
    EXPECT_EQ(LoadPack(id).automated_decisions(0).human(),
              AutomatedDecisionRule::ON_REQUEST)
        << id;
  }
  for (const char* id : {"us-co", "us-ct"}) {
    ASSERT_EQ(LoadPack(id).automated_decisions_size(), 2) << id;
    EXPECT_EQ(LoadPack(id).automated_decisions(1).human(),
              AutomatedDecisionRule::ON_REQUEST)
        << id;
  }
  EXPECT_EQ(LoadPack("us-co").automated_decisions(1).explain_within_days(),
            30u);
}

TEST(LawFactsTest, BreachesAskingAgainAndProof) {
  EXPECT_EQ(Text(LoadPack("eu-gdpr").breaches(0).authority()), "72h");
  EXPECT_EQ(Text(LoadPack("uk-gdpr").breaches(0).authority()), "72h");
  EXPECT_FALSE(LoadPack("us-ca").breaches(0).has_authority());
  EXPECT_FALSE(LoadPack("us-va").breaches(0).has_authority());
  EXPECT_EQ(Text(LoadPack("us-ca").reasks(0).wait()), "12mo");
  EXPECT_TRUE(LoadPack("us-ca").reasks(0).two_steps());
  EXPECT_EQ(Text(LoadPack("us-ca").proofs(0).keep()), "24mo");
  const std::map<std::string, std::string> hours = {
      {"br-lgpd", "3bd 20bd"}, {"jp-appi", "3d 30d"}, {"in-dpdp", "0h 72h"}};
  for (const std::string& id : AllPacks()) {
    if (id.substr(id.size() - 4) == "gdpr") continue;
    const Pack pack = LoadPack(id);
    ASSERT_EQ(pack.breaches_size(), 1) << id;
    const auto& breach = pack.breaches(0);
    const auto it = hours.find(id);
    EXPECT_EQ(breach.has_authority(), it != hours.end()) << id;
    if (it == hours.end()) continue;
    EXPECT_EQ(Text(breach.authority()) + " " + Text(breach.supplement()),
              it->second)
        << id;
  }
  EXPECT_EQ(Text(LoadPack("us-co").proofs(0).keep()), "24mo");
  EXPECT_EQ(Text(LoadPack("us-co").proofs(1).keep()), "36mo");
  EXPECT_EQ(LoadPack("us-co").proofs(1).rule().valid_from(), "2027-01-01");
}

TEST(LawFactsTest, TexasWantsItsFixedWordsBeforeSensitiveDataIsSold) {
  std::string condition;
  const Pack pack = LoadPack("us-tx");
  for (const auto& use : pack.uses()) {
    if (use.rule().id() == "use.sale-or-share") {
      condition = use.bases(0).condition();
    }
  }
  EXPECT_NE(condition.find("NOTICE: We may sell your sensitive personal data."),
            std::string::npos);
  EXPECT_NE(condition.find("NOTICE: We may sell your biometric personal data."),
            std::string::npos);
}

// Whose holidays count, and whether a time that ends on one ends later: of
// Europe alone that is known, for Regulation 1182/71 says so.
TEST(LawFactsTest, DaysAreCountedByTheCalendarOfThePlace) {
  const std::map<std::string, std::string> calendars = {
      {"eu-gdpr", "+"},   {"uk-gdpr", "GB+"},  {"ch-fadp", "CH"},
      {"br-lgpd", "BR"},  {"ca-pipeda", "CA"}, {"ca-qc", "CA-QC"},
      {"us-ca", "US-CA"}, {"us-va", "US"},     {"us-co", "US"},
      {"us-ct", "US"},    {"us-tx", "US"},     {"jp-appi", "JP"},
      {"in-dpdp", "IN"}};
  for (const std::string& id : AllPacks()) {
    SCOPED_TRACE(id);
    const Pack pack = LoadPack(id);
    ASSERT_EQ(pack.reckonings_size(), 1);
    const auto& row = pack.reckonings(0);
    EXPECT_EQ(row.calendar() + (row.ends_on_working_day() ? "+" : ""),
              calendars.at(id));
    EXPECT_FALSE(row.rule().citation().empty());
    if (!row.calendar().empty()) {
      EXPECT_EQ(Holidays::Shipped().CalendarOf(row.calendar()), row.calendar());
    }
  }
}

TEST(LawFactsTest, EveryPackFillsEveryColumn) {
  for (const std::string& id : AllPacks()) {
    const Pack pack = LoadPack(id);
    SCOPED_TRACE(id);
    EXPECT_GT(pack.attach_size(), 0);
    EXPECT_GT(pack.uses_size(), 0);
    // India has no class of sensitive data.
    EXPECT_EQ(pack.sensitive_categories_size() > 0, id != "in-dpdp");
    EXPECT_GT(pack.sensitive_size(), 0);
    EXPECT_GT(pack.minors_size(), 0);
    EXPECT_GT(pack.opt_outs_size(), 0);
    EXPECT_GT(pack.restrictions_size(), 0);
    // Canada and Japan have no rule about automated decisions.
    EXPECT_EQ(pack.automated_decisions_size() > 0,
              id != "ca-pipeda" && id != "jp-appi");
    EXPECT_GT(pack.clocks_size(), 0);
    EXPECT_EQ(pack.reckonings_size(), 1);
    EXPECT_GT(pack.reasks_size(), 0);
    EXPECT_GT(pack.breaches_size(), 0);
    EXPECT_GT(pack.proofs_size(), 0);
    EXPECT_GT(pack.rights_size(), 0);
    EXPECT_GT(pack.grounds_size(), 0);
    EXPECT_GT(pack.redress_size(), 0);
  }
}

TEST(FideslangTest, KnowsKeysAndNothingElse) {
  EXPECT_TRUE(IsFideslangCategory("system"));
  EXPECT_TRUE(IsFideslangCategory("user.contact.email"));
  EXPECT_TRUE(IsFideslangCategory("user.unique_id.pseudonymous"));
  EXPECT_FALSE(IsFideslangCategory("user.contact.emial"));
  EXPECT_FALSE(IsFideslangCategory("user.cont"));
  EXPECT_FALSE(IsFideslangCategory(""));
}

}  // namespace
}  // namespace consentry::policy
