// Notices, renewals, histories and receipts over the wire.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "audit/log/note.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "gateway/consent/receipt_text.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";

class LedgerTest : public ::testing::Test {
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

  static std::unique_ptr<grpc::ClientContext> Now() {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    return context;
  }
  static std::unique_ptr<v1::ConsentService::Stub> Consent(
      const Identity& identity) {
    return v1::ConsentService::NewStub(gateway_->Connect(identity));
  }
  static v1::SubjectRef ByEmail(const std::string& address) {
    v1::SubjectRef ref;
    ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    ref.mutable_identifier()->set_value(address);
    return ref;
  }
  // A customer of the shop.
  static v1::SubjectRef Customer(const std::string& address) {
    const auto stub = v1::DataService::NewStub(gateway_->Connect(*shop_));
    const auto context = Now();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest message;
    message.mutable_header()->set_source("crm");
    message.mutable_header()->set_purpose(kService);
    message.mutable_header()->set_label("one.csv");
    EXPECT_TRUE(stream->Write(message));
    message.Clear();
    v1::ImportRow* row = message.mutable_rows()->add_rows();
    row->set_number(1);
    row->set_kind("profile");
    row->set_source_key(address);
    *row->add_identifiers() = ByEmail(address).identifier();
    (*row->mutable_values())["given_name"].set_string_value("Anna");
    EXPECT_TRUE(stream->Write(message));
    v1::ImportRecordsResponse answer;
    EXPECT_TRUE(stream->Read(&answer));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return ByEmail(address);
  }
  static v1::Notice Register(uint32_t version, bool fair) {
    v1::CreateNoticeRequest request;
    v1::Notice* notice = request.mutable_notice();
    notice->mutable_ref()->set_id("marketing-consent");
    notice->mutable_ref()->set_version(version);
    notice->mutable_ref()->set_language("en");
    notice->set_text("May we write to you about our own offers?");
    notice->add_purposes(kMarketing);
    notice->mutable_manifest()->set_steps_to_accept(1);
    notice->mutable_manifest()->set_steps_to_refuse(fair ? 1 : 4);
    notice->mutable_manifest()->set_refuse_on_first_layer(fair);
    notice->mutable_manifest()->set_same_prominence(true);
    v1::Notice made;
    const grpc::Status status = Consent(gateway_->Made("operator"))
                                    ->CreateNotice(Now().get(), request, &made);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return made;
  }
  static v1::ConsentState Give(const v1::SubjectRef& subject,
                               uint32_t version) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = subject;
    request.add_purposes(kMarketing);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(version);
    request.mutable_notice()->set_language("en");
    v1::RecordConsentResponse response;
    const grpc::Status status =
        Consent(*letters_)->RecordConsent(Now().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.states_size() == 1 ? response.states(0)
                                       : v1::ConsentState();
  }

  static TestGateway* gateway_;
  static Identity* shop_;
  static Identity* letters_;
};

TestGateway* LedgerTest::gateway_ = nullptr;
Identity* LedgerTest::shop_ = nullptr;
Identity* LedgerTest::letters_ = nullptr;

TEST_F(LedgerTest, ADeceptiveInterfaceYieldsNoConsentAndAFairOneAReceipt) {
  const auto subject = Customer("anna@shop.example");
  const v1::Notice unfair = Register(2, false);
  ASSERT_EQ(unfair.faults_size(), 2);
  Register(3, true);
  const v1::ConsentState invalid = Give(subject, 2);
  EXPECT_EQ(invalid.status(), v1::CONSENT_STATUS_INVALIDATED);
  EXPECT_EQ(invalid.invalid_reason(), "refusing_takes_longer");

  const auto other = Customer("berta@shop.example");
  const v1::ConsentState given = Give(other, 3);
  ASSERT_EQ(given.status(), v1::CONSENT_STATUS_GIVEN);

  v1::GetConsentReceiptRequest ask;
  ask.set_event_id(given.event_id());
  v1::ConsentReceipt receipt;
  const grpc::Status status =
      Consent(gateway_->Made("compliance"))
          ->GetConsentReceipt(Now().get(), ask, &receipt);
  ASSERT_TRUE(status.ok()) << status.error_message();
  std::string vkey = testing::ReadAll(gateway_->File("log-verifier.txt"));
  absl::StripAsciiWhitespace(&vkey);
  const auto key = audit::NoteVerifier::FromVkey(vkey);
  ASSERT_TRUE(key.ok());
  const auto file = consent::FormatReceiptFile(receipt, *key);
  ASSERT_TRUE(file.ok()) << file.status();
  const auto record = consent::ReadReceiptFile(*file, *key);
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->record_id(), given.event_id());
  EXPECT_EQ(record->pii_processing(0).privacy_notice(),
            "notices/marketing-consent/versions/3");
  // Whose word is not asked for is told nothing.
  EXPECT_EQ(
      ReasonOf(Consent(*shop_)->GetConsentReceipt(Now().get(), ask, &receipt)),
      v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(LedgerTest, TheLedgerIsReadPagedAndPastTimesStand) {
  const auto subject = Customer("clara@shop.example");
  Give(subject, 1);
  v1::WithdrawConsentRequest withdraw;
  *withdraw.mutable_subject() = subject;
  withdraw.add_purposes(kMarketing);
  v1::WithdrawConsentResponse withdrawn;
  ASSERT_TRUE(Consent(*letters_)
                  ->WithdrawConsent(Now().get(), withdraw, &withdrawn)
                  .ok());
  v1::ListConsentEventsRequest request;
  *request.mutable_subject() = subject;
  request.set_page_size(1);
  v1::ListConsentEventsResponse page;
  ASSERT_TRUE(
      Consent(*letters_)->ListConsentEvents(Now().get(), request, &page).ok());
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(page.events(0).kind(), v1::CONSENT_EVENT_KIND_WITHDRAWN);
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(
      Consent(*letters_)->ListConsentEvents(Now().get(), request, &page).ok());
  ASSERT_EQ(page.events_size(), 1);
  EXPECT_EQ(page.events(0).kind(), v1::CONSENT_EVENT_KIND_GIVEN);
  EXPECT_TRUE(page.next_page_token().empty());

  v1::CheckReaskRequest reask;
  *reask.mutable_subject() = subject;
  reask.set_purpose(kMarketing);
  v1::CheckReaskResponse may;
  ASSERT_TRUE(Consent(*letters_)->CheckReask(Now().get(), reask, &may).ok());
  EXPECT_FALSE(may.may_ask());
  EXPECT_FALSE(may.rules().empty());

  v1::RenewConsentRequest renew;
  *renew.mutable_subject() = subject;
  renew.add_purposes(kMarketing);
  renew.mutable_notice()->set_id("marketing-consent");
  renew.mutable_notice()->set_version(1);
  v1::RecordConsentResponse renewed;
  EXPECT_EQ(
      ReasonOf(Consent(*letters_)->RenewConsent(Now().get(), renew, &renewed)),
      v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(LedgerTest, NoticesAreListedForWhoeverMayReadThem) {
  Register(9, true);
  v1::ListNoticesRequest request;
  request.set_id("marketing-consent");
  v1::ListNoticesResponse page;
  ASSERT_TRUE(
      Consent(*letters_)->ListNotices(Now().get(), request, &page).ok());
  EXPECT_TRUE(std::any_of(
      page.notices().begin(), page.notices().end(),
      [](const v1::Notice& notice) { return notice.ref().version() == 9; }));
  v1::CreateNoticeRequest create;
  *create.mutable_notice() = page.notices(0);
  v1::Notice made;
  EXPECT_EQ(
      ReasonOf(Consent(*letters_)->CreateNotice(Now().get(), create, &made)),
      v1::ERROR_REASON_PERMISSION_MISSING);
}

}  // namespace
}  // namespace consentry
