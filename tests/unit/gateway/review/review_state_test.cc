#include "gateway/review/review_state.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace consentry::review {
namespace {

using store::v1::ReviewActor;
using store::v1::ReviewDoc;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
constexpr int64_t kDay = 24 * kHour;

ReviewActor Person(const std::string& name) {
  ReviewActor actor;
  actor.set_client_id("desk");
  actor.set_person(name);
  actor.set_proven(true);
  return actor;
}

ReviewDoc Fresh(bool high_risk = false) {
  ReviewDoc doc;
  doc.set_state(v1::REVIEW_STATE_OPEN);
  doc.set_high_risk(high_risk);
  doc.set_due_us(10 * kHour);
  doc.set_term_us(10 * kHour);
  return doc;
}

// Claims and decides at once.
absl::StatusOr<std::optional<Ruling>> Take(const std::string& who,
                                           v1::ReviewVerdict verdict,
                                           int64_t now_us, ReviewDoc* doc,
                                           const Powers& powers = {}) {
  const absl::Status claimed = Claim(Person(who), kHour, now_us, powers, doc);
  if (!claimed.ok()) return claimed;
  return Decide(Person(who), verdict, "code", now_us, powers, doc);
}

TEST(ReviewStateTest, AClaimKeepsOthersOutUntilItsLeaseEnds) {
  ReviewDoc doc = Fresh();
  ASSERT_OK(Claim(Person("a"), kHour, 0, {}, &doc));
  EXPECT_EQ(ShownState(doc, 1), v1::REVIEW_STATE_CLAIMED);
  EXPECT_FALSE(Claim(Person("b"), kHour, kHour - 1, {}, &doc).ok());
  EXPECT_FALSE(GiveBack(Person("b"), 1, &doc).ok());
  ASSERT_OK(Claim(Person("b"), kHour, kHour, {}, &doc));
  EXPECT_FALSE(CheckHolds(Person("a"), kHour, doc).ok());
  EXPECT_FALSE(
      Decide(Person("a"), v1::REVIEW_VERDICT_UPHOLD, "c", kHour, {}, &doc)
          .ok());
}

TEST(ReviewStateTest, RenewingALeaseKeepsTheTimeSinceWhenSheLooks) {
  ReviewDoc doc = Fresh();
  ASSERT_OK(Claim(Person("a"), kHour, 100, {}, &doc));
  ASSERT_OK(Claim(Person("a"), kHour, kHour, {}, &doc));
  EXPECT_EQ(doc.claimed_us(), 100);
  EXPECT_EQ(doc.lease_us(), 2 * kHour);
  ASSERT_OK(Decide(Person("a"), v1::REVIEW_VERDICT_REVERSE, "c", kHour + 100,
                   {}, &doc)
                .status());
  EXPECT_EQ(doc.opinions(0).spent_us(), kHour);
}

TEST(ReviewStateTest, WhoeverAskedDoesNotDecide) {
  ReviewDoc doc = Fresh();
  *doc.mutable_requested_by() = Person("a");
  EXPECT_FALSE(Claim(Person("a"), kHour, 0, {}, &doc).ok());
  EXPECT_OK(Claim(Person("b"), kHour, 0, {}, &doc));
}

TEST(ReviewStateTest, OnlyAuthoritiesDecideAndHigherOnesAfterEscalation) {
  Powers powers;
  powers.authorities = {"a"};
  powers.higher = {"h"};
  ReviewDoc doc = Fresh();
  EXPECT_FALSE(Claim(Person("x"), kHour, 0, powers, &doc).ok());
  const auto passed = Take("a", v1::REVIEW_VERDICT_ESCALATE, 0, &doc, powers);
  ASSERT_OK(passed.status());
  EXPECT_FALSE(passed->has_value());
  EXPECT_EQ(doc.state(), v1::REVIEW_STATE_ESCALATED);
  EXPECT_FALSE(Claim(Person("a"), kHour, kDay, powers, &doc).ok());
  const auto final = Take("h", v1::REVIEW_VERDICT_REVERSE, 0, &doc, powers);
  ASSERT_OK(final.status());
  ASSERT_TRUE(final->has_value());
  EXPECT_EQ(**final, Ruling::kReverse);
}

TEST(ReviewStateTest, HighRiskTakesTwoWhoAgree) {
  ReviewDoc doc = Fresh(/*high_risk=*/true);
  const auto first = Take("a", v1::REVIEW_VERDICT_UPHOLD, 0, &doc);
  ASSERT_OK(first.status());
  EXPECT_FALSE(first->has_value());
  EXPECT_EQ(doc.state(), v1::REVIEW_STATE_SECOND_LOOK);
  EXPECT_FALSE(Take("a", v1::REVIEW_VERDICT_UPHOLD, kDay, &doc).ok());
  const auto second = Take("b", v1::REVIEW_VERDICT_UPHOLD, 1, &doc);
  ASSERT_OK(second.status());
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ(**second, Ruling::kRelease);
}

TEST(ReviewStateTest, TwoNamesOfOneKeyAreNotTwoPersonsWithoutTokens) {
  const auto decide = [](const ReviewActor& who, int64_t now_us,
                         ReviewDoc* doc) {
    const absl::Status claimed = Claim(who, kHour, now_us, {}, doc);
    return claimed.ok() ? Decide(who, v1::REVIEW_VERDICT_REVERSE, "code",
                                 now_us, {}, doc)
                              .status()
                        : claimed;
  };
  const auto named = [](const std::string& name, bool proven,
                        const std::string& client) {
    ReviewActor actor = Person(name);
    actor.set_proven(proven);
    actor.set_client_id(client);
    return actor;
  };
  struct Second {
    ReviewActor first;
    ReviewActor second;
    bool at_once;
  };
  for (const auto& [first, second, at_once] :
       {Second{named("a", false, "desk"), named("b", false, "desk"), false},
        Second{named("a", true, "desk"), named("b", false, "desk"), false},
        Second{named("a", false, "desk"), named("b", true, "desk"), false},
        Second{named("a", true, "desk"), named("b", true, "desk"), true},
        Second{named("a", false, "desk"), named("b", false, "other"), true},
        // Nor is one person two for having two keys.
        Second{named("a", false, "desk"), named("a", false, "other"), false}}) {
    ReviewDoc doc = Fresh(/*high_risk=*/true);
    ASSERT_OK(decide(first, 0, &doc));
    EXPECT_EQ(decide(second, kDay - 1, &doc).ok(), at_once);
    if (!at_once && first.person() != second.person()) {
      EXPECT_OK(decide(second, kDay, &doc));
    }
  }
  // Where one decides, nobody has to be proven.
  ReviewDoc plain = Fresh();
  ASSERT_OK(Claim(named("a", false, "desk"), kHour, 0, {}, &plain));
  EXPECT_OK(Decide(named("a", false, "desk"), v1::REVIEW_VERDICT_ESCALATE, "c",
                   0, {}, &plain)
                .status());
  EXPECT_OK(decide(named("b", false, "desk"), 1, &plain));
}

TEST(ReviewStateTest, TwoWhoDisagreeLeaveItToAThird) {
  ReviewDoc doc = Fresh(/*high_risk=*/true);
  ASSERT_OK(Take("a", v1::REVIEW_VERDICT_UPHOLD, 0, &doc).status());
  const auto second = Take("b", v1::REVIEW_VERDICT_REVERSE, 1, &doc);
  ASSERT_OK(second.status());
  EXPECT_FALSE(second->has_value());
  EXPECT_EQ(doc.state(), v1::REVIEW_STATE_ESCALATED);
  EXPECT_FALSE(Take("a", v1::REVIEW_VERDICT_UPHOLD, 2, &doc).ok());
  EXPECT_FALSE(Take("b", v1::REVIEW_VERDICT_UPHOLD, 2, &doc).ok());
  const auto third = Take("c", v1::REVIEW_VERDICT_REVERSE, 2, &doc);
  ASSERT_OK(third.status());
  EXPECT_TRUE(third->has_value());
}

TEST(ReviewStateTest, ASingleOperatorWaitsADayInPlaceOfASecondPerson) {
  Powers powers;
  powers.single_operator = true;
  ReviewDoc doc = Fresh(/*high_risk=*/true);
  ASSERT_OK(Take("a", v1::REVIEW_VERDICT_REVERSE, 0, &doc, powers).status());
  EXPECT_FALSE(
      Take("a", v1::REVIEW_VERDICT_REVERSE, kDay - 1, &doc, powers).ok());
  const auto second = Take("a", v1::REVIEW_VERDICT_REVERSE, kDay, &doc, powers);
  ASSERT_OK(second.status());
  EXPECT_TRUE(second->has_value());
}

TEST(ReviewStateTest, ADueTimeThatPassesEscalatesAndEndsTheClaim) {
  ReviewDoc doc = Fresh();
  ASSERT_OK(Claim(Person("a"), 8 * kHour, 9 * kHour, {}, &doc));
  EXPECT_FALSE(TimeOut(10 * kHour - 1, &doc));
  EXPECT_TRUE(TimeOut(10 * kHour, &doc));
  EXPECT_EQ(ShownState(doc, 10 * kHour), v1::REVIEW_STATE_ESCALATED);
  EXPECT_EQ(doc.timeouts(), 1);
  EXPECT_EQ(doc.due_us(), 20 * kHour);
  EXPECT_FALSE(TimeOut(10 * kHour, &doc));
}

TEST(ReviewStateTest, AQuestionWaitsForTheCustomerAndKeepsWhoMayDecide) {
  Powers powers;
  powers.authorities = {"a"};
  powers.higher = {"h"};
  ReviewDoc doc = Fresh();
  ASSERT_OK(Take("a", v1::REVIEW_VERDICT_ESCALATE, 0, &doc, powers).status());
  ASSERT_OK(Claim(Person("h"), kHour, 0, powers, &doc));
  EXPECT_FALSE(AskCustomer(Person("a"), 1, &doc).ok());
  ASSERT_OK(AskCustomer(Person("h"), 1, &doc));
  EXPECT_EQ(ShownState(doc, 1), v1::REVIEW_STATE_AWAITING_CUSTOMER);
  // It is escalated still.
  powers.authorities = {"a", "b"};
  EXPECT_FALSE(Claim(Person("b"), kHour, 1, powers, &doc).ok());
  ASSERT_OK(Claim(Person("h"), kHour, 1, powers, &doc));
  ASSERT_OK(AskCustomer(Person("h"), 2, &doc));
  ASSERT_OK(HearCustomer(&doc));
  EXPECT_EQ(doc.state(), v1::REVIEW_STATE_ESCALATED);
  ASSERT_OK(Claim(Person("h"), kHour, 3, powers, &doc));
  ASSERT_OK(AskCustomer(Person("h"), 3, &doc));
  // She need not answer.
  EXPECT_TRUE(TimeOut(doc.due_us(), &doc));
  EXPECT_EQ(doc.state(), v1::REVIEW_STATE_ESCALATED);
}

// Everything that two reviewers, a higher one, the customer and the sweeper can
// do, in every order of five steps, an hour apart.
TEST(ReviewStateTest, NoOrderOfStepsEndsAReviewButADecisionOfThoseWhoMay) {
  for (const bool high_risk : {false, true}) {
    Powers powers;
    powers.authorities = {"a", "b"};
    powers.higher = {"h"};
    using Move = std::function<bool(int64_t, ReviewDoc*)>;
    std::vector<Move> moves;
    for (const char* who : {"a", "b", "h"}) {
      moves.push_back([=](int64_t now_us, ReviewDoc* doc) {
        return Claim(Person(who), 2 * kHour, now_us, powers, doc).ok();
      });
      for (const auto verdict :
           {v1::REVIEW_VERDICT_UPHOLD, v1::REVIEW_VERDICT_REVERSE,
            v1::REVIEW_VERDICT_ESCALATE}) {
        moves.push_back([=](int64_t now_us, ReviewDoc* doc) {
          return Decide(Person(who), verdict, "c", now_us, powers, doc).ok();
        });
      }
    }
    moves.push_back([](int64_t now_us, ReviewDoc* doc) {
      return AskCustomer(Person("a"), now_us, doc).ok();
    });
    moves.push_back(
        [](int64_t, ReviewDoc* doc) { return HearCustomer(doc).ok(); });
    moves.push_back(
        [](int64_t now_us, ReviewDoc* doc) { return TimeOut(now_us, doc); });
    int64_t ended = 0;
    std::set<int> states;
    const std::function<void(const ReviewDoc&, int)> walk =
        [&](const ReviewDoc& doc, int depth) {
          states.insert(doc.state());
          if (!IsOpen(doc)) {
            ++ended;
            EXPECT_NE(doc.verdict(), v1::REVIEW_VERDICT_UNSPECIFIED);
            EXPECT_NE(doc.verdict(), v1::REVIEW_VERDICT_ESCALATE);
            EXPECT_NE(doc.decided_us(), 0);
            // The last opinion stands; with high risk another person's is
            // before it.
            const auto& last = doc.opinions(doc.opinions_size() - 1);
            EXPECT_EQ(last.verdict(), doc.verdict());
            bool other = false;
            std::set<std::string> people;
            for (int i = 0; i < doc.opinions_size(); ++i) {
              people.insert(doc.opinions(i).reviewer().person());
              other = other || (i + 1 < doc.opinions_size() &&
                                doc.opinions(i).verdict() !=
                                    v1::REVIEW_VERDICT_ESCALATE);
            }
            EXPECT_EQ(people.size(), static_cast<size_t>(doc.opinions_size()));
            EXPECT_TRUE(other || !high_risk);
            // Nothing moves it any more.
            for (const Move& move : moves) {
              ReviewDoc after = doc;
              EXPECT_FALSE(move((depth + 10) * kDay, &after));
              EXPECT_EQ(after.SerializeAsString(), doc.SerializeAsString());
            }
            return;
          }
          EXPECT_EQ(doc.decided_us(), 0);
          if (depth == 5) return;
          const int64_t now_us = (depth + 1) * kHour;
          for (const Move& move : moves) {
            ReviewDoc after = doc;
            const bool moved = move(now_us, &after);
            if (!moved) {
              EXPECT_EQ(after.SerializeAsString(), doc.SerializeAsString());
              continue;
            }
            walk(after, depth + 1);
          }
        };
    ReviewDoc doc = Fresh(high_risk);
    doc.set_due_us(3 * kHour);
    walk(doc, 0);
    EXPECT_GT(ended, 0);
    EXPECT_TRUE(states.contains(v1::REVIEW_STATE_ESCALATED));
    EXPECT_EQ(states.contains(v1::REVIEW_STATE_SECOND_LOOK), high_risk);
  }
}

}  // namespace
}  // namespace consentry::review
