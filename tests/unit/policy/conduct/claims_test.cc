// Claims against evidence, at the edges.
#include <gtest/gtest.h>

#include <string>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"
#include "policy/engine/civil.h"
#include "tests/unit/policy/conduct/conduct_world.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductProof;
using config::v1::ConductType;
using policy::kUsPerDay;
using policy::kUsPerHour;
using policy::kUsPerSecond;

constexpr int64_t kMinuteUs = 60 * kUsPerSecond;

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    asked_.output.set_kind(v1::OUTPUT_KIND_PAGE_CONTENT);
    asked_.output.set_item("chair-7");
    asked_.question.purpose_class =
        config::v1::PurposeClass::CONTENT_PERSONALIZATION;
    asked_.question.channel = config::v1::Channel::INTERNAL;
    asked_.question.time_us = kNowUs;
  }

  TextFinding& Claim(ConductType::Value type, ConductProof::Value proof) {
    TextFinding& claim = asked_.scan.findings.emplace_back();
    claim.claim = "any";
    claim.type = type;
    claim.proof = proof;
    claim.start = 3;
    claim.length = 5;
    return claim;
  }
  v1::Evidence* Proof(int64_t age_us = kMinuteUs) {
    v1::Evidence* evidence = asked_.output.add_evidence();
    evidence->set_source("shop");
    SetTime(kNowUs - age_us, evidence->mutable_time());
    return evidence;
  }
  static void SetTime(int64_t time_us, google::protobuf::Timestamp* to) {
    to->set_seconds(time_us / kUsPerSecond);
    to->set_nanos(static_cast<int32_t>(time_us % kUsPerSecond) * 1000);
  }
  Action Got() { return Judge(Rulebook::Shipped(), asked_.question).action; }
  std::string Message() {
    const auto findings = Judge(Rulebook::Shipped(), asked_.question).findings;
    return findings.empty() ? "" : findings[0].message;
  }

  Asked asked_;
};

TEST_F(ClaimsTest, StockIsFreshForAQuarterOfAnHour) {
  Claim(ConductType::SCARCITY, ConductProof::STOCK).quantity = 2;
  v1::Evidence* evidence = Proof();
  evidence->set_stock(2);
  SetTime(kNowUs - 15 * kMinuteUs, evidence->mutable_time());
  EXPECT_EQ(Got(), Action::kRelease);
  SetTime(kNowUs - 15 * kMinuteUs - 1, evidence->mutable_time());
  EXPECT_EQ(Got(), Action::kBlock);
}

TEST_F(ClaimsTest, OtherClocksMayBeAMinuteAhead) {
  Claim(ConductType::SCARCITY, ConductProof::STOCK).quantity = 2;
  v1::Evidence* evidence = Proof();
  evidence->set_stock(2);
  SetTime(kNowUs + kMinuteUs, evidence->mutable_time());
  EXPECT_EQ(Got(), Action::kRelease);
  SetTime(kNowUs + kMinuteUs + 1, evidence->mutable_time());
  EXPECT_EQ(Got(), Action::kBlock);
  EXPECT_EQ(Message(), "its evidence is from the future");
}

TEST_F(ClaimsTest, StockAtMostWhatIsSaid) {
  TextFinding& claim = Claim(ConductType::SCARCITY, ConductProof::STOCK);
  claim.quantity = 3;
  v1::Evidence* evidence = Proof();
  const struct {
    int64_t stock;
    Action action;
  } kRows[] = {{-1, Action::kBlock},       {0, Action::kBlock},
               {1, Action::kRelease},      {3, Action::kRelease},
               {4, Action::kBlock},        {INT64_MAX, Action::kBlock},
               {INT64_MIN, Action::kBlock}};
  for (const auto& row : kRows) {
    evidence->set_stock(row.stock);
    EXPECT_EQ(Got(), row.action) << row.stock;
  }
}

TEST_F(ClaimsTest, FewAreTen) {
  Claim(ConductType::SCARCITY, ConductProof::STOCK);
  v1::Evidence* evidence = Proof();
  evidence->set_stock(10);
  EXPECT_EQ(Got(), Action::kRelease);
  evidence->set_stock(11);
  EXPECT_EQ(Got(), Action::kBlock);
}

TEST_F(ClaimsTest, ManyAreTwentyFive) {
  Claim(ConductType::SOCIAL_PROOF, ConductProof::COUNT);
  v1::Evidence* evidence = Proof();
  evidence->set_count(25);
  EXPECT_EQ(Got(), Action::kRelease);
  evidence->set_count(24);
  EXPECT_EQ(Got(), Action::kBlock);
}

TEST_F(ClaimsTest, ARoundedTimeLeftMayBeOffByATenth) {
  Claim(ConductType::URGENCY, ConductProof::OFFER_END).left_s = 24 * 3600;
  v1::Evidence* evidence = Proof();
  const auto at = [&](int64_t from_now_us) {
    SetTime(kNowUs + from_now_us, evidence->mutable_offer_end());
    return Got();
  };
  EXPECT_EQ(at(24 * kUsPerHour), Action::kRelease);
  EXPECT_EQ(at(26 * kUsPerHour), Action::kRelease);
  EXPECT_EQ(at(22 * kUsPerHour), Action::kRelease);
  EXPECT_EQ(at(27 * kUsPerHour), Action::kBlock);
  EXPECT_EQ(at(21 * kUsPerHour), Action::kBlock);
}

TEST_F(ClaimsTest, AnOfferThatEndsNowHasEnded) {
  Claim(ConductType::URGENCY, ConductProof::OFFER_END);
  v1::Evidence* evidence = Proof();
  SetTime(kNowUs, evidence->mutable_offer_end());
  EXPECT_EQ(Got(), Action::kBlock);
  SetTime(kNowUs + 1, evidence->mutable_offer_end());
  EXPECT_EQ(Got(), Action::kRelease);
}

TEST_F(ClaimsTest, AnEndOfNothingThatIsNamedProvesNothing) {
  Claim(ConductType::URGENCY, ConductProof::OFFER_END);
  SetTime(kNowUs + kUsPerHour, Proof()->mutable_offer_end());
  EXPECT_EQ(Got(), Action::kRelease);
  asked_.output.clear_item();
  EXPECT_EQ(Got(), Action::kHold);
  EXPECT_EQ(Message(), "its evidence names an end, and the output no item");
}

TEST_F(ClaimsTest, AnEndMayBeTheSameToTheMinute) {
  Claim(ConductType::URGENCY, ConductProof::OFFER_END);
  v1::Evidence* evidence = Proof();
  SetTime(kNowUs + kUsPerHour, evidence->mutable_offer_end());
  asked_.question.deadlines = {
      {.offer_end_us = kNowUs + kUsPerHour + kMinuteUs, .shown_us = kNowUs}};
  EXPECT_EQ(Got(), Action::kRelease);
  asked_.question.deadlines[0].offer_end_us += 1;
  EXPECT_EQ(Got(), Action::kBlock);
}

TEST_F(ClaimsTest, AnEndIsHonouredForTwoWeeks) {
  Claim(ConductType::URGENCY, ConductProof::OFFER_END);
  SetTime(kNowUs + kUsPerHour, Proof()->mutable_offer_end());
  asked_.question.deadlines = {{.offer_end_us = kNowUs - 14 * kUsPerDay + 1,
                                .shown_us = kNowUs - 20 * kUsPerDay}};
  EXPECT_EQ(Got(), Action::kBlock);
  asked_.question.deadlines[0].offer_end_us -= 1;
  EXPECT_EQ(Got(), Action::kRelease);
}

TEST_F(ClaimsTest, AReductionIsAsLargeAsItIsSaid) {
  TextFinding& claim = Claim(ConductType::PRICE, ConductProof::REFERENCE_PRICE);
  auto* reference = Proof()->mutable_reference_price();
  reference->set_currency("EUR");
  reference->set_minor_units(10000);
  auto* price = asked_.output.mutable_price();
  price->set_currency("EUR");
  const auto with = [&](int64_t percent, int64_t minor_units) {
    claim.percent = percent;
    price->set_minor_units(minor_units);
    *asked_.output.mutable_base_price() = *price;
    return Got();
  };
  EXPECT_EQ(with(20, 8000), Action::kRelease);
  // Rounded up by half a percent, and no more.
  EXPECT_EQ(with(20, 8050), Action::kRelease);
  EXPECT_EQ(with(20, 8051), Action::kBlock);
  EXPECT_EQ(with(0, 9999), Action::kRelease);
  EXPECT_EQ(with(0, 10000), Action::kBlock);
  EXPECT_EQ(with(100, 0), Action::kRelease);
  EXPECT_EQ(with(101, 0), Action::kBlock);
  EXPECT_EQ(with(-1, 8000), Action::kBlock);
  EXPECT_EQ(with(INT64_MAX, 8000), Action::kBlock);
  EXPECT_EQ(with(INT64_MIN, 8000), Action::kBlock);
}

TEST_F(ClaimsTest, AFindingPointsAtTheClaim) {
  Claim(ConductType::SCARCITY, ConductProof::STOCK);
  const Judgement got = Judge(Rulebook::Shipped(), asked_.question);
  ASSERT_EQ(got.findings.size(), 1u);
  EXPECT_EQ(got.findings[0].start, 3u);
  EXPECT_EQ(got.findings[0].length, 5u);
  EXPECT_EQ(got.findings[0].rule, "claim.stock");
  EXPECT_EQ(got.findings[0].message, "a claim without evidence");
}

TEST_F(ClaimsTest, TheLawBehindTheClaimIsTold) {
  Claim(ConductType::SCARCITY, ConductProof::STOCK).claim = "low_stock";
  const auto* claim = TextScanner::Shipped().FindClaim("low_stock");
  ASSERT_NE(claim, nullptr);
  const Judgement got = Judge(Rulebook::Shipped(), asked_.question);
  ASSERT_EQ(got.findings.size(), 1u);
  EXPECT_NE(got.findings[0].citation.find(claim->citations(0).text()),
            std::string::npos);
}

}  // namespace
}  // namespace consentry::conduct
