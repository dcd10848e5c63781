// What customers reach with their own tokens: their own, nobody else's, and no
// more than that.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tests/e2e/identity_gateway.h"
#include "tests/e2e/test_gateway.h"

namespace consentry::testing {
namespace {

constexpr char kMarketing[] = "marketing.communications.email";

// Ada and Bob, each with a login.
class CustomerTest : public IdentityTest {
 protected:
  static void SetUpTestSuite() {
    IdentityTest::SetUpTestSuite();
    ASSERT_TRUE(Link(ada_, "ada").ok());
    ASSERT_TRUE(Link(bob_, "bob").ok());
  }

  // Of a login a moment ago.
  static std::string Fresh(const std::string& login,
                           const std::string& client = "portal") {
    return Shop().Sign(
        Claims(kShopIssuer, login, client,
               "\"auth_time\":" + std::to_string(Now() - 5) + ","));
  }
  // Of a login that is a quarter of an hour old.
  static std::string Stale(const std::string& login) {
    return Shop().Sign(
        Claims(kShopIssuer, login, "portal",
               "\"auth_time\":" + std::to_string(Now() - 900) + ","));
  }
  static std::unique_ptr<v1::RightsService::Stub> Rights() {
    return v1::RightsService::NewStub(gateway_->Connect(*portal_));
  }

  static grpc::Status Give(const std::string& token, const std::string& about,
                           v1::RecordConsentResponse* response) {
    v1::RecordConsentRequest request;
    if (!about.empty()) request.mutable_subject()->set_id(about);
    request.add_purposes(kMarketing);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(1);
    return Consent(*portal_)->RecordConsent(With(token).get(), request,
                                            response);
  }
  static grpc::Status GetReceipt(const std::string& token,
                                 const std::string& event,
                                 v1::ConsentReceipt* receipt) {
    v1::GetConsentReceiptRequest request;
    request.set_event_id(event);
    return Consent(*portal_)->GetConsentReceipt(With(token).get(), request,
                                                receipt);
  }
};

TEST_F(CustomerTest, SheGivesRenewsAndTakesBackAndHasTheReceipt) {
  const std::string token = ShopToken("ada");
  v1::RecordConsentResponse given;
  grpc::Status status = Give(token, "", &given);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(given.states_size(), 1);
  EXPECT_EQ(given.states(0).actor(), v1::CONSENT_ACTOR_SELF);
  EXPECT_EQ(ReasonOf(Give(token, bob_, &given)),
            v1::ERROR_REASON_ACCESS_DENIED);

  v1::ConsentReceipt receipt;
  const std::string event = given.states(0).event_id();
  status = GetReceipt(token, event, &receipt);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(receipt.json().find(event), std::string::npos);
  EXPECT_FALSE(receipt.signature().empty());
  // Somebody else's receipt is no receipt.
  v1::ConsentReceipt none;
  const grpc::Status others = GetReceipt(ShopToken("bob"), event, &none);
  const grpc::Status unknown =
      GetReceipt(ShopToken("bob"), "con_aaaaaaaaaaaaaaaaaaaaaaaa", &none);
  EXPECT_EQ(ReasonOf(others), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(others.error_message(), unknown.error_message());
  EXPECT_EQ(others.error_details(), unknown.error_details());
  EXPECT_EQ(none.json(), "");

  v1::RenewConsentRequest renew;
  renew.add_purposes(kMarketing);
  renew.mutable_notice()->set_id("marketing-consent");
  renew.mutable_notice()->set_version(1);
  v1::RecordConsentResponse renewed;
  EXPECT_TRUE(
      Consent(*portal_)->RenewConsent(With(token).get(), renew, &renewed).ok());
  v1::ListConsentEventsRequest list;
  v1::ListConsentEventsResponse events;
  ASSERT_TRUE(Consent(*portal_)
                  ->ListConsentEvents(With(token).get(), list, &events)
                  .ok());
  EXPECT_EQ(events.events_size(), 2);
  list.mutable_subject()->set_id(ada_);
  EXPECT_EQ(ReasonOf(Consent(*portal_)->ListConsentEvents(
                With(ShopToken("bob")).get(), list, &events)),
            v1::ERROR_REASON_ACCESS_DENIED);

  v1::WithdrawConsentRequest withdraw;
  withdraw.mutable_subject()->set_id(ada_);
  v1::WithdrawConsentResponse withdrawn;
  EXPECT_EQ(ReasonOf(Consent(*portal_)->WithdrawConsent(
                With(ShopToken("bob")).get(), withdraw, &withdrawn)),
            v1::ERROR_REASON_ACCESS_DENIED);
  ASSERT_TRUE(Consent(*portal_)
                  ->WithdrawConsent(With(token).get(), withdraw, &withdrawn)
                  .ok());
  ASSERT_EQ(withdrawn.states_size(), 1);
  EXPECT_EQ(withdrawn.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);

  v1::OptOutRequest out;
  out.add_kinds(v1::OPT_OUT_KIND_SALE);
  v1::OptOutResponse opted_out;
  EXPECT_TRUE(
      Consent(*portal_)->OptOut(With(token).get(), out, &opted_out).ok());
  v1::GetConsentStateResponse of_bob;
  ASSERT_TRUE(Consent(*portal_)
                  ->GetConsentState(With(ShopToken("bob")).get(), {}, &of_bob)
                  .ok());
  EXPECT_EQ(of_bob.opt_outs_size(), 0);
}

TEST_F(CustomerTest, SheReadsTheNoticesAndWhoMayActForHer) {
  const std::string token = ShopToken("ada");
  v1::ListNoticesResponse notices;
  const grpc::Status status =
      Consent(*portal_)->ListNotices(With(token).get(), {}, &notices);
  EXPECT_TRUE(status.ok()) << status.error_message();
  v1::ListAgentsResponse agents;
  EXPECT_TRUE(Rights()->ListAgents(With(token).get(), {}, &agents).ok());
  v1::ListAgentsRequest of_bob;
  of_bob.mutable_subject()->set_id(bob_);
  EXPECT_EQ(ReasonOf(Rights()->ListAgents(With(token).get(), of_bob, &agents)),
            v1::ERROR_REASON_ACCESS_DENIED);
}

TEST_F(CustomerTest, HerCasesAndHerReportAreHers) {
  const std::string token = Fresh("ada");
  v1::SubmitRightsCaseRequest submit;
  submit.set_kind(v1::RIGHTS_KIND_ACCESS);
  submit.set_language("en");
  submit.mutable_subject()->set_id(bob_);
  v1::RightsCase opened;
  EXPECT_EQ(
      ReasonOf(Rights()->SubmitRightsCase(With(token).get(), submit, &opened)),
      v1::ERROR_REASON_ACCESS_DENIED);
  submit.clear_subject();
  const std::string stale = Stale("ada");
  for (const auto kind : {v1::RIGHTS_KIND_ACCESS, v1::RIGHTS_KIND_PORTABILITY,
                          v1::RIGHTS_KIND_ERASURE}) {
    submit.set_kind(kind);
    EXPECT_EQ(ReasonOf(Rights()->SubmitRightsCase(With(stale).get(), submit,
                                                  &opened)),
              v1::ERROR_REASON_LOGIN_TOO_OLD);
  }
  submit.set_kind(v1::RIGHTS_KIND_ACCESS);
  grpc::Status status =
      Rights()->SubmitRightsCase(With(token).get(), submit, &opened);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(opened.subject_id(), ada_);
  EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_WORKING);

  const std::string other = Fresh("bob");
  v1::GetRightsCaseRequest get;
  get.set_id(opened.id());
  v1::RightsCase shown;
  EXPECT_TRUE(Rights()->GetRightsCase(With(token).get(), get, &shown).ok());
  EXPECT_EQ(ReasonOf(Rights()->GetRightsCase(With(other).get(), get, &shown)),
            v1::ERROR_REASON_NOT_FOUND);
  v1::ListRightsCasesResponse page;
  ASSERT_TRUE(Rights()->ListRightsCases(With(token).get(), {}, &page).ok());
  EXPECT_EQ(page.rights_cases_size(), 1);
  ASSERT_TRUE(Rights()->ListRightsCases(With(other).get(), {}, &page).ok());
  EXPECT_EQ(page.rights_cases_size(), 0);
  v1::CancelRightsCaseRequest cancel;
  cancel.set_id(opened.id());
  EXPECT_EQ(
      ReasonOf(Rights()->CancelRightsCase(With(other).get(), cancel, &shown)),
      v1::ERROR_REASON_NOT_FOUND);

  // She decides nothing about it.
  v1::CompleteRightsCaseRequest complete;
  complete.set_id(opened.id());
  complete.set_etag(opened.etag());
  EXPECT_EQ(ReasonOf(Rights()->CompleteRightsCase(With(token).get(), complete,
                                                  &shown)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  const auto staff = v1::RightsService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  status = staff->CompleteRightsCase(With().get(), complete, &shown);
  ASSERT_TRUE(status.ok()) << status.error_message();

  const auto download = [&](const std::string& by, std::string* bytes) {
    v1::DownloadReportRequest request;
    request.set_id(opened.id());
    request.set_format(v1::REPORT_FORMAT_JSON);
    const auto context = With(by);
    const auto reader = Rights()->DownloadReport(context.get(), request);
    v1::DownloadReportResponse piece;
    bytes->clear();
    while (reader->Read(&piece)) *bytes += piece.data();
    return reader->Finish();
  };
  std::string report;
  EXPECT_EQ(ReasonOf(download(other, &report)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(report, "");
  EXPECT_EQ(ReasonOf(download(stale, &report)), v1::ERROR_REASON_LOGIN_TOO_OLD);
  EXPECT_EQ(report, "");
  status = download(token, &report);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(report.find("ada@shop.example"), std::string::npos);
  EXPECT_EQ(report.find("bob@shop.example"), std::string::npos);

  v1::GetTransparencyViewRequest ask;
  v1::TransparencyView view;
  ASSERT_TRUE(
      Rights()->GetTransparencyView(With(token).get(), ask, &view).ok());
  EXPECT_GT(view.held_size(), 0);
  ask.mutable_subject()->set_id(bob_);
  EXPECT_EQ(
      ReasonOf(Rights()->GetTransparencyView(With(token).get(), ask, &view)),
      v1::ERROR_REASON_ACCESS_DENIED);
}

TEST_F(CustomerTest, WhatIsNotForCustomersIsRefused) {
  const std::string token = Fresh("ada");
  v1::CreateNoticeRequest notice;
  v1::Notice made;
  EXPECT_EQ(ReasonOf(Consent(*portal_)->CreateNotice(With(token).get(), notice,
                                                     &made)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  v1::CreateUnsubscribeLinkRequest link;
  v1::CreateUnsubscribeLinkResponse url;
  EXPECT_EQ(ReasonOf(Consent(*portal_)->CreateUnsubscribeLink(With(token).get(),
                                                              link, &url)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  // Names a contact point, not her.
  v1::StartDoubleOptInRequest start;
  start.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  start.mutable_identifier()->set_value("ada@shop.example");
  v1::StartDoubleOptInResponse started;
  EXPECT_EQ(ReasonOf(Consent(*portal_)->StartDoubleOptIn(With(token).get(),
                                                         start, &started)),
            v1::ERROR_REASON_ACCESS_DENIED);
  v1::AuthorizeAgentRequest authorize;
  authorize.mutable_agent()->set_guardian(true);
  v1::Agent agent;
  EXPECT_EQ(
      ReasonOf(Rights()->AuthorizeAgent(With(token).get(), authorize, &agent)),
      v1::ERROR_REASON_PERMISSION_MISSING);
  v1::ListLegalHoldsResponse holds;
  EXPECT_EQ(ReasonOf(Rights()->ListLegalHolds(With(token).get(), {}, &holds)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  v1::VerifyRightsCaseRequest verify;
  verify.set_id("rgt_aaaaaaaaaaaaaaaaaaaaaaaa");
  v1::RightsCase answer;
  EXPECT_EQ(
      ReasonOf(Rights()->VerifyRightsCase(With(token).get(), verify, &answer)),
      v1::ERROR_REASON_PERMISSION_MISSING);
}

TEST_F(CustomerTest, ASystemThatCarriesNoCustomersCarriesNone) {
  v1::GetConsentStateResponse response;
  const std::string token = Fresh("ada", "desk");
  EXPECT_EQ(ReasonOf(Consent(*desk_)->GetConsentState(With(token).get(), {},
                                                      &response)),
            v1::ERROR_REASON_TOKEN_INVALID);
  v1::TransparencyView view;
  EXPECT_EQ(ReasonOf(v1::RightsService::NewStub(gateway_->Connect(*console_))
                         ->GetTransparencyView(
                             With(Fresh("ada", "console")).get(), {}, &view)),
            v1::ERROR_REASON_TOKEN_INVALID);
}

}  // namespace
}  // namespace consentry::testing
