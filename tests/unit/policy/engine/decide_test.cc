#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "consentry/v1/common.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "policy/engine/civil.h"
#include "policy/engine/engine.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace consentry::policy {
namespace {

// The numbers that configuration and API share.
static_assert(static_cast<int>(config::v1::Channel::INTERNAL) ==
              v1::CHANNEL_INTERNAL);
static_assert(static_cast<int>(config::v1::Channel::PARTNER) ==
              v1::CHANNEL_PARTNER);
static_assert(static_cast<int>(config::v1::Channel::SOCIAL) ==
              v1::CHANNEL_SOCIAL);
static_assert(static_cast<int>(config::v1::Transform::AGE_BAND) ==
              v1::TRANSFORM_AGE_BAND);
static_assert(static_cast<int>(config::v1::Transform::ROUND) ==
              v1::TRANSFORM_ROUND);
static_assert(static_cast<int>(config::v1::OptOut::DIRECT_MARKETING) ==
              v1::OPT_OUT_KIND_DIRECT_MARKETING);
static_assert(static_cast<int>(config::v1::OptOut::AUTOMATED_DECISIONS) ==
              v1::OPT_OUT_KIND_AUTOMATED_DECISIONS);

constexpr char kNoon[] = "2026-11-22T11:00:00Z";

class DecideTest : public ::testing::Test {
 protected:
  void SetUp() override { Load(SmallTexts()); }

  void Load(const SmallTexts& texts) {
    auto bundle = texts.Compile();
    ASSERT_OK(bundle);
    bundle_ = *bundle;
    facts_ = SubjectFacts();
    facts_.residences = {Place("DE")};
    request_ = DecisionRequest();
    request_.time_us = *ParseTime(kNoon);
    request_.recipient = Place("DE");
  }

  JurisdictionId Place(const char* code) {
    return *bundle_->FindJurisdiction(code);
  }

  void Ask(const char* purpose, Channel channel,
           const std::vector<const char*>& fields) {
    request_.purpose = *bundle_->FindPurpose(purpose);
    request_.channel = channel;
    fields_.clear();
    for (const char* field : fields) {
      fields_.push_back(*bundle_->FindField(field));
    }
    request_.fields = fields_;
  }

  void Consent(const char* purpose, ConsentStatus status,
               const char* notice = "news") {
    ConsentFact fact;
    fact.purpose = *bundle_->FindPurpose(purpose);
    fact.status = status;
    fact.actor = ConsentActor::kSelf;
    fact.notice = bundle_->FindNotice(notice);
    fact.notice_version = 2;
    fact.since_us = 1;
    facts_.consents = {fact};
  }

  const Decision& Answer() {
    EXPECT_OK(Decide(*bundle_, facts_, request_, &decision_));
    return decision_;
  }

  std::string RuleOf(RuleId id) { return std::string(bundle_->rule(id).id); }

  std::shared_ptr<const Bundle> bundle_;
  SubjectFacts facts_;
  DecisionRequest request_;
  std::vector<FieldId> fields_;
  Decision decision_;
};

TEST_F(DecideTest, ConsentOpensWithdrawalCloses) {
  Ask("newsletter", config::v1::Channel::EMAIL,
      {"profile.email", "profile.birth_date", "profile.allergies"});
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONSENT_MISSING);
  EXPECT_EQ(RuleOf(decision_.rule), "ask-first/use.marketing");

  Consent("newsletter", ConsentStatus::kGiven);
  EXPECT_TRUE(Answer().permitted);
  EXPECT_EQ(decision_.fields[0].transform, config::v1::Transform::NONE);
  EXPECT_EQ(decision_.fields[1].transform, config::v1::Transform::YEAR);
  EXPECT_EQ(decision_.fields[2].reason, v1::ERROR_REASON_FIELD_NOT_ALLOWED);
  ASSERT_EQ(decision_.bases.size(), 1u);
  EXPECT_EQ(bundle_->basis(decision_.bases[0].basis).basis(),
            config::v1::LawfulBasis::CONSENT);
  EXPECT_EQ(decision_.consent, 0);

  Consent("newsletter", ConsentStatus::kWithdrawn);
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONSENT_WITHDRAWN);
}

TEST_F(DecideTest, WithdrawnConsentIsNoInterestToFallBackOn) {
  facts_.soft_opt_ins = {{*bundle_->FindPurpose("existing_customers"), true,
                          true, request_.time_us - kUsPerDay}};
  Ask("existing_customers", config::v1::Channel::EMAIL, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  Consent("existing_customers", ConsentStatus::kRefused);
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONSENT_REFUSED);
}

TEST_F(DecideTest, EveryAttachedRegimeMustPermit) {
  facts_.residences = {Place("US-CA")};
  Ask("newsletter", config::v1::Channel::POST, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  facts_.locations = {Place("FR")};
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.regimes.size(), 2u);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONSENT_MISSING);
}

TEST_F(DecideTest, UnknownResidenceIsHomeAndMarkets) {
  facts_.residences.clear();
  Ask("partners", config::v1::Channel::PARTNER, {"profile.email"});
  EXPECT_EQ(Answer().regimes.size(), 2u);
  EXPECT_FALSE(decision_.permitted);
}

TEST_F(DecideTest, NoAttachedRegimePermitsNothing) {
  facts_.residences = {Place("JP")};
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_NO_LAWFUL_BASIS);
  EXPECT_EQ(decision_.rule, kNoRule);
}

// SPEC.md, principle 3.
TEST_F(DecideTest, ErroringForbidDenies) {
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  EXPECT_TRUE(Answer().permitted);
  for (const auto fact : {kUnreadableResidence, kUnreadableAge,
                          kUnreadableChoices, kUnreadableConsents}) {
    facts_.unreadable = fact;
    EXPECT_FALSE(Answer().permitted) << fact;
    EXPECT_EQ(decision_.reason, v1::ERROR_REASON_FORBID_UNDECIDED) << fact;
  }
}

TEST_F(DecideTest, ErroringPermitIsVoid) {
  Consent("newsletter", ConsentStatus::kGiven);
  Ask("newsletter", config::v1::Channel::EMAIL, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  facts_.unreadable = kUnreadableConsents;
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONSENT_UNCERTAIN);

  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  facts_.unreadable = 0;
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  facts_.unreadable = kUnreadableContexts;
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_CONTEXT_NOT_FOUND);
}

TEST_F(DecideTest, OrderOfPacksDoesNotMatter) {
  SmallTexts turned;
  std::reverse(turned.packs.begin(), turned.packs.end());
  facts_.residences = {Place("US-CA"), Place("DE")};
  Ask("partners", config::v1::Channel::PARTNER,
      {"profile.email", "profile.segment"});
  const Decision before = Answer();
  ASSERT_OK_AND_ASSIGN(bundle_, turned.Compile());
  EXPECT_EQ(Answer(), before);
}

TEST_F(DecideTest, GpcStopsSaleAgainstAnOwnConsent) {
  facts_.residences = {Place("US-CA")};
  Consent("partners", ConsentStatus::kGiven, "partners");
  facts_.consents[0].explicit_statement = true;
  Ask("partners", config::v1::Channel::PARTNER, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  request_.gpc = true;
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_OPTED_OUT);
  EXPECT_EQ(RuleOf(decision_.rule), "opt-out/signal");
  request_.time_us = *ParseTime("2022-12-31T23:59:59.999999Z");
  EXPECT_TRUE(Answer().permitted) << "the signal was not yet mandatory";
  EXPECT_EQ(decision_.decided_until_us, *ParseTime("2023-01-01T00:00:00Z"));
}

TEST_F(DecideTest, ChildNeedsAParentUntilHerBirthday) {
  Consent("newsletter", ConsentStatus::kGiven);
  facts_.birth_day = ParseDay("2010-12-24");
  Ask("newsletter", config::v1::Channel::POST, {"profile.email"});
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.reason, v1::ERROR_REASON_MINOR);
  EXPECT_EQ(decision_.decided_until_us, *ParseTime("2026-12-24T00:00:00Z"));
  facts_.residences = {Place("FR")};
  EXPECT_TRUE(Answer().permitted) << "15 in FR";
  facts_.residences = {Place("FR"), Place("DE")};
  EXPECT_FALSE(Answer().permitted) << "the higher age of two residences";
  facts_.consents[0].parental_authorisation = true;
  EXPECT_TRUE(Answer().permitted);
}

TEST_F(DecideTest, SpecialCategoryIsWithheldFieldByField) {
  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  Ask("support", config::v1::Channel::INTERNAL,
      {"profile.name", "profile.allergies"});
  EXPECT_TRUE(Answer().permitted);
  EXPECT_TRUE(decision_.fields[0].permitted);
  EXPECT_EQ(decision_.fields[1].reason, v1::ERROR_REASON_SPECIAL_CATEGORY);
  Consent("support", ConsentStatus::kGiven);
  EXPECT_FALSE(Answer().fields[1].permitted) << "not explicit";
  facts_.consents[0].explicit_statement = true;
  EXPECT_TRUE(Answer().fields[1].permitted);
}

TEST_F(DecideTest, InferenceInheritsWhatItReveals) {
  Consent("partners", ConsentStatus::kGiven, "partners");
  facts_.residences = {Place("US-CA")};
  facts_.opt_outs = 1u << config::v1::OptOut::SENSITIVE_DATA;
  Ask("partners", config::v1::Channel::PARTNER,
      {"profile.email", "profile.segment"});
  EXPECT_TRUE(Answer().fields[0].permitted);
  EXPECT_EQ(decision_.fields[1].reason, v1::ERROR_REASON_OPTED_OUT);
}

TEST_F(DecideTest, RestrictionLeavesWhatTheLawExcepts) {
  facts_.restricted = true;
  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_SUBJECT_RESTRICTED);
  // A regime that does not speak of restriction excepts nothing.
  facts_.residences = {Place("US-CA")};
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_SUBJECT_RESTRICTED);
}

TEST_F(DecideTest, ObjectionStopsInterestsOnly) {
  facts_.objected_to_all = true;
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_OBJECTED);
  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  EXPECT_TRUE(Answer().permitted);
}

TEST_F(DecideTest, ContextMustBeOpenAndYoung) {
  const KindId ticket = *bundle_->FindKind("ticket");
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_CONTEXT_NOT_FOUND);
  facts_.contexts = {{ticket, request_.time_us - 30 * kUsPerDay + 1}};
  EXPECT_TRUE(Answer().permitted);
  EXPECT_EQ(decision_.decided_until_us, request_.time_us + 1);
  facts_.contexts = {{ticket, request_.time_us - 30 * kUsPerDay}};
  EXPECT_FALSE(Answer().permitted);
  facts_.contexts = {{ticket, request_.time_us + 1}};
  EXPECT_FALSE(Answer().permitted);
}

TEST_F(DecideTest, RetentionEndsAField) {
  Ask("analytics", config::v1::Channel::INTERNAL,
      {"profile.birth_date", "profile.birth_date"});
  const std::vector<int64_t> collected = {
      AddMonths(request_.time_us, 0) - 91 * kUsPerDay,
      request_.time_us - 93 * kUsPerDay};
  request_.collected_us = collected;
  EXPECT_TRUE(Answer().fields[0].permitted);
  EXPECT_EQ(decision_.fields[1].reason, v1::ERROR_REASON_RETENTION_EXPIRED);
}

TEST_F(DecideTest, TransferNeedsTheSafeguardOnBothSides) {
  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
  request_.recipient = Place("JP");
  EXPECT_TRUE(Answer().permitted) << "adequate";
  request_.recipient = Place("US");
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_TRANSFER_NOT_ALLOWED);
  request_.safeguard = config::v1::Safeguard::STANDARD_CLAUSES;
  EXPECT_TRUE(Answer().permitted);
  request_.recipient = Place("BR");
  EXPECT_FALSE(Answer().permitted) << "the purpose declares none for it";
  request_.recipient = kNoJurisdiction;
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_FORBID_UNDECIDED);
}

TEST_F(DecideTest, SignificantDecisionNeedsItsGateAndAHuman) {
  Ask("credit", config::v1::Channel::INTERNAL,
      {"profile.name", "profile.allergies"});
  EXPECT_TRUE(Answer().permitted);
  EXPECT_EQ(decision_.obligations, kOweHumanBeforeEffect | kOweNotice);
  EXPECT_EQ(decision_.fields[1].reason, v1::ERROR_REASON_SPECIAL_CATEGORY)
      << "its basis has no gate";
  request_.mode = DecisionMode::kOutput;
  EXPECT_FALSE(Answer().permitted);
  EXPECT_EQ(decision_.fields[0].reason, v1::ERROR_REASON_REVIEW_REQUIRED);
}

TEST_F(DecideTest, OwnersHoursFollowTheBusinessClock) {
  Consent("newsletter", ConsentStatus::kGiven);
  Ask("newsletter", config::v1::Channel::EMAIL, {"profile.email"});
  // The business is an hour east: 21:00 UTC is 22:00.
  request_.time_us = *ParseTime("2026-11-22T20:59:59.999999Z");
  EXPECT_TRUE(Answer().permitted);
  EXPECT_EQ(decision_.decided_until_us, *ParseTime("2026-11-22T21:00:00Z"));
  request_.time_us = *ParseTime("2026-11-22T21:00:00Z");
  EXPECT_EQ(Answer().reason, v1::ERROR_REASON_OWNER_FORBIDS);
  EXPECT_EQ(decision_.decided_until_us, *ParseTime("2026-11-23T06:00:00Z"));
  request_.channel = config::v1::Channel::POST;
  EXPECT_TRUE(Answer().permitted) << "the rule names e-mail alone";
}

TEST_F(DecideTest, OwnersTransformTightensFurther) {
  Ask("credit", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  EXPECT_EQ(Answer().fields[0].transform, config::v1::Transform::YEAR);
}

TEST_F(DecideTest, ErasedSubjectIsDeniedEverything) {
  facts_.erased = true;
  facts_.contexts = {{*bundle_->FindKind("ticket"), request_.time_us - 1}};
  for (size_t p = 0; p < bundle_->purpose_count(); ++p) {
    const auto& purpose = bundle_->purpose(PurposeId{static_cast<uint16_t>(p)});
    Ask(purpose.key().c_str(), static_cast<Channel>(purpose.channels(0)),
        {purpose.fields(0).field().c_str()});
    EXPECT_EQ(Answer().reason, v1::ERROR_REASON_SUBJECT_ERASED);
  }
}

TEST_F(DecideTest, WithoutFieldsThePurposeItselfIsAsked) {
  Ask("analytics", config::v1::Channel::INTERNAL, {});
  EXPECT_TRUE(Answer().permitted);
  EXPECT_TRUE(decision_.fields.empty());
  EXPECT_EQ(decision_.bases.size(), 1u);
  facts_.objected_to = {request_.purpose};
  EXPECT_FALSE(Answer().permitted);
}

TEST_F(DecideTest, WhatIsNotOfThisBundleIsNoDecision) {
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  const auto expect_error = [&](const DecisionRequest& request,
                                const SubjectFacts& facts) {
    Decision out;
    out.permitted = true;
    EXPECT_THAT(Decide(*bundle_, facts, request, &out),
                testing::StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_FALSE(out.permitted);
  };
  DecisionRequest request = request_;
  request.purpose = PurposeId{99};
  expect_error(request, facts_);
  request = request_;
  request.channel = static_cast<Channel>(99);
  expect_error(request, facts_);
  request = request_;
  request.channel = config::v1::Channel::UNSPECIFIED;
  expect_error(request, facts_);
  request = request_;
  const std::vector<FieldId> foreign = {FieldId{99}};
  request.fields = foreign;
  expect_error(request, facts_);
  const std::vector<FieldId> many(kMaxFieldsPerRequest + 1, fields_[0]);
  request.fields = many;
  expect_error(request, facts_);
  request = request_;
  for (const int64_t time : {int64_t{-1}, kMaxTimeUs, INT64_MAX}) {
    request.time_us = time;
    expect_error(request, facts_);
  }
  request = request_;
  const std::vector<int64_t> two = {1, 2};
  request.collected_us = two;
  expect_error(request, facts_);
  request = request_;
  request.recipient = JurisdictionId{999};
  expect_error(request, facts_);
  SubjectFacts facts = facts_;
  facts.residences = {JurisdictionId{999}};
  expect_error(request_, facts);
}

TEST_F(DecideTest, FactsThatCannotBeAreUnreadableNotErrors) {
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  for (const int32_t day : {INT32_MIN, kMinDay - 1, kMaxDay + 1, INT32_MAX}) {
    facts_.birth_day = day;
    EXPECT_EQ(Answer().reason, v1::ERROR_REASON_FORBID_UNDECIDED) << day;
  }
  facts_.birth_day.reset();
  for (const int64_t time : {INT64_MIN, int64_t{-1}, kMaxTimeUs, INT64_MAX}) {
    const std::vector<int64_t> collected = {time};
    request_.collected_us = collected;
    EXPECT_EQ(Answer().reason, v1::ERROR_REASON_FORBID_UNDECIDED) << time;
    EXPECT_EQ(bundle_->RetentionEndUs(request_.purpose, fields_[0], time,
                                      request_.time_us),
              0);
  }
  request_.collected_us = {};
  for (const int64_t time : {INT64_MIN, int64_t{-1}, kMaxTimeUs, INT64_MAX}) {
    facts_.contexts = {{*bundle_->FindKind("ticket"), time}};
    Ask("support", config::v1::Channel::INTERNAL, {"profile.email"});
    EXPECT_EQ(Answer().reason, v1::ERROR_REASON_CONTEXT_NOT_FOUND) << time;
    facts_.soft_opt_ins = {
        {*bundle_->FindPurpose("existing_customers"), true, true, time}};
    Ask("existing_customers", config::v1::Channel::EMAIL, {"profile.email"});
    EXPECT_EQ(Answer().reason, v1::ERROR_REASON_CONSENT_MISSING) << time;
  }
}

TEST_F(DecideTest, CanonicalEffectsTellDecisionsApart) {
  Ask("analytics", config::v1::Channel::INTERNAL, {"profile.birth_date"});
  const std::string before = CanonicalEffects(*bundle_, Answer());
  EXPECT_EQ(CanonicalEffects(*bundle_, Answer()), before);
  facts_.objected_to_all = true;
  EXPECT_NE(CanonicalEffects(*bundle_, Answer()), before);
}

}  // namespace
}  // namespace consentry::policy
