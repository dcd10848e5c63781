// A customer asks for a human with her own token, answers a question, and sees
// what came of it; nobody else's reviews are hers.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <time.h>

#include <memory>
#include <string>

#include "consentry/v1/review_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/identity_gateway.h"
#include "tests/e2e/test_gateway.h"

namespace consentry::testing {
namespace {

class CustomerReviewTest : public IdentityTest {
 protected:
  static void SetUpTestSuite() {
    IdentityTest::SetUpTestSuite();
    ASSERT_TRUE(Link(ada_, "ada").ok());
    ASSERT_TRUE(Link(bob_, "bob").ok());
    v1::Client staff;
    staff.set_id("reviewer");
    staff.set_role(v1::ROLE_REVIEWER);
    staff.set_country("DE");
    reviewer_ = new Identity(gateway_->Register(staff));
  }
  static void TearDownTestSuite() {
    delete reviewer_;
    IdentityTest::TearDownTestSuite();
  }

  static std::unique_ptr<v1::ReviewService::Stub> Reviews(const Identity& as) {
    return v1::ReviewService::NewStub(gateway_->Connect(as));
  }
  static grpc::Status Ask(const std::string& token, v1::ReviewTrigger trigger,
                          const std::string& target, v1::Review* review) {
    v1::RequestReviewRequest request;
    request.set_trigger(trigger);
    request.set_target(target);
    request.set_statement("A person, please");
    return Reviews(*portal_)->RequestReview(With(token).get(), request, review);
  }
  static grpc::Status Say(const std::string& token, const std::string& id,
                          const std::string& words, v1::Review* review) {
    v1::AddStatementRequest request;
    request.set_id(id);
    request.set_statement(words);
    return Reviews(*portal_)->AddStatement(With(token).get(), request, review);
  }
  static v1::ListCustomerReviewsResponse Hers(const std::string& token) {
    v1::ListCustomerReviewsResponse list;
    const grpc::Status status =
        Reviews(*portal_)->ListCustomerReviews(With(token).get(), {}, &list);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return list;
  }
  static v1::Review Claim(const std::string& id, const std::string& person) {
    v1::ClaimReviewRequest request;
    request.set_id(id);
    request.mutable_context()->set_acting_person(person);
    v1::Review review;
    const grpc::Status status =
        Reviews(*reviewer_)->ClaimReview(With().get(), request, &review);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return review;
  }
  // Decides; what the service says.
  static grpc::Status Decide(const v1::Review& review,
                             const std::string& person) {
    v1::DecideReviewRequest request;
    request.set_id(review.id());
    request.set_etag(review.etag());
    request.set_verdict(v1::REVIEW_VERDICT_CHANGE);
    request.set_reason_code("wrong");
    request.set_rationale("We had an old address.");
    request.set_new_outcome("You are served again.");
    request.mutable_context()->set_acting_person(person);
    v1::Review decided;
    return Reviews(*reviewer_)->DecideReview(With().get(), request, &decided);
  }

  static inline Identity* reviewer_ = nullptr;
};

TEST_F(CustomerReviewTest, SheAsksAnswersAndSeesWhatCameOfIt) {
  const std::string ada = ShopToken("ada");
  const std::string bob = ShopToken("bob");
  v1::Review asked;
  grpc::Status status = Ask(ada, v1::REVIEW_TRIGGER_HAND_OVER, "", &asked);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Review other;
  EXPECT_EQ(ReasonOf(Say(bob, asked.id(), "Mine", &other)),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(Hers(bob).reviews_size(), 0);
  // The queue is not hers to see.
  v1::ListReviewsResponse queue;
  EXPECT_EQ(
      ReasonOf(Reviews(*portal_)->ListReviews(With(ada).get(), {}, &queue)),
      v1::ERROR_REASON_PERMISSION_MISSING);
  v1::ClaimReviewRequest claim;
  claim.set_id(asked.id());
  claim.mutable_context()->set_acting_person("ada");
  EXPECT_EQ(
      ReasonOf(Reviews(*portal_)->ClaimReview(With(ada).get(), claim, &other)),
      v1::ERROR_REASON_PERMISSION_MISSING);

  Claim(asked.id(), "rita");
  v1::ReleaseReviewRequest question;
  question.set_id(asked.id());
  question.set_question("Since when do you live there?");
  question.mutable_context()->set_acting_person("rita");
  v1::Review waits;
  status = Reviews(*reviewer_)->ReleaseReview(With().get(), question, &waits);
  ASSERT_TRUE(status.ok()) << status.error_message();
  auto list = Hers(ada);
  ASSERT_EQ(list.reviews_size(), 1);
  EXPECT_EQ(list.reviews(0).review().state(),
            v1::REVIEW_STATE_AWAITING_CUSTOMER);
  ASSERT_EQ(list.reviews(0).questions_size(), 1);
  EXPECT_EQ(list.reviews(0).questions(0), "Since when do you live there?");
  EXPECT_TRUE(list.reviews(0).rationale().empty());
  status = Say(ada, asked.id(), "Since May", &other);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(other.state(), v1::REVIEW_STATE_OPEN);

  status = Decide(Claim(asked.id(), "rita"), "rita");
  ASSERT_TRUE(status.ok()) << status.error_message();
  list = Hers(ada);
  ASSERT_EQ(list.reviews_size(), 1);
  const v1::CustomerReview& hers = list.reviews(0);
  EXPECT_EQ(hers.review().state(), v1::REVIEW_STATE_RESOLVED);
  EXPECT_EQ(hers.rationale(), "We had an old address.");
  EXPECT_EQ(hers.outcome(), "You are served again.");
  EXPECT_EQ(hers.statements_size(), 2);
  EXPECT_EQ(hers.DebugString().find("rita"), std::string::npos);
  // What is decided takes no more words.
  EXPECT_EQ(ReasonOf(Say(ada, asked.id(), "But", &other)),
            v1::ERROR_REASON_STATE_INVALID);

  // The transparency view names it, without a word of it.
  v1::GetTransparencyViewRequest look;
  v1::TransparencyView view;
  status = v1::RightsService::NewStub(gateway_->Connect(*portal_))
               ->GetTransparencyView(With(ada).get(), look, &view);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(view.reviews_size(), 1);
  EXPECT_EQ(view.reviews(0).review_id(), asked.id());
  EXPECT_EQ(view.reviews(0).why(), "hand over");
  EXPECT_EQ(view.reviews(0).verdict(), "change");
  EXPECT_EQ(view.DebugString().find("old address"), std::string::npos);
}

TEST_F(CustomerReviewTest, SheContestsADecisionAboutHerAndNobodyElses) {
  v1::ReadSubjectRequest read;
  read.mutable_subject()->set_id(ada_);
  read.set_purpose(kService);
  read.add_fields("profile.given_name");
  read.set_channel(v1::CHANNEL_INTERNAL);
  v1::ReadSubjectResponse answer;
  grpc::Status status =
      Data(*portal_)->ReadSubject(With().get(), read, &answer);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const std::string decision = answer.decision().id();
  v1::Review review;
  EXPECT_EQ(ReasonOf(Ask(ShopToken("bob"), v1::REVIEW_TRIGGER_CUSTOMER,
                         decision, &review)),
            v1::ERROR_REASON_NOT_FOUND);
  status =
      Ask(ShopToken("ada"), v1::REVIEW_TRIGGER_CUSTOMER, decision, &review);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(review.target(), decision);
  Claim(review.id(), "rita");
  v1::ShowReviewRequest show;
  show.set_id(review.id());
  show.mutable_context()->set_acting_person("rita");
  v1::ReviewCase shown;
  status = Reviews(*reviewer_)->ShowReview(With().get(), show, &shown);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_NE(shown.proposal().find("portal under " + std::string(kService)),
            std::string::npos);
  EXPECT_GT(shown.inputs_size(), 0);
}

TEST_F(CustomerReviewTest, SheSeesWhatAChatbotDeclaredOfHerAndContestsIt) {
  v1::Client bot = ServiceClient("chatbot", kService);
  bot.add_permissions("vulnerability.write");
  const Identity chatbot = gateway_->Register(bot);
  const auto screening = [](const Identity& as) {
    return v1::ScreeningService::NewStub(gateway_->Connect(as));
  };
  v1::SetVulnerabilityRequest declare;
  declare.mutable_subject()->set_id(ada_);
  v1::Vulnerability* distress = declare.mutable_vulnerability();
  distress->set_kind(v1::VULNERABILITY_KIND_DISTRESS);
  distress->set_basis("words of the last message");
  distress->mutable_expire_time()->set_seconds(time(nullptr) + 86'400);
  v1::Vulnerability declared;
  grpc::Status status =
      screening(chatbot)->SetVulnerability(With().get(), declare, &declared);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::ClearVulnerabilityRequest clear;
  clear.set_id(declared.id());
  v1::Vulnerability none;
  EXPECT_EQ(ReasonOf(screening(chatbot)->ClearVulnerability(With().get(), clear,
                                                            &none)),
            v1::ERROR_REASON_PERMISSION_MISSING);
  const auto hers = [&](const std::string& token) {
    v1::ListVulnerabilitiesResponse list;
    const grpc::Status listed =
        screening(*portal_)->ListVulnerabilities(With(token).get(), {}, &list);
    EXPECT_TRUE(listed.ok()) << listed.error_message();
    return list;
  };
  const std::string ada = ShopToken("ada");
  EXPECT_EQ(hers(ShopToken("bob")).vulnerabilities_size(), 0);
  auto list = hers(ada);
  ASSERT_EQ(list.vulnerabilities_size(), 1);
  EXPECT_EQ(list.vulnerabilities(0).basis(), "words of the last message");
  EXPECT_EQ(ReasonOf(screening(*portal_)->ClearVulnerability(With(ada).get(),
                                                             clear, &none)),
            v1::ERROR_REASON_PERMISSION_MISSING);

  v1::Review review;
  EXPECT_EQ(ReasonOf(Ask(ShopToken("bob"), v1::REVIEW_TRIGGER_CUSTOMER,
                         declared.id(), &review)),
            v1::ERROR_REASON_NOT_FOUND);
  status = Ask(ada, v1::REVIEW_TRIGGER_CUSTOMER, declared.id(), &review);
  ASSERT_TRUE(status.ok()) << status.error_message();
  review = Claim(review.id(), "rita");
  v1::ShowReviewRequest show;
  show.set_id(review.id());
  show.mutable_context()->set_acting_person("rita");
  v1::ReviewCase shown;
  status = Reviews(*reviewer_)->ShowReview(With().get(), show, &shown);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(shown.proposal().substr(0, 8), "distress");
  EXPECT_EQ(shown.inputs_size(), 0);
  v1::DecideReviewRequest decide;
  decide.set_id(review.id());
  decide.set_etag(review.etag());
  decide.set_verdict(v1::REVIEW_VERDICT_REVERSE);
  decide.set_reason_code("wrong");
  decide.set_rationale("The words were a quotation.");
  decide.mutable_context()->set_acting_person("rita");
  status = Reviews(*reviewer_)->DecideReview(With().get(), decide, &review);
  ASSERT_TRUE(status.ok()) << status.error_message();
  list = hers(ada);
  ASSERT_EQ(list.vulnerabilities_size(), 1);
  EXPECT_TRUE(list.vulnerabilities(0).has_clear_time());
}

// Whoever reviews reads under no other purpose, and by no other way.
TEST_F(CustomerReviewTest, AReviewerReadsNothingBesideTheCase) {
  v1::ReadSubjectRequest read;
  read.mutable_subject()->set_id(ada_);
  read.set_purpose("human_review");
  read.add_fields("profile.given_name");
  read.set_channel(v1::CHANNEL_INTERNAL);
  v1::ReadSubjectResponse answer;
  EXPECT_EQ(
      ReasonOf(Data(*reviewer_)->ReadSubject(With().get(), read, &answer)),
      v1::ERROR_REASON_PERMISSION_MISSING);
  EXPECT_EQ(answer.fields_size(), 0);
}

}  // namespace
}  // namespace consentry::testing
