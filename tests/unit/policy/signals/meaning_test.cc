#include "policy/signals/meaning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/signals/tc_writer.h"

namespace consentry::signals {
namespace {

using config::v1::OptOut;
using config::v1::PurposeClass;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Meaning Of(const std::string& text) {
  const auto signal = DecodeSignal(text);
  EXPECT_OK(signal.status());
  return signal.ok() ? MeaningOf(*signal) : Meaning();
}

SignalledOptOut Out(OptOut::Value kind, const char* field) {
  return {kind, field};
}

TEST(MeaningTest, GpcIsItsOwnSignal) {
  const Meaning meaning = Of("1");
  EXPECT_TRUE(meaning.global_privacy_control);
  EXPECT_THAT(meaning.opt_outs, IsEmpty());
  EXPECT_FALSE(meaning.tcf.present);
}

TEST(MeaningTest, UsPrivacyOptsOutOfBothKindsThatItCannotTellApart) {
  EXPECT_THAT(Of("1NYN").opt_outs,
              ElementsAre(Out(OptOut::SALE, "uspv1.OptOutSale"),
                          Out(OptOut::SHARING, "uspv1.OptOutSale")));
  EXPECT_THAT(Of("1YNY").opt_outs, IsEmpty());
  EXPECT_THAT(Of("1---").opt_outs, IsEmpty());
}

TEST(MeaningTest, CaliforniaOptsOutOfWhatItNames) {
  const Meaning meaning = Of("DBABBg~BVVgYICA.YA");
  EXPECT_TRUE(meaning.global_privacy_control);
  EXPECT_THAT(
      meaning.opt_outs,
      ElementsAre(Out(OptOut::SALE, "usca.SaleOptOut"),
                  Out(OptOut::SHARING, "usca.SharingOptOut"),
                  Out(OptOut::SENSITIVE_DATA, "usca.SensitiveDataProcessing")));
}

TEST(MeaningTest, NationalOptsOutOfWhatItNames) {
  const Meaning meaning = Of("DBABLA~CVVZkkkkkllg.QA");
  EXPECT_FALSE(meaning.global_privacy_control);
  EXPECT_THAT(
      meaning.opt_outs,
      ElementsAre(
          Out(OptOut::SALE, "usnat.SaleOptOut"),
          // She did not opt out of sharing; of a child nobody consented to it.
          Out(OptOut::SHARING, "usnat.KnownChildSensitiveDataConsents"),
          Out(OptOut::TARGETED_ADVERTISING, "usnat.TargetedAdvertisingOptOut"),
          Out(OptOut::SENSITIVE_DATA, "usnat.SensitiveDataProcessing")));
}

TEST(MeaningTest, OneSectionThatOptsOutIsEnough) {
  // usnat says that she did not, usca and usva that she did.
  const Meaning meaning = Of("DBABrYA~CAAgAAAAAABA.QA~BAQAAABA.QA~BAQAABA");
  EXPECT_THAT(meaning.opt_outs,
              ElementsAre(Out(OptOut::SALE, "usca.SaleOptOut")));
}

TEST(MeaningTest, ThePublishersOwnSegmentNarrowsWhereItIsUsed) {
  TcWriter writer;
  writer.consents = TcWriter::Mask({1, 3, 4});
  writer.interests = TcWriter::Mask({7, 8});
  Meaning meaning = Of(writer.Text());
  EXPECT_TRUE(meaning.tcf.present);
  EXPECT_EQ(meaning.tcf.consents, 0b1101u);
  EXPECT_EQ(meaning.tcf.legitimate_interests, 0b11000000u);
  EXPECT_EQ(meaning.tcf.vendor_list_version, 48);
  writer.segments.push_back(TcWriter::Publisher(0, 0));
  EXPECT_EQ(Of(writer.Text()).tcf.consents, 0b1101u);
  writer.segments.back() =
      TcWriter::Publisher(TcWriter::Mask({1, 3, 9}), TcWriter::Mask({8}));
  meaning = Of(writer.Text());
  EXPECT_EQ(meaning.tcf.consents, 0b101u);
  EXPECT_EQ(meaning.tcf.legitimate_interests, 0b10000000u);
}

TEST(MeaningTest, PurposesAreFoundByDataUseThenByClass) {
  EXPECT_EQ(TcfPurposesOf("personalize.content.profiled",
                          PurposeClass::CONTENT_PERSONALIZATION),
            1u << 5);
  EXPECT_EQ(TcfPurposesOf("personalize.content.profiled.homepage",
                          PurposeClass::CONTENT_PERSONALIZATION),
            1u << 5);
  EXPECT_EQ(TcfPurposesOf("personalize.content.profiledness",
                          PurposeClass::CONTENT_PERSONALIZATION),
            0b110000u);
  EXPECT_EQ(TcfPurposesOf("marketing.advertising.third_party.targeted",
                          PurposeClass::TARGETED_ADS),
            1u << 3);
  EXPECT_EQ(TcfPurposesOf("our.ads", PurposeClass::TARGETED_ADS), 0b1100u);
  EXPECT_EQ(
      TcfPurposesOf("functional.service.improve", PurposeClass::ANALYTICS),
      1u << 9);
  for (const auto purpose_class :
       {PurposeClass::SERVICE, PurposeClass::DIRECT_MARKETING,
        PurposeClass::SECURITY, PurposeClass::SALE_OR_SHARE,
        PurposeClass::LEGAL_OBLIGATION}) {
    EXPECT_EQ(TcfPurposesOf("anything", purpose_class), 0u);
  }
}

TEST(MeaningTest, AChoiceIsGivenOnlyWhereAllIsConsentedTo) {
  TcfChoices choices;
  EXPECT_EQ(ChoiceFor(choices, 0b100, true), Choice::kNone);
  choices.present = true;
  choices.consents = 0b0101;
  choices.legitimate_interests = 0b1000;
  EXPECT_EQ(ChoiceFor(choices, 0, true), Choice::kNone);
  EXPECT_EQ(ChoiceFor(choices, 0b0101, true), Choice::kGive);
  EXPECT_EQ(ChoiceFor(choices, 0b0111, true), Choice::kRefuse);
  EXPECT_EQ(ChoiceFor(choices, 0b0010, false), Choice::kRefuse);
  // On legitimate interest alone.
  EXPECT_EQ(ChoiceFor(choices, 0b1000, true), Choice::kRefuse);
  EXPECT_EQ(ChoiceFor(choices, 0b1000, false), Choice::kNone);
  EXPECT_EQ(ChoiceFor(choices, 0b1100, false), Choice::kNone);
}

}  // namespace
}  // namespace consentry::signals
