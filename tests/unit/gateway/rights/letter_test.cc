#include "gateway/rights/letter.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "consentry/v1/rights_service.pb.h"
#include "gateway/rights/case_law.h"
#include "gateway/rights/letter_texts.h"
#include "policy/engine/civil.h"
#include "policy/packs/packs.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rights {
namespace {

using policy::Bundle;
using store::v1::RightsCaseDoc;

std::shared_ptr<const Bundle> MakeBundle() {
  policy::BundleSources sources;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    if (file.name == "catalog.txtpb") {
      sources.catalog =
          *policy::ParseText<config::v1::Catalog>(file.name, file.content);
    } else {
      sources.purposes = *policy::ParseText<config::v1::PurposeRegistry>(
          file.name, file.content);
    }
  }
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    sources.packs.push_back(
        *policy::ParseText<config::v1::Pack>(file.name, file.content));
  }
  sources.profile.message.set_home("DE");
  sources.profile.message.add_markets("US");
  sources.profile.message.add_markets("GB");
  sources.profile.message.add_thresholds("us-ca.business");
  sources.profile.message.set_name("Muster GmbH");
  sources.profile.message.set_contact("datenschutz@muster.example");
  auto bundle = Bundle::Compile(std::move(sources));
  EXPECT_OK(bundle.status());
  return bundle.ok() ? *bundle : nullptr;
}

policy::SubjectFacts LivingIn(const Bundle& bundle, const std::string& place) {
  policy::SubjectFacts facts;
  facts.residences.push_back(*bundle.FindJurisdiction(place));
  return facts;
}

RightsCaseDoc Case(const Bundle& bundle, v1::RightsKind kind,
                   const std::string& place) {
  RightsCaseDoc doc;
  doc.set_id("rgt_abcdefghijklmnopqrstuvwx");
  doc.set_subject_id("cus_abcdefghijklmnopqrstuvwx");
  doc.set_kind(kind);
  doc.set_state(v1::RIGHTS_STATE_WORKING);
  doc.set_language("de");
  doc.set_received_us(*policy::ParseTime("2026-11-03T10:00:00Z"));
  doc.add_residences(place);
  const CaseLaw law = LawOf(bundle, LivingIn(bundle, place), {"profile"}, kind,
                            doc.received_us());
  for (const auto& clock : law.clocks) *doc.add_clocks() = clock;
  for (const auto& regime : law.without_right) doc.add_without_right(regime);
  doc.set_required(law.required);
  return doc;
}

TEST(LetterTextsTest, ShippedTextsAreWhole) {
  const auto& file = EmbeddedLetters()[0];
  EXPECT_OK(LetterTexts::Parse(file.name, file.content).status());
}

TEST(LetterTextsTest, MissingLanguageAndStrayPlaceholderAreRefused) {
  EXPECT_FALSE(LetterTexts::Parse("x", R"(
    letters { key: "a" words { language: "en" subject: "s" body: "b" } }
  )")
                   .ok());
  std::string text = "letters { key: \"a\" placeholders: \"case\"";
  for (const char* language : {"en", "de", "fr"}) {
    text += std::string(" words { language: \"") + language +
            "\" subject: \"s\" body: \"{case}\" }";
  }
  EXPECT_FALSE(LetterTexts::Parse(
                   "x", text + " words { language: \"es\" subject: \"s\" body: "
                               "\"{cases}\" } }")
                   .ok());
  EXPECT_TRUE(LetterTexts::Parse(
                  "x", text + " words { language: \"es\" subject: \"s\" body: "
                              "\"{case}\" } }")
                  .ok());
}

TEST(CaseLawTest, EachRegimeKeepsItsOwnClockAndLevel) {
  const auto bundle = MakeBundle();
  ASSERT_NE(bundle, nullptr);
  const RightsCaseDoc german = Case(*bundle, v1::RIGHTS_KIND_ACCESS, "DE");
  ASSERT_EQ(german.clocks_size(), 1);
  EXPECT_EQ(german.clocks(0).regime(), "eu-gdpr");
  EXPECT_EQ(german.clocks(0).calendar(), "DE");
  EXPECT_EQ(policy::FormatTime(DueOf(german)).substr(0, 10), "2026-12-03");
  const RightsCaseDoc californian =
      Case(*bundle, v1::RIGHTS_KIND_ACCESS, "US-CA");
  ASSERT_GE(californian.clocks_size(), 1);
  bool seen = false;
  for (const auto& clock : californian.clocks()) {
    if (clock.regime() != "us-ca") continue;
    seen = true;
    const auto times = TimesOf(californian, clock);
    EXPECT_EQ(policy::FormatTime(times.answer_by_us).substr(0, 10),
              "2026-12-18");
    // 11 November and nothing else is off in the ten business days.
    EXPECT_EQ(policy::FormatTime(times.acknowledge_by_us.value()).substr(0, 10),
              "2026-11-18");
  }
  EXPECT_TRUE(seen);
  EXPECT_GE(californian.required(), v1::VERIFICATION_LEVEL_CONTACT);
}

TEST(CaseLawTest, OptOutsNeedNoIdentity) {
  const auto bundle = MakeBundle();
  const RightsCaseDoc doc =
      Case(*bundle, v1::RIGHTS_KIND_OPT_OUT_OF_SALE, "US-CA");
  EXPECT_EQ(doc.required(), v1::VERIFICATION_LEVEL_NONE);
  EXPECT_GE(doc.clocks_size(), 1);
}

TEST(CaseLawTest, RestrictionIsNoRightInVirginia) {
  const auto bundle = MakeBundle();
  const RightsCaseDoc doc = Case(*bundle, v1::RIGHTS_KIND_RESTRICTION, "US-VA");
  for (const auto& clock : doc.clocks()) EXPECT_NE(clock.regime(), "us-va");
}

TEST(CaseLawTest, ExtensionAndPauseAskTheRegime) {
  const auto bundle = MakeBundle();
  RightsCaseDoc doc = Case(*bundle, v1::RIGHTS_KIND_ACCESS, "DE");
  const int64_t soon = doc.received_us() + int64_t{86400} * 1'000'000;
  EXPECT_TRUE(SomeClockExtends(doc, "complexity", soon));
  EXPECT_FALSE(SomeClockExtends(doc, "holiday_of_the_clerk", soon));
  EXPECT_FALSE(SomeClockExtends(doc, "complexity", DueOf(doc) + 1));
  doc.set_extended(true);
  EXPECT_FALSE(SomeClockExtends(doc, "complexity", soon));
  EXPECT_TRUE(SomeClockStops(doc, "identity", soon));
  EXPECT_FALSE(SomeClockStops(doc, "clarification", soon));
  EXPECT_FALSE(SomeClockStops(
      doc, "identity", doc.received_us() + int64_t{9} * 86400 * 1'000'000));
}

TEST(LetterTest, RefusalNamesGroundFieldAuthorityAndCourt) {
  const auto bundle = MakeBundle();
  RightsCaseDoc doc = Case(*bundle, v1::RIGHTS_KIND_ACCESS, "DE");
  std::string regime;
  const auto* ground = GroundOf(*bundle, doc, "gdpr.12.5", &regime);
  ASSERT_NE(ground, nullptr);
  EXPECT_EQ(regime, "eu-gdpr");
  EXPECT_EQ(GroundOf(*bundle, doc, "gdpr.99.9", &regime), nullptr);
  auto* outcome = doc.add_outcomes();
  outcome->set_target("*");
  outcome->set_disposition(v1::RIGHTS_DISPOSITION_REFUSED);
  outcome->set_ground(ground->rule().citation());
  outcome->set_ground_id(ground->rule().id());
  doc.set_state(v1::RIGHTS_STATE_REFUSED);
  doc.set_closed_us(doc.received_us() + int64_t{5} * 86400 * 1'000'000);
  const std::string letter = LetterOf(*bundle, doc, doc.closed_us());
  for (const char* part :
       {"Muster GmbH", "Ihre Anfrage wurde abgelehnt", "2026-11-08",
        "GDPR Art. 12(5)", "Datenschutzaufsicht Ihres Bundeslandes",
        "Gericht"}) {
    EXPECT_NE(letter.find(part), std::string::npos) << part << "\n" << letter;
  }
  EXPECT_EQ(letter.find('{'), std::string::npos);
}

TEST(LetterTest, EveryStateAndLanguageGivesALetter) {
  const auto bundle = MakeBundle();
  for (const char* language : {"en", "de", "fr", "es", "es-MX", "pt"}) {
    for (int kind = 1; kind <= v1::RightsKind_MAX; ++kind) {
      for (int state = 1; state <= v1::RightsState_MAX; ++state) {
        RightsCaseDoc doc =
            Case(*bundle, static_cast<v1::RightsKind>(kind), "DE");
        doc.set_language(language);
        doc.set_state(state);
        if (!policy::IsOpen(static_cast<v1::RightsState>(state))) {
          doc.set_closed_us(doc.received_us() + 1'000'000);
        }
        const std::string letter =
            LetterOf(*bundle, doc, doc.received_us() + 2'000'000);
        EXPECT_NE(letter.find(doc.id()), std::string::npos);
        EXPECT_EQ(letter.find('{'), std::string::npos) << letter;
        EXPECT_EQ(letter.find(": ."), std::string::npos) << letter;
      }
    }
  }
}

TEST(LetterTest, BeforeAnErasureTheReportOfWhoReadIsOffered) {
  const auto bundle = MakeBundle();
  ASSERT_NE(bundle, nullptr);
  RightsCaseDoc erasure = Case(*bundle, v1::RIGHTS_KIND_ERASURE, "DE");
  const int64_t now_us = erasure.received_us() + 2'000'000;
  EXPECT_NE(LetterOf(*bundle, erasure, now_us).find("wer es eingesehen hat"),
            std::string::npos);
  erasure.set_state(v1::RIGHTS_STATE_VERIFYING);
  EXPECT_NE(LetterOf(*bundle, erasure, now_us).find("wer es eingesehen hat"),
            std::string::npos);
  // Too late, and of no use to others.
  erasure.set_state(v1::RIGHTS_STATE_COMPLETED);
  erasure.set_closed_us(now_us);
  EXPECT_EQ(LetterOf(*bundle, erasure, now_us).find("wer es eingesehen hat"),
            std::string::npos);
  const RightsCaseDoc objection =
      Case(*bundle, v1::RIGHTS_KIND_OBJECTION, "DE");
  EXPECT_EQ(LetterOf(*bundle, objection, now_us).find("wer es eingesehen hat"),
            std::string::npos);
}

TEST(LetterTest, FieldsAreCalledAsTheCatalogCallsThem) {
  const auto bundle = MakeBundle();
  RightsCaseDoc doc = Case(*bundle, v1::RIGHTS_KIND_ACCESS, "DE");
  doc.set_language("de");
  doc.set_state(v1::RIGHTS_STATE_PARTIAL);
  doc.set_closed_us(doc.received_us() + 1'000'000);
  auto* outcome = doc.add_outcomes();
  outcome->set_target("ticket.text");
  outcome->set_disposition(v1::RIGHTS_DISPOSITION_REFUSED);
  outcome->set_ground("GDPR Art. 15(4)");
  const std::string letter = LetterOf(*bundle, doc, doc.closed_us());
  EXPECT_NE(letter.find("- Support ticket, Text: abgelehnt. GDPR Art. 15(4)"),
            std::string::npos)
      << letter;
  EXPECT_EQ(letter.find("ticket.text"), std::string::npos) << letter;
}

}  // namespace
}  // namespace consentry::rights
