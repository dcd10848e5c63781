// Privacy signals and one-click links over the wire.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/test_gateway.h"
#include "tests/unit/policy/signals/tc_writer.h"

namespace consentry {
namespace {

using signals::TcWriter;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr char kContent[] = "personalize.content.profiled";  // TCF 6.
constexpr char kLimited[] = "personalize.content.limited";   // TCF 11.
constexpr char kAddress[] = "https://shop.example/unsubscribe?t=";

std::unique_ptr<grpc::ClientContext> Context() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(30));
  return context;
}

v1::SubjectRef Email(const std::string& address) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(address);
  return ref;
}

// A TC string made on the day `days` ago.
TcWriter MadeDaysAgo(int days) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  constexpr int64_t kDay = 86'400;
  const int64_t day = now.count() / kDay - days;
  TcWriter writer;
  writer.created = writer.updated = static_cast<uint64_t>(day * kDay * 10);
  return writer;
}

class SignalsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    std::ofstream(gateway_->File("consentry.txtpb"), std::ios::app)
        << "unsubscribe_url: \"" << kAddress << "\"\n";
    gateway_->Start();
    shop_ = new Identity(gateway_->Register(ServiceClient("shop", kService)));
    v1::Client letters = ServiceClient("letters", kMarketing);
    letters.add_permissions("consent.record");
    letters.add_permissions("consent.unsubscribe_link");
    letters.add_attests(kMarketing);
    letters.add_attests(kContent);
    letters.add_attests(std::string(kLimited) + "@iab-tcf");
    letters_ = new Identity(gateway_->Register(letters));
    // Only hands on clicks.
    v1::Client site = ServiceClient("site", kService);
    site_ = new Identity(gateway_->Register(site));
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete shop_;
    delete letters_;
    delete site_;
  }

  static std::unique_ptr<v1::ConsentService::Stub> Consent(
      const Identity& identity) {
    return v1::ConsentService::NewStub(gateway_->Connect(identity));
  }

  static v1::SubjectRef NewCustomer(const std::string& address) {
    const auto stub = v1::DataService::NewStub(gateway_->Connect(*shop_));
    v1::WriteRecordRequest request;
    *request.add_subjects() = Email(address);
    request.set_source_key(address);
    request.set_kind("profile");
    request.set_source("crm");
    request.set_purpose(kService);
    (*request.mutable_values())["given_name"].set_string_value("Ada");
    (*request.mutable_values())["email"].set_string_value(address);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        stub->WriteRecord(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return Email(address);
  }

  static void Give(const v1::SubjectRef& subject, const std::string& purpose,
                   const std::string& notice) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(purpose);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id(notice);
    request.mutable_notice()->set_version(1);
    v1::RecordConsentResponse response;
    const grpc::Status status =
        Consent(*letters_)->RecordConsent(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  static v1::GetConsentStateResponse StateOf(const v1::SubjectRef& subject,
                                             const std::string& purpose) {
    v1::GetConsentStateRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(purpose);
    v1::GetConsentStateResponse response;
    const grpc::Status status = Consent(*letters_)->GetConsentState(
        Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    if (response.states_size() != 1) response.add_states();
    return response;
  }

  static grpc::Status Record(const v1::RecordSignalRequest& request,
                             v1::RecordSignalResponse* response) {
    response->Clear();
    return Consent(*letters_)->RecordSignal(Context().get(), request, response);
  }
  static v1::RecordSignalResponse RecordTcf(const v1::SubjectRef& subject,
                                            const TcWriter& writer) {
    v1::RecordSignalRequest request;
    *request.mutable_subject() = subject;
    request.set_tcf(writer.Text());
    v1::RecordSignalResponse response;
    const grpc::Status status = Record(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static TestGateway* gateway_;
  static Identity* shop_;
  static Identity* letters_;
  static Identity* site_;
};

TestGateway* SignalsTest::gateway_ = nullptr;
Identity* SignalsTest::shop_ = nullptr;
Identity* SignalsTest::letters_ = nullptr;
Identity* SignalsTest::site_ = nullptr;

v1::ConsentState Find(const v1::RecordSignalResponse& response,
                      const std::string& purpose) {
  for (const auto& state : response.states()) {
    if (state.purpose() == purpose) return state;
  }
  return {};
}

std::set<int> Kinds(const google::protobuf::RepeatedField<int>& kinds) {
  return {kinds.begin(), kinds.end()};
}

TEST_F(SignalsTest, UsPrivacyAndGppOptOut) {
  const auto ada = NewCustomer("usp@shop.example");
  v1::RecordSignalRequest request;
  *request.mutable_subject() = ada;
  request.set_usp("1NYN");
  v1::RecordSignalResponse response;
  ASSERT_TRUE(Record(request, &response).ok());
  EXPECT_EQ(Kinds(response.opt_outs()),
            (std::set<int>{v1::OPT_OUT_KIND_SALE, v1::OPT_OUT_KIND_SHARING}));
  EXPECT_FALSE(response.global_privacy_control());
  EXPECT_NE(response.audit_reference(), "");
  // Did not opt out, now: that takes nothing back.
  request.set_usp("1YNN");
  ASSERT_TRUE(Record(request, &response).ok());
  EXPECT_EQ(response.opt_outs_size(), 2);
  request.set_gpp("DBABBg~BVVgYICA.YA");
  ASSERT_TRUE(Record(request, &response).ok());
  EXPECT_TRUE(response.global_privacy_control());
  EXPECT_EQ(Kinds(StateOf(ada, kMarketing).opt_outs()),
            (std::set<int>{v1::OPT_OUT_KIND_SALE, v1::OPT_OUT_KIND_SHARING,
                           v1::OPT_OUT_KIND_SENSITIVE_DATA}));
}

TEST_F(SignalsTest, GpcIsTakenFromFieldAndMetadata) {
  v1::RecordSignalRequest request;
  *request.mutable_subject() = NewCustomer("gpc@shop.example");
  request.set_gpc("1");
  v1::RecordSignalResponse response;
  ASSERT_TRUE(Record(request, &response).ok());
  EXPECT_TRUE(response.global_privacy_control());

  *request.mutable_subject() = NewCustomer("metadata@shop.example");
  request.clear_signal();
  for (const char* value : {"0", "true", "1"}) {
    auto context = Context();
    context->AddMetadata("sec-gpc", value);
    response.Clear();
    const grpc::Status status =
        Consent(*letters_)->RecordSignal(context.get(), request, &response);
    EXPECT_EQ(status.ok(), value == std::string("1")) << value;
    EXPECT_EQ(response.global_privacy_control(), status.ok());
  }
  for (const char* value : {"0", "", "true", "1 ", "1,1"}) {
    request.set_gpc(value);
    EXPECT_EQ(ReasonOf(Record(request, &response)),
              v1::ERROR_REASON_FIELD_INVALID)
        << value;
  }
}

TEST_F(SignalsTest, GpcOfACustomersOwnRequestIsKept) {
  const auto ada = NewCustomer("browsing@shop.example");
  const auto data = v1::DataService::NewStub(gateway_->Connect(*shop_));
  v1::ReadSubjectRequest read;
  *read.mutable_subject() = ada;
  read.set_purpose(kService);
  read.add_fields("profile.email");
  read.set_channel(v1::CHANNEL_WEB);
  // Says that she did not opt out, and shows what stands.
  v1::RecordSignalRequest show;
  *show.mutable_subject() = ada;
  show.set_usp("1YNN");
  v1::RecordSignalResponse shown;
  v1::ReadSubjectResponse response;
  ASSERT_TRUE(data->ReadSubject(Context().get(), read, &response).ok());
  ASSERT_TRUE(Record(show, &shown).ok());
  EXPECT_FALSE(shown.global_privacy_control());
  for (int i = 0; i < 5; ++i) {
    auto context = Context();
    context->AddMetadata("sec-gpc", "1");
    ASSERT_TRUE(data->ReadSubject(context.get(), read, &response).ok());
    EXPECT_EQ(response.decision().effect(), v1::EFFECT_PERMIT);
  }
  // Nobody waits for it.
  for (int i = 0; i < 200 && !shown.global_privacy_control(); ++i) {
    ASSERT_TRUE(Record(show, &shown).ok());
  }
  EXPECT_TRUE(shown.global_privacy_control());
}

TEST_F(SignalsTest, ATcStringTakesBackAndReopensNothing) {
  const auto ada = NewCustomer("tcf@shop.example");
  Give(ada, kContent, "personalization-consent");
  EXPECT_EQ(StateOf(ada, kContent).states(0).status(),
            v1::CONSENT_STATUS_GIVEN);
  TcWriter no = MadeDaysAgo(0);
  no.consents = TcWriter::Mask({1});
  v1::ConsentState state = Find(RecordTcf(ada, no), kContent);
  EXPECT_EQ(state.status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(state.actor(), v1::CONSENT_ACTOR_SIGNAL);
  const std::string event = state.event_id();
  EXPECT_NE(event, "");

  TcWriter yes = MadeDaysAgo(0);
  yes.consents = TcWriter::Mask({1, 5, 6});
  RecordTcf(ada, yes);
  state = StateOf(ada, kContent).states(0);
  EXPECT_EQ(state.status(), v1::CONSENT_STATUS_WITHDRAWN);
  // Once more, word for word: no further event.
  RecordTcf(ada, no);
  EXPECT_EQ(StateOf(ada, kContent).states(0).event_id(), event);
}

TEST_F(SignalsTest, AnOldNoStandsBackBehindALaterConsent) {
  const auto ada = NewCustomer("old@shop.example");
  Give(ada, kContent, "personalization-consent");
  TcWriter no = MadeDaysAgo(40);
  RecordTcf(ada, no);
  // What the service reports was received before, and is of a later day.
  EXPECT_EQ(StateOf(ada, kContent).states(0).status(),
            v1::CONSENT_STATUS_GIVEN);
}

TEST_F(SignalsTest, AConsentIsTakenOnlyWhereTheRegistrationMayReportIt) {
  const auto ada = NewCustomer("grant@shop.example");
  TcWriter yes = MadeDaysAgo(3);
  yes.consents = TcWriter::Mask({1, 8, 9, 10, 11});
  const v1::RecordSignalResponse response = RecordTcf(ada, yes);
  const v1::ConsentState given = Find(response, kLimited);
  EXPECT_EQ(given.status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(given.actor(), v1::CONSENT_ACTOR_SIGNAL);
  EXPECT_EQ(given.notice().id(), "iab-tcf");
  EXPECT_EQ(given.notice().version(), 48u);
  EXPECT_TRUE(given.has_valid_until());
  EXPECT_EQ(given.since().seconds(), static_cast<int64_t>(yes.updated / 10));
  // Consented to as well, and nothing that this registration may report.
  EXPECT_EQ(Find(response, "functional.service.improve").status(),
            v1::CONSENT_STATUS_UNSPECIFIED);
  EXPECT_EQ(Find(response, kContent).status(), v1::CONSENT_STATUS_REFUSED);
}

TEST_F(SignalsTest, AFaultyStringIsRefusedWithItsPlaceAndNothingOfIt) {
  v1::RecordSignalRequest request;
  *request.mutable_subject() = NewCustomer("faulty@shop.example");
  v1::RecordSignalResponse response;
  const auto message = [&] {
    const grpc::Status status = Record(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
    return status.error_message() + status.error_details();
  };
  TcWriter global = MadeDaysAgo(0);
  global.service_specific = 0;
  request.set_tcf(global.Text());
  EXPECT_NE(message().find("SCOPE"), std::string::npos);
  EXPECT_EQ(message().find(global.Text()), std::string::npos);
  request.set_gpp("DBABTA~1YYX");
  EXPECT_NE(message().find("BAD_CHARACTER"), std::string::npos);
  request.set_usp("2YYN");
  EXPECT_NE(message().find("VERSION"), std::string::npos);
  request.set_tcf(std::string(70'000, 'C'));
  EXPECT_NE(message().find("TOO_LONG"), std::string::npos);
  request.clear_signal();
  EXPECT_NE(message().find("signal"), std::string::npos);
}

TEST_F(SignalsTest, NobodyLearnsFromASignalWhoIsACustomer) {
  const auto ada = NewCustomer("known@shop.example");
  TcWriter no = MadeDaysAgo(0);
  for (const char* address : {"known@shop.example", "unknown@shop.example"}) {
    const auto response = RecordTcf(Email(address), no);
    EXPECT_EQ(Find(response, kContent).status(), v1::CONSENT_STATUS_REFUSED);
    EXPECT_NE(response.audit_reference(), "");
    EXPECT_NE(response.consistency_token(), "");
  }
}

class LinksTest : public SignalsTest {
 protected:
  static std::string Link(const v1::SubjectRef& subject,
                          const std::vector<std::string>& purposes) {
    v1::CreateUnsubscribeLinkRequest request;
    *request.mutable_subject() = subject;
    *request.mutable_purposes() = {purposes.begin(), purposes.end()};
    v1::CreateUnsubscribeLinkResponse response;
    const grpc::Status status = Consent(*letters_)->CreateUnsubscribeLink(
        Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.url();
  }
  static std::string TokenOf(const std::string& url) {
    EXPECT_EQ(url.rfind(kAddress, 0), 0u);
    return url.substr(std::min(url.size(), sizeof(kAddress) - 1));
  }
  static grpc::Status Click(const std::string& token,
                            v1::WithdrawByTokenResponse* response) {
    v1::WithdrawByTokenRequest request;
    request.set_token(token);
    response->Clear();
    return Consent(*site_)->WithdrawByToken(Context().get(), request, response);
  }
};

TEST_F(LinksTest, OneClickTakesBackAndReadsAreDenied) {
  const auto ada = NewCustomer("click@shop.example");
  Give(ada, kMarketing, "marketing-consent");
  const std::string token = TokenOf(Link(ada, {kMarketing}));
  const auto data = v1::DataService::NewStub(gateway_->Connect(*letters_));
  v1::ReadSubjectRequest read;
  *read.mutable_subject() = ada;
  read.set_purpose(kMarketing);
  read.add_fields("profile.email");
  read.set_channel(v1::CHANNEL_EMAIL);
  v1::ReadSubjectResponse before;
  ASSERT_TRUE(data->ReadSubject(Context().get(), read, &before).ok());
  EXPECT_EQ(before.decision().effect(), v1::EFFECT_PERMIT);

  v1::WithdrawByTokenResponse clicked;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Click(token, &clicked).ok());
    ASSERT_EQ(clicked.purposes_size(), 1);
    EXPECT_EQ(clicked.purposes(0), kMarketing);
  }
  v1::ReadSubjectResponse after;
  ASSERT_TRUE(data->ReadSubject(Context().get(), read, &after).ok());
  EXPECT_EQ(after.decision().effect(), v1::EFFECT_DENY);
  EXPECT_EQ(after.fields_size(), 0);
  EXPECT_EQ(StateOf(ada, kMarketing).states(0).status(),
            v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(LinksTest, ALinkWorksWhereNothingStood) {
  const auto ada = NewCustomer("nothing@shop.example");
  v1::WithdrawByTokenResponse clicked;
  ASSERT_TRUE(Click(TokenOf(Link(ada, {kMarketing})), &clicked).ok());
  EXPECT_EQ(StateOf(ada, kMarketing).states(0).status(),
            v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(LinksTest, ALinkNamesNobodyAndLooksTheSameForAnybody) {
  const auto ada = NewCustomer("names@shop.example");
  const std::string first = Link(ada, {kMarketing});
  const std::string second = Link(ada, {kMarketing});
  const std::string nobody = Link(Email("nobody@shop.example"), {kMarketing});
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), nobody.size());
  EXPECT_EQ(first.find("marketing"), std::string::npos);
  v1::WithdrawByTokenResponse clicked;
  ASSERT_TRUE(Click(TokenOf(nobody), &clicked).ok());
  EXPECT_EQ(clicked.purposes_size(), 1);
}

TEST_F(LinksTest, WhateverIsNoTokenIsAnsweredInTheSameWords) {
  const std::string good =
      TokenOf(Link(NewCustomer("garbage@shop.example"), {kMarketing}));
  std::vector<std::string> tokens = {"",
                                     "uns_",
                                     "x",
                                     "uns_x",
                                     good + "A",
                                     good.substr(4),
                                     "aud_" + good.substr(4),
                                     std::string(100'000, 'A')};
  for (const size_t at : {size_t{4}, good.size() / 2, good.size() - 2}) {
    tokens.push_back(good);
    tokens.back()[at] = tokens.back()[at] == 'A' ? 'B' : 'A';
  }
  std::set<std::string> answers;
  for (const std::string& token : tokens) {
    v1::WithdrawByTokenResponse clicked;
    const grpc::Status status = Click(token, &clicked);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_FIELD_INVALID);
    answers.insert(status.error_message() + status.error_details());
  }
  EXPECT_EQ(answers.size(), 1u);
}

TEST_F(LinksTest, ALinkIsMadeForPurposesOfTheRegistrationAlone) {
  v1::CreateUnsubscribeLinkRequest request;
  *request.mutable_subject() = NewCustomer("other@shop.example");
  request.add_purposes(kContent);
  v1::CreateUnsubscribeLinkResponse response;
  EXPECT_EQ(ReasonOf(Consent(*letters_)->CreateUnsubscribeLink(
                Context().get(), request, &response)),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
}

}  // namespace
}  // namespace consentry
