// Promise 10, "Explain and replay": every decision can be explained later, with
// its rules, basis, consents, notice and policy version, and replayed against
// its own policy with the same result.
//
// Shown on a real gateway over real TLS. Decisions of every kind are made and
// kept. Each is explained, at once; after everything that it rested on has
// changed (choices, records, registrations, suspensions); after the policy was
// replaced; and after a restart. Each time the replay must agree, and the
// explanation must be word for word the same. Against another policy the same
// facts show what would change.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "gateway/clients/configuration.h"
#include "policy/engine/engine.h"
#include "policy/packs/packs.h"
#include "tests/promises/asking.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Ask;
using testing::ByEmail;
using testing::ById;
using testing::FullClient;
using testing::Identity;
using testing::MustWrite;
using testing::NameOf;
using testing::ProfileOf;
using testing::Question;
using testing::ReasonOf;
using testing::TestGateway;
using testing::Timed;
using testing::Told;
using testing::Way;

constexpr char kService[] = "essential.service.operations";
constexpr char kSupport[] = "essential.service.operations.support";
constexpr char kFraud[] = "essential.fraud_detection";
constexpr char kReporting[] = "analytics.reporting";
constexpr char kLetters[] = "marketing.communications.email";
constexpr char kPost[] = "marketing.communications.post";
constexpr char kAds[] = "marketing.advertising.third_party.targeted";
constexpr char kImprove[] = "functional.service.improve";
constexpr char kDigest[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

constexpr char kOwnerPack[] = R"(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "no-phone" citation: "Own policy: nobody is called" }
  purposes: "essential.fraud_detection"
  fields: "profile.phone"
  effect: DENY
}
)";

// Forbids what was permitted, and withholds a field that was given.
constexpr char kTighterPack[] = R"(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "no-letters" citation: "Own policy: no letters" }
  classes: DIRECT_MARKETING
  effect: DENY
}
owner_rules {
  rule { id: "no-names" citation: "Own policy: no names" }
  purposes: "essential.service.operations"
  fields: "profile.given_name"
  effect: DENY
}
)";

// A decision as it was told, with what its explanation has to say.
struct Kept {
  std::string name;
  std::string caller;
  Question question;
  v1::Decision decision;
};

class ExplainAndReplay : public ::testing::Test {
 protected:
  ExplainAndReplay()
      : gateway_([](server::InitialiseOptions* options) {
          options->markets = {"DE", "US-CA"};
          options->thresholds = {"us-ca.business"};
        }) {}

  void SetUp() override {
    gateway_.Start();
    Register(FullClient("shop", kService));
    Register(FullClient("desk", kSupport));
    Register(FullClient("guard", kFraud));
    Register(FullClient("reports", kReporting));
    v1::Client letters = FullClient("letters", kLetters);
    letters.add_purposes(kPost);
    Register(letters);
    v1::Client ads = FullClient("ads", kAds);
    ads.set_country("US");
    ads.set_transfer_ground("scc");
    Register(ads);
    Register(FullClient("banners", kAds));
    Register(FullClient("makers", kImprove));
    // Overseas, with nothing that lets the data go there; and one who sees
    // nothing but names.
    v1::Client abroad = FullClient("abroad", kService);
    abroad.set_country("IN");
    Register(abroad);
    v1::Client narrow = FullClient("narrow", kService);
    narrow.clear_read_categories();
    narrow.add_read_categories("user.name");
    Register(narrow);
    v1::Client dpo;
    dpo.set_id("dpo");
    dpo.set_title("Data protection officer");
    dpo.set_role(v1::ROLE_DPO);
    Register(dpo);
    identities_["compliance"] = gateway_.Made("compliance");
    ASSERT_EQ(SetOwnerPack(kOwnerPack), v1::ERROR_REASON_UNSPECIFIED);
  }

  void Register(const v1::Client& client) {
    identities_[client.id()] = gateway_.Register(client);
  }
  std::shared_ptr<grpc::Channel> As(const std::string& client) {
    return gateway_.Connect(identities_.at(client));
  }
  std::unique_ptr<v1::AdminService::Stub> Admin() {
    return v1::AdminService::NewStub(
        gateway_.Connect(gateway_.Made("operator")));
  }

  v1::ErrorReason SetOwnerPack(const std::string& pack) {
    v1::Policy policy;
    EXPECT_TRUE(Admin()
                    ->GetPolicy(Timed().get(), v1::GetPolicyRequest(), &policy)
                    .ok());
    v1::UpdatePolicyRequest update;
    update.set_etag(policy.etag());
    update.set_owner_pack(pack);
    v1::Policy updated;
    return ReasonOf(Admin()->UpdatePolicy(Timed().get(), update, &updated));
  }

  std::string Customer(const std::string& key,
                       const std::string& birth_date = "1980-05-06",
                       const std::string& residence = "DE") {
    v1::WriteRecordRequest request =
        ProfileOf(key, key + "@shop.example", residence);
    auto& values = *request.mutable_values();
    values["phone"].set_string_value("+491701234567");
    values["postal_code"].set_string_value("10115");
    if (!birth_date.empty()) {
      values["birth_date"].set_date_value(birth_date);
      request.mutable_legal_facts()->set_birth_date(birth_date);
    }
    return MustWrite(As("shop"), request);
  }

  void Give(const std::string& client, const std::string& id,
            const std::string& purpose, const std::string& notice,
            int64_t valid_until_s = 0,
            v1::ConsentAction action = v1::CONSENT_ACTION_GIVE) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = ById(id);
    request.add_purposes(purpose);
    request.set_action(action);
    request.mutable_notice()->set_id(notice);
    request.mutable_notice()->set_version(1);
    if (valid_until_s != 0) {
      request.mutable_valid_until()->set_seconds(valid_until_s);
    }
    v1::RecordConsentResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(As(client))
            ->RecordConsent(Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  void Withdraw(const std::string& client, const std::string& id) {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = ById(id);
    request.add_purposes(kLetters);
    v1::WithdrawConsentResponse response;
    EXPECT_TRUE(v1::ConsentService::NewStub(As(client))
                    ->WithdrawConsent(Timed().get(), request, &response)
                    .ok());
  }
  void OptOut(const std::string& client, const std::string& id,
              v1::OptOutKind kind) {
    v1::OptOutRequest request;
    *request.mutable_subject() = ById(id);
    request.add_kinds(kind);
    v1::OptOutResponse response;
    EXPECT_TRUE(v1::ConsentService::NewStub(As(client))
                    ->OptOut(Timed().get(), request, &response)
                    .ok());
  }

  // --- Cases of customers ---

  using Rights = v1::RightsService::Stub;
  template <class Request>
  using RightsMethod = grpc::Status (Rights::*)(grpc::ClientContext*,
                                                const Request&,
                                                v1::RightsCase*);

  v1::RightsCase CaseById(const std::string& id) {
    v1::GetRightsCaseRequest request;
    request.set_id(id);
    v1::RightsCase shown;
    const grpc::Status status =
        v1::RightsService::NewStub(As("compliance"))
            ->GetRightsCase(Timed().get(), request, &shown);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return shown;
  }
  // A step of a case by somebody; it must succeed.
  template <class Request>
  void Step(const std::string& who, const std::string& id,
            RightsMethod<Request> method, Request request = {}) {
    request.set_id(id);
    if constexpr (requires { request.set_etag(""); }) {
      request.set_etag(CaseById(id).etag());
    }
    request.mutable_context()->set_acting_person(who);
    v1::RightsCase answer;
    const grpc::Status status =
        (v1::RightsService::NewStub(As(who)).get()->*method)(Timed().get(),
                                                             request, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  // A case whose requester is identified.
  std::string Case(const std::string& id, v1::RightsKind kind,
                   const std::string& purpose = "") {
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = ById(id);
    request.set_kind(kind);
    request.set_channel(v1::CHANNEL_POST);
    request.mutable_context()->set_acting_person("compliance");
    if (!purpose.empty()) request.add_purposes(purpose);
    v1::RightsCase opened;
    const grpc::Status status =
        v1::RightsService::NewStub(As("compliance"))
            ->SubmitRightsCase(Timed().get(), request, &opened);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (opened.state() != v1::RIGHTS_STATE_VERIFYING) return opened.id();
    v1::VerifyRightsCaseRequest verify;
    verify.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
    verify.set_evidence_digest(kDigest);
    Step("compliance", opened.id(), &Rights::VerifyRightsCase, verify);
    return opened.id();
  }
  void Approve(const std::string& case_id) {
    Step<v1::ApproveRightsCaseRequest>("dpo", case_id,
                                       &Rights::ApproveRightsCase);
  }

  static Question About(const v1::SubjectRef& subject,
                        const std::string& purpose,
                        const std::vector<std::string>& fields,
                        v1::Channel channel = v1::CHANNEL_INTERNAL) {
    Question question;
    question.subjects = {subject};
    question.purpose = purpose;
    question.fields = fields;
    question.channel = channel;
    question.context.set_acting_person("clerk-7");
    question.context.set_reason_code("why-not");
    question.context.set_ticket("T-1");
    return question;
  }

  // Asks and keeps what was decided; it must be this.
  void Decide(const std::string& name, const std::string& caller,
              const Question& question, v1::ErrorReason expected,
              Way way = Way::kRead) {
    const Told told = Ask(way, As(caller), question);
    ASSERT_TRUE(told.status.ok())
        << name << ": " << told.status.error_message();
    ASSERT_FALSE(told.results.empty()) << name;
    for (const auto& result : told.results) {
      const v1::Decision& decision = result.decision();
      EXPECT_EQ(decision.reason(), expected)
          << name << ": " << v1::ErrorReason_Name(decision.reason());
      EXPECT_EQ(decision.effect(), expected == v1::ERROR_REASON_UNSPECIFIED
                                       ? v1::EFFECT_PERMIT
                                       : v1::EFFECT_DENY)
          << name;
      kept_.push_back(
          {name + " by " + NameOf(way), caller, question, decision});
    }
  }

  void DecideEverything();

  v1::ExplainDecisionResponse Explain(const Kept& kept, bool by_compliance) {
    v1::ExplainDecisionRequest request;
    request.set_decision_id(kept.decision.id());
    v1::ExplainDecisionResponse response;
    const auto stub = v1::DataService::NewStub(
        by_compliance ? gateway_.Connect(gateway_.Made("compliance"))
                      : As(kept.caller));
    const grpc::Status status =
        stub->ExplainDecision(Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << kept.name << ": " << status.error_message();
    return response;
  }

  // All that must hold of an explanation whenever it is asked for.
  void ExpectExplained(const Kept& kept,
                       const v1::ExplainDecisionResponse& told);

  TestGateway gateway_;
  std::map<std::string, Identity> identities_;
  std::vector<Kept> kept_;
  // By the name of a decision: whose consent it rested on.
  std::map<std::string, std::string> people_;
  // The case of an erasure that was accepted.
  std::string erasure_;
};

void ExplainAndReplay::DecideEverything() {
  constexpr auto kPermit = v1::ERROR_REASON_UNSPECIFIED;
  const std::string anna = Customer("anna");
  const std::string ben = Customer("ben");
  const std::string cleo = Customer("cleo");
  const std::string dora = Customer("dora");
  const std::string emil = Customer("emil");
  const std::string child = Customer("child", "");
  const std::string cal = Customer("cal", "1980-05-06", "US-CA");
  const std::string nobody = "nobody@shop.example";

  // Permitted as stored, by every way of asking.
  for (const Way way : testing::kWays) {
    Question question =
        About(ById(anna), kService, {"profile.*", "order.total"});
    question.page_size = 2;
    Decide("contract", "shop", question, kPermit, way);
  }
  // Several at once: some there, some not.
  Question several = About(ById(anna), kReporting,
                           {"profile.birth_date", "profile.postal_code"});
  several.subjects.push_back(ByEmail("ben@shop.example"));
  Decide("reduced", "reports", several, kPermit, Way::kBatch);
  Decide("reduced", "reports", several, kPermit, Way::kStream);
  Decide("unknown", "shop", About(ByEmail(nobody), kService, {"profile.email"}),
         v1::ERROR_REASON_SUBJECT_UNKNOWN);
  Decide("narrow", "narrow", About(ById(anna), kService, {"profile.*"}),
         kPermit);
  Decide("abroad", "abroad", About(ById(anna), kService, {"profile.email"}),
         v1::ERROR_REASON_TRANSFER_NOT_ALLOWED);

  // Consent, in all its states.
  const auto letter = [&](const std::string& id) {
    return About(ById(id), kLetters, {"profile.email"}, v1::CHANNEL_EMAIL);
  };
  Decide("missing", "letters", letter(anna), v1::ERROR_REASON_CONSENT_MISSING);
  Give("letters", ben, kLetters, "marketing-consent");
  Decide("given", "letters", letter(ben), kPermit);
  Withdraw("letters", ben);
  Decide("withdrawn", "letters", letter(ben),
         v1::ERROR_REASON_CONSENT_WITHDRAWN);
  Give("letters", cleo, kLetters, "marketing-consent", 0,
       v1::CONSENT_ACTION_REFUSE);
  Decide("refused", "letters", letter(cleo), v1::ERROR_REASON_CONSENT_REFUSED);
  Give("letters", dora, kLetters, "another-text");
  Decide("invalid", "letters", letter(dora), v1::ERROR_REASON_CONSENT_INVALID);
  const int64_t end_us =
      (base::Clock::System()->NowUs() / 1'000'000 + 2) * 1'000'000;
  Give("letters", emil, kLetters, "marketing-consent", end_us / 1'000'000);
  Decide("ending", "letters", letter(emil), kPermit);

  // Objection, opt-out, signal, age.
  OptOut("letters", cleo, v1::OPT_OUT_KIND_DIRECT_MARKETING);
  Decide("objected", "letters",
         About(ById(cleo), kPost, {"profile.given_name"}, v1::CHANNEL_POST),
         v1::ERROR_REASON_OBJECTED);
  Give("ads", cal, kAds, "advertising-consent");
  Question ad = About(ById(cal), kAds, {"profile.email"}, v1::CHANNEL_SOCIAL);
  ad.context.mutable_signals()->set_global_privacy_control(true);
  Decide("signal", "ads", ad, v1::ERROR_REASON_OPTED_OUT);
  OptOut("ads", cal, v1::OPT_OUT_KIND_TARGETED_ADVERTISING);
  ad.context.mutable_signals()->set_global_privacy_control(false);
  Decide("opted out", "ads", ad, v1::ERROR_REASON_OPTED_OUT);
  // Her age is learned after a consent that nobody would have taken then.
  Give("letters", child, kLetters, "marketing-consent");
  EXPECT_EQ(Customer("child", "2015-06-07"), child);
  Decide("minor", "letters", letter(child), v1::ERROR_REASON_MINOR);

  // Context, and the business's own rule.
  const Question help = About(ById(anna), kSupport, {"profile.phone"});
  Decide("no ticket", "desk", help, v1::ERROR_REASON_CONTEXT_NOT_FOUND);
  v1::WriteRecordRequest ticket;
  *ticket.add_subjects() = ById(anna);
  ticket.set_source("crm");
  ticket.set_kind("ticket");
  ticket.set_source_key("ticket-1");
  ticket.set_purpose(kService);
  auto& values = *ticket.mutable_values();
  values["number"].set_string_value("T-1");
  values["opened_at"].mutable_time_value()->set_seconds(
      base::Clock::System()->NowUs() / 1'000'000 - 3600);
  MustWrite(As("shop"), ticket);
  Decide("open ticket", "desk", help, kPermit);
  Decide("own rule", "guard",
         About(ById(anna), kFraud, {"profile.email", "profile.phone"}),
         kPermit);
  Decide("own rule alone", "guard",
         About(ById(anna), kFraud, {"profile.phone"}),
         v1::ERROR_REASON_OWNER_FORBIDS);
  Decide("channel", "makers",
         About(ById(anna), kImprove, {"visit.page"}, v1::CHANNEL_WEB),
         v1::ERROR_REASON_CHANNEL_NOT_ALLOWED);

  // What she asked for by a right.
  const std::string fritz = Customer("fritz");
  const std::string gina = Customer("gina");
  const std::string hugo = Customer("hugo");
  const std::string ines = Customer("ines", "1980-05-06", "US-CA");
  const auto service = [&](const std::string& id) {
    return About(ById(id), kService, {"profile.email"});
  };
  const auto report = [&](const std::string& id) {
    return About(ById(id), kReporting, {"profile.postal_code"});
  };
  Decide("before the restriction", "shop", service(fritz), kPermit);
  Case(fritz, v1::RIGHTS_KIND_RESTRICTION);
  Decide("restricted", "shop", service(fritz),
         v1::ERROR_REASON_SUBJECT_RESTRICTED);
  Decide("before the objection", "reports", report(gina), kPermit);
  Case(gina, v1::RIGHTS_KIND_OBJECTION, kReporting);
  Decide("objected to a purpose", "reports", report(gina),
         v1::ERROR_REASON_OBJECTED);
  Decide("not objected to", "shop", service(gina), kPermit);
  Decide("before the erasure", "shop", service(hugo), kPermit);
  erasure_ = Case(hugo, v1::RIGHTS_KIND_ERASURE);
  Approve(erasure_);
  Decide("erasure accepted", "shop", service(hugo),
         v1::ERROR_REASON_SUBJECT_ERASED);
  Give("banners", ines, kAds, "advertising-consent");
  const Question advert =
      About(ById(ines), kAds, {"profile.email"}, v1::CHANNEL_SOCIAL);
  Decide("before the opt-out", "banners", advert, kPermit);
  Case(ines, v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  Decide("opted out by a case", "banners", advert, v1::ERROR_REASON_OPTED_OUT);

  while (base::Clock::System()->NowUs() < end_us) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  Decide("expired", "letters", letter(emil), v1::ERROR_REASON_CONSENT_EXPIRED);
  people_ = {{"anna", anna}, {"ben", ben},     {"cleo", cleo}, {"dora", dora},
             {"emil", emil}, {"child", child}, {"cal", cal},   {"fritz", fritz},
             {"gina", gina}, {"hugo", hugo}};
}

void ExplainAndReplay::ExpectExplained(
    const Kept& kept, const v1::ExplainDecisionResponse& told) {
  SCOPED_TRACE(kept.name);
  EXPECT_TRUE(told.replay_agrees());
  // As it was told then.
  v1::Decision then = kept.decision;
  v1::Decision now = told.decision();
  // When a value ends is of the values, not of the decision.
  for (v1::Decision* decision : {&then, &now}) {
    decision->clear_obligations();
    decision->clear_decided_until();
  }
  EXPECT_EQ(then.ShortDebugString(), now.ShortDebugString());
  EXPECT_EQ(told.client_id(), kept.caller);
  EXPECT_EQ(told.purpose(), kept.question.purpose);
  EXPECT_EQ(told.channel(), kept.question.channel);
  EXPECT_EQ(told.context().ShortDebugString(), [&] {
    v1::CallContext context = kept.question.context;
    // Signals are always told, set or not.
    context.mutable_signals();
    return context.ShortDebugString();
  }());
  EXPECT_EQ(told.decision().bundle_hash().size(), 64u);

  // In words, with the law, and without anything of the customer's.
  ASSERT_GT(told.steps_size(), 0);
  std::set<std::string> rules;
  for (const v1::ExplainStep& step : told.steps()) {
    EXPECT_NE(step.text(), "");
    if (!step.rule().empty()) {
      rules.insert(step.rule());
      EXPECT_NE(step.citation(), "") << step.rule();
    }
    for (const char* value : {"Theodolinde", "shop.example", "491701234567",
                              "10115", "1980-05-06", "2015-06-07"}) {
      EXPECT_EQ(step.text().find(value), std::string::npos) << step.text();
    }
  }
  for (const std::string& rule : then.determining_rules()) {
    EXPECT_TRUE(rules.contains(rule)) << rule;
  }
  if (then.effect() == v1::EFFECT_PERMIT) {
    EXPECT_GT(told.decision().bases_size(), 0);
    for (const v1::BasisUsed& basis : told.decision().bases()) {
      EXPECT_NE(basis.document(), "") << basis.regime();
    }
  }
}

TEST_F(ExplainAndReplay, EveryDecisionWhateverHasChangedSince) {
  DecideEverything();
  ASSERT_GT(kept_.size(), 25u);
  std::vector<std::string> first;
  for (const Kept& kept : kept_) {
    const auto told = Explain(kept, /*by_compliance=*/false);
    ExpectExplained(kept, told);
    first.push_back(told.SerializeAsString());
  }
  const auto expect_same = [&](const char* when, bool by_compliance) {
    SCOPED_TRACE(when);
    for (size_t i = 0; i < kept_.size(); ++i) {
      const auto told = Explain(kept_[i], by_compliance);
      ExpectExplained(kept_[i], told);
      EXPECT_EQ(told.SerializeAsString(), first[i]) << kept_[i].name;
    }
  };

  // What they rested on changes.
  Give("letters", people_["anna"], kLetters, "marketing-consent");
  Withdraw("letters", people_["dora"]);
  OptOut("letters", people_["anna"], v1::OPT_OUT_KIND_DIRECT_MARKETING);
  v1::WriteRecordRequest moved =
      ProfileOf("child", "child@shop.example", "US-CA");
  moved.mutable_legal_facts()->set_birth_date("1990-01-01");
  MustWrite(As("shop"), moved);
  // The rights too: the erasure is taken back, others are asked for.
  v1::CancelRightsCaseRequest cancel;
  Step("compliance", erasure_, &Rights::CancelRightsCase, cancel);
  Case(people_["gina"], v1::RIGHTS_KIND_RESTRICTION);
  Case(people_["fritz"], v1::RIGHTS_KIND_OBJECTION, kReporting);
  v1::GetClientRequest get;
  get.set_id("abroad");
  v1::UpdateClientRequest update;
  ASSERT_TRUE(
      Admin()->GetClient(Timed().get(), get, update.mutable_client()).ok());
  update.mutable_client()->set_country("DE");
  v1::Client updated;
  ASSERT_TRUE(Admin()->UpdateClient(Timed().get(), update, &updated).ok());
  v1::SuspendRequest suspend;
  suspend.set_purpose(kReporting);
  v1::SuspendResponse suspended;
  ASSERT_TRUE(Admin()->Suspend(Timed().get(), suspend, &suspended).ok());
  expect_same("after facts and registrations changed", false);

  // The policy is replaced, and decides otherwise from here on.
  ASSERT_EQ(SetOwnerPack(kTighterPack), v1::ERROR_REASON_UNSPECIFIED);
  const Told now = Ask(Way::kRead, As("letters"),
                       About(ById(people_["ben"]), kLetters, {"profile.email"},
                             v1::CHANNEL_EMAIL));
  ASSERT_EQ(now.results.size(), 1u);
  EXPECT_NE(now.results[0].decision().bundle_hash(),
            kept_[0].decision.bundle_hash());
  expect_same("after the policy was replaced", true);

  ASSERT_OK(gateway_.Stop());
  gateway_.Start();
  expect_same("after a restart", true);

  // A client that was revoked is history, not forgotten.
  v1::RevokeClientRequest revoke;
  revoke.set_id("guard");
  v1::Client revoked;
  ASSERT_TRUE(Admin()->RevokeClient(Timed().get(), revoke, &revoked).ok());
  expect_same("after a caller was revoked", true);
}

TEST_F(ExplainAndReplay, TheConsentIsToldWithItsNotice) {
  const std::string ben = Customer("ben");
  Give("letters", ben, kLetters, "marketing-consent");
  const Question letter =
      About(ById(ben), kLetters, {"profile.email"}, v1::CHANNEL_EMAIL);
  Decide("given", "letters", letter, v1::ERROR_REASON_UNSPECIFIED);
  Withdraw("letters", ben);
  Decide("withdrawn", "letters", letter, v1::ERROR_REASON_CONSENT_WITHDRAWN);

  const auto given = Explain(kept_[0], true);
  ASSERT_EQ(given.consents_size(), 1);
  const v1::ConsentState& consent = given.consents(0);
  EXPECT_EQ(consent.purpose(), kLetters);
  EXPECT_EQ(consent.status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(consent.actor(), v1::CONSENT_ACTOR_ATTESTED);
  EXPECT_EQ(consent.attested_by(), "letters");
  EXPECT_EQ(consent.notice().id(), "marketing-consent");
  EXPECT_EQ(consent.notice().version(), 1u);
  EXPECT_EQ(consent.event_id().rfind("con_", 0), 0u);
  EXPECT_GT(consent.since().seconds(), 0);

  const auto withdrawn = Explain(kept_[1], true);
  ASSERT_EQ(withdrawn.consents_size(), 1);
  EXPECT_EQ(withdrawn.consents(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_NE(withdrawn.consents(0).event_id(), consent.event_id());
  // The event is named in words too, so that it can be looked up.
  EXPECT_TRUE(std::any_of(
      given.steps().begin(), given.steps().end(), [&](const auto& step) {
        return step.text().find(consent.event_id()) != std::string::npos;
      }));
}

// The outcome of a case names the law, whatever the policy says later.
TEST_F(ExplainAndReplay, TheOutcomeOfACaseIsToldWithItsGround) {
  const std::string anna = Customer("anna");
  const std::string refused = Case(anna, v1::RIGHTS_KIND_ACCESS);
  v1::RefuseRightsCaseRequest refuse;
  refuse.set_ground("gdpr.12.5");
  Step("compliance", refused, &Rights::RefuseRightsCase, refuse);
  Approve(refused);
  Step<v1::CompleteRightsCaseRequest>("compliance", refused,
                                      &Rights::CompleteRightsCase);
  const auto told = [&](const std::string& id) {
    v1::RightsCase shown = CaseById(id);
    EXPECT_EQ(shown.state(), v1::RIGHTS_STATE_REFUSED);
    EXPECT_EQ(shown.outcomes_size(), 1);
    std::string text;
    for (const v1::RightsOutcome& outcome : shown.outcomes()) {
      EXPECT_NE(outcome.ground(), "");
      EXPECT_NE(outcome.document(), "");
      text += outcome.ShortDebugString();
    }
    return text;
  };
  const std::string then = told(refused);
  EXPECT_NE(then.find("GDPR Art. 12(5)"), std::string::npos) << then;
  ASSERT_EQ(SetOwnerPack(kTighterPack), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(told(refused), then);
  ASSERT_OK(gateway_.Stop());
  gateway_.Start();
  EXPECT_EQ(told(refused), then);
  // The log says so by itself: who refused, who approved, on which ground.
  std::map<std::string, std::string> details;
  for (const v1::AuditEntry& entry : testing::EntriesOf(gateway_)) {
    for (const auto& [name, value] : entry.details()) {
      if (entry.event().starts_with("rights.")) {
        details[entry.event()] += name + "=" + value + " ";
      }
    }
  }
  EXPECT_NE(details["rights.refuse"].find("ground=gdpr.12.5"),
            std::string::npos)
      << details["rights.refuse"];
  EXPECT_NE(details["rights.approve"].find(refused), std::string::npos);
}

TEST_F(ExplainAndReplay, ThePolicyOfADecisionCanBeReadWhenItHasLongGone) {
  const std::string anna = Customer("anna");
  Decide("before", "shop", About(ById(anna), kService, {"profile.email"}),
         v1::ERROR_REASON_UNSPECIFIED);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(SetOwnerPack(std::string(kTighterPack) + "# " +
                           std::to_string(i) + "\n"),
              v1::ERROR_REASON_UNSPECIFIED);
  }
  ExpectExplained(kept_[0], Explain(kept_[0], true));
}

TEST_F(ExplainAndReplay, WhatIsNoDecisionIsNotExplained) {
  const std::string anna = Customer("anna");
  Decide("one", "shop", About(ById(anna), kService, {"profile.email"}),
         v1::ERROR_REASON_UNSPECIFIED);
  const auto stub = v1::DataService::NewStub(As("shop"));
  std::string other = kept_[0].decision.id();
  other.back() = other.back() == 'a' ? 'b' : 'a';
  for (const std::string& id :
       {other, kept_[0].decision.audit_reference(), std::string("dec_x"),
        std::string("dec_aaaaaaaaaaaaaaaaaaaaaaaaaa")}) {
    v1::ExplainDecisionRequest request;
    request.set_decision_id(id);
    v1::ExplainDecisionResponse response;
    const grpc::Status status =
        stub->ExplainDecision(Timed().get(), request, &response);
    EXPECT_FALSE(status.ok()) << id;
    EXPECT_TRUE(ReasonOf(status) == v1::ERROR_REASON_NOT_FOUND ||
                ReasonOf(status) == v1::ERROR_REASON_FIELD_INVALID)
        << v1::ErrorReason_Name(ReasonOf(status));
    EXPECT_EQ(response.ByteSizeLong(), 0u);
  }
}

// --- Against another policy ---

std::shared_ptr<const policy::Bundle> BundleWith(
    const std::string& owner_pack) {
  store::v1::StoredPolicy sources;
  for (const EmbeddedFile& file : policy::EmbeddedDefaults()) {
    auto* text = file.name == "catalog.txtpb" ? sources.mutable_catalog()
                                              : sources.mutable_purposes();
    *text = std::string(file.content);
  }
  for (const EmbeddedFile& file : policy::EmbeddedPacks()) {
    auto* pack = sources.add_packs();
    pack->set_name(std::string(file.name));
    pack->set_text(std::string(file.content));
  }
  sources.set_owner_pack(owner_pack);
  sources.mutable_profile()->set_home("DE");
  const auto compiled = clients::CompilePolicy(sources);
  EXPECT_OK(compiled);
  return (*compiled)->bundle;
}

TEST(ReplayAgainstAnother, TheSameFactsShowWhatWouldChange) {
  const auto old_policy = BundleWith(kOwnerPack);
  const auto candidate = BundleWith(kTighterPack);
  constexpr int64_t kNowUs = 1'795'348'800'000'000;
  // What each policy makes of one question; facts and request are bound anew,
  // since handles belong to their bundle.
  const auto effects =
      [&](const policy::Bundle& bundle, const std::string& purpose,
          const std::vector<std::string>& names, policy::Channel channel) {
        std::vector<policy::FieldId> fields;
        for (const auto& name : names)
          fields.push_back(*bundle.FindField(name));
        policy::SubjectFacts facts;
        facts.residences = {*bundle.FindJurisdiction("DE")};
        policy::ConsentFact consent;
        consent.purpose = *bundle.FindPurpose(purpose);
        consent.status = policy::ConsentStatus::kGiven;
        consent.actor = policy::ConsentActor::kSelf;
        consent.notice = bundle.FindNotice("marketing-consent");
        consent.notice_version = 1;
        consent.since_us = kNowUs - 1'000'000;
        facts.consents = {consent};
        policy::DecisionRequest request;
        request.purpose = *bundle.FindPurpose(purpose);
        request.channel = channel;
        request.fields = fields;
        request.time_us = kNowUs;
        request.recipient = *bundle.FindJurisdiction("DE");
        policy::Decision decision;
        EXPECT_OK(policy::Decide(bundle, facts, request, &decision));
        return policy::CanonicalEffects(bundle, decision);
      };
  using config::v1::Channel;
  struct Asked {
    const char* purpose;
    std::vector<std::string> fields;
    policy::Channel channel;
    bool changes;
  };
  for (const Asked& asked : std::vector<Asked>{
           {kLetters, {"profile.email"}, Channel::EMAIL, true},
           {kService, {"profile.given_name"}, Channel::INTERNAL, true},
           {kService, {"profile.email"}, Channel::INTERNAL, false},
           {kService,
            {"profile.email", "profile.given_name"},
            Channel::INTERNAL,
            true},
           {kFraud, {"profile.phone"}, Channel::INTERNAL, true},
           {kFraud, {"profile.email"}, Channel::INTERNAL, false},
           {kReporting, {"profile.birth_date"}, Channel::INTERNAL, false}}) {
    const auto run = [&](const policy::Bundle& bundle) {
      return effects(bundle, asked.purpose, asked.fields, asked.channel);
    };
    EXPECT_EQ(run(*old_policy), run(*old_policy)) << asked.purpose;
    EXPECT_EQ(run(*old_policy) != run(*candidate), asked.changes)
        << asked.purpose << " " << asked.fields[0];
  }
}

}  // namespace
}  // namespace consentry
