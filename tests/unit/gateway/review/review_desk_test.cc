#include "gateway/review/review_desk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/review/review_fixture.h"

namespace consentry::review {
namespace {

using ReviewDeskTest = ReviewFixture;

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
  const auto claimed = Claim(EnqueueHeld(), "p1");
  ASSERT_OK(claimed.status());
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
  // Whoever was about to decide finds nothing.
  EXPECT_TRUE(absl::IsNotFound(
      Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status()));
  EXPECT_TRUE(target_.rulings.empty());
}

TEST_F(ReviewDeskTest, AnOutcomeInWordsIsForThoseWhoChangeOne) {
  auto claimed = Claim(EnqueueHeld(), "p1");
  ASSERT_OK(claimed.status());
  for (const auto verdict :
       {v1::REVIEW_VERDICT_UPHOLD, v1::REVIEW_VERDICT_ESCALATE}) {
    EXPECT_EQ(ReasonOf(Decide(*claimed, "p1", verdict, "other").status()),
              v1::ERROR_REASON_FIELD_INVALID);
  }
  EXPECT_FALSE(Decide(*claimed, "p1", v1::REVIEW_VERDICT_CHANGE).ok());
  // Two who must agree could mean different ones.
  claimed = Claim(EnqueueHeld(/*high_risk=*/true), "p1");
  ASSERT_OK(claimed.status());
  EXPECT_EQ(
      ReasonOf(
          Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE, "x").status()),
      v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(ReviewDeskTest, WhoeverWaitsForLongIsNotWrittenToByTheHour) {
  ASSERT_OK(HandOver(anna_, "Hello?").status());
  told_.clear();
  for (int i = 0; i < 20; ++i) {
    fixture_.clock().AdvanceUs(kHour);
    EXPECT_EQ(*desk_->TimeOutDue(), 1);
  }
  // The 1st, 2nd, 4th, 8th and 16th time.
  EXPECT_EQ(told_.size(), 5u);
}

TEST_F(ReviewDeskTest, NobodyIsWrittenToAboutWhatSheDoesNotWaitFor) {
  for (const auto trigger :
       {v1::REVIEW_TRIGGER_CONDUCT, v1::REVIEW_TRIGGER_SAMPLE}) {
    NewReview review;
    review.target = kTarget;
    review.subject = number_;
    review.trigger = trigger;
    const std::string id = Enqueue(review);
    fixture_.clock().AdvanceUs(73 * kHour);
    EXPECT_EQ(*desk_->TimeOutDue(), 1);
    auto claimed = Claim(id, "p1");
    ASSERT_OK(claimed.status());
    EXPECT_EQ(claimed->priority(),
              trigger == v1::REVIEW_TRIGGER_SAMPLE ? 5 : 1);
    ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
    EXPECT_TRUE(told_.empty());
    // Until she asks.
    const std::string other = Enqueue(review);
    ASSERT_OK(Contest(anna_, kTarget, "Why?").status());
    claimed = Claim(other, "p1");
    ASSERT_OK(claimed.status());
    ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
    EXPECT_EQ(told_,
              (std::vector<std::string>{"review.received", "review.decided"}));
    told_.clear();
  }
}

TEST_F(ReviewDeskTest, WhoeverAsksIsNotToldWhoLooks) {
  const auto asked = HandOver(anna_, "Hello?");
  ASSERT_OK(asked.status());
  ASSERT_OK(Claim(asked->id(), "p1").status());
  const auto again = HandOver(anna_, "Still there?");
  ASSERT_OK(again.status());
  EXPECT_EQ(again->state(), v1::REVIEW_STATE_CLAIMED);
  EXPECT_TRUE(again->claimed_by().empty());
  EXPECT_TRUE(again->etag().empty());
}

TEST_F(ReviewDeskTest, ARowThatDoesNotOpenKeepsNobodyFromTheOthers) {
  const std::string broken = EnqueueHeld();
  EnqueueHeld();
  store::Change change;
  change.apply = [](store::ChangeContext& context) -> absl::Status {
    auto query = context.connection()->Prepare(
        "UPDATE reviews SET doc = $1 WHERE review_no = 1");
    if (!query.ok()) return query.status();
    query->Bind(std::string_view("nothing"));
    context.SetEntry(store::v1::Leaf().SerializeAsString() + " ");
    return query->Run();
  };
  ASSERT_OK(
      fixture_.committer()->CommitChangeAndWait(std::move(change)).status);
  const auto next = Claim("", "p1");
  ASSERT_OK(next.status());
  EXPECT_NE(next->id(), broken);
  EXPECT_EQ(ReasonOf(Claim(broken, "p1").status()),
            v1::ERROR_REASON_DATA_CORRUPT);
  fixture_.clock().AdvanceUs(73 * kHour);
  EXPECT_EQ(*desk_->TimeOutDue(), 1);
}

TEST_F(ReviewDeskTest, WhatIsOutIsChangedByADecisionAndLeftAloneWhenUpheld) {
  auto asked = Contest(anna_, kTarget, "It is wrong");
  ASSERT_OK(asked.status());
  auto claimed = Claim(asked->id(), "p1");
  ASSERT_OK(claimed.status());
  // It is gone from where it could be refused; what is upheld needs nothing.
  target_.refusal = MakeError(v1::ERROR_REASON_STATE_INVALID, "not waiting");
  EXPECT_FALSE(Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE).ok());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
  EXPECT_TRUE(target_.rulings.empty());
  target_.refusal = absl::OkStatus();
  asked = Contest(anna_, kTarget, "It is still wrong");
  ASSERT_OK(asked.status());
  claimed = Claim(asked->id(), "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE).status());
  EXPECT_EQ(target_.rulings, std::vector<Ruling>{Ruling::kReverse});
}

TEST_F(ReviewDeskTest, ATargetThatIsNotKeptAnyMoreHoldsNoReviewOpen) {
  const auto claimed = Claim(EnqueueHeld(), "p1");
  ASSERT_OK(claimed.status());
  target_.refusal = MakeError(v1::ERROR_REASON_NOT_FOUND, "no such output");
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
  const auto details = fixture_.Leaves().back().details();
  EXPECT_NE(std::find(details.begin(), details.end(), "target=gone"),
            details.end());
}

TEST_F(ReviewDeskTest, ARequestJoinsTheReviewThatWaitsForTheSame) {
  const std::string id = EnqueueHeld();
  const auto asked =
      Contest(anna_, kTarget, "Why?", v1::REVIEW_TRIGGER_HAND_OVER);
  ASSERT_OK(asked.status());
  EXPECT_EQ(asked->id(), id);
  EXPECT_EQ(asked->priority(), 1);
  EXPECT_EQ(asked->due_time().seconds() - asked->create_time().seconds(), 3600);
  EXPECT_EQ(asked->trigger(), v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION);
  EXPECT_EQ(Words(id), std::vector<std::string>{"Why?"});
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM reviews"), 1);
  // Whoever asked on her behalf does not decide it, though it was there before.
  EXPECT_FALSE(Claim(id, "agent").ok());
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_UPHOLD).status());
  // It holds back the output still.
  EXPECT_EQ(target_.rulings, std::vector<Ruling>{Ruling::kRelease});
  // What is decided is joined no more.
  const auto again = Contest(anna_, kTarget, "But why?");
  ASSERT_OK(again.status());
  EXPECT_NE(again->id(), id);
}

TEST_F(ReviewDeskTest, ACaseIsAnsweredByTheDecisionThatItWaitsFor) {
  const std::string id = EnqueueCase("rgt_1", kDecision);
  ASSERT_EQ(Words(id), (std::vector<std::string>{"Look again."}));
  // Whoever entered the case does not decide it.
  EXPECT_FALSE(Claim(id, "clerk").ok());
  const auto claimed = Claim(id, "rita");
  ASSERT_OK(claimed.status());
  EXPECT_EQ(claimed->trigger(), v1::REVIEW_TRIGGER_CUSTOMER);
  ASSERT_OK(Decide(*claimed, "rita", v1::REVIEW_VERDICT_ESCALATE).status());
  EXPECT_TRUE(answered_.empty());
  const auto again = Claim(id, "otto");
  ASSERT_OK(again.status());
  ASSERT_OK(Decide(*again, "otto", v1::REVIEW_VERDICT_UPHOLD).status());
  EXPECT_EQ(answered_, (std::map<std::string, std::string>{{"rgt_1", id}}));
}

TEST_F(ReviewDeskTest, ACaseJoinsWhatIsHeldAlready) {
  const std::string held = EnqueueHeld();
  EXPECT_EQ(EnqueueCase("rgt_1", kTarget), held);
  const auto claimed = Claim(held, "rita");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "rita", v1::REVIEW_VERDICT_REVERSE).status());
  ASSERT_EQ(target_.rulings.size(), 1u);
  EXPECT_EQ(answered_.size(), 1u);
}

TEST_F(ReviewDeskTest, NobodyDecidesWhoHadAPartInIt) {
  NewReview review;
  review.target = kTarget;
  review.subject = number_;
  review.trigger = v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION;
  review.made_for = "maker";
  const std::string id = Enqueue(review);
  v1::RequestReviewRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
  request.set_target(kTarget);
  for (const auto& [client, person] :
       {std::pair{"shop", "first"}, {"letters", "second"}, {"shop", "third"}}) {
    const auto joined = Call(As(client, person), &ReviewDesk::Request, request);
    ASSERT_OK(joined.status());
    EXPECT_EQ(joined->id(), id);
  }
  v1::AddStatementRequest statement;
  statement.set_id(id);
  statement.set_statement("She says that it is wrong");
  // It came through that system too.
  ASSERT_OK(Call(As("letters", "speaker"), &ReviewDesk::AddStatement, statement)
                .status());
  for (const std::string person :
       {"maker", "first", "second", "third", "speaker"}) {
    EXPECT_EQ(ReasonOf(Claim(id, person).status()),
              v1::ERROR_REASON_STATE_INVALID)
        << person;
    EXPECT_TRUE(absl::IsNotFound(Claim("", person).status())) << person;
  }
  // One who comes in after she claimed it decides no more.
  const auto claimed = Claim(id, "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Call(As("shop", "p1"), &ReviewDesk::Request, request).status());
  const auto again = ShowNow(id);
  EXPECT_FALSE(Decide(again, "p1", v1::REVIEW_VERDICT_UPHOLD).ok());
  fixture_.clock().AdvanceUs(kHour);
  EXPECT_OK(Claim(id, "p2").status());
}

TEST_F(ReviewDeskTest, ASecondHandOverFillsNoQueue) {
  const auto first = HandOver(anna_, "Hello?");
  ASSERT_OK(first.status());
  const auto second = HandOver(anna_, "Is anybody there?");
  ASSERT_OK(second.status());
  EXPECT_EQ(second->id(), first->id());
  EXPECT_EQ(Words(first->id()).size(), 2u);
  const auto other = HandOver(fixture_.Person("berta"), "Hello?");
  ASSERT_OK(other.status());
  EXPECT_NE(other->id(), first->id());
}

TEST_F(ReviewDeskTest, SheIsWrittenToOnceHoweverOftenSheIsAskedFor) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(HandOver(anna_, "Hello?").status());
  }
  EXPECT_EQ(told_, std::vector<std::string>{"review.received"});
}

TEST_F(ReviewDeskTest, ANameThatNobodyBearsIsAnsweredLikeACustomers) {
  const auto ask = [this](const std::string& email, const std::string& words) {
    v1::RequestReviewRequest request;
    request.mutable_subject()->mutable_identifier()->set_type(
        v1::IDENTIFIER_TYPE_EMAIL);
    request.mutable_subject()->mutable_identifier()->set_value(email);
    request.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
    request.set_statement(words);
    return Call(As("shop"), &ReviewDesk::Request, request);
  };
  std::vector<v1::Review> first;
  for (const std::string email : {"anna@example.com", "nobody@example.com"}) {
    const auto asked = ask(email, "canary-words");
    ASSERT_OK(asked.status());
    const auto again = ask(email, "canary-words");
    ASSERT_OK(again.status());
    EXPECT_EQ(again->id(), asked->id());
    v1::AddStatementRequest statement;
    statement.set_id(asked->id());
    statement.set_statement("more");
    const auto heard = Call(As("shop"), &ReviewDesk::AddStatement, statement);
    ASSERT_OK(heard.status());
    EXPECT_TRUE(absl::IsNotFound(
        Call(As("letters"), &ReviewDesk::AddStatement, statement).status()));
    first.push_back(*heard);
  }
  EXPECT_NE(first[0].id(), first[1].id());
  for (v1::Review& review : first) review.clear_id();
  EXPECT_EQ(first[0].SerializeAsString(), first[1].SerializeAsString());
  EXPECT_NE(ask("other@example.com", "")->id(),
            ask("nobody@example.com", "")->id());
  // What was said of somebody whom no erasure would find is not kept.
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM review_words"), 3);
  EXPECT_EQ(
      fixture_.Ask("SELECT COUNT(*) FROM review_words WHERE subject <= 0"), 0);
}

TEST_F(ReviewDeskTest, WhatWasAskedOfAStrangerIsHersOnceSheIsACustomer) {
  v1::RequestReviewRequest request;
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value(
      "carla@example.com");
  request.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
  const auto before = Call(As("shop"), &ReviewDesk::Request, request);
  ASSERT_OK(before.status());
  ASSERT_OK(Claim(before->id(), "p1").status());
  ASSERT_OK(Decide(ShowNow(before->id()), "p1", v1::REVIEW_VERDICT_ESCALATE)
                .status());
  const uint64_t carla = fixture_.Number(fixture_.Person("carla"));
  request.set_statement("It is me");
  const auto after = Call(As("shop"), &ReviewDesk::Request, request);
  ASSERT_OK(after.status());
  EXPECT_EQ(after->id(), before->id());
  EXPECT_EQ(Words(after->id()),
            (std::vector<std::string>{"It was looked at.", "It is me"}));
  const std::string whose = " WHERE subject = " + std::to_string(carla);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM reviews" + whose), 1);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM review_words" + whose), 2);
}

TEST_F(ReviewDeskTest, AskingAroundIsBoundByTheCallersBudget) {
  v1::Client client =
      AccessFixture::ClientFor("shop", testing::kServicePurpose);
  client.mutable_limits()->set_subjects_per_hour(2);
  fixture_.SetClient(client);
  v1::RequestReviewRequest request;
  request.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  for (const std::string name : {"anna", "nobody", "anna", "nobody"}) {
    request.mutable_subject()->mutable_identifier()->set_value(name +
                                                               "@example.com");
    EXPECT_OK(Call(As("shop"), &ReviewDesk::Request, request).status());
  }
  request.mutable_subject()->mutable_identifier()->set_value(
      "third@example.com");
  EXPECT_EQ(ReasonOf(Call(As("shop"), &ReviewDesk::Request, request).status()),
            v1::ERROR_REASON_BUDGET_EXHAUSTED);
}

TEST_F(ReviewDeskTest, ADecisionOnAReadingIsContestedByWhomItIsAbout) {
  EXPECT_TRUE(absl::IsNotFound(
      Contest(fixture_.Person("berta"), kDecision, "Mine?").status()));
  EXPECT_TRUE(absl::IsNotFound(
      Contest(anna_, "dec_bbbbbbbbbbbbbbbbbbbbbbbbbb", "Mine?").status()));
  const auto asked = Contest(anna_, kDecision, "Why was I refused?");
  ASSERT_OK(asked.status());
  const auto claimed = Claim(asked->id(), "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE).status());
  // Nothing waits for it.
  EXPECT_TRUE(target_.rulings.empty());
}

TEST_F(ReviewDeskTest, AQuestionWaitsForHerAnswerAndNoLongerThanItsDueTime) {
  const auto asked = HandOver(anna_, "My limit is wrong");
  ASSERT_OK(asked.status());
  ASSERT_OK(Claim(asked->id(), "p1").status());
  EXPECT_FALSE(AskHer(asked->id(), "p2", "Since when?").ok());
  told_.clear();
  const auto waits = AskHer(asked->id(), "p1", "Since when?");
  ASSERT_OK(waits.status());
  EXPECT_EQ(waits->state(), v1::REVIEW_STATE_AWAITING_CUSTOMER);
  EXPECT_EQ(told_, std::vector<std::string>{"review.question"});
  // Nobody is given it to look at meanwhile.
  EXPECT_FALSE(Claim("", "p2").ok());
  v1::AddStatementRequest request;
  request.set_id(asked->id());
  request.set_statement("Since May");
  const auto heard = Call(As("shop"), &ReviewDesk::AddStatement, request);
  ASSERT_OK(heard.status());
  EXPECT_EQ(heard->state(), v1::REVIEW_STATE_OPEN);
  ASSERT_OK(Claim("", "p2").status());
  ASSERT_OK(AskHer(asked->id(), "p2", "And the year?").status());
  fixture_.clock().AdvanceUs(2 * kHour);
  EXPECT_EQ(*desk_->TimeOutDue(), 1);
  EXPECT_OK(Claim("", "p1").status());
  EXPECT_EQ(Words(asked->id()).size(), 4u);
}

TEST_F(ReviewDeskTest, OfTwoWhoReachForOneReviewOneGetsIt) {
  for (int round = 0; round < 10; ++round) {
    const std::string id = EnqueueHeld();
    std::vector<Outcome> outcomes(4, absl::UnknownError(""));
    std::vector<std::thread> threads;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      threads.emplace_back([this, i, &id, &outcomes] {
        outcomes[i] = Claim(id, "p" + std::to_string(i));
      });
    }
    for (std::thread& thread : threads) thread.join();
    int got = 0;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i].ok()) {
        EXPECT_EQ(ReasonOf(outcomes[i].status()),
                  v1::ERROR_REASON_STATE_INVALID);
        continue;
      }
      ++got;
      EXPECT_EQ(outcomes[i]->claimed_by(), "p" + std::to_string(i));
    }
    EXPECT_EQ(got, 1);
  }
}

TEST_F(ReviewDeskTest, OfSeveralWhoTakeTheNextEachGetsOne) {
  for (int round = 0; round < 10; ++round) {
    std::vector<Outcome> outcomes(4, absl::UnknownError(""));
    for (size_t i = 0; i < outcomes.size(); ++i) EnqueueHeld();
    std::vector<std::thread> threads;
    for (size_t i = 0; i < outcomes.size(); ++i) {
      threads.emplace_back([this, i, &outcomes] {
        outcomes[i] = Claim("", "p" + std::to_string(i));
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> taken;
    for (const Outcome& outcome : outcomes) {
      ASSERT_OK(outcome.status());
      taken.insert(outcome->id());
    }
    EXPECT_EQ(taken.size(), outcomes.size());
  }
}

TEST_F(ReviewDeskTest, ALeaseThatEndedGoesToTheNextAndTheFirstDecidesNothing) {
  const std::string id = EnqueueHeld();
  const auto first = Claim(id, "p1");
  ASSERT_OK(first.status());
  fixture_.clock().AdvanceUs(kHour);
  const auto second = Claim(id, "p2");
  ASSERT_OK(second.status());
  EXPECT_FALSE(Decide(*first, "p1", v1::REVIEW_VERDICT_REVERSE).ok());
  EXPECT_FALSE(Decide(*second, "p1", v1::REVIEW_VERDICT_REVERSE).ok());
  ASSERT_OK(Decide(*second, "p2", v1::REVIEW_VERDICT_UPHOLD).status());
  EXPECT_EQ(target_.rulings, std::vector<Ruling>{Ruling::kRelease});
}

TEST_F(ReviewDeskTest, NoEntryHoldsAWordThatAnybodyWrote) {
  const auto asked = Contest(anna_, kTarget, "canary-statement");
  ASSERT_OK(asked.status());
  ASSERT_OK(Claim(asked->id(), "p1").status());
  ASSERT_OK(AskHer(asked->id(), "p1", "canary-question").status());
  const auto claimed = Claim(asked->id(), "p1");
  ASSERT_OK(claimed.status());
  v1::DecideReviewRequest request;
  request.set_id(asked->id());
  request.set_etag(claimed->etag());
  request.set_verdict(v1::REVIEW_VERDICT_CHANGE);
  request.set_reason_code("checked");
  request.set_rationale("canary-rationale");
  request.set_new_outcome("canary-outcome");
  ASSERT_OK(Call(As("desk", "p1"), &ReviewDesk::Decide, request).status());
  for (const auto& leaf : fixture_.Leaves()) {
    EXPECT_EQ(leaf.SerializeAsString().find("canary"), std::string::npos);
  }
  // Nor does a message tell one.
  for (const auto& text : arguments_) {
    EXPECT_EQ(text.find("canary"), std::string::npos);
  }
  EXPECT_FALSE(arguments_.empty());
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
