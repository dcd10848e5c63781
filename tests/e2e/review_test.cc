// A customer is handed over to a person: the service, the queue, the case with
// what the purpose of human review may see, the decision.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/review_service.grpc.pb.h"
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

class ReviewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    v1::Client bot = ServiceClient("bot", kService);
    bot.add_permissions("reviews.request");
    bot.add_permissions("data.legal_facts");
    bot_ = gateway_.Register(bot);
    v1::Client reviewer;
    reviewer.set_id("reviewer");
    reviewer.set_role(v1::ROLE_REVIEWER);
    reviewer.set_country("DE");
    reviewer_ = gateway_.Register(reviewer);
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef("C1");
    request.set_purpose(kService);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key("C1");
    auto& values = *request.mutable_values();
    values["given_name"].set_string_value("Erika");
    values["email"].set_string_value("erika@example.org");
    request.mutable_legal_facts()->set_residence("DE");
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(bot_))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  std::unique_ptr<v1::ReviewService::Stub> As(const Identity& identity) {
    return v1::ReviewService::NewStub(gateway_.Connect(identity));
  }

  TestGateway gateway_;
  Identity bot_;
  Identity reviewer_;
};

TEST_F(ReviewTest, AHandOverIsClaimedShownAndDecidedByAPerson) {
  v1::RequestReviewRequest ask;
  *ask.mutable_subject() = CrmRef("C1");
  ask.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
  ask.set_statement("A person, please");
  v1::Review asked;
  grpc::Status status = As(bot_)->RequestReview(Context().get(), ask, &asked);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(asked.state(), v1::REVIEW_STATE_OPEN);

  // Whoever asks does not decide.
  v1::ClaimReviewRequest claim;
  claim.mutable_context()->set_acting_person("p1");
  v1::Review claimed;
  EXPECT_EQ(ReasonOf(As(bot_)->ClaimReview(Context().get(), claim, &claimed)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  status = As(reviewer_)->ClaimReview(Context().get(), claim, &claimed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(claimed.id(), asked.id());
  EXPECT_EQ(claimed.claimed_by(), "p1");

  v1::ShowReviewRequest show;
  show.set_id(asked.id());
  show.mutable_context()->set_acting_person("p2");
  v1::ReviewCase shown;
  EXPECT_EQ(ReasonOf(As(reviewer_)->ShowReview(Context().get(), show, &shown)),
            v1::ERROR_REASON_STATE_INVALID);
  show.mutable_context()->set_acting_person("p1");
  status = As(reviewer_)->ShowReview(Context().get(), show, &shown);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(shown.statements_size(), 1);
  EXPECT_EQ(shown.statements(0), "A person, please");
  bool named = false;
  for (const auto& field : shown.inputs()) {
    named = named || (field.name() == "profile.given_name" &&
                      field.value().string_value() == "Erika");
  }
  EXPECT_TRUE(named);
  EXPECT_FALSE(shown.audit_reference().empty());

  v1::DecideReviewRequest decide;
  decide.set_id(asked.id());
  decide.set_verdict(v1::REVIEW_VERDICT_UPHOLD);
  decide.set_reason_code("talked");
  decide.set_rationale("We talked on the phone.");
  decide.set_etag("1");
  decide.mutable_context()->set_acting_person("p1");
  v1::Review decided;
  EXPECT_EQ(
      ReasonOf(As(reviewer_)->DecideReview(Context().get(), decide, &decided)),
      v1::ERROR_REASON_ETAG_MISMATCH);
  decide.set_etag(shown.review().etag());
  status = As(reviewer_)->DecideReview(Context().get(), decide, &decided);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(decided.state(), v1::REVIEW_STATE_RESOLVED);

  v1::ListReviewsResponse list;
  status = As(reviewer_)->ListReviews(Context().get(), {}, &list);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(list.reviews_size(), 0);
  v1::ReviewFigures figures;
  status = As(gateway_.Made("compliance"))
               ->GetReviewFigures(Context().get(), {}, &figures);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(figures.open(), 0);
  EXPECT_EQ(figures.rates_size(), 0);
}

}  // namespace
}  // namespace consentry
