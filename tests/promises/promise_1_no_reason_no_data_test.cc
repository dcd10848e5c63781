// Promise 1, "No reason, no data": every read names a purpose; what a caller
// may ask for comes from its certificate's registration, never from its claim;
// unknown, unregistered, expired, ambiguous is denied; and what a lie within a
// registration could take is bounded.
//
// Shown on a real gateway over real TLS. One customer's data lies in it. Every
// call that can give data is asked for it with one thing missing at a time;
// each must refuse for its own stable reason, and nothing that comes back,
// errors and metadata included, may hold a value. Each test first asks with
// nothing missing and gets the value: a refusal is not a gateway that is silent
// anyway.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/crypto/certificates.h"
#include "tests/promises/asking.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Ask;
using testing::ByEmail;
using testing::ById;
using testing::ByPseudonym;
using testing::EntriesOf;
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
constexpr char kReporting[] = "analytics.reporting";
constexpr char kMarketing[] = "marketing.communications.email";

constexpr char kEmail[] = "theodolinde@quastenflosser.example";
constexpr char kBirthDate[] = "1987-03-14";
// No part of an answer may hold one of these unless it is released.
constexpr const char* kValues[] = {kEmail, "Theodolinde", "Quastenflosser",
                                   kBirthDate, "quastenflosser"};

using Channel = std::shared_ptr<grpc::Channel>;

// One gateway for all: what one test registers or writes does not disturb
// another.
class NoReasonNoData : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    gateway_->Start();
    shop_ = new Channel(
        gateway_->Connect(gateway_->Register(FullClient("shop", kService))));
    v1::WriteRecordRequest profile = ProfileOf("1", kEmail);
    (*profile.mutable_values())["birth_date"].set_date_value(kBirthDate);
    customer_ = new std::string(MustWrite(*shop_, profile));
    people_ = new std::vector<std::string>;
  }
  static void TearDownTestSuite() {
    delete people_;
    delete customer_;
    delete shop_;
    delete gateway_;
  }

  static std::unique_ptr<v1::AdminService::Stub> Admin() {
    return v1::AdminService::NewStub(
        gateway_->Connect(gateway_->Made("operator")));
  }

  // A question that has every reason.
  static Question Good() {
    Question question;
    question.subjects = {ById(*customer_)};
    question.purpose = kService;
    question.fields = {"profile.email", "profile.given_name"};
    return question;
  }

  // `channel` is told the value, or, by CheckAccess, that it may have it.
  static void ExpectGiven(const Channel& channel, const Question& question) {
    for (const Way way : testing::kWays) {
      const Told told = Ask(way, channel, question);
      EXPECT_TRUE(told.status.ok())
          << NameOf(way) << ": " << told.status.error_message();
      if (way == Way::kCheck) {
        ASSERT_EQ(told.results.size(), 1u);
        EXPECT_EQ(told.results[0].decision().effect(), v1::EFFECT_PERMIT);
      } else {
        EXPECT_TRUE(told.Holds("Theodolinde")) << NameOf(way);
      }
    }
  }

  static void ExpectNoValue(const Told& told, const char* what) {
    EXPECT_FALSE(told.has_values()) << what;
    for (const char* value : kValues) {
      EXPECT_FALSE(told.Holds(value)) << what << ": " << value;
    }
  }

  // The call as such fails, for this reason.
  static void ExpectRefused(
      const Channel& channel, const Question& question, v1::ErrorReason reason,
      grpc::StatusCode code = grpc::StatusCode::PERMISSION_DENIED) {
    for (const Way way : testing::kWays) {
      const Told told = Ask(way, channel, question);
      EXPECT_EQ(told.status.error_code(), code) << NameOf(way);
      EXPECT_EQ(told.reason(), reason)
          << NameOf(way) << ": " << v1::ErrorReason_Name(told.reason());
      EXPECT_TRUE(told.results.empty()) << NameOf(way);
      ExpectNoValue(told, NameOf(way));
    }
  }

  // The call is answered, and the answer is no: for this reason.
  static void ExpectDenied(const Channel& channel, const Question& question,
                           v1::ErrorReason reason) {
    for (const Way way : testing::kWays) {
      const Told told = Ask(way, channel, question);
      EXPECT_TRUE(told.status.ok())
          << NameOf(way) << ": " << told.status.error_message();
      ExpectNoValue(told, NameOf(way));
      if (way == Way::kSelect) continue;
      ASSERT_EQ(told.results.size(), 1u) << NameOf(way);
      EXPECT_EQ(told.results[0].decision().effect(), v1::EFFECT_DENY);
      EXPECT_EQ(told.results[0].decision().reason(), reason) << NameOf(way);
      EXPECT_EQ(told.results[0].subject_id(), "") << NameOf(way);
    }
  }

  static Channel ConnectAs(const v1::Client& client) {
    return gateway_->Connect(gateway_->Register(client));
  }

  // Customers to be taken, beside the one.
  static constexpr int kPeople = 40;
  static const std::vector<std::string>& People() {
    if (people_->empty()) {
      for (int i = 0; i < kPeople; ++i) {
        people_->push_back(MustWrite(
            *shop_, ProfileOf("p" + std::to_string(i),
                              "p" + std::to_string(i) + "@shop.example")));
      }
    }
    return *people_;
  }
  static v1::Client WithBudget(const std::string& id, uint32_t subjects) {
    v1::Client client = FullClient(id, kService);
    client.mutable_limits()->set_subjects_per_hour(subjects);
    return client;
  }
  static void Collect(const Told& told, std::set<std::string>* ids) {
    for (const auto& result : told.results) {
      if (result.fields_size() > 0) ids->insert(result.subject_id());
    }
  }

  static TestGateway* gateway_;
  static Channel* shop_;
  static std::string* customer_;
  static std::vector<std::string>* people_;
};
TestGateway* NoReasonNoData::gateway_ = nullptr;
Channel* NoReasonNoData::shop_ = nullptr;
std::string* NoReasonNoData::customer_ = nullptr;
std::vector<std::string>* NoReasonNoData::people_ = nullptr;

// --- What a caller is ---

TEST_F(NoReasonNoData, ACallerWithoutACertificateIsNobody) {
  ExpectGiven(*shop_, Good());
  ExpectRefused(gateway_->Connect({}), Good(), v1::ERROR_REASON_UNSPECIFIED,
                grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NoReasonNoData, ACertificateOfAStrangersAuthorityIsRefused) {
  const TestGateway stranger;
  // Even one with the name of a client that is registered here.
  ExpectRefused(gateway_->Connect(stranger.Issue("shop")), Good(),
                v1::ERROR_REASON_UNSPECIFIED, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NoReasonNoData, ACertificateOfOursThatNobodyRegisteredIsRefused) {
  // Its name is that of a registered client; its key is not.
  ExpectRefused(gateway_->Connect(gateway_->Issue("shop")), Good(),
                v1::ERROR_REASON_CLIENT_UNKNOWN,
                grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(NoReasonNoData, ACertificatePastItsEndIsRefused) {
  const auto authority = crypto::CertificateAuthority::LoadFiles(
      gateway_->File("tls/authority.pem"), gateway_->File("tls/authority.key"));
  ASSERT_OK(authority);
  constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
  const int64_t now_us = base::Clock::System()->NowUs();
  const auto issued =
      (*authority)->IssueClient("shop", now_us - 2 * kDayUs, now_us - kDayUs);
  ASSERT_OK(issued);
  const Identity expired = {
      issued->certificate_pem,
      std::string(reinterpret_cast<const char*>(issued->key_pem.data()),
                  issued->key_pem.size())};
  ExpectRefused(gateway_->Connect(expired), Good(),
                v1::ERROR_REASON_UNSPECIFIED, grpc::StatusCode::UNAVAILABLE);
}

TEST_F(NoReasonNoData, ARevokedClientIsRefusedOnItsOpenConnection) {
  const Channel channel = ConnectAs(FullClient("lost", kService));
  ExpectGiven(channel, Good());
  v1::RevokeClientRequest revoke;
  revoke.set_id("lost");
  v1::Client client;
  ASSERT_TRUE(Admin()->RevokeClient(Timed().get(), revoke, &client).ok());
  ExpectRefused(channel, Good(), v1::ERROR_REASON_CLIENT_REVOKED,
                grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(NoReasonNoData, ARegistrationPastItsEndIsRefused) {
  v1::Client client = FullClient("ending", kService);
  // The first full second after a quarter of one.
  const int64_t end_us =
      (base::Clock::System()->NowUs() + 1'250'000) / 1'000'000 * 1'000'000;
  client.mutable_expire_time()->set_seconds(end_us / 1'000'000);
  const Channel channel = ConnectAs(client);
  const Told before = Ask(Way::kRead, channel, Good());
  if (base::Clock::System()->NowUs() < end_us) {
    EXPECT_TRUE(before.Holds("Theodolinde"));
  }
  while (base::Clock::System()->NowUs() <= end_us) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ExpectRefused(channel, Good(), v1::ERROR_REASON_CLIENT_EXPIRED,
                grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(NoReasonNoData, ASuspendedClientIsRefusedUntilThatIsLifted) {
  const Channel channel = ConnectAs(FullClient("paused", kService));
  v1::SuspendRequest suspend;
  suspend.set_client_id("paused");
  v1::SuspendResponse suspended;
  ASSERT_TRUE(Admin()->Suspend(Timed().get(), suspend, &suspended).ok());
  ExpectRefused(channel, Good(), v1::ERROR_REASON_SUSPENDED);
  suspend.set_lift(true);
  ASSERT_TRUE(Admin()->Suspend(Timed().get(), suspend, &suspended).ok());
  ExpectGiven(channel, Good());
}

TEST_F(NoReasonNoData, AdministrationAndComplianceReadNoCustomers) {
  for (const char* office : {"operator", "compliance"}) {
    ExpectRefused(gateway_->Connect(gateway_->Made(office)), Good(),
                  v1::ERROR_REASON_PERMISSION_MISSING);
  }
}

// --- The purpose ---

TEST_F(NoReasonNoData, AReadWithoutAPurposeIsRefused) {
  Question question = Good();
  question.purpose = "";
  ExpectRefused(*shop_, question, v1::ERROR_REASON_FIELD_INVALID,
                grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NoReasonNoData, APurposeThatNobodyDeclaredIsRefused) {
  // Also one that only looks like a part of one that is declared.
  for (const char* purpose :
       {"curiosity", "essential", "essential.service", "essential.service.",
        "essential.service.operations.everything"}) {
    Question question = Good();
    question.purpose = purpose;
    ExpectRefused(*shop_, question, v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  }
}

TEST_F(NoReasonNoData, APurposeOutsideOfTheRegistrationIsRefused) {
  // Declared, with a lawful basis: for others.
  for (const char* purpose : {kSupport, kReporting, kMarketing,
                              "rights_fulfilment", "third_party_sharing"}) {
    Question question = Good();
    question.purpose = purpose;
    ExpectRefused(*shop_, question, v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  }
}

TEST_F(NoReasonNoData, ASuspendedPurposeIsRefusedToAll) {
  const Channel channel = ConnectAs(FullClient("claims", "legal_claims"));
  Question question = Good();
  question.purpose = "legal_claims";
  question.fields = {"profile.given_name"};
  ExpectGiven(channel, question);
  v1::SuspendRequest suspend;
  suspend.set_purpose("legal_claims");
  v1::SuspendResponse suspended;
  ASSERT_TRUE(Admin()->Suspend(Timed().get(), suspend, &suspended).ok());
  ExpectRefused(channel, question, v1::ERROR_REASON_SUSPENDED);
}

TEST_F(NoReasonNoData, APurposeWithoutItsConsentOrContextIsDenied) {
  const Channel letters = ConnectAs(FullClient("letters", kMarketing));
  Question question = Good();
  question.purpose = kMarketing;
  question.channel = v1::CHANNEL_EMAIL;
  ExpectDenied(letters, question, v1::ERROR_REASON_CONSENT_MISSING);

  // Support reads while a ticket is open. That one is named proves nothing.
  const Channel desk = ConnectAs(FullClient("desk", kSupport));
  question = Good();
  question.purpose = kSupport;
  question.context.set_ticket("TICKET-1");
  question.context.set_reason_code("complaint");
  question.context.set_acting_person("clerk-7");
  ExpectDenied(desk, question, v1::ERROR_REASON_CONTEXT_NOT_FOUND);
}

// --- What it asks for ---

TEST_F(NoReasonNoData, AFieldThatThePurposeDoesNotNeedIsRefused) {
  for (const char* field :
       {"profile.birth_date", "profile.no_such_field", "no_such_kind.email",
        "ticket.text", "insight.*", "no_such_kind.*"}) {
    Question question = Good();
    // One fault spoils all: nothing of the rest is given instead.
    question.fields = {"profile.given_name", field};
    ExpectRefused(*shop_, question, v1::ERROR_REASON_FIELD_NOT_ALLOWED);
  }
}

TEST_F(NoReasonNoData, ACategoryOutsideOfTheRegistrationIsRefused) {
  v1::Client client = FullClient("names", kService);
  client.clear_read_categories();
  client.add_read_categories("user.name");
  const Channel channel = ConnectAs(client);
  Question question = Good();
  question.fields = {"profile.given_name"};
  ExpectGiven(channel, question);
  question.fields = {"profile.given_name", "profile.email"};
  ExpectRefused(channel, question, v1::ERROR_REASON_CATEGORY_NOT_ALLOWED);
  // A wildcard stands for what the registration may read, and no more.
  question.fields = {"profile.*"};
  for (const Way way : testing::kWays) {
    const Told told = Ask(way, channel, question);
    ASSERT_TRUE(told.status.ok()) << NameOf(way);
    EXPECT_FALSE(told.Holds(kEmail)) << NameOf(way);
    EXPECT_FALSE(told.Holds("profile.email")) << NameOf(way);
    EXPECT_EQ(told.Holds("Theodolinde"), way != Way::kCheck);
  }
}

TEST_F(NoReasonNoData, AReadWithoutFieldsIsRefused) {
  Question question = Good();
  question.fields = {};
  ExpectRefused(*shop_, question, v1::ERROR_REASON_FIELD_INVALID,
                grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NoReasonNoData, AChannelOutsideOfTheRegistrationIsRefused) {
  v1::Client client = FullClient("indoors", kService);
  client.add_channels(v1::CHANNEL_INTERNAL);
  const Channel channel = ConnectAs(client);
  ExpectGiven(channel, Good());
  Question question = Good();
  question.channel = v1::CHANNEL_PARTNER;
  ExpectRefused(channel, question, v1::ERROR_REASON_CHANNEL_NOT_ALLOWED);
}

TEST_F(NoReasonNoData, WhatARegistrationDemandsToBeSaidMustBeSaid) {
  v1::Client client = FullClient("signed", kService);
  client.mutable_context_rules()->set_acting_person_required(true);
  client.mutable_context_rules()->set_reason_code_required(true);
  client.mutable_context_rules()->set_ticket_required(true);
  const Channel channel = ConnectAs(client);
  Question question = Good();
  ExpectRefused(channel, question, v1::ERROR_REASON_CONTEXT_REQUIRED);
  question.context.set_acting_person("clerk-7");
  question.context.set_reason_code("delivery");
  ExpectRefused(channel, question, v1::ERROR_REASON_CONTEXT_REQUIRED);
  question.context.set_ticket("T-4");
  ExpectGiven(channel, question);
}

// --- Whom it asks about ---

TEST_F(NoReasonNoData, ASubjectThatDoesNotExistIsDeniedLikeAnyOther) {
  v1::Client plain = FullClient("plain", kService);
  plain.clear_permissions();
  plain.add_permissions("data.select");
  const Channel channel = ConnectAs(plain);
  std::string id = *customer_;
  id.back() = id.back() == 'a' ? 'b' : 'a';
  for (const auto& subject : {ById(id), ById("cus_000000000000000000000000"),
                              ByEmail("nobody@quastenflosser.example")}) {
    for (const auto& [caller, reason] :
         {std::pair(*shop_, v1::ERROR_REASON_SUBJECT_UNKNOWN),
          std::pair(channel, v1::ERROR_REASON_ACCESS_DENIED)}) {
      for (const Way way :
           {Way::kRead, Way::kBatch, Way::kStream, Way::kCheck}) {
        Question question = Good();
        question.subjects = {subject};
        const Told told = Ask(way, caller, question);
        if (!told.status.ok()) {
          // An id that no gateway can have made.
          EXPECT_EQ(told.reason(), v1::ERROR_REASON_FIELD_INVALID);
        } else {
          ASSERT_EQ(told.results.size(), 1u);
          EXPECT_EQ(told.results[0].decision().effect(), v1::EFFECT_DENY);
          EXPECT_EQ(told.results[0].decision().reason(), reason);
        }
        EXPECT_FALSE(told.has_values()) << NameOf(way);
        EXPECT_FALSE(told.Holds("Theodolinde")) << NameOf(way);
      }
    }
  }
}

TEST_F(NoReasonNoData, ASubjectThatIsNotNamedIsRefused) {
  for (const Way way : {Way::kRead, Way::kBatch, Way::kStream, Way::kCheck}) {
    for (const auto& subjects : std::vector<std::vector<v1::SubjectRef>>{
             {}, {v1::SubjectRef()}, {ById("")}, {ById("1 OR 1=1")}}) {
      Question question = Good();
      question.subjects = subjects;
      const Told told = Ask(way, *shop_, question);
      EXPECT_EQ(told.reason(), v1::ERROR_REASON_FIELD_INVALID) << NameOf(way);
      ExpectNoValue(told, NameOf(way));
    }
  }
}

TEST_F(NoReasonNoData, AnAddressOfTwoCustomersLeadsToNeither) {
  // Two sources, two people, one address that neither has verified.
  v1::WriteRecordRequest first = ProfileOf("amb-1", "house@shared.example");
  first.mutable_legal_facts()->set_birth_date("1970-01-02");
  v1::WriteRecordRequest second = ProfileOf("amb-2", "house@shared.example");
  second.set_source("web_shop");
  second.mutable_legal_facts()->set_birth_date("1999-12-03");
  v1::Client client = FullClient("family", kService);
  client.add_sources("web_shop");
  const Channel channel = ConnectAs(client);
  const std::string one = MustWrite(channel, first);
  const std::string other = MustWrite(channel, second);
  ASSERT_NE(one, other);

  for (const std::string& id : {one, other}) {
    Question question = Good();
    question.subjects = {ById(id)};
    EXPECT_TRUE(Ask(Way::kRead, channel, question).Holds("Theodolinde"));
  }
  Question question = Good();
  question.subjects = {ByEmail("house@shared.example")};
  for (const Way way : {Way::kRead, Way::kBatch, Way::kStream, Way::kCheck}) {
    const Told told = Ask(way, channel, question);
    ASSERT_TRUE(told.status.ok());
    ASSERT_EQ(told.results.size(), 1u);
    EXPECT_EQ(told.results[0].decision().effect(), v1::EFFECT_DENY);
    EXPECT_EQ(told.results[0].decision().reason(),
              v1::ERROR_REASON_SUBJECT_UNKNOWN);
    ExpectNoValue(told, NameOf(way));
    EXPECT_FALSE(told.Holds(one) || told.Holds(other)) << NameOf(way);
  }
}

TEST_F(NoReasonNoData, AnothersPseudonymLeadsToNobody) {
  const Channel other = ConnectAs(FullClient("other", kService));
  Question question = Good();
  question.want_pseudonym = true;
  const std::string mine =
      Ask(Way::kRead, *shop_, question).results.at(0).pseudonym();
  const std::string theirs =
      Ask(Way::kRead, other, question).results.at(0).pseudonym();
  ASSERT_NE(mine, "");
  EXPECT_NE(mine, theirs);
  question.want_pseudonym = false;
  question.subjects = {ByPseudonym(mine)};
  EXPECT_TRUE(Ask(Way::kRead, *shop_, question).Holds("Theodolinde"));
  for (const Way way : {Way::kRead, Way::kBatch, Way::kStream, Way::kCheck}) {
    const Told told = Ask(way, other, question);
    EXPECT_EQ(told.reason(), v1::ERROR_REASON_FIELD_INVALID) << NameOf(way);
    ExpectNoValue(told, NameOf(way));
  }
}

// --- Claims ---

TEST_F(NoReasonNoData, NothingThatACallClaimsBesideItsCertificateCounts) {
  const std::multimap<std::string, std::string> claims = {
      {"x-forwarded-client-cert", "Hash=00;Subject=\"CN=shop\""},
      {"x-client-id", "shop"},
      {"client-id", "shop"},
      {"client_id", "shop"},
      {"role", "dpo"},
      {"x-role", "compliance"},
      {"permissions", "data.read,data.select"},
      {"purpose", kService},
      {"x-purpose", kService},
      {"consentry-purpose", kService},
      {"x-consent", "given"},
      {"x-ticket-open", "true"},
      {"dev", "1"}};
  Question question = Good();
  question.metadata = claims;

  // Who is nobody stays nobody.
  ExpectRefused(gateway_->Connect(gateway_->Issue("shop")), question,
                v1::ERROR_REASON_CLIENT_UNKNOWN,
                grpc::StatusCode::UNAUTHENTICATED);
  // Who holds no permission still holds none.
  ExpectRefused(gateway_->Connect(gateway_->Made("operator")), question,
                v1::ERROR_REASON_PERMISSION_MISSING);
  // A purpose in the metadata is none, and widens none.
  question.purpose = "";
  ExpectRefused(*shop_, question, v1::ERROR_REASON_FIELD_INVALID,
                grpc::StatusCode::INVALID_ARGUMENT);
  v1::Client reports = FullClient("claiming", kReporting);
  const Channel channel = ConnectAs(reports);
  question.purpose = kService;
  ExpectRefused(channel, question, v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  question.purpose = kReporting;
  ExpectRefused(channel, question, v1::ERROR_REASON_FIELD_NOT_ALLOWED);
  // Nor do they harm who has a reason.
  question.purpose = kService;
  ExpectGiven(*shop_, question);
  // A token that proves nobody ends the call, whoever carries it.
  question.metadata = {
      {"authorization", "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."}};
  ExpectRefused(*shop_, question, v1::ERROR_REASON_TOKEN_INVALID,
                grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(NoReasonNoData, AClientThatLacksAPermissionCannotUseItsCall) {
  v1::Client client = FullClient("no-select", kService);
  client.clear_permissions();
  const Channel channel = ConnectAs(client);
  EXPECT_TRUE(Ask(Way::kRead, channel, Good()).Holds("Theodolinde"));
  const Told told = Ask(Way::kSelect, channel, Good());
  EXPECT_EQ(told.reason(), v1::ERROR_REASON_PERMISSION_MISSING);
  ExpectNoValue(told, "SelectSubjects");
}

TEST_F(NoReasonNoData, AnothersDecisionIsNotExplained) {
  const Told told = Ask(Way::kRead, *shop_, Good());
  v1::ExplainDecisionRequest request;
  request.set_decision_id(told.results.at(0).decision().id());
  v1::ExplainDecisionResponse response;
  const auto mine = v1::DataService::NewStub(*shop_);
  EXPECT_TRUE(mine->ExplainDecision(Timed().get(), request, &response).ok());
  const auto others =
      v1::DataService::NewStub(ConnectAs(FullClient("nosy", kService)));
  response.Clear();
  EXPECT_EQ(
      ReasonOf(others->ExplainDecision(Timed().get(), request, &response)),
      v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(response.ByteSizeLong(), 0u);
}

TEST_F(NoReasonNoData, APageTokenCarriesNoRightOfItsOwn) {
  for (int i = 0; i < 3; ++i) {
    MustWrite(*shop_, ProfileOf("page" + std::to_string(i),
                                "page" + std::to_string(i) + "@shop.example"));
  }
  v1::Client two = FullClient("two-reasons", kService);
  two.add_purposes("essential.fraud_detection");
  const Channel channel = ConnectAs(two);
  Question question = Good();
  question.page_size = 1;
  const Told first = Ask(Way::kSelect, channel, question);
  ASSERT_NE(first.next_page_token, "");
  question.page_token = first.next_page_token;
  EXPECT_TRUE(Ask(Way::kSelect, channel, question).status.ok());
  // Another caller, another purpose, another question: refused.
  EXPECT_EQ(Ask(Way::kSelect, *shop_, question).reason(),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  Question other = question;
  other.purpose = "essential.fraud_detection";
  EXPECT_EQ(Ask(Way::kSelect, channel, other).reason(),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  other = question;
  other.fields = {"profile.family_name"};
  EXPECT_EQ(Ask(Way::kSelect, channel, other).reason(),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

// --- What a lie could take ---

TEST_F(NoReasonNoData, AllCallsTogetherTakeNoMoreCustomersThanTheBudget) {
  constexpr uint32_t kBudget = 7;
  const Channel channel = ConnectAs(WithBudget("greedy", kBudget));
  std::set<std::string> taken;
  Question question = Good();
  // All at once is over the budget, and then nothing is given.
  question.subjects.clear();
  for (const std::string& id : People()) {
    question.subjects.push_back(ById(id));
  }
  for (const Way way : {Way::kBatch, Way::kStream, Way::kSelect}) {
    const Told told = Ask(way, channel, question);
    EXPECT_EQ(told.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED)
        << NameOf(way);
    EXPECT_EQ(told.reason(), v1::ERROR_REASON_BUDGET_EXHAUSTED) << NameOf(way);
    Collect(told, &taken);
  }
  EXPECT_TRUE(taken.empty());
  // Then in turn, by every call that can name them.
  int refused = 0;
  for (size_t i = 0; i < People().size(); ++i) {
    question.subjects = {ById(People()[i])};
    const Way way = testing::kWays[i % 3];
    const Told told = Ask(way, channel, question);
    if (!told.status.ok()) {
      EXPECT_EQ(told.reason(), v1::ERROR_REASON_BUDGET_EXHAUSTED);
      ExpectNoValue(told, NameOf(way));
      ++refused;
    }
    Collect(told, &taken);
  }
  EXPECT_EQ(taken.size(), kBudget);
  EXPECT_EQ(refused, kPeople - static_cast<int>(kBudget));
  // Those it had already cost nothing more.
  question.subjects = {ById(*taken.begin())};
  EXPECT_TRUE(Ask(Way::kRead, channel, question).status.ok());
}

TEST_F(NoReasonNoData, QuestionsWithoutAnAnswerSpendTheBudgetToo) {
  const Channel channel = ConnectAs(WithBudget("guessing", 5));
  Question question = Good();
  int answered = 0;
  for (int i = 0; i < 20; ++i) {
    // Trying addresses, to find out who is a customer.
    question.subjects = {
        ByEmail("guess" + std::to_string(i) + "@quastenflosser.example")};
    const Told told =
        Ask(i % 2 == 0 ? Way::kCheck : Way::kRead, channel, question);
    if (told.status.ok()) ++answered;
    ExpectNoValue(told, "guess");
  }
  EXPECT_EQ(answered, 5);
  ExpectRefused(channel, Good(), v1::ERROR_REASON_BUDGET_EXHAUSTED,
                grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(NoReasonNoData, ManyAtOnceTakeNoMoreThanOne) {
  constexpr uint32_t kBudget = 10;
  const Identity identity = gateway_->Register(WithBudget("crowd", kBudget));
  std::mutex mu;
  std::set<std::string> taken;
  People();
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&, t] {
      const Channel channel = gateway_->Connect(identity);
      Question question = Good();
      for (int i = 0; i < kPeople; ++i) {
        question.subjects = {
            ById(People()[static_cast<size_t>((i + 10 * t) % kPeople)])};
        const Told told = Ask(Way::kRead, channel, question);
        const std::lock_guard lock(mu);
        Collect(told, &taken);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(taken.size(), kBudget);
}

TEST_F(NoReasonNoData, AChangedRegistrationDoesNotRefillItsBudget) {
  const Channel channel = ConnectAs(WithBudget("refill", 1));
  Question question = Good();
  question.subjects = {ById(People()[0])};
  ASSERT_TRUE(Ask(Way::kRead, channel, question).Holds("Theodolinde"));
  v1::GetClientRequest get;
  get.set_id("refill");
  v1::UpdateClientRequest update;
  ASSERT_TRUE(
      Admin()->GetClient(Timed().get(), get, update.mutable_client()).ok());
  update.mutable_client()->set_title("Refilled?");
  v1::Client updated;
  ASSERT_TRUE(Admin()->UpdateClient(Timed().get(), update, &updated).ok());
  question.subjects = {ById(People()[1])};
  const Told told = Ask(Way::kRead, channel, question);
  EXPECT_EQ(told.reason(), v1::ERROR_REASON_BUDGET_EXHAUSTED);
  ExpectNoValue(told, "refill");
}

TEST_F(NoReasonNoData, CallsBeyondTheRateAreRefused) {
  for (const Way way : testing::kWays) {
    v1::Client client =
        FullClient("fast-" + std::to_string(static_cast<int>(way)), kService);
    client.mutable_limits()->set_calls_per_second(1);
    const Channel channel = ConnectAs(client);
    Told last;
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 10 && last.status.ok(); ++i) {
      last = Ask(way, channel, Good());
    }
    if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(5)) {
      GTEST_SKIP() << "this machine is too slow to go over the rate";
    }
    EXPECT_EQ(last.reason(), v1::ERROR_REASON_RATE_LIMITED) << NameOf(way);
    EXPECT_EQ(last.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    ExpectNoValue(last, NameOf(way));
  }
}

// --- Who asked, and why, can be proved ---

TEST_F(NoReasonNoData, WhoAskedUnderWhichPurposeIsInTheLog) {
  const Channel channel = ConnectAs(FullClient("recorded", kService));
  Question question = Good();
  question.context.set_acting_person("clerk-7");
  question.context.set_reason_code("delivery");
  question.context.set_ticket("T-9");
  ExpectGiven(channel, question);
  question.purpose = kMarketing;
  ExpectRefused(channel, question, v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  question.purpose = "curiosity";
  ExpectRefused(channel, question, v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);

  std::multiset<std::string> given;
  std::multiset<std::string> refused;
  for (const v1::AuditEntry& entry : EntriesOf(*gateway_)) {
    if (entry.client_id() != "recorded") continue;
    EXPECT_EQ(entry.acting_person(), "clerk-7");
    EXPECT_EQ(entry.reason_code(), "delivery");
    EXPECT_EQ(entry.ticket(), "T-9");
    if (entry.details().contains("refused")) {
      EXPECT_EQ(entry.details().at("refused"), "PURPOSE_NOT_ALLOWED");
      refused.insert(entry.event() + " " + entry.purpose());
    } else {
      EXPECT_EQ(entry.purpose(), kService);
      given.insert(entry.event());
    }
  }
  for (const char* event : {"data.read", "data.batch_read", "data.stream_read",
                            "data.select", "data.check"}) {
    EXPECT_EQ(given.count(event), 1u) << event;
    EXPECT_EQ(refused.count(std::string(event) + " " + kMarketing), 1u)
        << event;
    // A purpose that is none is not repeated: it might say anything.
    EXPECT_EQ(refused.count(std::string(event) + " "), 1u) << event;
  }
}

}  // namespace
}  // namespace consentry
