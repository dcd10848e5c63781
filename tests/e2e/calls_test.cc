#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Context;
using testing::EmailRef;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";

// One gateway for all: calls of one test do not disturb another's.
class CallsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    gateway_->Start();
    v1::Client client = ServiceClient("shop", kService);
    for (const char* permission :
         {"data.import", "data.legal_facts", "data.select"}) {
      client.add_permissions(permission);
    }
    shop_ = new Identity(gateway_->Register(client));
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete shop_;
  }

  static std::unique_ptr<v1::DataService::Stub> Data() {
    return v1::DataService::NewStub(gateway_->Connect(*shop_));
  }
  static std::unique_ptr<v1::AdminService::Stub> Admin() {
    return v1::AdminService::NewStub(
        gateway_->Connect(gateway_->Made("operator")));
  }
  static std::unique_ptr<v1::AuditService::Stub> Audit() {
    return v1::AuditService::NewStub(
        gateway_->Connect(gateway_->Made("compliance")));
  }

  static v1::WriteRecordRequest Profile(const std::string& key,
                                        const std::string& email) {
    v1::WriteRecordRequest request;
    *request.add_subjects() = EmailRef(email);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(key);
    request.set_purpose(kService);
    (*request.mutable_values())["email"].set_string_value(email);
    (*request.mutable_values())["given_name"].set_string_value("Ada");
    request.mutable_legal_facts()->set_residence("DE");
    return request;
  }
  static grpc::Status Write(const v1::WriteRecordRequest& request,
                            v1::WriteRecordResponse* response) {
    return Data()->WriteRecord(Context().get(), request, response);
  }

  static TestGateway* gateway_;
  static Identity* shop_;
};
TestGateway* CallsTest::gateway_ = nullptr;
Identity* CallsTest::shop_ = nullptr;

TEST_F(CallsTest, WhatIsWrittenIsReadUnderItsPurpose) {
  v1::WriteRecordResponse written;
  const grpc::Status status =
      Write(Profile("w1", "written@shop.example"), &written);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(written.outcome(), v1::WRITE_OUTCOME_CREATED);

  v1::ReadSubjectRequest request;
  request.mutable_subject()->set_id(written.subject_id());
  request.set_purpose(kService);
  request.add_fields("profile.email");
  v1::ReadSubjectResponse response;
  const grpc::Status read =
      Data()->ReadSubject(Context().get(), request, &response);
  ASSERT_TRUE(read.ok()) << read.error_message();
  EXPECT_EQ(response.decision().effect(), v1::EFFECT_PERMIT);
  ASSERT_EQ(response.fields_size(), 1);
  EXPECT_EQ(response.fields(0).value().string_value(), "written@shop.example");
  EXPECT_EQ(response.decision().audit_reference().rfind("aud_", 0), 0u);
}

TEST_F(CallsTest, ARepeatedWriteWithItsRequestIdGivesTheFirstAnswer) {
  v1::WriteRecordRequest request = Profile("r1", "repeated@shop.example");
  request.set_request_id("01234567-89ab-cdef-0123-456789abcdef");
  v1::WriteRecordResponse first;
  v1::WriteRecordResponse again;
  ASSERT_TRUE(Write(request, &first).ok());
  ASSERT_TRUE(Write(request, &again).ok());
  EXPECT_EQ(again.record_id(), first.record_id());
  EXPECT_EQ(again.outcome(), v1::WRITE_OUTCOME_CREATED);
  request.set_source_key("r2");
  EXPECT_EQ(ReasonOf(Write(request, &again)),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(CallsTest, WritesKeepToTheRegistration) {
  v1::WriteRecordResponse response;
  v1::WriteRecordRequest request = Profile("x1", "x@shop.example");
  request.set_source("pos");
  EXPECT_EQ(ReasonOf(Write(request, &response)),
            v1::ERROR_REASON_CATEGORY_NOT_ALLOWED);
  request = Profile("x1", "x@shop.example");
  request.set_purpose(kMarketing);
  EXPECT_EQ(ReasonOf(Write(request, &response)),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);

  v1::Client narrow = ServiceClient("narrow", kService);
  narrow.clear_write_categories();
  narrow.add_write_categories("user.contact");
  const auto stub =
      v1::DataService::NewStub(gateway_->Connect(gateway_->Register(narrow)));
  request = Profile("x1", "x@shop.example");
  EXPECT_EQ(ReasonOf(stub->WriteRecord(Context().get(), request, &response)),
            v1::ERROR_REASON_LEGAL_FACT_NOT_ALLOWED);
  request.clear_legal_facts();
  EXPECT_EQ(ReasonOf(stub->WriteRecord(Context().get(), request, &response)),
            v1::ERROR_REASON_CATEGORY_NOT_ALLOWED);
}

TEST_F(CallsTest, AStreamAnswersEverySubjectInOrder) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    v1::WriteRecordResponse written;
    ASSERT_TRUE(Write(Profile("s" + std::to_string(i),
                              "s" + std::to_string(i) + "@shop.example"),
                      &written)
                    .ok());
    ids.push_back(written.subject_id());
  }
  v1::StreamReadsRequest request;
  for (int i = 0; i < 700; ++i) {
    request.add_subjects()->set_id(ids[static_cast<size_t>(i % 3)]);
  }
  request.set_purpose(kService);
  request.add_fields("profile.email");
  const auto stub = Data();
  const auto context = Context();
  const auto stream = stub->StreamReads(context.get(), request);
  v1::StreamReadsResponse message;
  int next = 0;
  while (stream->Read(&message)) {
    EXPECT_EQ(message.first(), static_cast<uint32_t>(next));
    EXPECT_LE(message.results_size(), 256);
    for (const auto& result : message.results()) {
      EXPECT_EQ(result.subject_id(), ids[static_cast<size_t>(next % 3)]);
      ++next;
    }
  }
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(next, 700);
}

TEST_F(CallsTest, AnImportAnswersEachMessageOfRows) {
  const auto stub = Data();
  const auto context = Context();
  const auto stream = stub->ImportRecords(context.get());
  v1::ImportRecordsRequest message;
  message.mutable_header()->set_source("crm");
  message.mutable_header()->set_purpose(kService);
  message.mutable_header()->set_label("test.csv");
  ASSERT_TRUE(stream->Write(message));
  for (int m = 0; m < 3; ++m) {
    message.Clear();
    for (int i = 0; i < 100; ++i) {
      v1::ImportRow* row = message.mutable_rows()->add_rows();
      row->set_number(static_cast<uint64_t>(100 * m + i + 1));
      row->set_kind("profile");
      row->set_source_key("i" + std::to_string(100 * m + i));
      auto* identifier = row->add_identifiers();
      identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
      identifier->set_value("i" + std::to_string(100 * m + i) +
                            "@shop.example");
      (*row->mutable_values())["given_name"].set_string_value("Ada");
      (*row->mutable_values())["no_such"].set_string_value("x");
    }
    ASSERT_TRUE(stream->Write(message));
    v1::ImportRecordsResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    ASSERT_EQ(answer.results_size(), 100);
    for (const auto& result : answer.results()) {
      EXPECT_EQ(result.outcome(), v1::WRITE_OUTCOME_CREATED);
      ASSERT_EQ(result.faults_size(), 1);
      EXPECT_EQ(result.faults(0).reason(), v1::ERROR_REASON_FIELD_UNKNOWN);
    }
  }
  stream->WritesDone();
  v1::ImportRecordsResponse none;
  EXPECT_FALSE(stream->Read(&none));
  const grpc::Status status = stream->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(CallsTest, AnOpenImportEndsWhenItsPermissionIsTakenAway) {
  v1::Client client = ServiceClient("importer", kService);
  client.add_permissions("data.import");
  const auto stub =
      v1::DataService::NewStub(gateway_->Connect(gateway_->Register(client)));
  const auto context = Context();
  const auto stream = stub->ImportRecords(context.get());
  v1::ImportRecordsRequest message;
  message.mutable_header()->set_source("crm");
  message.mutable_header()->set_purpose(kService);
  message.mutable_header()->set_label("test.csv");
  ASSERT_TRUE(stream->Write(message));
  message.Clear();
  v1::ImportRow* row = message.mutable_rows()->add_rows();
  row->set_number(1);
  row->set_kind("profile");
  row->set_source_key("p1");
  row->add_identifiers()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  row->mutable_identifiers(0)->set_value("p1@shop.example");
  (*row->mutable_values())["given_name"].set_string_value("Ada");
  ASSERT_TRUE(stream->Write(message));
  v1::ImportRecordsResponse answer;
  ASSERT_TRUE(stream->Read(&answer));

  v1::GetClientRequest get;
  get.set_id("importer");
  v1::Client held;
  ASSERT_TRUE(Admin()->GetClient(Context().get(), get, &held).ok());
  held.clear_permissions();
  v1::UpdateClientRequest update;
  *update.mutable_client() = held;
  v1::Client changed;
  const grpc::Status updated =
      Admin()->UpdateClient(Context().get(), update, &changed);
  ASSERT_TRUE(updated.ok()) << updated.error_message();

  row->set_source_key("p2");
  stream->Write(message);
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(ReasonOf(stream->Finish()), v1::ERROR_REASON_PERMISSION_MISSING);
}

TEST_F(CallsTest, AnImportWithoutHeaderOrWithTwoIsRefused) {
  const auto run = [&](std::vector<v1::ImportRecordsRequest> messages) {
    const auto stub = Data();
    const auto context = Context();
    const auto stream = stub->ImportRecords(context.get());
    for (const auto& message : messages) stream->Write(message);
    stream->WritesDone();
    v1::ImportRecordsResponse answer;
    while (stream->Read(&answer)) {
    }
    return stream->Finish();
  };
  v1::ImportRecordsRequest header;
  header.mutable_header()->set_source("crm");
  header.mutable_header()->set_purpose(kService);
  header.mutable_header()->set_label("l");
  v1::ImportRecordsRequest rows;
  rows.mutable_rows()->add_rows()->set_number(1);
  rows.mutable_rows()->mutable_rows(0)->set_kind("profile");
  EXPECT_EQ(ReasonOf(run({rows})), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(run({header, header})), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(run({})), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(run({{}})), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(CallsTest, AWithdrawnConsentDeniesTheNextRead) {
  v1::WriteRecordResponse written;
  ASSERT_TRUE(Write(Profile("m1", "consenting@shop.example"), &written).ok());
  v1::Client client = ServiceClient("letters", kMarketing);
  client.add_permissions("consent.record");
  client.add_attests(kMarketing);
  const Identity letters = gateway_->Register(client);
  const auto data = v1::DataService::NewStub(gateway_->Connect(letters));
  const auto consent = v1::ConsentService::NewStub(gateway_->Connect(letters));
  const auto effect = [&] {
    v1::ReadSubjectRequest request;
    request.mutable_subject()->set_id(written.subject_id());
    request.set_purpose(kMarketing);
    request.set_channel(v1::CHANNEL_EMAIL);
    request.add_fields("profile.email");
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        data->ReadSubject(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.decision().effect();
  };
  EXPECT_EQ(effect(), v1::EFFECT_DENY);
  v1::RecordConsentRequest give;
  give.mutable_subject()->set_id(written.subject_id());
  give.add_purposes(kMarketing);
  give.set_action(v1::CONSENT_ACTION_GIVE);
  give.mutable_notice()->set_id("marketing-consent");
  give.mutable_notice()->set_version(1);
  v1::RecordConsentResponse given;
  const grpc::Status recorded =
      consent->RecordConsent(Context().get(), give, &given);
  ASSERT_TRUE(recorded.ok()) << recorded.error_message();
  EXPECT_EQ(effect(), v1::EFFECT_PERMIT);
  v1::WithdrawConsentRequest withdraw;
  withdraw.mutable_subject()->set_id(written.subject_id());
  v1::WithdrawConsentResponse withdrawn;
  ASSERT_TRUE(
      consent->WithdrawConsent(Context().get(), withdraw, &withdrawn).ok());
  EXPECT_EQ(effect(), v1::EFFECT_DENY);
}

TEST_F(CallsTest, CallsOverTheRateAreRefusedAndToldWhenToTryAgain) {
  v1::Client client = ServiceClient("slow", kService);
  client.mutable_limits()->set_calls_per_second(2);
  const auto stub =
      v1::DataService::NewStub(gateway_->Connect(gateway_->Register(client)));
  v1::CheckAccessRequest request;
  *request.mutable_subject() = EmailRef("nobody@shop.example");
  request.set_purpose(kService);
  request.add_fields("profile.email");
  int passed = 0;
  grpc::Status last;
  for (int i = 0; i < 20; ++i) {
    v1::CheckAccessResponse response;
    last = stub->CheckAccess(Context().get(), request, &response);
    if (last.ok()) ++passed;
  }
  EXPECT_LE(passed, 6);
  EXPECT_GE(passed, 4);
  EXPECT_EQ(last.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonOf(last), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_NE(last.error_details().find("retry_after_ms"), std::string::npos);
}

TEST_F(CallsTest, SubjectsBeyondTheBudgetAreRefused) {
  v1::Client client = ServiceClient("small", kService);
  client.mutable_limits()->set_subjects_per_hour(3);
  const auto stub =
      v1::DataService::NewStub(gateway_->Connect(gateway_->Register(client)));
  std::vector<v1::ErrorReason> reasons;
  for (int i = 0; i < 5; ++i) {
    v1::CheckAccessRequest request;
    *request.mutable_subject() =
        EmailRef("n" + std::to_string(i) + "@shop.example");
    request.set_purpose(kService);
    request.add_fields("profile.email");
    v1::CheckAccessResponse response;
    reasons.push_back(
        ReasonOf(stub->CheckAccess(Context().get(), request, &response)));
  }
  const auto none = v1::ERROR_REASON_UNSPECIFIED;
  const auto spent = v1::ERROR_REASON_BUDGET_EXHAUSTED;
  EXPECT_EQ(reasons,
            (std::vector<v1::ErrorReason>{none, none, none, spent, spent}));
}

TEST_F(CallsTest, ATailEndsWhenItsCallerIsRevoked) {
  v1::Client client;
  client.set_id("auditor");
  client.set_role(v1::ROLE_COMPLIANCE);
  const Identity auditor = gateway_->Register(client);
  const auto stub = v1::AuditService::NewStub(gateway_->Connect(auditor));
  v1::TailAuditEntriesRequest request;
  request.set_from_index(-1);
  request.set_follow(true);
  const auto context = Context();
  const auto stream = stub->TailAuditEntries(context.get(), request);
  v1::AuditEntry entry;
  ASSERT_TRUE(stream->Read(&entry));
  auto rest = std::async(std::launch::async, [&] {
    v1::AuditEntry more;
    while (stream->Read(&more)) {
    }
    return stream->Finish();
  });
  v1::RevokeClientRequest revoke;
  revoke.set_id("auditor");
  v1::Client revoked;
  ASSERT_TRUE(Admin()->RevokeClient(Context().get(), revoke, &revoked).ok());
  // The next entry is not handed over any more.
  v1::GatewayStatus status;
  ASSERT_TRUE(Admin()
                  ->GetStatus(Context().get(), v1::GetStatusRequest(), &status)
                  .ok());
  ASSERT_EQ(rest.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(ReasonOf(rest.get()), v1::ERROR_REASON_CLIENT_REVOKED);
}

TEST_F(CallsTest, AnExportIsTheWholeSignedLog) {
  v1::AuditLog log;
  ASSERT_TRUE(Audit()
                  ->GetAuditLog(Context().get(), v1::GetAuditLogRequest(), &log)
                  .ok());
  const auto stub = Audit();
  const auto context = Context();
  const auto stream =
      stub->ExportAuditEntries(context.get(), v1::ExportAuditEntriesRequest());
  v1::ExportAuditEntriesResponse message;
  uint64_t leaves = 0;
  uint64_t signed_size = 0;
  while (stream->Read(&message)) {
    EXPECT_EQ(message.first_index(), leaves);
    leaves += static_cast<uint64_t>(message.leaves_size());
    if (message.has_checkpoint()) signed_size = message.checkpoint().size();
  }
  ASSERT_TRUE(stream->Finish().ok());
  EXPECT_GT(leaves, 0u);
  EXPECT_GE(signed_size, leaves);
}

TEST_F(CallsTest, ARegistrationIsChangedByItsEtag) {
  gateway_->Register(ServiceClient("changing", kService));
  v1::GetClientRequest get;
  get.set_id("changing");
  v1::Client client;
  ASSERT_TRUE(Admin()->GetClient(Context().get(), get, &client).ok());
  v1::UpdateClientRequest update;
  *update.mutable_client() = client;
  update.mutable_client()->set_title("New title");
  update.set_validate_only(true);
  v1::Client changed;
  ASSERT_TRUE(Admin()->UpdateClient(Context().get(), update, &changed).ok());
  EXPECT_EQ(changed.title(), "New title");
  ASSERT_TRUE(Admin()->GetClient(Context().get(), get, &changed).ok());
  EXPECT_EQ(changed.title(), "");
  update.set_validate_only(false);
  ASSERT_TRUE(Admin()->UpdateClient(Context().get(), update, &changed).ok());
  EXPECT_NE(changed.etag(), client.etag());
  EXPECT_EQ(changed.public_key_hash(), client.public_key_hash());
  EXPECT_EQ(ReasonOf(Admin()->UpdateClient(Context().get(), update, &changed)),
            v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(CallsTest, ListsComeInPagesThatBelongToTheirCaller) {
  for (const char* id : {"page-a", "page-b", "page-c"}) {
    gateway_->Register(ServiceClient(id, kService));
  }
  v1::ListClientsRequest request;
  request.set_page_size(2);
  std::set<std::string> seen;
  std::string token;
  for (;;) {
    v1::ListClientsResponse page;
    ASSERT_TRUE(Admin()->ListClients(Context().get(), request, &page).ok());
    for (const auto& client : page.clients()) {
      EXPECT_TRUE(seen.insert(client.id()).second);
    }
    if (page.next_page_token().empty()) break;
    token = page.next_page_token();
    request.set_page_token(token);
  }
  EXPECT_TRUE(seen.contains("page-a") && seen.contains("page-c"));
  v1::ListClientsResponse page;
  request.set_page_token(token);
  EXPECT_EQ(ReasonOf(v1::AdminService::NewStub(
                         gateway_->Connect(gateway_->Made("compliance")))
                         ->ListClients(Context().get(), request, &page)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  request.set_page_token("x" + token);
  EXPECT_EQ(ReasonOf(Admin()->ListClients(Context().get(), request, &page)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(CallsTest, ASuspendedPurposeIsRefusedUntilItIsLifted) {
  const Identity reports =
      gateway_->Register(ServiceClient("reports", "analytics.reporting"));
  const auto stub = v1::DataService::NewStub(gateway_->Connect(reports));
  const auto check = [&] {
    v1::CheckAccessRequest request;
    *request.mutable_subject() = EmailRef("nobody@shop.example");
    request.set_purpose("analytics.reporting");
    request.add_fields("profile.postal_code");
    v1::CheckAccessResponse response;
    return stub->CheckAccess(Context().get(), request, &response);
  };
  EXPECT_TRUE(check().ok());
  v1::SuspendRequest suspend;
  suspend.set_purpose("analytics.reporting");
  v1::SuspendResponse suspended;
  ASSERT_TRUE(Admin()->Suspend(Context().get(), suspend, &suspended).ok());
  EXPECT_EQ(ReasonOf(check()), v1::ERROR_REASON_SUSPENDED);
  v1::GetAuditEntryRequest get;
  get.set_reference(suspended.audit_reference());
  v1::AuditEntry entry;
  ASSERT_TRUE(Audit()->GetAuditEntry(Context().get(), get, &entry).ok());
  EXPECT_EQ(entry.event(), "admin.suspend");
  EXPECT_EQ(entry.client_id(), "operator");
  suspend.set_lift(true);
  ASSERT_TRUE(Admin()->Suspend(Context().get(), suspend, &suspended).ok());
  EXPECT_TRUE(check().ok());
}

TEST_F(CallsTest, APolicyIsCheckedBeforeItIsInForce) {
  v1::Policy policy;
  ASSERT_TRUE(Admin()
                  ->GetPolicy(Context().get(), v1::GetPolicyRequest(), &policy)
                  .ok());
  EXPECT_EQ(policy.packs_size(), 13);
  v1::UpdatePolicyRequest update;
  update.set_etag(policy.etag());
  update.set_purposes("purposes { key: 'broken' }");
  v1::Policy changed;
  EXPECT_EQ(ReasonOf(Admin()->UpdatePolicy(Context().get(), update, &changed)),
            v1::ERROR_REASON_CONFIG_INVALID);
  update.set_purposes(policy.purposes() + "\n# reviewed\n");
  update.set_etag("0000");
  EXPECT_EQ(ReasonOf(Admin()->UpdatePolicy(Context().get(), update, &changed)),
            v1::ERROR_REASON_ETAG_MISMATCH);
  update.set_etag(policy.etag());
  const grpc::Status status =
      Admin()->UpdatePolicy(Context().get(), update, &changed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(changed.etag(), policy.etag());
  v1::GetPolicyRequest old;
  old.set_hash(policy.hash());
  v1::Policy before;
  ASSERT_TRUE(Admin()->GetPolicy(Context().get(), old, &before).ok());
  EXPECT_EQ(before.purposes(), policy.purposes());
}

// One registration is one side: giving a purpose another class must not put it
// on both.
TEST_F(CallsTest, APolicyThatWouldMixARegistrationsPurposesIsRefused) {
  v1::Client client = ServiceClient("two-purposes", kService);
  client.add_purposes("analytics.reporting");
  gateway_->Register(client);
  v1::Policy policy;
  ASSERT_TRUE(Admin()
                  ->GetPolicy(Context().get(), v1::GetPolicyRequest(), &policy)
                  .ok());
  std::string purposes = policy.purposes();
  const std::string key = "key: \"analytics.reporting\"\n  purpose_class: ";
  const size_t at = purposes.find(key + "ANALYTICS");
  ASSERT_NE(at, std::string::npos);
  purposes.replace(at + key.size(), 9, "PROFILING");
  v1::UpdatePolicyRequest update;
  update.set_etag(policy.etag());
  update.set_purposes(purposes);
  v1::Policy changed;
  const grpc::Status status =
      Admin()->UpdatePolicy(Context().get(), update, &changed);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_NE(status.error_message().find("two-purposes"), std::string::npos)
      << status.error_message();
}

TEST_F(CallsTest, ARequestThatExpiredOnTheWayIsNotAnswered) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now());
  v1::GatewayStatus status;
  EXPECT_EQ(Admin()
                ->GetStatus(&context, v1::GetStatusRequest(), &status)
                .error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);
}

// grpc.health.v1.Health/Check: field 1 of the request names the service, field
// 1 of the answer is 1 when it is serving.
std::string CheckHealth(const std::shared_ptr<grpc::Channel>& channel,
                        const std::string& service) {
  std::string request;
  if (!service.empty()) {
    request =
        "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  }
  grpc::Slice slice(request);
  grpc::ByteBuffer sent(&slice, 1);
  grpc::ByteBuffer received;
  grpc::GenericStub stub(channel);
  std::promise<grpc::Status> ended;
  const auto context = Context();
  stub.UnaryCall(context.get(), "/grpc.health.v1.Health/Check", {}, &sent,
                 &received,
                 [&](const grpc::Status& status) { ended.set_value(status); });
  if (!ended.get_future().get().ok()) return "failed";
  grpc::Slice answer;
  if (received.Length() > 0) received.DumpToSingleSlice(&answer);
  return std::string(answer.begin(), answer.end());
}

TEST_F(CallsTest, HealthSaysServingForEachServiceToKnownCertificatesAlone) {
  const auto channel = gateway_->Connect(gateway_->Made("operator"));
  for (const char* service :
       {"", "consentry.v1.DataService", "consentry.v1.AuditService"}) {
    EXPECT_EQ(CheckHealth(channel, service), "\x08\x01") << service;
  }
  EXPECT_EQ(CheckHealth(channel, "no.such.Service"), "failed");
  EXPECT_EQ(CheckHealth(gateway_->Connect({}), ""), "failed");
}

TEST_F(CallsTest, ReflectionIsOffUnlessConfigured) {
  grpc::GenericStub stub(gateway_->Connect(gateway_->Made("operator")));
  const grpc::Slice nothing("");
  grpc::ByteBuffer sent(&nothing, 1);
  grpc::ByteBuffer received;
  std::promise<grpc::Status> ended;
  const auto context = Context();
  stub.UnaryCall(
      context.get(),
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", {},
      &sent, &received,
      [&](const grpc::Status& status) { ended.set_value(status); });
  EXPECT_EQ(ended.get_future().get().error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

}  // namespace
}  // namespace consentry
