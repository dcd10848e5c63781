#include "gateway/access/subject_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "consentry/v1/consent_service.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::access {
namespace {

using clients::kMarketing;
using clients::kService;
using policy::ConsentStatus;
using policy::SubjectFacts;
using store::v1::SubjectHead;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class SubjectFactsTest : public ::testing::Test {
 protected:
  const policy::Bundle& bundle() { return *clients::SamplePolicy()->bundle; }
  SubjectFacts FactsOf(const std::vector<SubjectHead>& heads) {
    std::vector<const SubjectHead*> views;
    for (const SubjectHead& head : heads) views.push_back(&head);
    return MakeFacts(bundle(), views);
  }
  static void Residence(const std::string& code, SubjectHead* head) {
    head->add_residences()->set_value(code);
  }
  static void Verified(SubjectHead* head) {
    head->add_identifiers()->set_verified(true);
  }
  static store::v1::DerivedConsent* Consent(v1::ConsentStatus status,
                                            int64_t since_us,
                                            SubjectHead* head) {
    auto* consent = head->add_consents();
    consent->set_purpose(kMarketing);
    consent->set_status(status);
    consent->set_since_us(since_us);
    consent->set_event_id("con_" + std::to_string(since_us));
    return consent;
  }
};

TEST_F(SubjectFactsTest, AHeadThatSaysNothingIsNothing) {
  const SubjectFacts facts = FactsOf({SubjectHead()});
  EXPECT_THAT(facts.residences, IsEmpty());
  EXPECT_FALSE(facts.birth_day.has_value());
  EXPECT_FALSE(facts.restricted || facts.erased || facts.gpc);
  EXPECT_EQ(facts.unreadable, 0);
}

TEST_F(SubjectFactsTest, AllResidencesCountOnce) {
  SubjectHead head;
  Residence("DE", &head);
  Residence("US-CA", &head);
  Residence("DE", &head);
  EXPECT_THAT(FactsOf({head}).residences,
              ElementsAre(*bundle().FindJurisdiction("DE"),
                          *bundle().FindJurisdiction("US-CA")));
}

TEST_F(SubjectFactsTest, AResidenceThatIsNoneIsUnreadableAndNotLeftOut) {
  SubjectHead head;
  Residence("DE", &head);
  Residence("Germany", &head);
  const SubjectFacts facts = FactsOf({head});
  EXPECT_EQ(facts.unreadable, policy::kUnreadableResidence);
  EXPECT_EQ(facts.residences.size(), 1u);
  SubjectHead placed;
  placed.add_locations()->set_value("??");
  EXPECT_EQ(FactsOf({placed}).unreadable, policy::kUnreadableResidence);
}

TEST_F(SubjectFactsTest, OfSeveralBirthDatesTheLatestHolds) {
  SubjectHead head;
  head.add_birth_dates()->set_value("1980-01-01");
  head.add_birth_dates()->set_value("2010-01-01");
  head.add_birth_dates()->set_value("1999-01-01");
  SubjectHead other;
  other.add_birth_dates()->set_value("2010-01-02");
  // 2010-01-02 is day 14611.
  EXPECT_EQ(FactsOf({head, other}).birth_day, 14611);
  EXPECT_EQ(FactsOf({other, head}).birth_day, 14611);
}

TEST_F(SubjectFactsTest, ABirthDateThatIsNoneIsUnreadable) {
  for (const char* date : {"1980-13-01", "1980-02-30", "01.02.1980", "x", ""}) {
    SubjectHead head;
    head.add_birth_dates()->set_value("1980-01-01");
    head.add_birth_dates()->set_value(date);
    EXPECT_EQ(FactsOf({head}).unreadable, policy::kUnreadableAge) << date;
  }
}

TEST_F(SubjectFactsTest, AnyMembersNegativeHoldsForAll) {
  SubjectHead restricted;
  restricted.set_restricted(true);
  SubjectHead signal;
  signal.set_global_privacy_control(true);
  signal.add_opt_outs(v1::OPT_OUT_KIND_SALE);
  SubjectHead objecting;
  objecting.add_objections(kMarketing);
  objecting.add_opt_outs(v1::OPT_OUT_KIND_PROFILING);
  SubjectHead erasing;
  erasing.set_erasing(true);
  const SubjectFacts facts = FactsOf({restricted, signal, objecting, erasing});
  EXPECT_TRUE(facts.restricted);
  EXPECT_TRUE(facts.gpc);
  EXPECT_TRUE(facts.erased);
  EXPECT_EQ(facts.opt_outs,
            1u << v1::OPT_OUT_KIND_SALE | 1u << v1::OPT_OUT_KIND_PROFILING);
  EXPECT_THAT(facts.objected_to,
              UnorderedElementsAre(*bundle().FindPurpose(kMarketing)));
  EXPECT_FALSE(facts.objected_to_all);
  objecting.add_objections("*");
  EXPECT_TRUE(FactsOf({objecting}).objected_to_all);
}

TEST_F(SubjectFactsTest, AnOptOutOfAnUnknownKindIsUnreadable) {
  for (const int kind : {0, -1, 32, 1000}) {
    SubjectHead head;
    head.add_opt_outs(kind);
    EXPECT_EQ(FactsOf({head}).unreadable, policy::kUnreadableChoices) << kind;
  }
}

TEST_F(SubjectFactsTest, AConsentOfAnUnknownStatusIsUnreadable) {
  for (const int status : {-1, 0, 8, 99}) {
    SubjectHead head;
    Consent(static_cast<v1::ConsentStatus>(status), 1, &head);
    const SubjectFacts facts = FactsOf({head});
    EXPECT_EQ(facts.unreadable, policy::kUnreadableConsents) << status;
    EXPECT_THAT(facts.consents, IsEmpty());
  }
}

TEST_F(SubjectFactsTest, AGrantOfOneMemberAloneCountsWithAVerifiedIdentity) {
  SubjectHead granting;
  Consent(v1::CONSENT_STATUS_GIVEN, 10, &granting);
  const SubjectHead other;
  // Alone, her own word is enough.
  EXPECT_EQ(FactsOf({granting}).consents.size(), 1u);
  EXPECT_THAT(FactsOf({granting, other}).consents, IsEmpty());
  granting.add_identifiers()->set_verified(false);
  EXPECT_THAT(FactsOf({granting, other}).consents, IsEmpty());
  Verified(&granting);
  ASSERT_EQ(FactsOf({other, granting}).consents.size(), 1u);
  EXPECT_EQ(FactsOf({other, granting}).consents[0].status,
            ConsentStatus::kGiven);
}

TEST_F(SubjectFactsTest, AMembersWithdrawalOutweighsAnothersLaterGrant) {
  SubjectHead granting;
  Verified(&granting);
  Consent(v1::CONSENT_STATUS_GIVEN, 20, &granting);
  SubjectHead withdrawing;
  Consent(v1::CONSENT_STATUS_WITHDRAWN, 10, &withdrawing);
  for (const auto& heads : std::vector<std::vector<SubjectHead>>{
           {granting, withdrawing}, {withdrawing, granting}}) {
    const SubjectFacts facts = FactsOf(heads);
    ASSERT_EQ(facts.consents.size(), 1u);
    EXPECT_EQ(facts.consents[0].status, ConsentStatus::kWithdrawn);
    EXPECT_EQ(facts.consents[0].event_id, "con_10");
  }
}

TEST_F(SubjectFactsTest, OfTwoGrantsTheOneThatEndsFirstHolds) {
  SubjectHead endless;
  Verified(&endless);
  Consent(v1::CONSENT_STATUS_GIVEN, 10, &endless);
  SubjectHead ending;
  Verified(&ending);
  Consent(v1::CONSENT_STATUS_GIVEN, 20, &ending)->set_valid_until_us(500);
  for (const auto& heads : std::vector<std::vector<SubjectHead>>{
           {endless, ending}, {ending, endless}}) {
    ASSERT_EQ(FactsOf(heads).consents.size(), 1u);
    EXPECT_EQ(FactsOf(heads).consents[0].valid_until_us, 500);
  }
}

TEST_F(SubjectFactsTest, ANoticeThatNoBasisNamesIsNone) {
  SubjectHead head;
  Consent(v1::CONSENT_STATUS_GIVEN, 10, &head)->set_notice_id("unheard-of");
  EXPECT_EQ(FactsOf({head}).consents[0].notice, policy::kNoNotice);
  head.mutable_consents(0)->set_notice_id("marketing-consent");
  EXPECT_NE(FactsOf({head}).consents[0].notice, policy::kNoNotice);
}

TEST_F(SubjectFactsTest, WhatThePolicyNoLongerKnowsIsPassedOver) {
  SubjectHead head;
  Consent(v1::CONSENT_STATUS_GIVEN, 10, &head)->set_purpose("retired");
  head.add_objections("retired");
  head.add_soft_opt_ins()->set_purpose("retired");
  auto* context = head.add_contexts();
  context->set_kind("retired");
  context->set_open(true);
  const SubjectFacts facts = FactsOf({head});
  EXPECT_THAT(facts.consents, IsEmpty());
  EXPECT_THAT(facts.objected_to, IsEmpty());
  EXPECT_THAT(facts.soft_opt_ins, IsEmpty());
  EXPECT_THAT(facts.contexts, IsEmpty());
  EXPECT_EQ(facts.unreadable, 0);
}

TEST_F(SubjectFactsTest, OnlyOpenContextsCount) {
  SubjectHead head;
  for (const bool open : {true, false}) {
    auto* context = head.add_contexts();
    context->set_kind("ticket");
    context->set_open(open);
    context->set_time_us(open ? 7 : 8);
  }
  const SubjectFacts facts = FactsOf({head});
  ASSERT_EQ(facts.contexts.size(), 1u);
  EXPECT_EQ(facts.contexts[0].opened_us, 7);
}

}  // namespace
}  // namespace consentry::access
