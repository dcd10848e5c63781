#include "policy/signals/tcf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "policy/signals/signal_error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/signals/tc_writer.h"

namespace consentry::signals {
namespace {

using ::testing::ElementsAre;
using Basis = VendorUse::Basis;

constexpr char kSpecSample[] =
    "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA."
    "YAAAAAAAAAAA";

std::string FaultOf(const std::string& text) {
  const auto tc = DecodeTcf(text);
  if (tc.ok()) return "none";
  const auto error = ErrorOf(tc.status());
  if (!error) return "no place told";
  return std::string(FaultName(error->fault)) + " " + error->field;
}

SignalError ErrorIn(const std::string& text) {
  return ErrorOf(DecodeTcf(text).status()).value_or(SignalError());
}

TEST(TcfTest, EveryFieldIsRead) {
  TcWriter writer;
  writer.features = TcWriter::Mask({1}, 12);
  writer.consents = TcWriter::Mask({1, 3, 24});
  writer.interests = TcWriter::Mask({2, 7});
  writer.vendor_consents = {{1, 4}, {100, 100}};
  writer.vendor_interests = {{8, 8}};
  writer.restrictions = {{2, 1, {{5, 9}}}, {7, 0, {{1, 1}}}};
  writer.segments.push_back(
      TcWriter::Publisher(TcWriter::Mask({9}), TcWriter::Mask({10})));
  const auto tc = DecodeTcf(writer.Text());
  ASSERT_OK(tc.status());
  EXPECT_EQ(tc->created_us, 1'780'272'000'000'000);
  EXPECT_EQ(tc->last_updated_us, tc->created_us);
  EXPECT_EQ(tc->cmp_id, 880);
  EXPECT_EQ(tc->cmp_version, 7);
  EXPECT_EQ(tc->consent_screen, 1);
  EXPECT_EQ(tc->consent_language, "DE");
  EXPECT_EQ(tc->vendor_list_version, 48);
  EXPECT_EQ(tc->policy_version, 5);
  EXPECT_FALSE(tc->use_non_standard_texts);
  EXPECT_EQ(tc->special_feature_opt_ins, 0b1);
  EXPECT_EQ(tc->purpose_consents, 0b101u | 1u << 23);
  EXPECT_EQ(tc->purpose_legitimate_interests, 0b1000010u);
  EXPECT_FALSE(tc->purpose_one_treatment);
  EXPECT_EQ(tc->publisher_country, "FR");
  EXPECT_THAT(tc->vendor_consents.Ranges(),
              ElementsAre(VendorRange{1, 4}, VendorRange{100, 100}));
  EXPECT_EQ(tc->vendor_consents.Count(), 5u);
  EXPECT_EQ(tc->vendor_consents.max_vendor_id(), 100);
  EXPECT_THAT(tc->vendor_legitimate_interests.Ranges(),
              ElementsAre(VendorRange{8, 8}));
  ASSERT_EQ(tc->restrictions.size(), 2u);
  EXPECT_EQ(tc->restrictions[0].purpose, 2);
  EXPECT_EQ(tc->restrictions[0].type, RestrictionType::kRequireConsent);
  EXPECT_THAT(tc->restrictions[0].vendors.Ranges(),
              ElementsAre(VendorRange{5, 9}));
  ASSERT_TRUE(tc->disclosed_vendors.has_value());
  EXPECT_EQ(tc->disclosed_vendors->Count(), 100u);
  ASSERT_TRUE(tc->publisher.has_value());
  EXPECT_EQ(tc->publisher->consents, 1u << 8);
  EXPECT_EQ(tc->publisher->legitimate_interests, 1u << 9);
  EXPECT_EQ(tc->publisher->custom_purposes, 2);
  EXPECT_EQ(tc->publisher->custom_consents, 0b01u);
  EXPECT_EQ(tc->publisher->custom_legitimate_interests, 0b10u);
}

TEST(TcfTest, BothPaddingsAreTaken) {
  TcWriter writer;
  writer.segments = {};
  writer.created = writer.updated = 17'000'000'000;  // November 2023.
  for (const size_t unit : {size_t{6}, size_t{8}, size_t{24}}) {
    EXPECT_OK(DecodeTcf(writer.Core().Text(unit)).status()) << unit;
  }
}

TEST(TcfTest, VendorsAsBitsAreReadLikeVendorsAsRanges) {
  for (const uint16_t most :
       std::initializer_list<uint16_t>{1, 63, 64, 65, 130, 0xffff}) {
    BitWriter bits;
    bits.Put(most, 16).Put(0, 1);
    for (uint32_t id = 1; id <= most; ++id) {
      bits.Put(id % 3 == 0 || id == most, 1);
    }
    const std::string text = bits.Text();
    BitReader reader(text, 0, "test");
    const VendorSet set = VendorSet::Read(&reader, "vendors");
    ASSERT_TRUE(reader.ok());
    for (uint32_t id = 0; id <= 0xffff; ++id) {
      ASSERT_EQ(set.Contains(static_cast<uint16_t>(id)),
                id > 0 && id <= most && (id % 3 == 0 || id == most))
          << most << " " << id;
    }
    EXPECT_EQ(set.Ranges().back().last, most);
  }
}

TEST(TcfTest, RangesInAnyOrderAreOneSet) {
  TcWriter writer;
  writer.vendor_consents = {{50, 60}, {1, 3}, {4, 4}, {55, 70}, {2, 2}};
  const auto tc = DecodeTcf(writer.Text());
  ASSERT_OK(tc.status());
  EXPECT_THAT(tc->vendor_consents.Ranges(),
              ElementsAre(VendorRange{1, 4}, VendorRange{50, 70}));
  EXPECT_FALSE(tc->vendor_consents.Contains(49));
  EXPECT_TRUE(tc->vendor_consents.Contains(50));
  EXPECT_FALSE(tc->vendor_consents.Contains(71));
}

// A string that is all ranges costs what its length says, not what they span.
TEST(TcfTest, ManyFullRangesStayOneRange) {
  TcWriter writer;
  writer.most = 0xffff;
  writer.vendor_consents = Ranges(1000, {1, 0xffff});
  const auto tc = DecodeTcf(writer.Text());
  ASSERT_OK(tc.status());
  EXPECT_THAT(tc->vendor_consents.Ranges(),
              ElementsAre(VendorRange{1, 0xffff}));
}

TEST(TcfTest, SegmentsBehindTheCoreComeInAnyOrder) {
  TcWriter writer;
  writer.segments.insert(writer.segments.begin(), TcWriter::Publisher(1, 1));
  EXPECT_OK(DecodeTcf(writer.Text()).status());
}

// Made in 2025 under policy version 2, which was void by then.
TEST(TcfTest, TheSampleOfTheSpecificationIsOfAVoidPolicy) {
  EXPECT_EQ(FaultOf(kSpecSample), "POLICY_VERSION tcf.core.TcfPolicyVersion");
}

TEST(TcfTest, AnOldPolicyIsReadInAStringAsOld) {
  TcWriter writer;
  writer.policy = 2;
  writer.created = writer.updated = 16'961'183'999;  // 2023-09-30 23:59:59.9.
  writer.segments = {};
  EXPECT_OK(DecodeTcf(writer.Text()).status());
  ++writer.updated;
  EXPECT_OK(DecodeTcf(writer.Text()).status());
  ++writer.created;
  EXPECT_EQ(FaultOf(writer.Text()), "POLICY_VERSION tcf.core.TcfPolicyVersion");
}

TEST(TcfTest, DisclosedVendorsAreDueFromMarch2026On) {
  TcWriter writer;
  writer.segments = {};
  writer.created = writer.updated = 17'723'231'999;  // 2026-02-28 23:59:59.9.
  EXPECT_OK(DecodeTcf(writer.Text()).status());
  ++writer.created;
  ++writer.updated;
  EXPECT_EQ(FaultOf(writer.Text()), "SEGMENT_MISSING tcf.disclosed_vendors");
}

TEST(TcfTest, WhatTheFrameworkForbidsIsRefused) {
  const auto with = [](auto change) {
    TcWriter writer;
    change(&writer);
    return FaultOf(writer.Text());
  };
  EXPECT_EQ(with([](TcWriter*) {}), "none");
  for (const uint64_t version : {0, 1, 3, 63}) {
    EXPECT_EQ(with([&](TcWriter* w) { w->version = version; }),
              "VERSION tcf.core.Version");
  }
  EXPECT_EQ(with([](TcWriter* w) { w->service_specific = 0; }),
            "SCOPE tcf.core.IsServiceSpecific");
  EXPECT_EQ(with([](TcWriter* w) { w->policy = 3; }),
            "POLICY_VERSION tcf.core.TcfPolicyVersion");
  EXPECT_EQ(with([](TcWriter* w) { --w->updated; }),
            "VALUE tcf.core.LastUpdated");
  EXPECT_EQ(with([](TcWriter* w) { w->cmp = 1; }), "VALUE tcf.core.CmpId");
  EXPECT_EQ(with([](TcWriter* w) { w->language_first = 26; }),
            "VALUE tcf.core.ConsentLanguage");
  for (const int purpose : {1, 3, 4, 5, 6}) {
    EXPECT_EQ(
        with([&](TcWriter* w) { w->interests = TcWriter::Mask({purpose}); }),
        "VALUE tcf.core.PurposesLITransparency");
  }
  EXPECT_EQ(with([](TcWriter* w) {
              w->vendor_consents = {{0, 0}};
            }),
            "VALUE tcf.core.VendorsConsent");
  EXPECT_EQ(with([](TcWriter* w) {
              w->vendor_consents = {{9, 8}};
            }),
            "VALUE tcf.core.VendorsConsent");
  EXPECT_EQ(with([](TcWriter* w) {
              w->vendor_interests = {{9, 101}};
            }),
            "VALUE tcf.core.VendorsLegitimateInterest");
  EXPECT_EQ(with([](TcWriter* w) {
              w->restrictions = {{0, 1, {}}};
            }),
            "VALUE tcf.core.PubRestrictions");
  EXPECT_EQ(with([](TcWriter* w) {
              w->restrictions = {{25, 1, {}}};
            }),
            "VALUE tcf.core.PubRestrictions");
  EXPECT_EQ(with([](TcWriter* w) {
              w->restrictions = {{2, 3, {}}};
            }),
            "VALUE tcf.core.PubRestrictions");
  EXPECT_EQ(with([](TcWriter* w) { w->segments.push_back(w->segments[0]); }),
            "SEGMENT_REPEATED tcf.disclosed_vendors");
  // Allowed vendors, and types that nothing means.
  for (const uint64_t type : {0, 2, 4, 5, 6, 7}) {
    EXPECT_EQ(
        with([&](TcWriter* w) {
          w->segments.push_back(BitWriter().Put(type, 3).Put(0, 40).Text());
        }),
        "SEGMENT_UNKNOWN tcf.segment");
  }
  EXPECT_EQ(with([](TcWriter* w) { w->segments.push_back(""); }),
            "TRUNCATED tcf.segment.SegmentType");
  EXPECT_EQ(with([](TcWriter* w) { w->segments[0] += "B"; }),
            "TRAILING tcf.disclosed_vendors");
  EXPECT_EQ(with([](TcWriter* w) { w->segments[0] += "A"; }), "none");
}

TEST(TcfTest, EveryPlaceWhereAStringCanBeCutIsNoticed) {
  TcWriter writer;
  writer.vendor_consents = {{3, 99}};
  writer.restrictions = {{2, 1, {{5, 9}}}};
  writer.segments.push_back(TcWriter::Publisher(1, 1));
  const std::string text = writer.Text();
  const size_t last_dot = text.rfind('.');
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string cut = text.substr(0, size);
    // Whole without the publisher's segment.
    if (size == last_dot) continue;
    EXPECT_FALSE(DecodeTcf(cut).ok()) << size;
  }
}

TEST(TcfTest, EveryCharacterOutsideTheAlphabetIsRefusedAtItsPlace) {
  const std::string good = TcWriter().Text();
  for (size_t at = 0; at < good.size(); ++at) {
    if (good[at] == '.') continue;
    for (const char c : {'+', '/', '=', ' ', '\0', '\xff', '~'}) {
      std::string text = good;
      text[at] = c;
      const SignalError error = ErrorIn(text);
      EXPECT_EQ(error.fault, Fault::kBadCharacter);
      EXPECT_EQ(error.character, at);
    }
  }
}

TEST(TcfTest, ThePlaceOfAFaultIsToldInCharactersAndBits) {
  TcWriter writer;
  writer.policy = 2;
  SignalError error = ErrorIn(writer.Text());
  EXPECT_EQ(error.bit, 132u);
  EXPECT_EQ(error.character, 22u);
  writer.policy = 5;
  writer.segments[0] = "J";
  error = ErrorIn(writer.Text());
  EXPECT_EQ(error.fault, Fault::kTruncated);
  EXPECT_EQ(error.field, "tcf.disclosed_vendors.VendorsDisclosed");
  EXPECT_EQ(error.character, writer.Text().size() - 1);
  EXPECT_EQ(error.bit, 3u);
}

TEST(TcfTest, NothingAboveTheBoundIsLookedAt) {
  EXPECT_EQ(FaultOf(""), "FORMAT tcf");
  EXPECT_EQ(FaultOf(std::string(kMaxSignalBytes + 1, 'C')), "TOO_LONG tcf");
  EXPECT_EQ(FaultOf("BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"),
            "VERSION tcf.core.Version");
}

class VendorMayTest : public ::testing::Test {
 protected:
  VendorMayTest() {
    writer_.consents = TcWriter::Mask({1, 2, 3, 7});
    writer_.interests = TcWriter::Mask({2, 7});
    writer_.vendor_consents = {{1, 50}};
    writer_.vendor_interests = {{1, 50}};
  }
  std::optional<Basis> May(VendorUse use) {
    const auto tc = DecodeTcf(writer_.Text());
    EXPECT_OK(tc.status());
    return VendorMay(*tc, use);
  }

  TcWriter writer_;
};

TEST_F(VendorMayTest, ConsentNeedsPurposeVendorAndDisclosure) {
  EXPECT_EQ(May({.purpose = 3, .vendor = 7}), Basis::kConsent);
  EXPECT_EQ(May({.purpose = 4, .vendor = 7}), std::nullopt);
  EXPECT_EQ(May({.purpose = 3, .vendor = 51}), std::nullopt);
  EXPECT_EQ(May({.purpose = 0, .vendor = 7}), std::nullopt);
  EXPECT_EQ(May({.purpose = 25, .vendor = 7}), std::nullopt);
  EXPECT_EQ(May({.purpose = 3, .vendor = 0}), std::nullopt);
  writer_.segments = {TcWriter::Disclosed({{8, 100}})};
  EXPECT_EQ(May({.purpose = 3, .vendor = 7}), std::nullopt);
  EXPECT_EQ(May({.purpose = 3, .vendor = 8}), Basis::kConsent);
}

TEST_F(VendorMayTest, LegitimateInterestIsNothingForPurposeOneAndThreeToSix) {
  const VendorUse use = {
      .purpose = 2, .vendor = 7, .registered = Basis::kLegitimateInterest};
  EXPECT_EQ(May(use), Basis::kLegitimateInterest);
  writer_.policy = 2;
  writer_.created = writer_.updated = 16'900'000'000;
  writer_.interests = 0xffffff;
  for (const uint8_t purpose : std::initializer_list<uint8_t>{1, 3, 4, 5, 6}) {
    VendorUse other = use;
    other.purpose = purpose;
    EXPECT_EQ(May(other), std::nullopt) << int{purpose};
  }
}

TEST_F(VendorMayTest, RestrictionsForbidOrChangeTheBasis) {
  const VendorUse consent = {.purpose = 2, .vendor = 7};
  VendorUse interest = consent;
  interest.registered = Basis::kLegitimateInterest;
  VendorUse flexible = consent;
  flexible.flexible = true;
  VendorUse flexible_interest = interest;
  flexible_interest.flexible = true;

  writer_.restrictions = {{2, 0, {{7, 7}}}};
  EXPECT_EQ(May(consent), std::nullopt);
  EXPECT_EQ(May(flexible), std::nullopt);
  EXPECT_EQ(May({.purpose = 2, .vendor = 8}), Basis::kConsent);
  EXPECT_EQ(May({.purpose = 7, .vendor = 7}), Basis::kConsent);

  writer_.restrictions = {{2, 1, {{1, 20}}}};
  EXPECT_EQ(May(consent), Basis::kConsent);
  EXPECT_EQ(May(interest), std::nullopt);
  EXPECT_EQ(May(flexible_interest), Basis::kConsent);

  writer_.restrictions = {{2, 2, {{1, 20}}}};
  EXPECT_EQ(May(consent), std::nullopt);
  EXPECT_EQ(May(interest), Basis::kLegitimateInterest);
  EXPECT_EQ(May(flexible), Basis::kLegitimateInterest);

  writer_.restrictions = {{2, 1, {{1, 20}}}, {2, 2, {{7, 7}}}};
  EXPECT_EQ(May(flexible), std::nullopt);

  writer_.restrictions = {{1, 2, {{7, 7}}}};
  EXPECT_EQ(May({.purpose = 1, .vendor = 7, .flexible = true}), std::nullopt);
}

TEST_F(VendorMayTest, SpecialFeaturesNeedTheirOptIn) {
  const VendorUse use = {.purpose = 3, .vendor = 7, .special_features = 0b10};
  writer_.features = TcWriter::Mask({1}, 12);
  EXPECT_EQ(May(use), std::nullopt);
  writer_.features = TcWriter::Mask({1, 2}, 12);
  EXPECT_EQ(May(use), Basis::kConsent);
}

}  // namespace
}  // namespace consentry::signals
