#include "gateway/review/review_reads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/threads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/review/subject_reviews.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/review/review_fixture.h"

namespace consentry::review {
namespace {

using testing::Promised;

class ReviewReadsTest : public ReviewFixture {
 protected:
  ReviewReadsTest()
      : workers_(base::Constant("test"), 2, 64),
        page_tokens_(fixture_.keys().root()),
        reads_({.parts = {.configuration =
                              [this] { return fixture_.configuration(); },
                          .committer = fixture_.committer(),
                          .workers = &workers_},
                .desk = desk_.get(),
                .reads = &fixture_.reads(),
                .page_tokens = &page_tokens_}) {}

  template <class Response, class Method, class Request>
  absl::StatusOr<Response> Ask(const CallerContext& caller, Method method,
                               const Request& request) {
    auto [done, future] =
        Promised<absl::StatusOr<access::Released<Response>>>();
    (reads_.*method)(caller, request, std::move(done));
    auto released = future.get();
    if (!released.ok()) return released.status();
    return std::move(released->response);
  }
  absl::StatusOr<v1::ListReviewsResponse> List(
      const v1::ListReviewsRequest& request,
      const CallerContext& caller = As("desk", "p1")) {
    return Ask<v1::ListReviewsResponse>(caller, &ReviewReads::List, request);
  }
  absl::StatusOr<v1::ListCustomerReviewsResponse> OfAnna(
      const CallerContext& caller) {
    v1::ListCustomerReviewsRequest request;
    request.mutable_subject()->set_id(anna_);
    return Ask<v1::ListCustomerReviewsResponse>(
        caller, &ReviewReads::OfCustomer, request);
  }

  base::WorkerPool workers_;
  crypto::PageTokens page_tokens_;
  ReviewReads reads_;
};

TEST_F(ReviewReadsTest, TheQueueIsByUrgencyFilteredAndPaged) {
  std::set<std::string> conduct;
  for (int i = 0; i < 5; ++i) conduct.insert(EnqueueHeld());
  const auto urgent = HandOver(anna_, "Please");
  ASSERT_OK(urgent.status());
  v1::ListReviewsRequest request;
  request.set_page_size(2);
  std::vector<std::string> seen;
  for (;;) {
    const auto page = List(request);
    ASSERT_OK(page.status());
    EXPECT_LE(page->reviews_size(), 2);
    for (const auto& review : page->reviews()) seen.push_back(review.id());
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  ASSERT_EQ(seen.size(), 6u);
  EXPECT_EQ(seen[0], urgent->id());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 6u);

  request.Clear();
  request.set_trigger(v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION);
  auto page = List(request);
  ASSERT_OK(page.status());
  EXPECT_EQ(page->reviews_size(), 5);
  request.Clear();
  request.set_state(v1::REVIEW_STATE_CLAIMED);
  page = List(request);
  ASSERT_OK(page.status());
  EXPECT_EQ(page->reviews_size(), 0);
  ASSERT_OK(Claim(urgent->id(), "p1").status());
  page = List(request);
  ASSERT_OK(page.status());
  ASSERT_EQ(page->reviews_size(), 1);
  EXPECT_EQ(page->reviews(0).claimed_by(), "p1");
  request.Clear();
  request.mutable_due_before()->set_seconds(urgent->due_time().seconds() + 1);
  page = List(request);
  ASSERT_OK(page.status());
  EXPECT_EQ(page->reviews_size(), 1);
  request.Clear();
  request.set_state(v1::REVIEW_STATE_RESOLVED);
  page = List(request);
  ASSERT_OK(page.status());
  EXPECT_EQ(page->reviews_size(), 0);
}

TEST_F(ReviewReadsTest, APageTokenIsOfItsCallerAndQuestionAlone) {
  EnqueueHeld();
  EnqueueHeld();
  v1::ListReviewsRequest request;
  request.set_page_size(1);
  const auto page = List(request);
  ASSERT_OK(page.status());
  request.set_page_token(page->next_page_token());
  EXPECT_OK(List(request).status());
  EXPECT_EQ(ReasonOf(List(request, As("shop")).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  request.set_trigger(v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION);
  EXPECT_EQ(ReasonOf(List(request).status()),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
}

TEST_F(ReviewReadsTest, ACaseIsForWhoeverHoldsItAndLeavesAnEntry) {
  const auto asked = Contest(anna_, kTarget, "It is wrong");
  ASSERT_OK(asked.status());
  v1::ShowReviewRequest request;
  request.set_id(asked->id());
  const auto show = [&](const std::string& person) {
    return Ask<v1::ReviewCase>(As("desk", person), &ReviewReads::ShowCase,
                               request);
  };
  EXPECT_EQ(ReasonOf(show("p1").status()), v1::ERROR_REASON_STATE_INVALID);
  ASSERT_OK(Claim(asked->id(), "p1").status());
  const size_t entries = fixture_.Leaves().size();
  EXPECT_EQ(ReasonOf(show("p2").status()), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(fixture_.Leaves().size(), entries);
  const auto shown = show("p1");
  ASSERT_OK(shown.status());
  ASSERT_EQ(shown->statements_size(), 1);
  EXPECT_EQ(shown->statements(0), "It is wrong");
  ASSERT_GT(fixture_.Leaves().size(), entries);
  EXPECT_EQ(fixture_.Leaves()[entries].purpose(), "test.review");
  EXPECT_EQ(fixture_.Leaves()[entries].subjects_size(), 1);
  // Her lease is over.
  fixture_.clock().AdvanceUs(kHour);
  EXPECT_EQ(ReasonOf(show("p1").status()), v1::ERROR_REASON_STATE_INVALID);
  request.set_id("rev_aaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(ReasonOf(show("p1").status()), v1::ERROR_REASON_NOT_FOUND);
}

TEST_F(ReviewReadsTest, NoConnectionIsHeldWhileTheLogsIndexCatchesUp) {
  const auto asked = Contest(anna_, kDecision, "It is wrong");
  ASSERT_OK(asked.status());
  ASSERT_OK(Claim(asked->id(), "p1").status());
  const auto free = [this] {
    std::vector<store::ReaderPool::Lease> all;
    for (;;) {
      auto lease = fixture_.readers()->Acquire(std::chrono::milliseconds(10));
      if (!lease.ok()) return all.size();
      all.push_back(*std::move(lease));
    }
  };
  const size_t at_rest = free();
  size_t while_it_waits = 0;
  decisions_.on_find = [&] { while_it_waits = free(); };
  v1::ShowReviewRequest request;
  request.set_id(asked->id());
  const auto shown =
      Ask<v1::ReviewCase>(As("desk", "p1"), &ReviewReads::ShowCase, request);
  ASSERT_OK(shown.status());
  EXPECT_EQ(shown->statements_size(), 1);
  EXPECT_EQ(while_it_waits, at_rest);
}

TEST_F(ReviewReadsTest, ACustomerSeesReasonsOfWhatIsDecidedAndNoReviewer) {
  const std::string held = EnqueueHeld(/*high_risk=*/true);
  auto claimed = Claim(held, "secret-1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "secret-1", v1::REVIEW_VERDICT_UPHOLD).status());
  CallerContext anna = As("shop");
  anna.person.emplace();
  anna.person->subject = number_;
  auto hers = OfAnna(anna);
  ASSERT_OK(hers.status());
  ASSERT_EQ(hers->reviews_size(), 1);
  // Not final.
  EXPECT_TRUE(hers->reviews(0).rationale().empty());
  claimed = Claim(held, "secret-2");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "secret-2", v1::REVIEW_VERDICT_UPHOLD).status());
  hers = OfAnna(anna);
  ASSERT_OK(hers.status());
  ASSERT_EQ(hers->reviews_size(), 1);
  EXPECT_EQ(hers->reviews(0).rationale(), "It was looked at.");
  EXPECT_EQ(hers->DebugString().find("secret"), std::string::npos);
  // A system sees what came through it.
  const auto systems = OfAnna(As("shop"));
  ASSERT_OK(systems.status());
  EXPECT_EQ(systems->reviews_size(), 0);
}

TEST_F(ReviewReadsTest, ReviewsOfACustomerArePagedToThatCallerAlone) {
  std::set<std::string> wanted;
  for (int i = 0; i < 5; ++i) wanted.insert(EnqueueHeld());
  CallerContext anna = As("shop");
  anna.person.emplace();
  anna.person->subject = number_;
  v1::ListCustomerReviewsRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_page_size(2);
  const auto page_of = [&](const CallerContext& caller) {
    return Ask<v1::ListCustomerReviewsResponse>(
        caller, &ReviewReads::OfCustomer, request);
  };
  std::set<std::string> seen;
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = page_of(anna);
    ASSERT_OK(page.status());
    EXPECT_LE(page->reviews_size(), 2);
    for (const auto& one : page->reviews()) {
      EXPECT_TRUE(seen.insert(one.review().id()).second);
    }
    request.set_page_token(page->next_page_token());
    if (request.page_token().empty()) break;
    EXPECT_EQ(ReasonOf(page_of(As("desk", "p1")).status()),
              v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  }
  EXPECT_EQ(seen, wanted);
}

TEST_F(ReviewReadsTest, ASystemLearnsFromAListOfNoNameWhetherItIsACustomers) {
  std::vector<v1::ListCustomerReviewsResponse> lists;
  for (const std::string name : {"anna", "nobody"}) {
    v1::RequestReviewRequest asked;
    asked.mutable_subject()->mutable_identifier()->set_type(
        v1::IDENTIFIER_TYPE_EMAIL);
    asked.mutable_subject()->mutable_identifier()->set_value(name +
                                                             "@example.com");
    asked.set_trigger(v1::REVIEW_TRIGGER_HAND_OVER);
    asked.set_statement("Please call back");
    const auto made = Call(As("shop"), &ReviewDesk::Request, asked);
    ASSERT_OK(made.status());
    v1::ListCustomerReviewsRequest request;
    *request.mutable_subject() = asked.subject();
    const auto none = Ask<v1::ListCustomerReviewsResponse>(
        As("letters"), &ReviewReads::OfCustomer, request);
    ASSERT_OK(none.status());
    EXPECT_EQ(none->reviews_size(), 0);
    auto list = Ask<v1::ListCustomerReviewsResponse>(
        As("shop"), &ReviewReads::OfCustomer, request);
    ASSERT_OK(list.status());
    ASSERT_EQ(list->reviews_size(), 1);
    EXPECT_EQ(list->reviews(0).review().id(), made->id());
    list->mutable_reviews(0)->mutable_review()->clear_id();
    lists.push_back(*std::move(list));
  }
  EXPECT_EQ(lists[0].SerializeAsString(), lists[1].SerializeAsString());
}

TEST_F(ReviewReadsTest, AReportNamesAllThatWasSaidAndAViewNone) {
  const auto asked = Contest(anna_, kTarget, "It is wrong");
  ASSERT_OK(asked.status());
  ASSERT_OK(Claim(asked->id(), "p1").status());
  ASSERT_OK(AskHer(asked->id(), "p1", "Since when?").status());
  const auto claimed = Claim(asked->id(), "p1");
  ASSERT_OK(claimed.status());
  ASSERT_OK(Decide(*claimed, "p1", v1::REVIEW_VERDICT_REVERSE).status());
  const SubjectReviews reviews(&desk_->rows());
  const auto group =
      fixture_.reader().ReadGroup(fixture_.reader_connection(), number_, {});
  ASSERT_OK(group.status());
  const auto view = reviews.List(fixture_.reader_connection(), *group, 10);
  ASSERT_OK(view.status());
  ASSERT_EQ(view->size(), 1u);
  EXPECT_EQ((*view)[0].verdict(), "reverse");
  EXPECT_EQ((*view)[0].why(), "customer");
  EXPECT_EQ((*view)[0].DebugString().find("wrong"), std::string::npos);
  store::v1::AccessReport report;
  ASSERT_OK(reviews.AddTo(fixture_.reader_connection(),
                          testing::GrantForTest::Make("test.rights"), *group,
                          &report));
  ASSERT_EQ(report.reviews_size(), 1);
  EXPECT_EQ(report.reviews(0).statements(0), "It is wrong");
  EXPECT_EQ(report.reviews(0).questions(0), "Since when?");
  EXPECT_EQ(report.reviews(0).answers(0), "It was looked at.");
}

}  // namespace
}  // namespace consentry::review
