#include "gateway/review/review_desk.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/access/output_decision.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"

namespace consentry::review {
namespace {

using clients::CallerContext;
using testing::AccessFixture;
using testing::Promised;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
constexpr char kTarget[] = "scr_aaaaaaaaaaaaaaaaaaaaaaaa";

class FakeTarget final : public ReviewTarget {
 public:
  absl::Status Apply(store::ChangeContext&, std::string_view target,
                     Ruling ruling, std::string_view new_outcome,
                     store::v1::Leaf* leaf) override {
    if (!refusal.ok()) return refusal;
    EXPECT_EQ(target, kTarget);
    rulings.push_back(ruling);
    outcome = std::string(new_outcome);
    leaf->add_details("target=done");
    return absl::OkStatus();
  }
  absl::StatusOr<TargetCase> Describe(store::Connection*, std::string_view,
                                      const crypto::Grant& grant) override {
    EXPECT_TRUE(grant.valid());
    TargetCase found;
    found.subject = subject;
    return found;
  }

  uint64_t subject = 0;
  absl::Status refusal;
  std::vector<Ruling> rulings;
  std::string outcome;
};

class ReviewDeskTest : public ::testing::Test {
 protected:
  ReviewDeskTest() : digests_(fixture_.keys().root()) {
    anna_ = fixture_.Person("anna");
    number_ = fixture_.Number(anna_);
    target_.subject = number_;
    ReviewParts parts;
    parts.configuration = [this] { return fixture_.configuration(); };
    parts.committer = fixture_.committer();
    parts.readers = fixture_.readers();
    parts.subjects = &fixture_.reader();
    parts.slots = &fixture_.keys().slots();
    parts.epochs = &fixture_.keys().epochs();
    parts.tokens = &fixture_.tokens();
    parts.digests = &digests_;
    parts.log_origin = "test.log";
    parts.target = &target_;
    parts.tell = [this](store::ChangeContext&, uint64_t, std::string_view text,
                        std::map<std::string, std::string>) {
      told_.emplace_back(text);
      return absl::OkStatus();
    };
    desk_ = std::make_unique<ReviewDesk>(std::move(parts));
  }

  static CallerContext As(const std::string& client,
                          const std::string& person = "") {
    CallerContext caller;
    caller.client_id = client;
    caller.method = "ReviewService.Test";
    caller.event = "review.test";
    caller.context.set_acting_person(person);
    return caller;
  }

  // As screening does, in a change of its own.
  std::string Enqueue(NewReview review) {
    std::string id;
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      auto queued = desk_->Enqueue(context, review);
      if (!queued.ok()) return queued.status();
      id = queued->id;
      store::v1::Leaf leaf = clients::LeafOf(*fixture_.configuration(),
                                             As("shop"), context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    EXPECT_OK(
        fixture_.committer()->CommitChangeAndWait(std::move(change)).status);
    return id;
  }
  std::string EnqueueHeld(bool high_risk = false) {
    NewReview review;
    review.target = kTarget;
    review.subject = number_;
    review.trigger = v1::REVIEW_TRIGGER_CONDUCT;
    review.rules = {"claims.scarcity"};
    review.high_risk = high_risk;
    return Enqueue(review);
  }

  using Outcome = absl::StatusOr<v1::Review>;
  template <class Method, class Request>
  Outcome Call(const CallerContext& caller, Method method,
               const Request& request) {
    auto [done, future] = Promised<Outcome>();
    ((*desk_).*method)(caller, request, std::move(done));
    return future.get();
  }
  Outcome Claim(const std::string& id, const std::string& person) {
    v1::ClaimReviewRequest request;
    request.set_id(id);
    return Call(As("desk", person), &ReviewDesk::Claim, request);
  }
  Outcome Decide(const v1::Review& review, const std::string& person,
                 v1::ReviewVerdict verdict, const std::string& outcome = "") {
    v1::DecideReviewRequest request;
    request.set_id(review.id());
    request.set_etag(review.etag());
    request.set_verdict(verdict);
    request.set_reason_code("checked");
    request.set_rationale("It was looked at.");
    request.set_new_outcome(outcome);
    return Call(As("desk", person), &ReviewDesk::Decide, request);
  }
  Outcome HandOver(const std::string& subject, const std::string& words) {
    v1::RequestReviewRequest request;
    request.mutable_subject()->set_id(subject);
    request.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
    request.set_statement(words);
    return Call(As("shop"), &ReviewDesk::Request, request);
  }
  std::vector<std::string> Words(const std::string& id) {
    const auto grant = testing::GrantForTest::Make("test.service");
    std::vector<std::string> words;
    const auto row =
        desk_->rows().Read(fixture_.reader_connection(),
                           *crypto::ParseId(crypto::IdKind::kReview, id));
    EXPECT_OK(row.status());
    if (!row.ok()) return words;
    const auto all =
        desk_->rows().OpenWords(fixture_.reader_connection(), grant, *row);
    EXPECT_OK(all.status());
    if (all.ok()) {
      for (const auto& piece : *all) words.push_back(piece.text());
    }
    return words;
  }

  AccessFixture fixture_;
  crypto::RequestDigests digests_;
  FakeTarget target_;
  std::unique_ptr<ReviewDesk> desk_;
  std::string anna_;
  uint64_t number_ = 0;
  std::vector<std::string> told_;
};

TEST_F(ReviewDeskTest, ADecisionReachesItsTargetAndTheCustomerInOneChange) {
  const std::string id = EnqueueHeld();
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  EXPECT_EQ(claimed->state(), v1::REVIEW_STATE_CLAIMED);
  EXPECT_EQ(claimed->claimed_by(), "p1");
  const size_t entries = fixture_.Leaves().size();
  const auto decided =
      Decide(*claimed, "p1", v1::REVIEW_VERDICT_CHANGE, "Two are left.");
  ASSERT_OK(decided.status());
  EXPECT_EQ(decided->state(), v1::REVIEW_STATE_RESOLVED);
  EXPECT_EQ(target_.rulings, std::vector<Ruling>{Ruling::kReleaseChanged});
  EXPECT_EQ(target_.outcome, "Two are left.");
  EXPECT_EQ(told_, std::vector<std::string>{"review.decided"});
  const auto leaves = fixture_.Leaves();
  ASSERT_EQ(leaves.size(), entries + 1);
  EXPECT_EQ(leaves.back().subjects_size(), 1);
  EXPECT_EQ(leaves.back().details(0), "review=" + id);
}

TEST_F(ReviewDeskTest, ATargetThatRefusesLeavesTheReviewOpen) {
  const std::string id = EnqueueHeld();
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  target_.refusal = absl::FailedPreconditionError("gone");
  EXPECT_FALSE(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).ok());
  target_.refusal = absl::OkStatus();
  EXPECT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(ReviewDeskTest, AnotherPersonsClaimAndAnOldEtagAreRefused) {
  const std::string id = EnqueueHeld();
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  EXPECT_FALSE(Claim(id, "p2").ok());
  EXPECT_FALSE(Decide(*claimed, "p2", v1::REVIEW_VERDICT_UPHOLD).ok());
  const auto renewed = Claim(id, "p1");
  ASSERT_OK(renewed.status());
  EXPECT_FALSE(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).ok());
  EXPECT_TRUE(target_.rulings.empty());
  EXPECT_OK(Decide(*renewed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
}

TEST_F(ReviewDeskTest, AHandOverIsTakenBeforeWhatIsLessUrgent) {
  EnqueueHeld();
  const auto asked = HandOver(anna_, "I want to talk to somebody");
  ASSERT_OK(asked.status());
  EXPECT_EQ(asked->priority(), 1);
  const auto first = Claim("", "p1");
  ASSERT_OK(first.status());
  EXPECT_EQ(first->id(), asked->id());
  EXPECT_EQ(Words(asked->id()),
            std::vector<std::string>{"I want to talk to somebody"});
  const auto second = Claim("", "p2");
  ASSERT_OK(second.status());
  EXPECT_NE(second->id(), asked->id());
  EXPECT_FALSE(Claim("", "p3").ok());
}

TEST_F(ReviewDeskTest, HighRiskReachesTheTargetAfterTwoPersonsAlone) {
  const std::string id = EnqueueHeld(/*high_risk=*/true);
  auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  const auto first = Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE);
  ASSERT_OK(first.status());
  EXPECT_EQ(first->state(), v1::REVIEW_STATE_SECOND_LOOK);
  EXPECT_TRUE(target_.rulings.empty());
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(Claim(id, "p1").ok());
  claimed = Claim(id, "p2");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p2", v1::REVIEW_VERDICT_REVERSE).status());
  EXPECT_EQ(target_.rulings, std::vector<Ruling>{Ruling::kReverse});
}

TEST_F(ReviewDeskTest, StatementsAreOfWhomeverTheReviewIsAbout) {
  const auto asked = HandOver(anna_, "First");
  ASSERT_OK(asked.status());
  v1::AddStatementRequest request;
  request.set_id(asked->id());
  request.set_statement("Second");
  EXPECT_TRUE(absl::IsNotFound(
      Call(As("letters"), &ReviewDesk::AddStatement, request).status()));
  CallerContext customer = As("shop");
  customer.person.emplace();
  customer.person->subject = number_ + 1;
  EXPECT_TRUE(absl::IsNotFound(
      Call(customer, &ReviewDesk::AddStatement, request).status()));
  customer.person->subject = number_;
  EXPECT_OK(Call(customer, &ReviewDesk::AddStatement, request).status());
  EXPECT_EQ(Words(asked->id()), (std::vector<std::string>{"First", "Second"}));
}

TEST_F(ReviewDeskTest, WhatIsLateEscalatesTellsTheCustomerAndStaysOpen) {
  const std::string id = EnqueueHeld();
  EXPECT_EQ(*desk_->TimeOutDue(), 0);
  fixture_.clock().AdvanceUs(73 * kHour);
  EXPECT_EQ(*desk_->TimeOutDue(), 1);
  EXPECT_EQ(*desk_->TimeOutDue(), 0);
  EXPECT_EQ(told_, std::vector<std::string>{"review.late"});
  EXPECT_TRUE(target_.rulings.empty());
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  EXPECT_EQ(claimed->timeouts(), 1);
  EXPECT_EQ(fixture_.Leaves().back().details(0), "review=" + id);
}

TEST_F(ReviewDeskTest, OldDecisionsAreForgottenAndOpenReviewsAreNot) {
  const auto claimed = Claim(EnqueueHeld(), "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
  EnqueueHeld();
  EXPECT_EQ(*desk_->ForgetOld(), 0);
  fixture_.clock().AdvanceUs(402 * 24 * kHour);
  EXPECT_EQ(*desk_->ForgetOld(), 1);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM reviews"), 1);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM review_words"), 0);
}

TEST_F(ReviewDeskTest, AnErasureLeavesNothingOfHerReviews) {
  ASSERT_OK(HandOver(anna_, "Words").status());
  EnqueueHeld();
  store::Change change;
  int64_t gone = 0;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    auto forgotten = desk_->Forget(context, number_, 10);
    if (!forgotten.ok()) return forgotten.status();
    gone = *forgotten;
    context.SetEntry(store::v1::Leaf().SerializeAsString() + " ");
    return absl::OkStatus();
  };
  EXPECT_OK(
      fixture_.committer()->CommitChangeAndWait(std::move(change)).status);
  EXPECT_EQ(gone, 2);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM reviews"), 0);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM review_words"), 0);
}

TEST_F(ReviewDeskTest, AnotherCustomersOutputIsNoTarget) {
  v1::RequestReviewRequest request;
  request.mutable_subject()->set_id(fixture_.Person("berta"));
  request.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
  request.set_target(kTarget);
  EXPECT_FALSE(Call(As("shop"), &ReviewDesk::Request, request).ok());
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM reviews"), 0);
}

}  // namespace
}  // namespace consentry::review
