#include "gateway/consent/reask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "policy/engine/civil.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kAds[] = "marketing.advertising.third_party.targeted";

int64_t At(const std::string& text) { return *policy::ParseTime(text); }

ConsentEvent Event(ConsentEvent::Type type, int64_t at_us,
                   ConsentEvent::Actor actor = ConsentEvent::ATTESTED) {
  ConsentEvent event;
  event.set_event_id(std::to_string(at_us));
  event.set_purpose(kAds);
  event.set_type(type);
  event.set_actor(actor);
  event.set_captured_at_us(at_us);
  event.set_received_at_us(at_us);
  return event;
}

class ReaskTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto sources = clients::SampleSources();
    sources.mutable_profile()->set_home("US-CA");
    sources.mutable_profile()->add_markets("DE");
    sources.mutable_profile()->add_thresholds("us-ca.business");
    auto policy = clients::CompilePolicy(std::move(sources));
    ASSERT_OK(policy);
    policy_ = new std::shared_ptr<const clients::Policy>(*std::move(policy));
  }
  static void TearDownTestSuite() {
    delete policy_;
    policy_ = nullptr;
  }
  static const policy::Bundle& bundle() { return *(*policy_)->bundle; }

  static ReaskAnswer Ask(const std::vector<std::string>& residences,
                         const Refusals& refusals, int64_t now_us,
                         const std::string& purpose = kAds) {
    policy::SubjectFacts facts;
    for (const std::string& residence : residences) {
      facts.residences.push_back(*bundle().FindJurisdiction(residence));
    }
    return CheckReask(bundle(), facts, *bundle().FindPurpose(purpose), refusals,
                      now_us);
  }

  static std::shared_ptr<const clients::Policy>* policy_;
};
std::shared_ptr<const clients::Policy>* ReaskTest::policy_ = nullptr;

TEST_F(ReaskTest, NobodyWhoNeverSaidNoIsOffLimits) {
  const auto answer = Ask({"DE"}, {}, At("2026-06-01T00:00:00Z"));
  EXPECT_EQ(answer.not_before_us, 0);
  EXPECT_FALSE(answer.two_steps);
  EXPECT_THAT(answer.rules, IsEmpty());
}

TEST_F(ReaskTest, SixMonthsAfterARefusalInTheUnion) {
  Refusals refusals;
  refusals.last_us = At("2026-01-15T12:00:00Z");
  const auto early = Ask({"DE"}, refusals, At("2026-07-15T12:00:00Z"));
  EXPECT_EQ(policy::FormatTime(early.not_before_us), "2026-07-16T00:00:00Z");
  EXPECT_THAT(early.rules, ElementsAre("eu-gdpr/reask"));
  EXPECT_EQ(Ask({"DE"}, refusals, At("2026-07-16T00:00:00Z")).not_before_us, 0);
}

TEST_F(ReaskTest, TwelveMonthsAfterAnOptOutInCaliforniaAndThenInTwoSteps) {
  Refusals refusals;
  refusals.opt_outs = {{v1::OPT_OUT_KIND_SHARING, At("2026-01-15T12:00:00Z")},
                       {v1::OPT_OUT_KIND_SALE, At("2026-01-15T12:00:00Z")}};
  const auto early = Ask({"US-CA"}, refusals, At("2026-12-31T00:00:00Z"));
  EXPECT_EQ(policy::FormatTime(early.not_before_us), "2027-01-16T00:00:00Z");
  EXPECT_TRUE(early.two_steps);
  const auto late = Ask({"US-CA"}, refusals, At("2027-01-17T00:00:00Z"));
  EXPECT_EQ(late.not_before_us, 0);
  EXPECT_TRUE(late.two_steps) << "the opt-out stands";
  EXPECT_THAT(late.rules, ElementsAre("us-ca/reask"));
}

TEST_F(ReaskTest, OfSeveralRegimesTheLongestWaitHolds) {
  Refusals refusals;
  refusals.last_us = At("2026-01-15T12:00:00Z");
  const auto both = Ask({"DE", "US-CA"}, refusals, At("2026-02-01T00:00:00Z"));
  EXPECT_EQ(policy::FormatTime(both.not_before_us), "2027-01-16T00:00:00Z");
  EXPECT_THAT(both.rules, ElementsAre("eu-gdpr/reask", "us-ca/reask"));
}

TEST_F(ReaskTest, AnOptOutOfUnknownDateCountsAsOfToday) {
  Refusals refusals;
  refusals.opt_outs = {{v1::OPT_OUT_KIND_SHARING, 0}};
  EXPECT_NE(Ask({"US-CA"}, refusals, At("2026-06-01T00:00:00Z")).not_before_us,
            0);
}

TEST_F(ReaskTest, AnOptOutFromSomethingElseHoldsNothingBack) {
  Refusals refusals;
  refusals.opt_outs = {
      {v1::OPT_OUT_KIND_DIRECT_MARKETING, At("2026-05-01T00:00:00Z")}};
  EXPECT_EQ(Ask({"US-CA"}, refusals, At("2026-06-01T00:00:00Z")).not_before_us,
            0);
  EXPECT_NE(
      Ask({"DE"}, refusals, At("2026-06-01T00:00:00Z"), clients::kMarketing)
          .not_before_us,
      0)
      << "an objection to marketing is a no to marketing";
}

TEST_F(ReaskTest, TheLastNoCountsUnlessAConsentFollowed) {
  Refusals refusals;
  AddRefusals(std::vector<ConsentEvent>{Event(ConsentEvent::REFUSED, 10),
                                        Event(ConsentEvent::WITHDRAWN, 20),
                                        Event(ConsentEvent::INVALIDATED, 30)},
              kAds, &refusals);
  EXPECT_EQ(refusals.last_us, 20) << "a consent that proved nothing is no no";
  refusals = {};
  AddRefusals(std::vector<ConsentEvent>{Event(ConsentEvent::WITHDRAWN, 20),
                                        Event(ConsentEvent::GIVEN, 30,
                                              ConsentEvent::SELF)},
              kAds, &refusals);
  EXPECT_EQ(refusals.last_us, 0);
  AddRefusals(std::vector<ConsentEvent>{Event(ConsentEvent::REFUSED, 10)},
              "another", &refusals);
  EXPECT_EQ(refusals.last_us, 0);
}

}  // namespace
}  // namespace consentry::consent
