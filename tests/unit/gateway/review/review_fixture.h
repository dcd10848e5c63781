#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_REVIEW_REVIEW_FIXTURE_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_REVIEW_REVIEW_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/review/review_desk.h"
#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"

// Reviews on a real store, of outputs and decisions that are made up. Anna is a
// customer; registration "desk" is of staff, "shop" of a system.
namespace consentry::review {

using clients::CallerContext;
using testing::AccessFixture;
using testing::Promised;

inline constexpr int64_t kHour = int64_t{3600} * 1'000'000;
inline constexpr char kDecision[] = "dec_aaaaaaaaaaaaaaaaaaaaaaaaaa";
inline constexpr char kTarget[] = "scr_aaaaaaaaaaaaaaaaaaaaaaaa";

class FakeTarget final : public ReviewTarget {
 public:
  absl::Status Apply(store::ChangeContext&, std::string_view target,
                     Ruling ruling, std::string_view new_outcome,
                     store::v1::Leaf* leaf) override {
    if (!refusal.ok()) return refusal;
    EXPECT_EQ(target, known);
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
  std::string known = kTarget;
  absl::Status refusal;
  std::vector<Ruling> rulings;
  std::string outcome;
};

// One decision, about `subject`.
class FakeDecisions final : public DecidedReads {
 public:
  absl::StatusOr<TargetCase> Find(std::string_view decision) override {
    if (decision != kDecision) {
      return MakeError(v1::ERROR_REASON_NOT_FOUND, "no decision has this id");
    }
    if (on_find) on_find();
    TargetCase found;
    found.subject = subject;
    return found;
  }

  uint64_t subject = 0;
  std::function<void()> on_find;
};

class ReviewFixture : public ::testing::Test {
 protected:
  ReviewFixture() : digests_(fixture_.keys().root()) {
    anna_ = fixture_.Person("anna");
    number_ = fixture_.Number(anna_);
    target_.subject = number_;
    decisions_.subject = number_;
    ReviewParts parts;
    parts.configuration = [this] { return fixture_.configuration(); };
    parts.committer = fixture_.committer();
    parts.readers = fixture_.readers();
    parts.subjects = &fixture_.reader();
    parts.slots = &fixture_.keys().slots();
    parts.epochs = &fixture_.keys().epochs();
    parts.tokens = &fixture_.tokens();
    parts.digests = &digests_;
    parts.clock = &fixture_.clock();
    parts.log_origin = "test.log";
    parts.target = &target_;
    parts.decisions = &decisions_;
    parts.tell = [this](store::ChangeContext&, uint64_t, std::string_view text,
                        const std::map<std::string, std::string>& arguments) {
      told_.emplace_back(text);
      for (const auto& [name, value] : arguments) arguments_.push_back(value);
      return absl::OkStatus();
    };
    parts.answer_case = [this](store::ChangeContext&, std::string_view id,
                               const store::v1::ReviewDoc& doc,
                               store::v1::Leaf*) {
      answered_[std::string(id)] = doc.id();
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
    // Staff at the desk have tokens.
    if (client == "desk") {
      caller.person.emplace();
      caller.person->id = person;
      caller.person->roles = 1u << v1::ROLE_REVIEWER;
    }
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
  // As a case of hers does, in a change of its own.
  std::string EnqueueCase(const std::string& case_id,
                          const std::string& target) {
    CaseQuestion question;
    question.case_id = case_id;
    question.target = target;
    question.subject = number_;
    question.statement = "Look again.";
    question.requester.set_client_id("office");
    question.requester.set_person("clerk");
    std::string id;
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      auto queued = desk_->EnqueueCase(context, question);
      if (!queued.ok()) return queued.status();
      id = queued->id;
      store::v1::Leaf leaf = clients::LeafOf(*fixture_.configuration(),
                                             As("office"), context.now_us());
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
    review.trigger = v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION;
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
  Outcome Contest(const std::string& subject, const std::string& target,
                  const std::string& words,
                  v1::ReviewTrigger trigger = v1::REVIEW_TRIGGER_CUSTOMER) {
    v1::RequestReviewRequest request;
    request.mutable_subject()->set_id(subject);
    request.set_trigger(trigger);
    request.set_target(target);
    request.set_statement(words);
    return Call(As("shop", "agent"), &ReviewDesk::Request, request);
  }
  Outcome AskHer(const std::string& id, const std::string& person,
                 const std::string& question) {
    v1::ReleaseReviewRequest request;
    request.set_id(id);
    request.set_question(question);
    return Call(As("desk", person), &ReviewDesk::Release, request);
  }
  v1::Review ShowNow(const std::string& id) {
    const auto row =
        desk_->rows().Read(fixture_.reader_connection(),
                           *crypto::ParseId(crypto::IdKind::kReview, id));
    EXPECT_OK(row.status());
    return row.ok() ? ReviewDesk::Show(row->doc, fixture_.clock().NowUs())
                    : v1::Review();
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
  FakeDecisions decisions_;
  std::unique_ptr<ReviewDesk> desk_;
  std::string anna_;
  uint64_t number_ = 0;
  std::vector<std::string> told_;
  std::vector<std::string> arguments_;
  // Cases and the reviews whose decision answered them.
  std::map<std::string, std::string> answered_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_REVIEW_REVIEW_FIXTURE_H_
