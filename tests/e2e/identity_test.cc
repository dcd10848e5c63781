// People behind calls, over the wire: what a token proves, and what it does not
// let anybody do.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/identity_gateway.h"
#include "tests/e2e/test_gateway.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::testing {
namespace {

TEST_F(IdentityTest, ATokenGivesItsPersonsRolesAndNothingElse) {
  EXPECT_TRUE(ListClients(*console_, StaffToken("a", "admins")).ok());
  EXPECT_TRUE(ListClients(*console_, StaffToken("c", "privacy")).ok());
  // Somebody who is nothing here.
  EXPECT_EQ(ReasonOf(ListClients(*console_, StaffToken("x", "sales"))),
            v1::ERROR_REASON_TOKEN_INVALID);
  // Without a token the console is nobody.
  EXPECT_EQ(ReasonOf(ListClients(*console_, "")),
            v1::ERROR_REASON_TOKEN_REQUIRED);
  // Compliance changes no registration, an administrator reads no log.
  v1::RevokeClientRequest revoke;
  revoke.set_id("desk");
  v1::Client client;
  EXPECT_EQ(ReasonOf(Admin(*console_)->RevokeClient(
                With(StaffToken("c", "privacy")).get(), revoke, &client)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  v1::AuditLog info;
  const auto audit = v1::AuditService::NewStub(gateway_->Connect(*console_));
  EXPECT_EQ(ReasonOf(audit->GetAuditLog(With(StaffToken("a", "admins")).get(),
                                        {}, &info)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  EXPECT_TRUE(
      audit->GetAuditLog(With(StaffToken("c", "privacy")).get(), {}, &info)
          .ok());
}

TEST_F(IdentityTest, AnAdministratorsTokenReadsNoDataByAnyRegistration) {
  v1::ReadSubjectRequest read;
  read.mutable_subject()->set_id(ada_);
  read.set_purpose(kService);
  read.add_fields("profile.given_name");
  v1::ReadSubjectResponse answer;
  const std::string by_console = StaffToken("a", "admins");
  EXPECT_EQ(ReasonOf(Data(*console_)->ReadSubject(With(by_console).get(), read,
                                                  &answer)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  // The systems that read data carry no administrator's token at all.
  for (const auto& [identity, name] :
       {std::pair<const Identity*, const char*>(desk_, "desk"),
        {portal_, "portal"}}) {
    EXPECT_EQ(ReasonOf(Data(*identity)->ReadSubject(
                  With(StaffToken("a", "admins", name)).get(), read, &answer)),
              v1::ERROR_REASON_TOKEN_INVALID)
        << name;
  }
  // Nor can one be made that does.
  v1::CreateClientRequest create;
  *create.mutable_client() = ServiceClient("both", kService);
  create.mutable_client()->add_may_delegate(v1::ROLE_ADMIN);
  create.set_certificate_pem(gateway_->Issue("both").certificate);
  v1::Client made;
  EXPECT_EQ(ReasonOf(Admin(gateway_->Made("operator"))
                         ->CreateClient(With().get(), create, &made)),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(IdentityTest, TokensThatAreNotMeantAreRefused) {
  const auto refused = [&](const std::string& token) {
    const grpc::Status status = ListClients(*console_, token);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    return ReasonOf(status) == v1::ERROR_REASON_TOKEN_INVALID;
  };
  const std::string admins = "\"groups\":[\"admins\"],";
  const std::string good = Claims(kStaffIssuer, "a", "console", admins);
  ASSERT_TRUE(ListClients(*console_, Staff().Sign(good)).ok());
  const auto with = [&](const std::string& from, const std::string& to) {
    const std::string claims = absl::StrReplaceAll(good, {{from, to}});
    EXPECT_NE(claims, good);
    return Staff().Sign(claims);
  };
  EXPECT_TRUE(refused(with("staff.example", "evil.example")));
  EXPECT_TRUE(refused(with("\"consentry\"", "\"crm\"")));
  EXPECT_TRUE(refused(with("\"console\"", "\"portal\"")));
  EXPECT_TRUE(refused(with(std::to_string(Now() + 600).substr(0, 4), "1000")));
  EXPECT_TRUE(refused(
      Staff().Sign(R"({"typ":"JWT","alg":"ES256","kid":"staff-1"})", good)));
  EXPECT_TRUE(refused(
      Staff().Sign(R"({"typ":"at+jwt","alg":"ES256","kid":"staff-2"})", good)));
  EXPECT_TRUE(refused(TokenIssuer("ES256", "staff-1").Sign(good)));
  // Another issuer's key, and an algorithm that this issuer does not use.
  EXPECT_TRUE(refused(Shop().Sign(good)));
  EXPECT_TRUE(refused(TokenIssuer("RS256", "staff-1").Sign(good)));
  EXPECT_TRUE(refused(testing::Base64Url(R"({"typ":"at+jwt","alg":"none"})") +
                      "." + testing::Base64Url(good) + "."));
  EXPECT_TRUE(refused("no token at all"));
  // Stolen from the console and shown by another registered system.
  EXPECT_EQ(ReasonOf(ListClients(*portal_, Staff().Sign(good))),
            v1::ERROR_REASON_TOKEN_INVALID);
  // Shown by a registration that carries none.
  EXPECT_EQ(
      ReasonOf(ListClients(gateway_->Made("operator"), Staff().Sign(good))),
      v1::ERROR_REASON_TOKEN_INVALID);
  // Twice, and in another scheme.
  auto twice = With(Staff().Sign(good));
  twice->AddMetadata("authorization", "Bearer " + Staff().Sign(good));
  v1::ListClientsResponse page;
  EXPECT_EQ(ReasonOf(Admin(*console_)->ListClients(twice.get(), {}, &page)),
            v1::ERROR_REASON_TOKEN_INVALID);
  auto basic = With();
  basic->AddMetadata("authorization", "Basic dXNlcjpwYXNz");
  EXPECT_EQ(ReasonOf(Admin(*console_)->ListClients(basic.get(), {}, &page)),
            v1::ERROR_REASON_TOKEN_INVALID);
}

TEST_F(IdentityTest, TheActingPersonIsProvenAndHerNameLiesApart) {
  v1::ReadSubjectRequest read;
  read.mutable_subject()->set_id(ada_);
  read.set_purpose(kService);
  read.add_fields("profile.given_name");
  v1::ReadSubjectResponse answer;
  EXPECT_EQ(ReasonOf(Data(*desk_)->ReadSubject(With().get(), read, &answer)),
            v1::ERROR_REASON_CONTEXT_REQUIRED);
  const std::string token = StaffToken(
      "agent-7", "agents", "desk",
      Text("name", "Grace Example") + Text("email", "grace@shop.example"));
  const grpc::Status status =
      Data(*desk_)->ReadSubject(With(token).get(), read, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  // Whoever comes with a token does not say who she is.
  read.mutable_context()->set_acting_person("somebody-else");
  v1::ReadSubjectResponse claimed;
  EXPECT_EQ(
      ReasonOf(Data(*desk_)->ReadSubject(With(token).get(), read, &claimed)),
      v1::ERROR_REASON_FIELD_INVALID);

  const auto audit = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  v1::GetAuditEntryRequest entry;
  entry.set_reference(answer.decision().audit_reference());
  v1::AuditEntry told;
  ASSERT_TRUE(audit->GetAuditEntry(With().get(), entry, &told).ok());
  const std::string person = told.acting_person();
  EXPECT_EQ(person.substr(0, 4), "stf_");
  EXPECT_EQ(told.client_id(), "desk");

  v1::ResolveStaffRequest who;
  who.set_acting_person(person);
  v1::StaffMember member;
  EXPECT_EQ(ReasonOf(Admin(gateway_->Made("operator"))
                         ->ResolveStaff(With().get(), who, &member)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  grpc::Status resolved;
  for (int i = 0; i < 50; ++i) {
    resolved = Admin(gateway_->Made("compliance"))
                   ->ResolveStaff(With().get(), who, &member);
    if (resolved.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ASSERT_TRUE(resolved.ok()) << resolved.error_message();
  EXPECT_EQ(member.name(), "Grace Example");
  EXPECT_EQ(member.email(), "grace@shop.example");
  EXPECT_EQ(member.login(), "agent-7");
}

TEST_F(IdentityTest, ACustomersTokenStandsForHerAndNobodyElse) {
  const v1::GetConsentStateRequest about_me;
  // Nobody linked her yet. Her e-mail address in the token changes nothing.
  const std::string unlinked = Shop().Sign(
      Claims(kShopIssuer, "ada-1", "portal",
             Text("email", "ada@shop.example") + "\"email_verified\":true,"));
  EXPECT_EQ(ReasonOf(AskState(unlinked, about_me)),
            v1::ERROR_REASON_ACCESS_DENIED);
  ASSERT_TRUE(Link(ada_, "ada-1").ok());
  EXPECT_TRUE(Link(ada_, "ada-1").ok());
  EXPECT_EQ(ReasonOf(Link(bob_, "ada-1")), v1::ERROR_REASON_ALREADY_EXISTS);
  const std::string token = ShopToken("ada-1");
  EXPECT_TRUE(AskState(token, about_me).ok());
  v1::GetConsentStateRequest by_id;
  by_id.mutable_subject()->set_id(ada_);
  EXPECT_TRUE(AskState(token, by_id).ok());

  // Somebody else, somebody who does not exist, and herself by a name that
  // anybody could send: one answer.
  v1::GetConsentStateRequest other;
  other.mutable_subject()->set_id(bob_);
  v1::GetConsentStateRequest nobody;
  nobody.mutable_subject()->set_id("cus_aaaaaaaaaaaaaaaaaaaaaaaa");
  v1::GetConsentStateRequest by_address;
  auto* address = by_address.mutable_subject()->mutable_identifier();
  address->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  address->set_value("ada@shop.example");
  const grpc::Status first = AskState(token, other);
  EXPECT_EQ(ReasonOf(first), v1::ERROR_REASON_ACCESS_DENIED);
  for (const auto& request : {nobody, by_address}) {
    const grpc::Status status = AskState(token, request);
    EXPECT_EQ(status.error_code(), first.error_code());
    EXPECT_EQ(status.error_message(), first.error_message());
    EXPECT_EQ(status.error_details(), first.error_details());
  }
  EXPECT_EQ(AskState(unlinked, other).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);

  // What the portal may, she may not through it.
  v1::ReadSubjectRequest read;
  read.set_purpose(kService);
  read.add_fields("profile.given_name");
  v1::ReadSubjectResponse answer;
  EXPECT_EQ(
      ReasonOf(Data(*portal_)->ReadSubject(With(token).get(), read, &answer)),
      v1::ERROR_REASON_PERMISSION_MISSING);
  v1::LinkLoginRequest link;
  link.mutable_subject()->set_id(bob_);
  link.set_issuer(kShopIssuer);
  link.set_login("ada-1");
  v1::LinkLoginResponse linked;
  EXPECT_EQ(
      ReasonOf(Admin(*portal_)->LinkLogin(With(token).get(), link, &linked)),
      v1::ERROR_REASON_PERMISSION_MISSING);

  v1::UnlinkLoginRequest unlink;
  unlink.mutable_subject()->set_id(ada_);
  unlink.set_issuer(kShopIssuer);
  v1::UnlinkLoginResponse gone;
  ASSERT_TRUE(Admin(*portal_)->UnlinkLogin(With().get(), unlink, &gone).ok());
  EXPECT_EQ(ReasonOf(AskState(token, about_me)),
            v1::ERROR_REASON_ACCESS_DENIED);
  EXPECT_EQ(AskState(token, about_me).error_message(), first.error_message());
}

TEST_F(IdentityTest, LoginsOfUnknownIssuersAndOfStaffAreNotLinked) {
  v1::LinkLoginRequest request;
  request.mutable_subject()->set_id(ada_);
  request.set_login("x");
  v1::LinkLoginResponse response;
  for (const char* issuer : {"https://other.example", kStaffIssuer}) {
    request.set_issuer(issuer);
    EXPECT_EQ(
        ReasonOf(Admin(*portal_)->LinkLogin(With().get(), request, &response)),
        v1::ERROR_REASON_FIELD_INVALID)
        << issuer;
  }
}

TEST_F(IdentityTest, LinksSurviveARestart) {
  ASSERT_TRUE(Link(bob_, "bob-1").ok());
  ASSERT_TRUE(gateway_->Stop().ok());
  gateway_->Start();
  grpc::Status status;
  for (int i = 0; i < 100; ++i) {
    status = AskState(ShopToken("bob-1"), {});
    if (status.ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(status.ok()) << status.error_message();
}

// What gives power, proposed by one and approved by another.
class ApprovalTest : public ::testing::Test {
 protected:
  void Open(bool single,
            const server::ServerOptions& options = {.address = "127.0.0.1:0"}) {
    gateway_ = std::make_unique<TestGateway>(
        [single](server::InitialiseOptions* init) {
          init->single_operator = single;
        });
    Configure(*gateway_, /*setup=*/false);
    if (options.dev) {
      const std::string file = gateway_->File("consentry.txtpb");
      Write(file, absl::StrReplaceAll(testing::ReadAll(file),
                                      {{"wait_hours: 24",
                                        "wait_hours: 24\n"
                                        "  dev_wait_seconds: 1"}}));
    }
    gateway_->Start(options);
    operator_ = Admin("operator");
    if (!options.dev) ApproveRoles();
  }

  // The roles of staff were written into the file after init: they wait too,
  // and whoever approves sees them.
  void ApproveRoles() {
    v1::ListProposalsResponse open;
    ASSERT_TRUE(operator_->ListProposals(With().get(), {}, &open).ok());
    ASSERT_EQ(open.proposals_size(), 1);
    EXPECT_EQ(open.proposals(0).target(), "mapping of roles");
    ASSERT_EQ(open.proposals(0).changes_size(), 5);
    EXPECT_EQ(open.proposals(0).changes(1),
              "adds https://staff.example email=dpo@shop.example: DPO");
    ASSERT_TRUE(Approve(operator_.get(), open.proposals(0).id()).ok());
  }

  std::unique_ptr<v1::AdminService::Stub> Admin(const std::string& name) {
    return v1::AdminService::NewStub(gateway_->Connect(gateway_->Made(name)));
  }

  v1::Client Create(const v1::Client& client, const Identity& identity) {
    v1::CreateClientRequest request;
    *request.mutable_client() = client;
    request.set_certificate_pem(identity.certificate);
    v1::Client made;
    const grpc::Status status =
        operator_->CreateClient(With().get(), request, &made);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return made;
  }

  grpc::Status Approve(v1::AdminService::Stub* by, const std::string& id) {
    v1::ApproveProposalRequest request;
    request.set_id(id);
    v1::ApproveProposalResponse response;
    return by->ApproveProposal(With().get(), request, &response);
  }

  bool MayCall(const Identity& identity) {
    v1::CheckAccessRequest request;
    request.mutable_subject()->set_id("cus_aaaaaaaaaaaaaaaaaaaaaaaa");
    request.set_purpose(kService);
    request.add_fields("profile.given_name");
    v1::CheckAccessResponse response;
    return v1::DataService::NewStub(gateway_->Connect(identity))
               ->CheckAccess(With().get(), request, &response)
               .error_code() != grpc::StatusCode::UNAUTHENTICATED;
  }

  std::unique_ptr<TestGateway> gateway_;
  std::unique_ptr<v1::AdminService::Stub> operator_;
};

TEST_F(ApprovalTest, WhoeverProposesDoesNotApprove) {
  Open(/*single=*/false);
  const auto officer = Admin("dpo");
  const Identity identity = gateway_->Issue("crm");
  const v1::Client proposed = Create(ServiceClient("crm", kService), identity);
  EXPECT_EQ(proposed.state(), v1::CLIENT_STATE_PROPOSED);
  ASSERT_NE(proposed.proposal_id(), "");
  EXPECT_FALSE(MayCall(identity));
  EXPECT_EQ(ReasonOf(Approve(operator_.get(), proposed.proposal_id())),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_FALSE(MayCall(identity));

  v1::ListProposalsResponse open;
  ASSERT_TRUE(officer->ListProposals(With().get(), {}, &open).ok());
  ASSERT_EQ(open.proposals_size(), 1);
  EXPECT_EQ(open.proposals(0).target(), "client crm");
  EXPECT_EQ(open.proposals(0).proposed_by(), "operator");
  EXPECT_FALSE(open.proposals(0).has_effective_time());

  ASSERT_TRUE(Approve(officer.get(), proposed.proposal_id()).ok());
  EXPECT_TRUE(MayCall(identity));
  EXPECT_EQ(ReasonOf(Approve(officer.get(), proposed.proposal_id())),
            v1::ERROR_REASON_STATE_INVALID);

  // Less at once, more by another.
  v1::GetClientRequest get;
  get.set_id("crm");
  v1::Client crm;
  ASSERT_TRUE(operator_->GetClient(With().get(), get, &crm).ok());
  v1::UpdateClientRequest update;
  *update.mutable_client() = crm;
  update.mutable_client()->clear_write_categories();
  v1::Client after;
  ASSERT_TRUE(operator_->UpdateClient(With().get(), update, &after).ok());
  EXPECT_EQ(after.proposal_id(), "");
  EXPECT_EQ(after.write_categories_size(), 0);
  *update.mutable_client() = after;
  update.mutable_client()->add_write_categories("user.contact");
  ASSERT_TRUE(operator_->UpdateClient(With().get(), update, &after).ok());
  EXPECT_NE(after.proposal_id(), "");
  EXPECT_EQ(after.write_categories_size(), 0);
  v1::RejectProposalRequest reject;
  reject.set_id(after.proposal_id());
  v1::Proposal ended;
  ASSERT_TRUE(officer->RejectProposal(With().get(), reject, &ended).ok());
  EXPECT_EQ(ended.state(), v1::PROPOSAL_STATE_REJECTED);

  // Another's key is power, one's own is not.
  v1::RenewClientRequest renew;
  renew.set_id("crm");
  const Identity taken = gateway_->Issue("crm");
  renew.set_certificate_pem(taken.certificate);
  ASSERT_TRUE(operator_->RenewClient(With().get(), renew, &after).ok());
  EXPECT_NE(after.proposal_id(), "");
  EXPECT_FALSE(MayCall(taken));
  EXPECT_TRUE(MayCall(identity));

  // Suspending at once, lifting by another.
  v1::SuspendRequest suspend;
  suspend.set_client_id("crm");
  v1::SuspendResponse suspended;
  ASSERT_TRUE(operator_->Suspend(With().get(), suspend, &suspended).ok());
  EXPECT_EQ(suspended.proposal_id(), "");
  suspend.set_lift(true);
  ASSERT_TRUE(operator_->Suspend(With().get(), suspend, &suspended).ok());
  EXPECT_NE(suspended.proposal_id(), "");
  ASSERT_TRUE(operator_->GetClient(With().get(), get, &crm).ok());
  EXPECT_EQ(crm.state(), v1::CLIENT_STATE_SUSPENDED);
  ASSERT_TRUE(Approve(officer.get(), suspended.proposal_id()).ok());
  ASSERT_TRUE(operator_->GetClient(With().get(), get, &crm).ok());
  EXPECT_EQ(crm.state(), v1::CLIENT_STATE_ACTIVE);

  // A policy.
  v1::Policy policy;
  ASSERT_TRUE(operator_->GetPolicy(With().get(), {}, &policy).ok());
  v1::UpdatePolicyRequest change;
  change.set_etag(policy.etag());
  change.set_catalog(policy.catalog() + "\n# changed\n");
  v1::Policy shown;
  ASSERT_TRUE(operator_->UpdatePolicy(With().get(), change, &shown).ok());
  EXPECT_NE(shown.proposal_id(), "");
  EXPECT_EQ(shown.etag(), policy.etag());
  ASSERT_TRUE(Approve(officer.get(), shown.proposal_id()).ok());
  ASSERT_TRUE(operator_->GetPolicy(With().get(), {}, &shown).ok());
  EXPECT_NE(shown.etag(), policy.etag());

  // Revoking at once, always.
  v1::RevokeClientRequest revoke;
  revoke.set_id("crm");
  ASSERT_TRUE(operator_->RevokeClient(With().get(), revoke, &crm).ok());
  EXPECT_FALSE(MayCall(identity));
}

TEST_F(ApprovalTest, AFairnessProfileThatLetsMorePassWaits) {
  Open(/*single=*/false);
  const auto officer =
      v1::ScreeningService::NewStub(gateway_->Connect(gateway_->Made("dpo")));
  const auto put = [&officer](const std::string& action,
                              const std::string& etag) {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(R"(
id: "credit"
model: "credit"
favourable { stated: true }
purpose: "bias_detection"
attributes {
  name: "age"
  source: BIRTH_DATE
  field: "profile.birth_date"
  bands: 45
  reference: "under_45"
}
metrics { kind: SELECTION_RATE }
on_violation: )" + action);
    request.mutable_profile()->set_etag(etag);
    v1::FairnessProfile shown;
    const grpc::Status status =
        officer->PutFairnessProfile(With().get(), request, &shown);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return shown;
  };
  // A new one watches more, and so does one that holds what it watched.
  const auto first = put("OBSERVE", "");
  EXPECT_EQ(first.proposal_id(), "");
  const auto second = put("BLOCK", first.etag());
  EXPECT_EQ(second.proposal_id(), "");
  EXPECT_EQ(second.version(), 2u);
  const auto third = put("OBSERVE minimum: 500", second.etag());
  EXPECT_EQ(third.version(), 2u);
  EXPECT_EQ(third.etag(), second.etag());
  ASSERT_NE(third.proposal_id(), "");
  v1::ListProposalsResponse open;
  ASSERT_TRUE(operator_->ListProposals(With().get(), {}, &open).ok());
  ASSERT_EQ(open.proposals_size(), 1);
  EXPECT_EQ(open.proposals(0).target(), "fairness profile credit");
  ASSERT_EQ(open.proposals(0).changes_size(), 3);
  EXPECT_EQ(open.proposals(0).changes(0),
            "added: minimum: 500");
  EXPECT_EQ(open.proposals(0).changes(1),
            "modified: on_violation: BLOCK -> OBSERVE");
  EXPECT_TRUE(absl::StartsWith(open.proposals(0).changes(2),
                               "the text is sha256:"));
  EXPECT_EQ(ReasonOf(Approve(Admin("dpo").get(), third.proposal_id())),
            v1::ERROR_REASON_STATE_INVALID);
  ASSERT_TRUE(Approve(operator_.get(), third.proposal_id()).ok());
  v1::GetFairnessProfileRequest get;
  get.set_id("credit");
  v1::FairnessProfile now;
  ASSERT_TRUE(officer->GetFairnessProfile(With().get(), get, &now).ok());
  EXPECT_EQ(now.version(), 3u);
}

TEST_F(ApprovalTest, FilesThatChangedWaitAsWell) {
  Open(/*single=*/false);
  v1::Policy before;
  ASSERT_TRUE(operator_->GetPolicy(With().get(), {}, &before).ok());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(gateway_->Stop().ok());
    if (i == 0) {
      const std::string file = gateway_->File("catalog.txtpb");
      Write(file, testing::ReadAll(file) + "\n# changed\n");
    }
    gateway_->Start();
    operator_ = Admin("operator");
  }
  v1::Policy now;
  ASSERT_TRUE(operator_->GetPolicy(With().get(), {}, &now).ok());
  EXPECT_EQ(now.etag(), before.etag());
  v1::ListProposalsResponse open;
  ASSERT_TRUE(operator_->ListProposals(With().get(), {}, &open).ok());
  ASSERT_EQ(open.proposals_size(), 1);
  EXPECT_EQ(open.proposals(0).target(), "policy files");
  ASSERT_TRUE(Approve(Admin("dpo").get(), open.proposals(0).id()).ok());
  ASSERT_TRUE(operator_->GetPolicy(With().get(), {}, &now).ok());
  EXPECT_NE(now.etag(), before.etag());
}

TEST_F(ApprovalTest, OneOperatorWaitsAndRevokingStopsWhatWasProposed) {
  Open(/*single=*/true);
  v1::GatewayStatus status;
  ASSERT_TRUE(operator_->GetStatus(With().get(), {}, &status).ok());
  bool marked = false;
  for (const std::string& warning : status.warnings()) {
    marked = marked || warning == "single_operator";
    EXPECT_NE(warning, "setup");
  }
  EXPECT_TRUE(marked);
  const Identity identity = gateway_->Issue("crm");
  const v1::Client proposed = Create(ServiceClient("crm", kService), identity);
  ASSERT_NE(proposed.proposal_id(), "");
  v1::ListProposalsResponse open;
  ASSERT_TRUE(operator_->ListProposals(With().get(), {}, &open).ok());
  ASSERT_EQ(open.proposals_size(), 1);
  const auto& times = open.proposals(0);
  EXPECT_EQ(times.effective_time().seconds() - times.create_time().seconds(),
            24 * 3600);
  EXPECT_FALSE(MayCall(identity));
  EXPECT_EQ(ReasonOf(Approve(operator_.get(), proposed.proposal_id())),
            v1::ERROR_REASON_STATE_INVALID);
  v1::RejectProposalRequest reject;
  reject.set_id(proposed.proposal_id());
  v1::Proposal ended;
  ASSERT_TRUE(operator_->RejectProposal(With().get(), reject, &ended).ok());
  EXPECT_EQ(ended.state(), v1::PROPOSAL_STATE_WITHDRAWN);
}

TEST_F(ApprovalTest, TheWaitEndsByItself) {
  Open(/*single=*/true, {.dev = true, .address = "127.0.0.1:0"});
  const Identity identity = gateway_->Issue("crm");
  const v1::Client proposed = Create(ServiceClient("crm", kService), identity);
  ASSERT_NE(proposed.proposal_id(), "");
  EXPECT_FALSE(MayCall(identity));
  bool may = false;
  for (int i = 0; i < 100 && !may; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    may = MayCall(identity);
  }
  EXPECT_TRUE(may);
}

}  // namespace
}  // namespace consentry::testing
