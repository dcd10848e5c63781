// Cases of customers over the wire: by post, through a system, by an agent,
// from the request to the letter.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kMarketing[] = "marketing.communications.email";
constexpr char kDigest[] =
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

class RightsTest : public ::testing::Test {
 protected:
  using Stub = v1::RightsService::Stub;

  void SetUp() override {
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.legal_facts");
    shop.add_permissions("rights.submit");
    shop.add_permissions("rights.read");
    shop.add_permissions("rights.verify");
    shop_ = gateway_.Register(shop);
    staff_ = v1::RightsService::NewStub(
        gateway_.Connect(gateway_.Made("compliance")));
    v1::Client dpo;
    dpo.set_id("dpo");
    dpo.set_title("Data protection officer");
    dpo.set_role(v1::ROLE_DPO);
    dpo_ = v1::RightsService::NewStub(gateway_.Connect(gateway_.Register(dpo)));
    system_ = v1::RightsService::NewStub(gateway_.Connect(shop_));
    Write("C1", "DE", "Berlin");
    Write("C2", "US-CA", "Oakland");
  }

  void Write(const std::string& number, const std::string& country,
             const std::string& city, const std::string& birth_date = "") {
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef(number);
    request.set_purpose(kService);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(number);
    auto& values = *request.mutable_values();
    values["given_name"].set_string_value("Given" + number);
    values["email"].set_string_value(number + "@example.org");
    values["city"].set_string_value(city);
    request.mutable_legal_facts()->set_residence(country);
    request.mutable_legal_facts()->set_birth_date(birth_date);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(shop_))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // The value of a field for the service's purpose; empty when denied.
  std::string Read(const std::string& number, const std::string& field) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.set_purpose(kService);
    request.add_fields(field);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(shop_))
            ->ReadSubject(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.fields_size() == 0
               ? ""
               : response.fields(0).value().string_value();
  }

  v1::SubmitRightsCaseRequest Request(const std::string& number,
                                      v1::RightsKind kind) {
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.set_kind(kind);
    request.set_channel(v1::CHANNEL_POST);
    request.set_language("de");
    return request;
  }

  v1::RightsCase Submit(Stub* stub,
                        const v1::SubmitRightsCaseRequest& request) {
    v1::RightsCase answer;
    const grpc::Status status =
        stub->SubmitRightsCase(Context().get(), request, &answer);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer;
  }

  template <class Request, class Method>
  grpc::Status Do(Stub* stub, Method method, const std::string& id,
                  v1::RightsCase* answer, Request request = {},
                  const std::string& person = "p1") {
    request.set_id(id);
    request.mutable_context()->set_acting_person(person);
    if constexpr (requires { request.set_etag(""); }) {
      if (request.etag().empty()) {
        v1::GetRightsCaseRequest get;
        get.set_id(id);
        const grpc::Status status =
            staff_->GetRightsCase(Context().get(), get, answer);
        if (!status.ok()) return status;
        request.set_etag(answer->etag());
      }
    }
    return (stub->*method)(Context().get(), request, answer);
  }

  v1::RightsCase Verify(const std::string& id) {
    v1::VerifyRightsCaseRequest request;
    request.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
    request.set_evidence_digest(kDigest);
    v1::RightsCase answer;
    const grpc::Status status =
        Do(staff_.get(), &Stub::VerifyRightsCase, id, &answer, request);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return answer;
  }

  std::string Download(const std::string& id, v1::ReportFormat format,
                       grpc::Status* outcome, uint64_t offset = 0) {
    v1::DownloadReportRequest request;
    request.set_id(id);
    request.set_format(format);
    request.set_offset(offset);
    const auto context = Context();
    const auto reader = staff_->DownloadReport(context.get(), request);
    std::string bytes;
    v1::DownloadReportResponse piece;
    while (reader->Read(&piece)) bytes += piece.data();
    *outcome = reader->Finish();
    return bytes;
  }

  TestGateway gateway_;
  Identity shop_;
  std::unique_ptr<Stub> staff_;
  std::unique_ptr<Stub> dpo_;
  std::unique_ptr<Stub> system_;
};

TEST_F(RightsTest, AccessByPostFromReceiptToReport) {
  EXPECT_EQ(Read("C1", "profile.city"), "Berlin");
  v1::SubmitRightsCaseRequest request = Request("C1", v1::RIGHTS_KIND_ACCESS);
  request.mutable_receive_time()->set_seconds(time(nullptr) - 3 * 86400);
  request.set_statement("Bitte um Auskunft");
  const v1::RightsCase opened = Submit(staff_.get(), request);
  EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_VERIFYING);
  ASSERT_GE(opened.clocks_size(), 1);
  EXPECT_FALSE(opened.subject_id().empty());

  v1::GetRightsCaseRequest get;
  get.set_id(opened.id());
  v1::RightsCase shown;
  ASSERT_TRUE(staff_->GetRightsCase(Context().get(), get, &shown).ok());
  EXPECT_EQ(shown.statement(), "Bitte um Auskunft");

  // Nothing is answered before the requester is identified.
  v1::RightsCase answer;
  grpc::Status status = Do<v1::CompleteRightsCaseRequest>(
      staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Verify(opened.id()).state(), v1::RIGHTS_STATE_WORKING);
  v1::CompleteRightsCaseRequest stale;
  stale.set_etag("1");
  status =
      Do(staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer, stale);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_ETAG_MISMATCH);
  status = Do<v1::CompleteRightsCaseRequest>(
      staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_COMPLETED);

  const std::string json =
      Download(opened.id(), v1::REPORT_FORMAT_JSON, &status);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const char* part :
       {"Berlin", "c1@example.org", "\"purposes\"", "\"consultations\"",
        "\"complaints\"", "\"schema\"", "\"system\":\"shop\""}) {
    EXPECT_NE(json.find(part), std::string::npos) << part;
  }
  // Goes on where it broke off.
  EXPECT_EQ(Download(opened.id(), v1::REPORT_FORMAT_JSON, &status, 100),
            json.substr(100));
  EXPECT_EQ(Download(opened.id(), v1::REPORT_FORMAT_CSV, &status).substr(0, 2),
            "PK");
  EXPECT_NE(
      Download(opened.id(), v1::REPORT_FORMAT_HTML, &status).find("Berlin"),
      std::string::npos);
  const std::string letter =
      Download(opened.id(), v1::REPORT_FORMAT_LETTER, &status);
  EXPECT_NE(letter.find("Ihre Anfrage ist erledigt"), std::string::npos);
  EXPECT_EQ(letter.find("Berlin"), std::string::npos);
}

TEST_F(RightsTest, RestrictionAndObjectionBindAndAreTold) {
  const v1::RightsCase opened =
      Submit(staff_.get(), Request("C1", v1::RIGHTS_KIND_RESTRICTION));
  EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_VERIFYING);
  EXPECT_EQ(Read("C1", "profile.city"), "Berlin");
  EXPECT_EQ(Verify(opened.id()).state(), v1::RIGHTS_STATE_COMPLETED);
  EXPECT_EQ(Read("C1", "profile.city"), "");
}

TEST_F(RightsTest, OptOutNeedsNobodyToBeIdentified) {
  const v1::RightsCase opened =
      Submit(system_.get(), Request("C2", v1::RIGHTS_KIND_OPT_OUT_OF_SALE));
  EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_COMPLETED);
  // A system is told the same about somebody who is not there.
  const v1::RightsCase nobody =
      Submit(system_.get(), Request("C9", v1::RIGHTS_KIND_OPT_OUT_OF_SALE));
  EXPECT_EQ(nobody.state(), opened.state());
  EXPECT_TRUE(opened.subject_id().empty());
  EXPECT_TRUE(nobody.subject_id().empty());
}

TEST_F(RightsTest, SystemsLearnNothingAboutWhoIsHeld) {
  v1::RightsCase held =
      Submit(system_.get(), Request("C1", v1::RIGHTS_KIND_ACCESS));
  v1::RightsCase absent =
      Submit(system_.get(), Request("C9", v1::RIGHTS_KIND_ACCESS));
  EXPECT_EQ(held.state(), absent.state());
  EXPECT_EQ(held.waits_for(), absent.waits_for());
  EXPECT_TRUE(held.subject_id().empty());
  EXPECT_EQ(held.clocks_size(), absent.clocks_size());
  // Another system's case is not there at all.
  const auto other = v1::RightsService::NewStub(gateway_.Connect([&] {
    v1::Client client = ServiceClient("other", kService);
    client.add_permissions("rights.read");
    return gateway_.Register(client);
  }()));
  v1::GetRightsCaseRequest get;
  get.set_id(held.id());
  v1::RightsCase shown;
  EXPECT_EQ(ReasonOf(other->GetRightsCase(Context().get(), get, &shown)),
            v1::ERROR_REASON_NOT_FOUND);
  // A system may pass a code, and claims nothing else.
  v1::VerifyRightsCaseRequest claim;
  claim.set_level(v1::VERIFICATION_LEVEL_LOGIN);
  claim.set_evidence_digest(kDigest);
  EXPECT_EQ(ReasonOf(Do(system_.get(), &Stub::VerifyRightsCase, held.id(),
                        &shown, claim)),
            v1::ERROR_REASON_FIELD_INVALID);
  claim = {};
  claim.set_level(v1::VERIFICATION_LEVEL_CONTACT);
  claim.set_code("AAAAA-AAAAA");
  EXPECT_EQ(ReasonOf(Do(system_.get(), &Stub::VerifyRightsCase, held.id(),
                        &shown, claim)),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(shown.state(), v1::RIGHTS_STATE_VERIFYING);
}

TEST_F(RightsTest, NothingHeldIsAnOutcome) {
  const v1::RightsCase opened =
      Submit(staff_.get(), Request("C9", v1::RIGHTS_KIND_ACCESS));
  EXPECT_TRUE(opened.subject_id().empty());
  v1::RightsCase answer;
  grpc::Status status = Do<v1::CompleteRightsCaseRequest>(
      staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_NOTHING_HELD);
  EXPECT_NE(Download(opened.id(), v1::REPORT_FORMAT_LETTER, &status)
                .find("nichts über Sie"),
            std::string::npos);
  EXPECT_TRUE(Download(opened.id(), v1::REPORT_FORMAT_JSON, &status).empty());
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(RightsTest, RectificationIsApprovedByAnotherAndWins) {
  v1::SubmitRightsCaseRequest request =
      Request("C1", v1::RIGHTS_KIND_RECTIFICATION);
  (*request.mutable_corrections())["profile.city"].set_string_value("Potsdam");
  const v1::RightsCase opened = Submit(staff_.get(), request);
  EXPECT_EQ(Verify(opened.id()).state(), v1::RIGHTS_STATE_APPROVING);
  v1::RightsCase answer;
  EXPECT_FALSE(Do<v1::CompleteRightsCaseRequest>(staff_.get(),
                                                 &Stub::CompleteRightsCase,
                                                 opened.id(), &answer)
                   .ok());
  grpc::Status status = Do<v1::ApproveRightsCaseRequest>(
      dpo_.get(), &Stub::ApproveRightsCase, opened.id(), &answer, {}, "p2");
  ASSERT_TRUE(status.ok()) << status.error_message();
  status = Do<v1::CompleteRightsCaseRequest>(
      staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_COMPLETED);
  EXPECT_EQ(Read("C1", "profile.city"), "Potsdam");
  // The source's next delivery does not undo it.
  Write("C1", "DE", "Bonn");
  EXPECT_EQ(Read("C1", "profile.city"), "Potsdam");
}

TEST_F(RightsTest, WhoEnteredACaseDoesNotApproveIt) {
  v1::SubmitRightsCaseRequest request =
      Request("C1", v1::RIGHTS_KIND_RECTIFICATION);
  (*request.mutable_corrections())["profile.city"].set_string_value("Potsdam");
  request.mutable_context()->set_acting_person("p2");
  const v1::RightsCase opened = Submit(dpo_.get(), request);
  Verify(opened.id());
  v1::RightsCase answer;
  EXPECT_EQ(ReasonOf(Do<v1::ApproveRightsCaseRequest>(
                dpo_.get(), &Stub::ApproveRightsCase, opened.id(), &answer, {},
                "p2")),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(RightsTest, NoGroundNoRefusalAndARefusalNamesEverything) {
  const v1::RightsCase opened =
      Submit(staff_.get(), Request("C1", v1::RIGHTS_KIND_ACCESS));
  Verify(opened.id());
  v1::RightsCase answer;
  v1::RefuseRightsCaseRequest refuse;
  refuse.set_ground("because.we.can");
  EXPECT_EQ(ReasonOf(Do(staff_.get(), &Stub::RefuseRightsCase, opened.id(),
                        &answer, refuse)),
            v1::ERROR_REASON_FIELD_INVALID);
  refuse.set_ground("gdpr.12.6");
  EXPECT_EQ(ReasonOf(Do(staff_.get(), &Stub::RefuseRightsCase, opened.id(),
                        &answer, refuse)),
            v1::ERROR_REASON_FIELD_INVALID);
  refuse.set_ground("gdpr.12.5");
  ASSERT_TRUE(
      Do(staff_.get(), &Stub::RefuseRightsCase, opened.id(), &answer, refuse)
          .ok());
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_APPROVING);
  ASSERT_TRUE(Do<v1::ApproveRightsCaseRequest>(dpo_.get(),
                                               &Stub::ApproveRightsCase,
                                               opened.id(), &answer, {}, "p2")
                  .ok());
  ASSERT_TRUE(Do<v1::CompleteRightsCaseRequest>(
                  staff_.get(), &Stub::CompleteRightsCase, opened.id(), &answer)
                  .ok());
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_REFUSED);
  grpc::Status status;
  const std::string letter =
      Download(opened.id(), v1::REPORT_FORMAT_LETTER, &status);
  for (const char* part : {"GDPR Art. 12(5)", "abgelehnt", "Gericht"}) {
    EXPECT_NE(letter.find(part), std::string::npos) << letter;
  }
}

TEST_F(RightsTest, ClocksExtendOnceAndPauseWhereTheRegimeAllows) {
  const v1::RightsCase opened =
      Submit(staff_.get(), Request("C1", v1::RIGHTS_KIND_ACCESS));
  v1::RightsCase answer;
  v1::ExtendRightsCaseRequest extend;
  extend.set_reason_code("complexity");
  ASSERT_TRUE(
      Do(staff_.get(), &Stub::ExtendRightsCase, opened.id(), &answer, extend)
          .ok());
  EXPECT_GT(answer.due_time().seconds(), opened.due_time().seconds());
  extend.clear_etag();
  EXPECT_EQ(ReasonOf(Do(staff_.get(), &Stub::ExtendRightsCase, opened.id(),
                        &answer, extend)),
            v1::ERROR_REASON_STATE_INVALID);
  v1::PauseRightsCaseRequest pause;
  pause.set_reason_code("fee");
  EXPECT_EQ(ReasonOf(Do(staff_.get(), &Stub::PauseRightsCase, opened.id(),
                        &answer, pause)),
            v1::ERROR_REASON_STATE_INVALID);
  pause.set_reason_code("identity");
  ASSERT_TRUE(
      Do(staff_.get(), &Stub::PauseRightsCase, opened.id(), &answer, pause)
          .ok());
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_PAUSED);
  EXPECT_TRUE(answer.clocks(0).has_paused_since());
  pause = {};
  pause.set_resume(true);
  ASSERT_TRUE(
      Do(staff_.get(), &Stub::PauseRightsCase, opened.id(), &answer, pause)
          .ok());
  EXPECT_EQ(answer.state(), v1::RIGHTS_STATE_VERIFYING);
}

TEST_F(RightsTest, AgentsActWithinTheirPermission) {
  v1::AuthorizeAgentRequest authorize;
  *authorize.mutable_subject() = CrmRef("C2");
  authorize.mutable_agent()->set_display_name("Example Agents LLC");
  authorize.mutable_agent()->add_kinds(v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  authorize.mutable_agent()->set_permission_digest(kDigest);
  v1::Agent agent;
  grpc::Status status =
      staff_->AuthorizeAgent(Context().get(), authorize, &agent);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::SubmitRightsCaseRequest request =
      Request("C2", v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  request.set_agent_id(agent.id());
  EXPECT_EQ(Submit(system_.get(), request).agent_id(), agent.id());
  v1::RightsCase answer;
  request.set_kind(v1::RIGHTS_KIND_ACCESS);
  EXPECT_EQ(
      ReasonOf(system_->SubmitRightsCase(Context().get(), request, &answer)),
      v1::ERROR_REASON_ACCESS_DENIED);
  request.set_kind(v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  *request.mutable_subject() = CrmRef("C1");
  EXPECT_EQ(
      ReasonOf(system_->SubmitRightsCase(Context().get(), request, &answer)),
      v1::ERROR_REASON_ACCESS_DENIED);
  v1::RevokeAgentRequest revoke;
  revoke.set_id(agent.id());
  ASSERT_TRUE(staff_->RevokeAgent(Context().get(), revoke, &agent).ok());
  EXPECT_TRUE(agent.has_revoke_time());
  *request.mutable_subject() = CrmRef("C2");
  EXPECT_EQ(
      ReasonOf(system_->SubmitRightsCase(Context().get(), request, &answer)),
      v1::ERROR_REASON_ACCESS_DENIED);
  v1::ListAgentsRequest list;
  *list.mutable_subject() = CrmRef("C2");
  v1::ListAgentsResponse page;
  ASSERT_TRUE(staff_->ListAgents(Context().get(), list, &page).ok());
  ASSERT_EQ(page.agents_size(), 1);
  EXPECT_TRUE(page.agents(0).has_revoke_time());
}

// What agents and guardians choose for customers.
class ChoicesOfAgentsTest : public RightsTest {
 protected:
  void SetUp() override {
    RightsTest::SetUp();
    v1::Client letters = ServiceClient("letters", kMarketing);
    letters.add_permissions("consent.record");
    letters.add_attests(kMarketing);
    // That somebody is a child is told to those alone who may be told.
    letters.add_permissions("decisions.explain");
    letters_ = v1::ConsentService::NewStub(
        gateway_.Connect(gateway_.Register(letters)));
  }

  std::string Authorize(const std::string& number,
                        const std::function<void(v1::Agent*)>& change) {
    v1::AuthorizeAgentRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.mutable_agent()->set_display_name("Example Agents LLC");
    request.mutable_agent()->set_permission_digest(kDigest);
    change(request.mutable_agent());
    v1::Agent agent;
    const grpc::Status status =
        staff_->AuthorizeAgent(Context().get(), request, &agent);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return agent.id();
  }
  static void MayOptOut(v1::Agent* agent) {
    agent->add_kinds(v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  }

  grpc::Status OptOut(const std::string& number, const std::string& agent,
                      v1::OptOutKind kind = v1::OPT_OUT_KIND_SALE) {
    v1::OptOutRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.add_kinds(kind);
    request.set_agent_id(agent);
    v1::OptOutResponse response;
    const grpc::Status status =
        letters_->OptOut(Context().get(), request, &response);
    reference_ = response.audit_reference();
    return status;
  }
  int OptOuts(const std::string& number) {
    v1::GetConsentStateRequest request;
    *request.mutable_subject() = CrmRef(number);
    v1::GetConsentStateResponse response;
    EXPECT_TRUE(
        letters_->GetConsentState(Context().get(), request, &response).ok());
    return response.opt_outs_size();
  }
  grpc::Status Give(const std::string& number, const std::string& agent,
                    v1::RecordConsentResponse* response) {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.add_purposes(kMarketing);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(1);
    request.set_agent_id(agent);
    return letters_->RecordConsent(Context().get(), request, response);
  }

  std::unique_ptr<v1::ConsentService::Stub> letters_;
  // Of the last opt-out.
  std::string reference_;
};

TEST_F(ChoicesOfAgentsTest, ACalifornianIsOptedOutByHerAgentAlone) {
  const std::string of_another = Authorize("C1", MayOptOut);
  EXPECT_EQ(ReasonOf(OptOut("C2", of_another)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(OptOut("C2", "agt_aaaaaaaaaaaaaaaaaaaaaaaa")),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(OptOut("C2", "agt_x")), v1::ERROR_REASON_NOT_FOUND);
  const std::string asks_only = Authorize(
      "C2", [](v1::Agent* agent) { agent->add_kinds(v1::RIGHTS_KIND_ACCESS); });
  EXPECT_EQ(ReasonOf(OptOut("C2", asks_only)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  const std::string ended = Authorize("C2", [](v1::Agent* agent) {
    MayOptOut(agent);
    agent->mutable_expire_time()->set_seconds(1'767'225'600);
  });
  const grpc::Status late = OptOut("C2", ended);
  EXPECT_EQ(ReasonOf(late), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(late.error_message(), "the agent's permission has ended");
  EXPECT_EQ(OptOuts("C2"), 0);

  const std::string agent = Authorize("C2", MayOptOut);
  EXPECT_EQ(ReasonOf(OptOut("C2", agent, v1::OPT_OUT_KIND_PROFILING)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  const grpc::Status status = OptOut("C2", agent);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(OptOuts("C2"), 1);
  const auto audit =
      v1::AuditService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::GetAuditEntryRequest ask;
  ask.set_reference(reference_);
  v1::AuditEntry entry;
  ASSERT_TRUE(audit->GetAuditEntry(Context().get(), ask, &entry).ok());
  EXPECT_EQ(entry.details().at("agent"), agent);

  v1::RevokeAgentRequest revoke;
  revoke.set_id(agent);
  v1::Agent revoked;
  ASSERT_TRUE(staff_->RevokeAgent(Context().get(), revoke, &revoked).ok());
  const grpc::Status after = OptOut("C2", agent);
  EXPECT_EQ(ReasonOf(after), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(after.error_message(), "the agent's permission was revoked");
  // The customer's own word needs none of this.
  EXPECT_TRUE(OptOut("C2", "", v1::OPT_OUT_KIND_PROFILING).ok());
  EXPECT_EQ(OptOuts("C2"), 2);
}

TEST_F(ChoicesOfAgentsTest, AChildConsentsThroughItsGuardian) {
  Write("C3", "DE", "Bonn", "2018-05-01");
  v1::RecordConsentResponse response;
  EXPECT_EQ(ReasonOf(Give("C3", "", &response)), v1::ERROR_REASON_MINOR);
  const std::string agent = Authorize("C3", [](v1::Agent* made) {
    made->add_choices(v1::CONSENT_ACTION_GIVE);
  });
  EXPECT_EQ(ReasonOf(Give("C3", agent, &response)), v1::ERROR_REASON_MINOR);
  const std::string parent =
      Authorize("C3", [](v1::Agent* made) { made->set_guardian(true); });
  const grpc::Status status = Give("C3", parent, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.states_size(), 1);
  EXPECT_EQ(response.states(0).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(response.states(0).actor(), v1::CONSENT_ACTOR_GUARDIAN);
  // An adult gives it herself; the guardian of a child speaks for that child.
  ASSERT_TRUE(Give("C1", "", &response).ok());
  EXPECT_EQ(ReasonOf(Give("C1", parent, &response)),
            v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(RightsTest, ListShowsWhatIsDueFirstAndPages) {
  for (const int days : {1, 20, 10}) {
    v1::SubmitRightsCaseRequest request =
        Request("C1", v1::RIGHTS_KIND_COMPLAINT);
    request.set_kind(v1::RIGHTS_KIND_ACCESS);
    request.mutable_receive_time()->set_seconds(time(nullptr) - days * 86400);
    Submit(staff_.get(), request);
  }
  v1::ListRightsCasesRequest list;
  list.set_page_size(2);
  std::vector<int64_t> due;
  int pages = 0;
  do {
    v1::ListRightsCasesResponse page;
    const grpc::Status status =
        staff_->ListRightsCases(Context().get(), list, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const auto& one : page.rights_cases()) {
      due.push_back(one.due_time().seconds());
      EXPECT_EQ(one.steps_size(), 0);
    }
    list.set_page_token(page.next_page_token());
    ++pages;
  } while (!list.page_token().empty() && pages < 10);
  ASSERT_EQ(due.size(), 3u);
  EXPECT_LT(due[0], due[1]);
  EXPECT_LT(due[1], due[2]);
  v1::ListRightsCasesRequest wrong;
  wrong.set_page_token("bogus");
  v1::ListRightsCasesResponse page;
  EXPECT_EQ(ReasonOf(staff_->ListRightsCases(Context().get(), wrong, &page)),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(RightsTest, ARepetitionOpensOneCase) {
  v1::SubmitRightsCaseRequest request =
      Request("C2", v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
  request.set_request_id("8b9cbe0e-3c0c-4a4e-9a1b-6a5b6d1f0a11");
  const v1::RightsCase first = Submit(staff_.get(), request);
  const v1::RightsCase second = Submit(staff_.get(), request);
  EXPECT_EQ(first.id(), second.id());
  request.set_validate_only(true);
  request.clear_request_id();
  EXPECT_TRUE(Submit(staff_.get(), request).id().empty());
}

TEST_F(RightsTest, WhatNoLawGivesIsRefusedWithTheReason) {
  Write("C3", "US-VA", "Richmond");
  const v1::RightsCase opened =
      Submit(staff_.get(), Request("C3", v1::RIGHTS_KIND_EXPLANATION));
  if (opened.clocks_size() == 0) {
    EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_REFUSED);
    ASSERT_EQ(opened.outcomes_size(), 1);
    EXPECT_FALSE(opened.outcomes(0).document().empty());
  }
}

}  // namespace
}  // namespace consentry
