// Choices over the wire: whom they reach, and what may be asked about them.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";

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

v1::SubjectRef Crm(const std::string& number) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  ref.mutable_identifier()->set_namespace_("crm");
  ref.mutable_identifier()->set_value(number);
  return ref;
}

class ConsentTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    gateway_->Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.import");
    shop_ = new Identity(gateway_->Register(shop));
    v1::Client letters = ServiceClient("letters", kMarketing);
    letters.add_permissions("consent.record");
    letters.add_attests(kMarketing);
    letters_ = new Identity(gateway_->Register(letters));
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete shop_;
    delete letters_;
  }

  static std::unique_ptr<v1::ConsentService::Stub> Consent(
      const Identity& identity) {
    return v1::ConsentService::NewStub(gateway_->Connect(identity));
  }

  // Customers C<first>... with one address between them.
  static void Import(int first, int count, const std::string& address) {
    const auto stub = v1::DataService::NewStub(gateway_->Connect(*shop_));
    const auto context = Context();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest message;
    message.mutable_header()->set_source("crm");
    message.mutable_header()->set_purpose(kService);
    message.mutable_header()->set_label("shared.csv");
    ASSERT_TRUE(stream->Write(message));
    for (int i = 0; i < count;) {
      message.Clear();
      for (; i < count && message.rows().rows_size() < 256; ++i) {
        const std::string number = "C" + std::to_string(first + i);
        v1::ImportRow* row = message.mutable_rows()->add_rows();
        row->set_number(static_cast<uint64_t>(i + 1));
        row->set_kind("profile");
        row->set_source_key(number);
        *row->add_identifiers() = Crm(number).identifier();
        *row->add_identifiers() = Email(address).identifier();
        (*row->mutable_values())["given_name"].set_string_value(number);
      }
      ASSERT_TRUE(stream->Write(message));
      v1::ImportRecordsResponse answer;
      ASSERT_TRUE(stream->Read(&answer));
    }
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }

  static v1::ConsentState StateOf(const v1::SubjectRef& subject) {
    v1::GetConsentStateRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(kMarketing);
    v1::GetConsentStateResponse response;
    const grpc::Status status = Consent(*letters_)->GetConsentState(
        Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.states_size() == 1 ? response.states(0)
                                       : v1::ConsentState();
  }

  static v1::RecordConsentRequest Choice(const v1::SubjectRef& subject,
                                         v1::ConsentAction action) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(kMarketing);
    request.set_action(action);
    if (action == v1::CONSENT_ACTION_GIVE) {
      request.mutable_notice()->set_id("marketing-consent");
      request.mutable_notice()->set_version(1);
    }
    return request;
  }

  static TestGateway* gateway_;
  static Identity* shop_;
  static Identity* letters_;
};

TestGateway* ConsentTest::gateway_ = nullptr;
Identity* ConsentTest::shop_ = nullptr;
Identity* ConsentTest::letters_ = nullptr;

// Exports write one dummy address for everybody who has none: more customers
// than one entry of the log has room for.
TEST_F(ConsentTest, AWithdrawalReachesEveryHolderOfASharedAddress) {
  constexpr int kHolders = 1500;
  Import(0, kHolders, "none@shop.example");
  v1::WithdrawConsentRequest withdraw;
  *withdraw.mutable_subject() = Email("none@shop.example");
  withdraw.add_purposes(kMarketing);
  withdraw.set_request_id("3f9d2c51-7a54-4b0e-9a55-30b3f3a4c911");
  v1::WithdrawConsentResponse first;
  const grpc::Status status =
      Consent(*letters_)->WithdrawConsent(Context().get(), withdraw, &first);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(first.states_size(), 1);
  for (const int i : {0, 255, 256, kHolders / 2, kHolders - 1}) {
    EXPECT_EQ(StateOf(Crm("C" + std::to_string(i))).status(),
              v1::CONSENT_STATUS_WITHDRAWN)
        << i;
  }
  // Repeated, it answers as it did.
  v1::WithdrawConsentResponse second;
  ASSERT_TRUE(Consent(*letters_)
                  ->WithdrawConsent(Context().get(), withdraw, &second)
                  .ok());
  EXPECT_EQ(second.consistency_token(), first.consistency_token());

  v1::OptOutRequest opt_out;
  *opt_out.mutable_subject() = Email("none@shop.example");
  opt_out.add_kinds(v1::OPT_OUT_KIND_SALE);
  v1::OptOutResponse out;
  EXPECT_TRUE(Consent(*letters_)->OptOut(Context().get(), opt_out, &out).ok());
  v1::RecordConsentResponse refused;
  EXPECT_TRUE(Consent(*letters_)
                  ->RecordConsent(Context().get(),
                                  Choice(Email("none@shop.example"),
                                         v1::CONSENT_ACTION_REFUSE),
                                  &refused)
                  .ok());
}

TEST_F(ConsentTest, ARefusalOfNobodyIsAnsweredLikeThatOfACustomer) {
  Import(5000, 1, "somebody@shop.example");
  v1::RecordConsentResponse known;
  v1::RecordConsentResponse unknown;
  const auto consent = Consent(*letters_);
  ASSERT_TRUE(consent
                  ->RecordConsent(Context().get(),
                                  Choice(Email("somebody@shop.example"),
                                         v1::CONSENT_ACTION_REFUSE),
                                  &known)
                  .ok());
  ASSERT_TRUE(consent
                  ->RecordConsent(Context().get(),
                                  Choice(Email("nobody@shop.example"),
                                         v1::CONSENT_ACTION_REFUSE),
                                  &unknown)
                  .ok());
  ASSERT_EQ(unknown.states_size(), 1);
  EXPECT_EQ(unknown.states(0).status(), known.states(0).status());
  EXPECT_FALSE(unknown.audit_reference().empty());
}

TEST_F(ConsentTest, AConsentForNobodyIsDeniedAndLeavesAnEntry) {
  v1::RecordConsentResponse response;
  const grpc::Status denied = Consent(*letters_)->RecordConsent(
      Context().get(),
      Choice(Email("stranger@shop.example"), v1::CONSENT_ACTION_GIVE),
      &response);
  EXPECT_EQ(ReasonOf(denied), v1::ERROR_REASON_ACCESS_DENIED);
  const auto audit = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  v1::QueryAuditEntriesRequest query;
  query.set_client_id("letters");
  query.set_event("consent.record");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool found = false;
  while (!found && std::chrono::steady_clock::now() < end) {
    v1::QueryAuditEntriesResponse entries;
    ASSERT_TRUE(
        audit->QueryAuditEntries(Context().get(), query, &entries).ok());
    for (const auto& entry : entries.entries()) {
      const auto refused = entry.details().find("refused");
      found = found || (refused != entry.details().end() &&
                        refused->second == "ACCESS_DENIED");
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(ConsentTest, QuestionsCountAgainstTheBudgetAndNeedTheContext) {
  v1::Client client = ServiceClient("curious", kMarketing);
  client.mutable_limits()->set_subjects_per_hour(2);
  client.mutable_context_rules()->set_acting_person_required(true);
  const auto consent = Consent(gateway_->Register(client));
  v1::GetConsentStateRequest request;
  v1::GetConsentStateResponse response;
  const auto ask = [&](const std::string& address) {
    *request.mutable_subject() = Email(address);
    return ReasonOf(
        consent->GetConsentState(Context().get(), request, &response));
  };
  EXPECT_EQ(ask("q0@shop.example"), v1::ERROR_REASON_CONTEXT_REQUIRED);
  request.mutable_context()->set_acting_person("p-1");
  EXPECT_EQ(ask("q1@shop.example"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ask("q2@shop.example"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ask("q1@shop.example"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ask("q3@shop.example"), v1::ERROR_REASON_BUDGET_EXHAUSTED);
  // Taking something away needs neither.
  v1::WithdrawConsentRequest withdraw;
  *withdraw.mutable_subject() = Email("q4@shop.example");
  v1::WithdrawConsentResponse withdrawn;
  EXPECT_TRUE(
      consent->WithdrawConsent(Context().get(), withdraw, &withdrawn).ok());
}

// Joined, two customers are one: what either takes back is taken back, and
// parting them gives each what was its own.
TEST_F(ConsentTest, JoinedCustomersWithdrawTogetherAndArePartedAgain) {
  Import(7000, 1, "one@shop.example");
  Import(7001, 1, "other@shop.example");
  const auto consent = Consent(*letters_);
  v1::RecordConsentResponse given;
  ASSERT_TRUE(consent
                  ->RecordConsent(Context().get(),
                                  Choice(Crm("C7001"), v1::CONSENT_ACTION_GIVE),
                                  &given)
                  .ok());
  const auto data = v1::DataService::NewStub(gateway_->Connect(*shop_));
  v1::MergeSubjectsRequest join;
  for (const char* number : {"C7000", "C7001"}) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = Crm(number);
    request.set_purpose(kService);
    request.add_fields("profile.given_name");
    v1::ReadSubjectResponse response;
    ASSERT_TRUE(data->ReadSubject(Context().get(), request, &response).ok());
    join.add_subject_ids(response.subject_id());
  }
  const auto admin =
      v1::AdminService::NewStub(gateway_->Connect(gateway_->Made("operator")));
  v1::Merge merge;
  const grpc::Status joined =
      admin->MergeSubjects(Context().get(), join, &merge);
  ASSERT_TRUE(joined.ok()) << joined.error_message();

  // All that stands, asked for by the name of the one who gave nothing.
  v1::WithdrawConsentRequest withdraw;
  *withdraw.mutable_subject() = Crm("C7000");
  v1::WithdrawConsentResponse withdrawn;
  ASSERT_TRUE(
      consent->WithdrawConsent(Context().get(), withdraw, &withdrawn).ok());
  ASSERT_EQ(withdrawn.states_size(), 1);
  EXPECT_EQ(StateOf(Crm("C7000")).status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(StateOf(Crm("C7001")).status(), v1::CONSENT_STATUS_WITHDRAWN);

  v1::UndoMergeRequest undo;
  undo.set_id(merge.id());
  ASSERT_TRUE(admin->UndoMerge(Context().get(), undo, &merge).ok());
  EXPECT_EQ(StateOf(Crm("C7000")).status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(StateOf(Crm("C7001")).status(), v1::CONSENT_STATUS_GIVEN);
}

}  // namespace
}  // namespace consentry
