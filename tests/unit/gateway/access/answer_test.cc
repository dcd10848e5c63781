#include "gateway/access/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::access {
namespace {

using clients::kService;
using ::testing::ElementsAre;

constexpr int64_t kNowUs = 1'795'000'000'000'000;

class AnswerTest : public ::testing::Test {
 protected:
  AnswerTest() {
    clients::Configuration::Sources sources;
    sources.policy = clients::SamplePolicy();
    v1::Client client = clients::StoredClient("crm", 'a');
    client.clear_purposes();
    client.add_purposes(kService);
    client.clear_read_categories();
    client.add_read_categories("user");
    sources.clients.push_back(client);
    Caller caller;
    caller.client_id = "crm";
    ReadQuestion question;
    question.purpose = kService;
    question.fields = {"profile.email", "profile.phone"};
    auto plan = MakeReadPlan(clients::Configuration::Build(sources, &uses_),
                             caller, question, kNowUs);
    EXPECT_OK(plan);
    plan_ = *std::move(plan);
  }

  // E-mail permitted, telephone denied for `reason`.
  policy::Decision Partly(v1::ErrorReason reason) const {
    policy::Decision decision = DenyAll(plan_, reason);
    decision.permitted = true;
    decision.reason = v1::ERROR_REASON_UNSPECIFIED;
    decision.fields[0].permitted = true;
    decision.fields[0].reason = v1::ERROR_REASON_UNSPECIFIED;
    decision.fields[0].transform = config::v1::Transform::MASK;
    decision.bases.push_back(
        {*plan_.bundle().FindRegime("eu-gdpr"), policy::BasisId{0}});
    decision.rules.push_back(
        *plan_.bundle().FindRule("eu-gdpr/attach.fallback"));
    return decision;
  }

  clients::ClientUses uses_;
  ReadPlan plan_;
};

TEST_F(AnswerTest, ReasonsAboutTheSubjectAreToldToWhoMayExplainAlone) {
  for (int number = 0; number < v1::ErrorReason_ARRAYSIZE; ++number) {
    if (!v1::ErrorReason_IsValid(number)) continue;
    const auto reason = static_cast<v1::ErrorReason>(number);
    const policy::Decision decision = DenyAll(plan_, reason);
    const v1::Decision full =
        MakeAnswer(plan_, decision, true, kNowUs, INT64_MAX);
    EXPECT_EQ(full.reason(), reason);
    const v1::Decision told =
        MakeAnswer(plan_, decision, false, kNowUs, INT64_MAX);
    const bool secret = number >= 40 && number < 70;
    EXPECT_EQ(IsAboutSubject(reason), secret) << number;
    const auto expected = secret ? v1::ERROR_REASON_ACCESS_DENIED : reason;
    EXPECT_EQ(told.reason(), expected);
    for (const auto& field : told.fields()) {
      EXPECT_EQ(field.reason(), expected);
    }
  }
}

TEST_F(AnswerTest, EveryDenialAboutSubjectsIsOneAnswer) {
  std::string first;
  for (const auto reason :
       {v1::ERROR_REASON_SUBJECT_UNKNOWN, v1::ERROR_REASON_SUBJECT_ERASED,
        v1::ERROR_REASON_CONSENT_WITHDRAWN, v1::ERROR_REASON_MINOR,
        v1::ERROR_REASON_SUBJECT_RESTRICTED}) {
    policy::Decision decision = DenyAll(plan_, reason);
    // What a real denial carries besides.
    decision.rules.push_back(policy::RuleId{3});
    decision.regimes.push_back(*plan_.bundle().FindRegime("eu-gdpr"));
    decision.consent = 0;
    decision.decided_until_us = kNowUs + 7;
    decision.obligations = policy::kOweNotice;
    const std::string told =
        MakeAnswer(plan_, decision, false, kNowUs, INT64_MAX)
            .SerializeAsString();
    if (first.empty()) first = told;
    EXPECT_EQ(told, first) << reason;
  }
}

TEST_F(AnswerTest, APermitTellsBasesAndTransformAndADeniedFieldItsReason) {
  const v1::Decision told = MakeAnswer(
      plan_, Partly(v1::ERROR_REASON_OWNER_FORBIDS), true, kNowUs, INT64_MAX);
  EXPECT_EQ(told.effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(told.reason(), v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_EQ(told.fields_size(), 2);
  EXPECT_EQ(told.fields(0).transform(), v1::TRANSFORM_MASK);
  EXPECT_EQ(told.fields(1).effect(), v1::EFFECT_DENY);
  EXPECT_EQ(told.fields(1).transform(), v1::TRANSFORM_UNSPECIFIED);
  EXPECT_EQ(told.fields(1).reason(), v1::ERROR_REASON_OWNER_FORBIDS);
  ASSERT_EQ(told.bases_size(), 1);
  EXPECT_EQ(told.bases(0).regime(), "eu-gdpr");
  EXPECT_NE(told.bases(0).document(), "");
  EXPECT_THAT(told.determining_rules(), ElementsAre("eu-gdpr/attach.fallback"));
  EXPECT_EQ(told.bundle_hash().size(), 64u);
  EXPECT_EQ(told.decide_time().seconds(), kNowUs / 1'000'000);
}

TEST_F(AnswerTest, RulesAreToldToWhoMayExplainAlone) {
  EXPECT_EQ(MakeAnswer(plan_, Partly(v1::ERROR_REASON_OWNER_FORBIDS), false,
                       kNowUs, INT64_MAX)
                .determining_rules_size(),
            0);
}

TEST_F(AnswerTest, TheAnswerEndsWithWhateverEndsFirst) {
  policy::Decision decision = Partly(v1::ERROR_REASON_OWNER_FORBIDS);
  EXPECT_FALSE(
      MakeAnswer(plan_, decision, true, kNowUs, INT64_MAX).has_decided_until());
  decision.decided_until_us = kNowUs + 5'000'000;
  v1::Decision told = MakeAnswer(plan_, decision, true, kNowUs, INT64_MAX);
  EXPECT_EQ(told.decided_until().seconds(), kNowUs / 1'000'000 + 5);
  EXPECT_EQ(told.obligations_size(), 0);
  told = MakeAnswer(plan_, decision, true, kNowUs, kNowUs + 1'000'000);
  EXPECT_EQ(told.decided_until().seconds(), kNowUs / 1'000'000 + 1);
  EXPECT_THAT(told.obligations(), ElementsAre("delete_by=2026-11-18"));
}

TEST_F(AnswerTest, WhatIsOwedIsNamed) {
  policy::Decision decision = Partly(v1::ERROR_REASON_OWNER_FORBIDS);
  decision.obligations = policy::kOweHumanOnRequest |
                         policy::kOweHumanBeforeEffect | policy::kOweNotice;
  EXPECT_THAT(
      MakeAnswer(plan_, decision, true, kNowUs, INT64_MAX).obligations(),
      ElementsAre("human_review_on_request", "human_review_before_effect",
                  "notice_before_decision"));
}

}  // namespace
}  // namespace consentry::access
