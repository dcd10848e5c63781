// What engines send by mistake or on purpose.
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"
#include "policy/engine/civil.h"
#include "tests/unit/policy/conduct/conduct_world.h"

namespace consentry::conduct {
namespace {

class HostileOutputTest : public ::testing::Test {
 protected:
  HostileOutputTest() {
    asked_.output.set_kind(v1::OUTPUT_KIND_OFFER);
    asked_.question.purpose_class = config::v1::PurposeClass::SERVICE;
    asked_.question.channel = config::v1::Channel::WEB;
    asked_.question.time_us = kNowUs;
  }

  Judgement Got() { return Judge(Rulebook::Shipped(), asked_.question); }
  void ExpectBlockedBy(const std::string& rule) {
    const Judgement got = Got();
    EXPECT_EQ(got.action, Action::kBlock);
    EXPECT_EQ(got.verdict_class, v1::VERDICT_CLASS_CONDUCT);
    ASSERT_FALSE(got.findings.empty());
    EXPECT_EQ(got.findings[0].rule, rule);
    EXPECT_FALSE(got.charge);
  }
  void SetPrice(const std::string& currency, int64_t minor_units) {
    asked_.output.mutable_price()->set_currency(currency);
    asked_.output.mutable_price()->set_minor_units(minor_units);
  }

  Asked asked_;
};

TEST_F(HostileOutputTest, AnEmptyOutputIsReleased) {
  asked_.output.Clear();
  EXPECT_EQ(Got().action, Action::kRelease);
}

TEST_F(HostileOutputTest, AScoreThatIsNoNumberIsBlocked) {
  for (const double score : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()}) {
    asked_.output.set_score(score);
    ExpectBlockedBy("output.score");
  }
  asked_.output.set_score(-1e308);
  EXPECT_EQ(Got().action, Action::kRelease);
}

TEST_F(HostileOutputTest, TimesOutOfTheWorldAreBlocked) {
  for (const int64_t time :
       {int64_t{-1}, INT64_MIN, policy::kMaxTimeUs, INT64_MAX}) {
    asked_.question.time_us = time;
    ExpectBlockedBy("output.time");
  }
  asked_.question.time_us = kNowUs;
  for (const int64_t seconds : {int64_t{-1}, INT64_MIN, INT64_MAX}) {
    asked_.output.mutable_deliver_time()->set_seconds(seconds);
    ExpectBlockedBy("output.deliver_time");
  }
  asked_.output.mutable_deliver_time()->set_seconds(1);
  asked_.output.mutable_deliver_time()->set_nanos(-5);
  ExpectBlockedBy("output.deliver_time");
}

TEST_F(HostileOutputTest, ADeliveryInThePastIsNow) {
  asked_.output.mutable_deliver_time()->set_seconds(1);
  EXPECT_EQ(Got().action, Action::kRelease);
}

TEST_F(HostileOutputTest, AmountsThatAreNoneAreBlocked) {
  for (const char* currency : {"", "eur", "EURO", "E1R", "\xff\xff\xff"}) {
    SetPrice(currency, 100);
    ExpectBlockedBy("output.price");
  }
  SetPrice("EUR", -1);
  ExpectBlockedBy("output.price");
  SetPrice("EUR", INT64_MIN);
  ExpectBlockedBy("output.price");
}

TEST_F(HostileOutputTest, APriceInAnotherCurrencyThanItsBaseIsBlocked) {
  SetPrice("EUR", 100);
  asked_.output.mutable_base_price()->set_currency("USD");
  asked_.output.mutable_base_price()->set_minor_units(100);
  ExpectBlockedBy("output.base_price");
}

TEST_F(HostileOutputTest, TheGreatestAmountsDoNotOverflow) {
  SetPrice("EUR", INT64_MAX);
  *asked_.output.mutable_base_price() = asked_.output.price();
  asked_.question.others = {.count = 100,
                            .currency = "EUR",
                            .min = INT64_MAX,
                            .max = INT64_MAX,
                            .median = INT64_MAX};
  EXPECT_EQ(Got().action, Action::kRelease);
  asked_.question.others.min = 0;
  asked_.question.others.median = INT64_MAX / 3;
  EXPECT_EQ(Got().action, Action::kBlock);
  asked_.output.mutable_base_price()->set_minor_units(0);
  EXPECT_EQ(Got().action, Action::kBlock);
}

TEST_F(HostileOutputTest, FiguresOfOthersThatContradictThemselvesBlock) {
  SetPrice("EUR", 100);
  asked_.question.others = {.count = INT64_MAX,
                            .currency = "EUR",
                            .min = 200,
                            .max = 100,
                            .median = 150};
  EXPECT_EQ(Got().action, Action::kBlock);
  asked_.question.others = {.count = -5, .currency = "", .min = -1};
  EXPECT_EQ(Got().action, Action::kRelease);
}

TEST_F(HostileOutputTest, ATextThatWasNotReadIsHeld) {
  asked_.output.set_text("Your parcel is here.");
  asked_.question.scan = nullptr;
  EXPECT_EQ(Got().action, Action::kHold);
  asked_.question.scan = &asked_.scan;
  EXPECT_EQ(Got().action, Action::kRelease);
  asked_.scan.complete = false;
  EXPECT_EQ(Got().action, Action::kHold);
}

TEST_F(HostileOutputTest, ValuesOutsideOfEnumsAreJudged) {
  asked_.output.set_kind(static_cast<v1::OutputKind>(99));
  asked_.question.purpose_class = static_cast<policy::PurposeClass>(-3);
  asked_.question.channel = static_cast<policy::Channel>(4711);
  asked_.question.subject.vulnerabilities = {
      static_cast<v1::VulnerabilityKind>(77)};
  TextFinding claim;
  claim.type = config::v1::ConductType::SCARCITY;
  claim.proof = config::v1::ConductProof::STOCK;
  asked_.scan.findings.push_back(claim);
  // A vulnerability that nobody knows is one.
  const Judgement got = Got();
  EXPECT_EQ(got.action, Action::kBlock);
  EXPECT_EQ(got.verdict_class, v1::VERDICT_CLASS_NOT_PERMITTED);
}

TEST_F(HostileOutputTest, ManyOfEverythingEnds) {
  for (int i = 0; i < 2000; ++i) {
    asked_.output.add_input_categories("user.demographic.gender");
    asked_.output.add_disclosures("x");
    asked_.output.add_evidence()->set_stock(i);
    TextFinding claim;
    claim.start = static_cast<size_t>(i % 256);
    claim.type = config::v1::ConductType::SCARCITY;
    claim.proof = config::v1::ConductProof::STOCK;
    if (i < 256) asked_.scan.findings.push_back(claim);
  }
  // Each fault once.
  EXPECT_LE(Got().findings.size(), 1000u);
}

}  // namespace
}  // namespace consentry::conduct
