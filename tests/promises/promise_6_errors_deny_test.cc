// Promise 6, "Errors deny": a prohibition that cannot be evaluated holds, a
// permission that cannot be evaluated is void, and "could not decide" is an
// error, never an answer.
//
// Shown in two places. In the policy engine, over all purposes, channels and
// legal packs that come with the program: a fact that cannot be read never
// permits what any reading of it would deny. And at a real gateway over real
// TLS: facts that are missing or contradict each other, rows, values, pages,
// keys and policies that are damaged on disk. Where it cannot know, it denies;
// where it cannot read, it says so with an error, and the error stands for the
// whole question: never a part of the answer, never another's data.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/clients/configuration.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/root_key.h"
#include "gateway/store/sqlcipher/engine.h"
#include "gateway/vault/record_number.h"
#include "policy/engine/engine.h"
#include "policy/packs/packs.h"
#include "tests/promises/asking.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

namespace fs = std::filesystem;

using policy::Bundle;
using policy::ConsentFact;
using policy::ConsentStatus;
using policy::Decision;
using policy::DecisionRequest;
using policy::FieldId;
using policy::PurposeId;
using policy::SubjectFacts;
using testing::Ask;
using testing::ByEmail;
using testing::ById;
using testing::FullClient;
using testing::MustWrite;
using testing::NameOf;
using testing::ProfileOf;
using testing::Question;
using testing::ReadAll;
using testing::ReasonOf;
using testing::TestGateway;
using testing::Timed;
using testing::Told;
using testing::Way;

constexpr char kService[] = "essential.service.operations";
constexpr char kFraud[] = "essential.fraud_detection";
constexpr char kSharing[] = "third_party_sharing";

// 2026-11-22T12:00:00Z.
constexpr int64_t kNowUs = 1'795'348'800'000'000;
constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

// --- The engine ---

std::shared_ptr<const Bundle> BundleWith(const std::string& owner_pack) {
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
  auto* profile = sources.mutable_profile();
  profile->set_home("US-CA");
  for (const char* market : {"US-CA", "US-VA", "DE", "GB"}) {
    profile->add_markets(market);
  }
  profile->add_thresholds("us-ca.business");
  const auto compiled = clients::CompilePolicy(sources);
  EXPECT_OK(compiled);
  return (*compiled)->bundle;
}

// Rules of the business's own that read place, age and consent.
constexpr char kOwnerPack[] = R"(
id: "own"
kind: OWNER
owner_rules {
  rule { id: "adults" citation: "own" }
  purposes: "essential.fraud_detection"
  fields: "profile.phone"
  below_age: 18
  unknown_age_too: true
  effect: DENY
}
owner_rules {
  rule { id: "ask" citation: "own" }
  purposes: "personalize.content.limited"
  jurisdictions: "US-VA"
  effect: REQUIRE_CONSENT
}
owner_rules {
  rule { id: "coarse" citation: "own" }
  purposes: "analytics.reporting"
  fields: "profile.region"
  below_age: 25
  effect: TRANSFORM
  transform: COUNTRY
}
)";

// The fields of the purpose, all of them.
std::vector<FieldId> FieldsOf(const Bundle& bundle, PurposeId purpose) {
  std::vector<FieldId> fields;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const auto field = static_cast<FieldId>(i);
    if (bundle.NeededAs(purpose, field)) fields.push_back(field);
  }
  return fields;
}

ConsentFact ConsentTo(const Bundle& bundle, PurposeId purpose,
                      ConsentStatus status) {
  ConsentFact fact;
  fact.purpose = purpose;
  fact.status = status;
  fact.actor = policy::ConsentActor::kSelf;
  fact.explicit_statement = true;
  fact.parental_authorisation = true;
  fact.since_us = kNowUs - 30 * kDayUs;
  for (const auto& basis : bundle.purpose(purpose).bases()) {
    if (!basis.notice_id().empty() && fact.notice == policy::kNoNotice) {
      fact.notice = bundle.FindNotice(basis.notice_id());
      fact.notice_version = 9;
    }
  }
  return fact;
}

using Reading = std::function<void(SubjectFacts*)>;

// What a family of facts might say, if it could be read.
struct Family {
  const char* name;
  policy::UnreadableFact bit;
  std::vector<Reading> readings;
};

std::vector<Family> FamiliesFor(const Bundle& bundle, PurposeId purpose) {
  std::vector<Family> families;
  std::vector<Reading> readings;
  for (const std::string code : {"DE", "GB", "US-CA", "US-VA", "US", "JP"}) {
    readings.push_back([&bundle, code](SubjectFacts* facts) {
      facts->residences = {*bundle.FindJurisdiction(code)};
    });
  }
  readings.push_back([](SubjectFacts* facts) { facts->residences = {}; });
  families.push_back(
      {"residence", policy::kUnreadableResidence, std::move(readings)});

  readings.clear();
  for (const int years : {3, 10, 13, 15, 17, 20, 40}) {
    readings.push_back([years](SubjectFacts* facts) {
      facts->birth_day = static_cast<int32_t>(kNowUs / kDayUs - 366 * years);
    });
  }
  readings.push_back([](SubjectFacts* facts) { facts->birth_day = {}; });
  families.push_back({"age", policy::kUnreadableAge, std::move(readings)});

  families.push_back(
      {"choices",
       policy::kUnreadableChoices,
       {[](SubjectFacts*) {}, [](SubjectFacts* f) { f->restricted = true; },
        [](SubjectFacts* f) { f->objected_to_all = true; },
        [](SubjectFacts* f) { f->opt_outs = 0xfe; },
        [](SubjectFacts* f) { f->gpc = true; }}});

  readings.clear();
  for (const ConsentStatus status :
       {ConsentStatus::kGiven, ConsentStatus::kRefused,
        ConsentStatus::kWithdrawn, ConsentStatus::kInvalidated,
        ConsentStatus::kUncertain}) {
    readings.push_back([&bundle, purpose, status](SubjectFacts* facts) {
      facts->consents = {ConsentTo(bundle, purpose, status)};
    });
  }
  readings.push_back([](SubjectFacts* facts) { facts->consents = {}; });
  families.push_back(
      {"consents", policy::kUnreadableConsents, std::move(readings)});

  families.push_back({"contexts",
                      policy::kUnreadableContexts,
                      {[](SubjectFacts*) {},
                       [](SubjectFacts* facts) {
                         facts->contexts = {};
                         facts->soft_opt_ins = {};
                       }}});
  return families;
}

class EngineErrorsDeny : public ::testing::Test {
 protected:
  // Somebody who said yes to everything that she was asked.
  static SubjectFacts Willing(const Bundle& bundle, PurposeId purpose,
                              const std::string& residence) {
    SubjectFacts facts;
    facts.residences = {*bundle.FindJurisdiction(residence)};
    facts.birth_day = static_cast<int32_t>(kNowUs / kDayUs - 366 * 40);
    facts.consents = {ConsentTo(bundle, purpose, ConsentStatus::kGiven)};
    facts.soft_opt_ins = {{purpose, true, true, kNowUs - 30 * kDayUs}};
    for (const char* kind : {"ticket", "order"}) {
      facts.contexts.push_back({*bundle.FindKind(kind), kNowUs - kDayUs});
    }
    return facts;
  }
  static Decision Decide(const Bundle& bundle, const SubjectFacts& facts,
                         const DecisionRequest& request) {
    Decision decision;
    EXPECT_OK(policy::Decide(bundle, facts, request, &decision));
    return decision;
  }
};

TEST_F(EngineErrorsDeny, AnUnreadableFactNeverPermitsWhatSomeReadingDenies) {
  const auto bundle = BundleWith(kOwnerPack);
  // That these are not zero shows that the rule was tried.
  std::map<std::string, int> turned_to_no;
  std::map<std::string, int> still_permitted;
  for (size_t p = 0; p < bundle->purpose_count(); ++p) {
    const auto purpose = static_cast<PurposeId>(p);
    const auto fields = FieldsOf(*bundle, purpose);
    for (const int channel : bundle->purpose(purpose).channels()) {
      for (const char* residence : {"DE", "GB", "US-CA", "US-VA"}) {
        DecisionRequest request;
        request.purpose = purpose;
        request.channel = static_cast<policy::Channel>(channel);
        request.fields = fields;
        request.time_us = kNowUs;
        request.recipient = *bundle->FindJurisdiction("DE");
        const SubjectFacts base = Willing(*bundle, purpose, residence);
        const Decision readable = Decide(*bundle, base, request);
        for (const Family& family : FamiliesFor(*bundle, purpose)) {
          SubjectFacts facts = base;
          facts.unreadable = family.bit;
          const Decision blind = Decide(*bundle, facts, request);
          const std::string what = bundle->purpose(purpose).key() +
                                   " by channel " + std::to_string(channel) +
                                   " in " + residence + ", " + family.name;
          std::vector<Decision> read;
          for (const Reading& reading : family.readings) {
            facts = base;
            reading(&facts);
            read.push_back(Decide(*bundle, facts, request));
          }
          for (size_t f = 0; f < fields.size(); ++f) {
            if (!blind.fields[f].permitted) {
              EXPECT_NE(blind.fields[f].reason, v1::ERROR_REASON_UNSPECIFIED);
              if (readable.fields[f].permitted) ++turned_to_no[family.name];
              continue;
            }
            ++still_permitted[family.name];
            for (size_t r = 0; r < read.size(); ++r) {
              EXPECT_TRUE(read[r].fields[f].permitted)
                  << what << ", reading " << r << ": "
                  << bundle->field_name(fields[f]);
              // Nor is it shown in more detail.
              if (read[r].fields[f].transform != config::v1::Transform::NONE) {
                EXPECT_NE(blind.fields[f].transform,
                          config::v1::Transform::NONE)
                    << what;
              }
            }
          }
        }
      }
    }
  }
  for (const char* family :
       {"residence", "age", "choices", "consents", "contexts"}) {
    EXPECT_GT(turned_to_no[family], 0) << family;
  }
  // What does not rest on a fact goes on: invoices are shown to the taxman
  // although an age cannot be read.
  for (const char* family : {"age", "choices", "consents", "contexts"}) {
    EXPECT_GT(still_permitted[family], 0) << family;
  }
  EXPECT_EQ(still_permitted["residence"], 0);
}

TEST_F(EngineErrorsDeny, AProhibitionThatCannotBeEvaluatedHolds) {
  const auto bundle = BundleWith(kOwnerPack);
  const PurposeId fraud = *bundle->FindPurpose(kFraud);
  const std::vector<FieldId> fields = {*bundle->FindField("profile.phone")};
  DecisionRequest request;
  request.purpose = fraud;
  request.fields = fields;
  request.time_us = kNowUs;
  request.recipient = *bundle->FindJurisdiction("DE");
  SubjectFacts facts = Willing(*bundle, fraud, "DE");
  EXPECT_TRUE(Decide(*bundle, facts, request).permitted);
  // The restriction of Art. 18 may stand: it does.
  facts.unreadable = policy::kUnreadableChoices;
  Decision decision = Decide(*bundle, facts, request);
  EXPECT_FALSE(decision.permitted);
  EXPECT_EQ(decision.reason, v1::ERROR_REASON_FORBID_UNDECIDED);
  // The owner's prohibition is for those below 18, and her age cannot be read.
  facts.unreadable = policy::kUnreadableAge;
  decision = Decide(*bundle, facts, request);
  EXPECT_FALSE(decision.permitted);
  EXPECT_EQ(decision.reason, v1::ERROR_REASON_OWNER_FORBIDS);
}

TEST_F(EngineErrorsDeny, APermissionThatCannotBeEvaluatedIsVoid) {
  const auto bundle = BundleWith("");
  const PurposeId letters =
      *bundle->FindPurpose("marketing.communications.email");
  const std::vector<FieldId> fields = {*bundle->FindField("profile.email")};
  DecisionRequest request;
  request.purpose = letters;
  request.channel = config::v1::Channel::EMAIL;
  request.fields = fields;
  request.time_us = kNowUs;
  request.recipient = *bundle->FindJurisdiction("DE");
  SubjectFacts facts = Willing(*bundle, letters, "DE");
  EXPECT_TRUE(Decide(*bundle, facts, request).permitted);
  facts.unreadable = policy::kUnreadableConsents;
  EXPECT_FALSE(Decide(*bundle, facts, request).permitted);

  // The open ticket that lets support look cannot be read.
  const PurposeId support =
      *bundle->FindPurpose("essential.service.operations.support");
  request.purpose = support;
  request.channel = config::v1::Channel::INTERNAL;
  facts = Willing(*bundle, support, "DE");
  EXPECT_TRUE(Decide(*bundle, facts, request).permitted);
  facts.unreadable = policy::kUnreadableContexts;
  const Decision decision = Decide(*bundle, facts, request);
  EXPECT_FALSE(decision.permitted);
  EXPECT_EQ(decision.reason, v1::ERROR_REASON_CONTEXT_NOT_FOUND);
}

TEST_F(EngineErrorsDeny, AQuestionThatCannotBeDecidedIsAnErrorAndNoAnswer) {
  const auto bundle = BundleWith("");
  const PurposeId service = *bundle->FindPurpose(kService);
  const std::vector<FieldId> one = {*bundle->FindField("profile.email")};
  const std::vector<FieldId> many(policy::kMaxFieldsPerRequest + 1, one[0]);
  const std::vector<FieldId> strange = {
      static_cast<FieldId>(bundle->field_count())};
  DecisionRequest good;
  good.purpose = service;
  good.fields = one;
  good.time_us = kNowUs;
  good.recipient = *bundle->FindJurisdiction("DE");
  const SubjectFacts facts = Willing(*bundle, service, "DE");

  std::vector<DecisionRequest> bad(5, good);
  bad[0].time_us = -1;
  bad[1].time_us = INT64_MAX;
  bad[2].fields = many;
  bad[3].fields = strange;
  bad[4].purpose = static_cast<PurposeId>(bundle->purpose_count());
  for (const DecisionRequest& request : bad) {
    Decision decision;
    ASSERT_OK(policy::Decide(*bundle, facts, good, &decision));
    ASSERT_TRUE(decision.permitted);
    EXPECT_FALSE(policy::Decide(*bundle, facts, request, &decision).ok());
    // Nothing of the earlier answer is left to be taken for one.
    EXPECT_EQ(decision, Decision());
  }
}

// --- The gateway: what it does not know ---

// A business in California that also sells to Germany.
class GatewayErrorsDeny : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway([](server::InitialiseOptions* options) {
      options->home = "US-CA";
      options->markets = {"US-CA", "DE"};
      options->thresholds = {"us-ca.business"};
    });
    gateway_->Start();
    v1::Client shop = FullClient("shop", kService);
    shop.add_sources("web_shop");
    shop_ = new testing::Identity(gateway_->Register(shop));
    broker_ = new testing::Identity(
        gateway_->Register(FullClient("broker", kSharing)));
    guard_ =
        new testing::Identity(gateway_->Register(FullClient("guard", kFraud)));
  }
  static void TearDownTestSuite() {
    delete guard_;
    delete broker_;
    delete shop_;
    delete gateway_;
  }

  static std::shared_ptr<grpc::Channel> Shop() {
    return gateway_->Connect(*shop_);
  }

  static std::string Write(const std::string& key, const std::string& residence,
                           const std::string& birth_date = "",
                           const std::string& source = "crm") {
    v1::WriteRecordRequest request =
        ProfileOf(key, key + "@shop.example", residence);
    request.set_source(source);
    request.mutable_subjects(0)->mutable_identifier()->set_verified(true);
    if (!birth_date.empty()) {
      request.mutable_legal_facts()->set_birth_date(birth_date);
    }
    return MustWrite(Shop(), request);
  }

  static Question Sharing(const std::string& id) {
    Question question;
    question.subjects = {ById(id)};
    question.purpose = kSharing;
    question.fields = {"profile.email"};
    question.channel = v1::CHANNEL_PARTNER;
    return question;
  }
  static Question Guarding(const std::string& id) {
    Question question;
    question.subjects = {ById(id)};
    question.purpose = kFraud;
    question.fields = {"profile.email"};
    return question;
  }

  // PERMIT reads as UNSPECIFIED.
  static v1::ErrorReason Why(const testing::Identity& caller,
                             const Question& question) {
    const Told told = Ask(Way::kRead, gateway_->Connect(caller), question);
    EXPECT_TRUE(told.status.ok()) << told.status.error_message();
    if (!told.status.ok()) return told.reason();
    const v1::Decision& decision = told.results[0].decision();
    EXPECT_EQ(decision.effect() == v1::EFFECT_PERMIT, told.has_values());
    return decision.reason();
  }

  static v1::ErrorReason SetOwnerPack(const std::string& pack) {
    const auto admin = v1::AdminService::NewStub(
        gateway_->Connect(gateway_->Made("operator")));
    v1::Policy policy;
    EXPECT_TRUE(
        admin->GetPolicy(Timed().get(), v1::GetPolicyRequest(), &policy).ok());
    v1::UpdatePolicyRequest update;
    update.set_etag(policy.etag());
    update.set_owner_pack(pack);
    v1::Policy updated;
    return ReasonOf(admin->UpdatePolicy(Timed().get(), update, &updated));
  }

  static TestGateway* gateway_;
  static testing::Identity* shop_;
  static testing::Identity* broker_;
  static testing::Identity* guard_;
};
TestGateway* GatewayErrorsDeny::gateway_ = nullptr;
testing::Identity* GatewayErrorsDeny::shop_ = nullptr;
testing::Identity* GatewayErrorsDeny::broker_ = nullptr;
testing::Identity* GatewayErrorsDeny::guard_ = nullptr;

TEST_F(GatewayErrorsDeny, AnUnknownResidenceCountsAsEveryMarket) {
  EXPECT_EQ(Why(*broker_, Sharing(Write("known", "US-CA"))),
            v1::ERROR_REASON_UNSPECIFIED);
  // Might be a German, whom one would have to ask.
  EXPECT_EQ(Why(*broker_, Sharing(Write("unknown", ""))),
            v1::ERROR_REASON_CONSENT_MISSING);
}

TEST_F(GatewayErrorsDeny, SourcesThatContradictEachOtherAllCount) {
  const std::string id = Write("moved", "US-CA");
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_EQ(Write("moved", "DE", "", "web_shop"), id);
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_CONSENT_MISSING);
}

TEST_F(GatewayErrorsDeny, OfTwoBirthDatesTheLaterHolds) {
  const std::string id = Write("young", "US-CA");
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_EQ(Write("young", "US-CA", "2012-05-06", "web_shop"), id);
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_MINOR);
  // That another source knows better makes her no older.
  ASSERT_EQ(Write("young", "US-CA", "1980-05-06"), id);
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_MINOR);
}

TEST_F(GatewayErrorsDeny, WhereNoLawIsKnownTheStrictestStandsIn) {
  EXPECT_EQ(Why(*broker_, Sharing(Write("texan", "US-TX"))),
            v1::ERROR_REASON_CONSENT_MISSING);
}

TEST_F(GatewayErrorsDeny, TheOwnersRuleHoldsForWhomItCannotTell) {
  const std::string adult = Write("adult", "US-CA", "1980-05-06");
  const std::string ageless = Write("ageless", "US-CA");
  EXPECT_EQ(Why(*guard_, Guarding(ageless)), v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_EQ(SetOwnerPack(R"(
      id: "own"
      kind: OWNER
      owner_rules {
        rule { id: "adults-alone" citation: "own" }
        purposes: "essential.fraud_detection"
        below_age: 18
        unknown_age_too: true
        effect: DENY
      })"),
            v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Why(*guard_, Guarding(ageless)), v1::ERROR_REASON_OWNER_FORBIDS);
  EXPECT_EQ(Why(*guard_, Guarding(adult)), v1::ERROR_REASON_UNSPECIFIED);

  // A pack that cannot be understood, or would loosen, changes nothing.
  for (const char* pack :
       {"owner_rules {", "id: 'own' kind: OWNER nonsense: 1",
        "id: 'own' kind: OWNER owner_rules { rule { id: 'x' citation: 'own' } "
        "purposes: 'no.such.purpose' effect: DENY }",
        "id: 'own' kind: OWNER uses { rule { id: 'x' citation: 'own' } "
        "classes: TARGETED_ADS mode: NOTICE bases { basis: NOTICE } }"}) {
    EXPECT_EQ(SetOwnerPack(pack), v1::ERROR_REASON_CONFIG_INVALID) << pack;
    EXPECT_EQ(Why(*guard_, Guarding(ageless)), v1::ERROR_REASON_OWNER_FORBIDS);
  }
  // Back again, for the others.
  ASSERT_EQ(SetOwnerPack("id: 'own' kind: OWNER"),
            v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Why(*guard_, Guarding(ageless)), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(GatewayErrorsDeny, AConsentThatProvesNothingPermitsNothing) {
  const std::string id = Write("asked", "DE");
  const auto consent = v1::ConsentService::NewStub(gateway_->Connect(*broker_));
  v1::RecordConsentRequest give;
  *give.mutable_subject() = ById(id);
  give.add_purposes(kSharing);
  give.set_action(v1::CONSENT_ACTION_GIVE);
  give.mutable_notice()->set_id("some-other-text");
  give.mutable_notice()->set_version(1);
  v1::RecordConsentResponse given;
  ASSERT_TRUE(consent->RecordConsent(Timed().get(), give, &given).ok());
  EXPECT_EQ(given.states(0).invalid_reason(), "notice_not_asked_for");
  EXPECT_EQ(Why(*broker_, Sharing(id)), v1::ERROR_REASON_CONSENT_INVALID);
}

TEST_F(GatewayErrorsDeny, MalformedFactsAreNotTaken) {
  const auto data = v1::DataService::NewStub(Shop());
  for (const auto& [residence, birth_date] :
       std::vector<std::pair<std::string, std::string>>{{"Germany", ""},

                                                        {"D", ""},
                                                        {"DE", "1987-02-30"},
                                                        {"DE", "14.3.1987"},
                                                        {"DE", "2987-01-01"}}) {
    v1::WriteRecordRequest request =
        ProfileOf("malformed", "malformed@shop.example", residence);
    request.mutable_legal_facts()->set_birth_date(birth_date);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        data->WriteRecord(Timed().get(), request, &response);
    EXPECT_TRUE(!status.ok() ||
                response.outcome() == v1::WRITE_OUTCOME_QUARANTINED)
        << residence << " " << birth_date;
  }
  // Nobody came of it.
  Question question = Guarding("");
  question.subjects = {ByEmail("malformed@shop.example")};
  EXPECT_EQ(Why(*guard_, question), v1::ERROR_REASON_SUBJECT_UNKNOWN);
}

// --- The gateway: what it cannot read ---

class DamageDenies : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    identity_ = gateway_.Register(FullClient("shop", kService));
  }

  std::string Write(const std::string& key) {
    return MustWrite(gateway_.Connect(identity_),
                     ProfileOf(key, key + "@shop.example"));
  }
  static Question About(const std::vector<v1::SubjectRef>& subjects) {
    Question question;
    question.subjects = subjects;
    question.purpose = kService;
    question.fields = {"profile.*"};
    return question;
  }
  Told AskFor(Way way, const std::vector<v1::SubjectRef>& subjects) {
    return Ask(way, gateway_.Connect(identity_), About(subjects));
  }

  // The gateway's store, at rest, for somebody who has its keys.
  void WithStore(const std::function<void(store::Connection*)>& change) {
    const auto root = crypto::RootKey::Load(gateway_.File("keys/root.key"));
    ASSERT_OK(root);
    const auto pages = root->Derive(crypto::KeyPurpose::kStorePages);
    auto engine = store::OpenSqlcipher({.path = gateway_.File("data/store.db")},
                                       pages.view());
    ASSERT_OK(engine);
    auto writer = (*engine)->ConnectWriter();
    ASSERT_OK(writer);
    change(writer->get());
    ASSERT_OK((*engine)->Checkpoint(writer->get()));
  }
  static uint64_t NumberOf(store::Connection* store, const std::string& id) {
    const auto raw = crypto::ParseId(crypto::IdKind::kSubject, id);
    EXPECT_OK(raw);
    auto query =
        store->Prepare("SELECT subject FROM subjects WHERE public_id = $1");
    EXPECT_OK(query);
    query->Bind(std::string_view(reinterpret_cast<const char*>(raw->data()),
                                 raw->size()));
    const auto row = query->Step();
    EXPECT_TRUE(row.ok() && *row);
    return static_cast<uint64_t>(query->Int64(0));
  }
  static std::string Column(store::Connection* store, const std::string& sql) {
    auto query = store->Prepare(sql);
    EXPECT_OK(query);
    const auto row = query->Step();
    EXPECT_TRUE(row.ok() && *row) << sql;
    return std::string(query->Blob(0));
  }
  static void Put(store::Connection* store, const std::string& sql,
                  const std::string& bytes) {
    auto query = store->Prepare(sql);
    ASSERT_OK(query);
    query->Bind(std::string_view(bytes));
    ASSERT_OK(query->Run());
    EXPECT_EQ(store->Changes(), 1) << sql;
  }
  static std::string Flipped(std::string bytes, size_t from_end) {
    bytes[bytes.size() - from_end] ^= 1;
    return bytes;
  }
  static std::string RecordOf(uint64_t subject) {
    return std::to_string(vault::RecordNumber(subject, 0, 0));
  }

  // Every call about `id` that needs what was damaged ends in this error, as a
  // whole, also where it was asked about somebody sound as well.
  void ExpectUnreadable(const std::string& id, const std::string& sound,
                        bool check_too) {
    for (const Way way : testing::kWays) {
      if (way == Way::kCheck && !check_too) continue;
      for (const auto& subjects : std::vector<std::vector<v1::SubjectRef>>{
               {ById(id)}, {ById(sound), ById(id)}, {ById(id), ById(sound)}}) {
        const bool one = way == Way::kRead || way == Way::kCheck;
        if (one && subjects.size() > 1) continue;
        const Told told = AskFor(way, subjects);
        EXPECT_EQ(told.reason(), v1::ERROR_REASON_DATA_CORRUPT) << NameOf(way);
        EXPECT_EQ(told.status.error_code(), grpc::StatusCode::DATA_LOSS)
            << NameOf(way);
        EXPECT_TRUE(told.results.empty()) << NameOf(way);
        EXPECT_FALSE(told.Holds("Theodolinde")) << NameOf(way);
        EXPECT_FALSE(told.Holds("@shop.example")) << NameOf(way);
      }
    }
    EXPECT_TRUE(AskFor(Way::kRead, {ById(sound)}).Holds("Theodolinde"));
  }

  TestGateway gateway_;
  testing::Identity identity_;
};

TEST_F(DamageDenies, ADamagedHeadIsAnErrorAndNoAnswer) {
  const std::string id = Write("damaged");
  const std::string sound = Write("sound");
  ASSERT_OK(gateway_.Stop());
  WithStore([&](store::Connection* store) {
    const std::string number = std::to_string(NumberOf(store, id));
    Put(store, "UPDATE subjects SET head = $1 WHERE subject = " + number,
        Flipped(Column(store,
                       "SELECT head FROM subjects WHERE subject = " + number),
                40));
  });
  gateway_.Start();
  ExpectUnreadable(id, sound, /*check_too=*/true);
}

TEST_F(DamageDenies, ADamagedValueIsAnErrorAndNoPartOfTheRest) {
  const std::string id = Write("damaged");
  const std::string sound = Write("sound");
  ASSERT_OK(gateway_.Stop());
  WithStore([&](store::Connection* store) {
    const std::string row = RecordOf(NumberOf(store, id));
    Put(store, "UPDATE records SET fields = $1 WHERE record_no = " + row,
        Flipped(Column(store,
                       "SELECT fields FROM records WHERE record_no = " + row),
                5));
  });
  gateway_.Start();
  ExpectUnreadable(id, sound, /*check_too=*/false);
  // The decision itself opens no value.
  EXPECT_TRUE(AskFor(Way::kCheck, {ById(id)}).status.ok());
}

TEST_F(DamageDenies, AnothersRowInTheRightPlaceIsAnError) {
  const std::string id = Write("damaged");
  const std::string other = Write("other");
  const std::string sound = Write("sound");
  ASSERT_OK(gateway_.Stop());
  WithStore([&](store::Connection* store) {
    const std::string mine = RecordOf(NumberOf(store, id));
    const std::string theirs = RecordOf(NumberOf(store, other));
    Put(store, "UPDATE records SET fields = $1 WHERE record_no = " + mine,
        Column(store,
               "SELECT fields FROM records WHERE record_no = " + theirs));
  });
  gateway_.Start();
  for (const Way way : {Way::kRead, Way::kBatch, Way::kStream}) {
    const Told told = AskFor(way, {ById(id)});
    EXPECT_EQ(told.reason(), v1::ERROR_REASON_DATA_CORRUPT) << NameOf(way);
    EXPECT_FALSE(told.Holds("other@")) << NameOf(way);
  }
  EXPECT_TRUE(AskFor(Way::kRead, {ById(sound)}).Holds("Theodolinde"));
}

TEST_F(DamageDenies, ANameThatWasLedToAnotherLeadsToNobody) {
  const std::string id = Write("led-astray");
  const std::string other = Write("other");
  ASSERT_OK(gateway_.Stop());
  WithStore([&](store::Connection* store) {
    const std::string mine = std::to_string(NumberOf(store, id));
    const std::string theirs = std::to_string(NumberOf(store, other));
    // Every name of hers, her public id too.
    ASSERT_OK(store->Execute("UPDATE lookup SET subject = " + theirs +
                             " WHERE subject = " + mine));
  });
  gateway_.Start();
  for (const auto& name : {ByEmail("led-astray@shop.example"), ById(id)}) {
    for (const Way way : {Way::kRead, Way::kBatch, Way::kStream}) {
      const Told told = AskFor(way, {name});
      EXPECT_EQ(told.reason(), v1::ERROR_REASON_DATA_CORRUPT) << NameOf(way);
      EXPECT_FALSE(told.Holds("other@")) << NameOf(way);
      EXPECT_FALSE(told.Holds(other)) << NameOf(way);
    }
  }
}

TEST_F(DamageDenies, AnOlderHeadPutBackIsAnError) {
  const std::string id = Write("damaged");
  const std::string sound = Write("sound");
  const auto consent = v1::ConsentService::NewStub(gateway_.Connect(identity_));
  v1::OptOutRequest opt_out;
  *opt_out.mutable_subject() = ById(id);
  opt_out.add_kinds(v1::OPT_OUT_KIND_SALE);
  v1::OptOutResponse out;
  ASSERT_TRUE(consent->OptOut(Timed().get(), opt_out, &out).ok());
  ASSERT_OK(gateway_.Stop());
  WithStore([&](store::Connection* store) {
    // As if she had never opted out.
    const std::string number = std::to_string(NumberOf(store, id));
    Put(store, "UPDATE subjects SET head = $1 WHERE subject = " + number,
        Column(store, "SELECT head FROM facts WHERE subject = " + number +
                          " ORDER BY version LIMIT 1"));
  });
  gateway_.Start();
  ExpectUnreadable(id, sound, /*check_too=*/true);
}

TEST_F(DamageDenies, ADamagedPageOrKeyGivesNoValue) {
  const std::string id = Write("damaged");
  ASSERT_OK(gateway_.Stop());
  int refused = 0;
  for (const char* name : {"data/store.db", "data/slots", "keys/epochs.key"}) {
    const std::string path = gateway_.File(name);
    const std::string good = ReadAll(path);
    for (const size_t part : {1u, 4u, 7u}) {
      std::string bad = good;
      // A stretch as long as a page, so that something in use is hit.
      const size_t begin = bad.size() * part / 8;
      for (size_t i = begin; i < std::min(begin + 4096, bad.size()); ++i) {
        bad[i] ^= 0x55;
      }
      std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
      // Either it does not start, or it answers with an error or as it should.
      auto probe =
          server::Server::Open(gateway_.folder(), {.address = "127.0.0.1:0"});
      if (!probe.ok()) {
        ++refused;
      } else {
        EXPECT_OK((*probe)->Stop());
        probe->reset();
        gateway_.Start();
        const Told told = AskFor(Way::kRead, {ById(id)});
        if (!told.status.ok() || !told.has_values()) {
          ++refused;
          EXPECT_FALSE(told.Holds("Theodolinde"));
        } else {
          // What was hit was not needed: then all of it is there.
          EXPECT_EQ(told.results[0].fields_size(), 3);
        }
        gateway_.Stop().IgnoreError();
      }
      std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
    }
  }
  EXPECT_GE(refused, 3);
}

TEST_F(DamageDenies, WithAPolicyThatCannotBeReadItDoesNotServe) {
  ASSERT_OK(gateway_.Stop());
  for (const char* name : {"owner.txtpb", "purposes.txtpb", "catalog.txtpb"}) {
    const std::string path = gateway_.File(name);
    const std::string good = ReadAll(path);
    std::ofstream(path, std::ios::app) << "\nno_such_field { }\n";
    EXPECT_FALSE(
        server::Server::Open(gateway_.folder(), {.address = "127.0.0.1:0"})
            .ok())
        << name;
    std::ofstream(path, std::ios::trunc) << good;
  }
  gateway_.Start();
  EXPECT_TRUE(AskFor(Way::kCheck, {ByEmail("n@shop.example")}).status.ok());
}

}  // namespace
}  // namespace consentry
