// Held outputs after a human has decided.
#include "gateway/screening/screening_target.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <utility>

#include "gateway/access/output_decision.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kCreditPurpose;
using testing::kLettersPurpose;

class ScreeningTargetTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Hold(const std::string& subject, const std::string& id) {
    const auto answer = Screen("bank", Refusal(subject, id));
    EXPECT_OK(answer);
    EXPECT_EQ(answer->verdict(), v1::VERDICT_HELD);
    return answer.ok() ? answer->screening_id() : "";
  }

  absl::Status Rule(const std::string& id, review::Ruling ruling,
                    const std::string& outcome = "") {
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf;
      const absl::Status status =
          target().Apply(context, id, ruling, outcome, &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return status;
    };
    return committer()->CommitChangeAndWait(std::move(change)).status;
  }
};

TEST_F(ScreeningTargetTest, WhatAHumanLetsPassIsFetched) {
  const std::string anna = Person("anna");
  const std::string id = Hold(anna, "c-1");
  const auto before = Fetch("bank", kCreditPurpose);
  ASSERT_OK(before);
  EXPECT_EQ(before->outputs_size(), 0);
  ASSERT_OK(Rule(id, review::Ruling::kRelease));
  const auto page = Fetch("bank", kCreditPurpose);
  ASSERT_OK(page);
  ASSERT_EQ(page->outputs_size(), 1);
  EXPECT_EQ(page->outputs(0).output().label(), "refused");
  // The engine that asks again learns it too.
  const auto again = Screen("bank", Refusal(anna, "c-1"));
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_RELEASED);
}

TEST_F(ScreeningTargetTest, WhatItsEngineSaidIsKeptHoweverOftenItIsAltered) {
  const std::string id = Hold(Person("anna"), "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kReverse, "granted"));
  ASSERT_OK(Rule(id, review::Ruling::kReleaseChanged, "granted for half"));
  const auto row = parts().rows->Read(
      reader_connection(), *crypto::ParseId(crypto::IdKind::kScreening, id));
  ASSERT_OK(row);
  const auto grant = access::ReviewGrant(bundle());
  ASSERT_OK(grant);
  const auto words = parts().rows->OpenOutput(*grant, *row);
  ASSERT_OK(words);
  v1::Output output;
  ASSERT_TRUE(output.ParseFromString(words->original()));
  EXPECT_EQ(output.label(), "refused");
  ASSERT_TRUE(output.ParseFromString(words->output()));
  EXPECT_EQ(output.label(), "granted for half");
}

TEST_F(ScreeningTargetTest, AReversedDecisionIsTheOpposite) {
  const std::string id = Hold(Person("anna"), "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kReverse, "granted"));
  const auto page = Fetch("bank", kCreditPurpose);
  ASSERT_OK(page);
  ASSERT_EQ(page->outputs_size(), 1);
  const v1::Output& output = page->outputs(0).output();
  EXPECT_TRUE(output.favourable());
  EXPECT_EQ(output.label(), "granted");
  EXPECT_OK(CheckRelease(verifier(), page->outputs(0).release().note(), output,
                         page->outputs(0).release().pseudonym(),
                         v1::CHANNEL_EMAIL, kNowUs / 1'000'000 + 60));
}

TEST_F(ScreeningTargetTest, AReversedDecisionKeepsNoWordOfTheMachine) {
  const std::string anna = Person("anna");
  auto refusal = Refusal(anna, "c-1");
  refusal.mutable_output()->set_text("We cannot give you the credit.");
  const auto held = Screen("bank", refusal);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD);
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kReverse, "granted"));
  const auto page = Fetch("bank", kCreditPurpose);
  ASSERT_OK(page);
  ASSERT_EQ(page->outputs_size(), 1);
  const v1::Output& output = page->outputs(0).output();
  EXPECT_TRUE(output.text().empty());
  EXPECT_TRUE(output.explanation().empty());
  EXPECT_EQ(output.score(), 0);
  // The engine whose refusal it was may not send it.
  const auto again = Screen("bank", refusal);
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_TRUE(again->replaced());
  EXPECT_FALSE(again->has_release());
}

TEST_F(ScreeningTargetTest, AHumansOwnWordsKeepTheRulesOfConductToo) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD);
  const absl::Status claimed =
      Rule(held->screening_id(), review::Ruling::kReleaseChanged,
           "Only 2 left in stock!");
  EXPECT_EQ(ReasonOf(claimed), v1::ERROR_REASON_FIELD_INVALID);
  const auto waiting = Get(held->screening_id());
  ASSERT_OK(waiting);
  EXPECT_EQ(waiting->verdict(), v1::VERDICT_HELD);
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kReleaseChanged,
                 "The chair that many like."));
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  ASSERT_EQ(page->outputs_size(), 1);
  EXPECT_EQ(page->outputs(0).output().text(), "The chair that many like.");
}

TEST_F(ScreeningTargetTest, AChangedOneGoesOutAsChanged) {
  const std::string id = Hold(Person("anna"), "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kReleaseChanged, "granted in part"));
  const auto page = Fetch("bank", kCreditPurpose);
  ASSERT_OK(page);
  ASSERT_EQ(page->outputs_size(), 1);
  EXPECT_EQ(page->outputs(0).output().label(), "granted in part");
  EXPECT_FALSE(page->outputs(0).output().favourable());
}

TEST_F(ScreeningTargetTest, ANewPriceIsReadInTheCurrencysOwnDigits) {
  const std::string anna = Person("anna");
  int n = 0;
  const auto priced = [&](const std::string& outcome,
                          const char* currency = "EUR") -> int64_t {
    auto request = Refusal(anna, "p-" + std::to_string(n++));
    request.mutable_output()->set_kind(v1::OUTPUT_KIND_PRICE);
    request.mutable_output()->mutable_price()->set_currency(currency);
    request.mutable_output()->mutable_price()->set_minor_units(5000);
    *request.mutable_output()->mutable_base_price() = request.output().price();
    request.mutable_output()->add_disclosures("personalised_price");
    const auto held = Screen("bank", request);
    EXPECT_OK(held);
    EXPECT_EQ(held->verdict(), v1::VERDICT_HELD) << held->DebugString();
    const absl::Status ruled =
        Rule(held->screening_id(), review::Ruling::kReleaseChanged, outcome);
    if (!ruled.ok()) return -1;
    const auto shown = Get(held->screening_id());
    EXPECT_OK(shown);
    return shown->output().price().minor_units();
  };
  EXPECT_EQ(priced("12.50 EUR"), 1250);
  EXPECT_EQ(priced("12 EUR"), 1200);
  EXPECT_EQ(priced("1200 JPY", "JPY"), 1200);
  EXPECT_EQ(priced("1.250 KWD", "KWD"), 1250);
  // Not what it is without personalization.
  EXPECT_EQ(priced("1200 JPY"), -1);
  for (const char* wrong :
       {"12.5 EUR", "-1 EUR", "1.00 JPY", "12.50", "12.50 eur", "1e3 EUR",
        ". EUR", "99999999999999999999 EUR", "12.50 EUR now", ""}) {
    EXPECT_EQ(priced(wrong), -1) << wrong;
  }
}

TEST_F(ScreeningTargetTest, ABlockedOneNeverGoesOut) {
  const std::string id = Hold(Person("anna"), "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kBlock));
  const auto page = Fetch("bank", kCreditPurpose);
  ASSERT_OK(page);
  EXPECT_EQ(page->outputs_size(), 0);
  EXPECT_EQ(ReasonOf(Rule(id, review::Ruling::kRelease)),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(ScreeningTargetTest, AHeldMessageThatIsReversedIsBlocked) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD) << held->DebugString();
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kReverse));
  const auto shown = Get(held->screening_id());
  ASSERT_OK(shown);
  EXPECT_EQ(shown->verdict(), v1::VERDICT_BLOCKED);
}

TEST_F(ScreeningTargetTest, WhatSheStoppedMeanwhileIsNotReleasedByAHuman) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD) << held->DebugString();
  Withdraw(anna);
  ASSERT_OK(Revoked());
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kRelease));
  // Neither her engine nor her channel gets a release.
  const auto again = Screen("letters", request);
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_FALSE(again->has_release());
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  EXPECT_EQ(page->outputs_size(), 0);
}

TEST_F(ScreeningTargetTest, WhatAHumanReleasesTakesNothingFromWhatIsReserved) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-0");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD);
  // Others spend all of it while it waits.
  int others = 0;
  while (others < 10 &&
         Screen("letters", Letter(anna, "l-" + std::to_string(others + 1)))
                 ->verdict() == v1::VERDICT_RELEASED) {
    ++others;
  }
  ASSERT_EQ(others, 3);
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kRelease));
  // Late, but before any of them ends.
  clock().AdvanceUs(2 * kUsPerHour);
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  EXPECT_EQ(page->outputs_size(), others);
  for (const auto& each : page->outputs()) {
    EXPECT_NE(each.output().id(), "l-0");
  }
  // Nor does its engine get what waits for room.
  const auto again = Screen("letters", request);
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(again->verdict_class(), v1::VERDICT_CLASS_PRESSURE);
  EXPECT_TRUE(again->has_retry_time());
  EXPECT_FALSE(again->has_release());
}

TEST_F(ScreeningTargetTest, WhatAHumanReleasesIsChargedOnceWhenItIsHandedOver) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-0");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_EQ(held->verdict(), v1::VERDICT_HELD);
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kRelease));
  EXPECT_EQ(Rows("pressure"), 0);
  for (int i = 0; i < 2; ++i) {
    const auto page = Fetch("letters", kLettersPurpose);
    ASSERT_OK(page);
    EXPECT_EQ(page->outputs_size(), 1);
    const auto again = Screen("letters", request);
    ASSERT_OK(again);
    EXPECT_EQ(again->verdict(), v1::VERDICT_RELEASED) << again->DebugString();
  }
  EXPECT_EQ(Rows("pressure"), 1);
  // It has spent one of three.
  for (const auto& [id, verdict] : {std::pair{"l-1", v1::VERDICT_RELEASED},
                                    std::pair{"l-2", v1::VERDICT_RELEASED},
                                    std::pair{"l-3", v1::VERDICT_BLOCKED}}) {
    EXPECT_EQ(Screen("letters", Letter(anna, id))->verdict(), verdict) << id;
  }
  const auto page = Fetch("letters", kLettersPurpose);
  ASSERT_OK(page);
  const auto rest = Fetch("letters", kLettersPurpose, page->next_page_token());
  ASSERT_OK(rest);
  EXPECT_EQ(page->outputs_size() + rest->outputs_size(), 3);
}

TEST_F(ScreeningTargetTest, AReleasedOneThatIsReversedIsRevokedAndReplaced) {
  const std::string anna = Person("anna");
  const std::string id = Hold(anna, "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kRelease));
  const auto out = Fetch("bank", kCreditPurpose);
  ASSERT_OK(out);
  ASSERT_EQ(out->outputs_size(), 1);
  // She contests it.
  const uint64_t version = Head(Number(anna)).version();
  ASSERT_OK(Rule(id, review::Ruling::kReverse, "granted"));
  // What is being handed out on the state of before is decided anew.
  EXPECT_GT(Head(Number(anna)).version(), version);
  const auto revoked = Revoked();
  ASSERT_OK(revoked);
  ASSERT_EQ(revoked->digests_size(), 1);
  EXPECT_EQ(revoked->digests(0), out->outputs(0).release().digest());
  // Whoever confirms the old one has not taken over the new one.
  const auto again = Fetch("bank", kCreditPurpose, out->next_page_token());
  ASSERT_OK(again);
  ASSERT_EQ(again->outputs_size(), 1);
  EXPECT_EQ(again->outputs(0).output().label(), "granted");
  // And upheld after that, nothing changes.
  ASSERT_OK(Rule(id, review::Ruling::kRelease));
  const auto same = Fetch("bank", kCreditPurpose);
  ASSERT_OK(same);
  EXPECT_EQ(same->outputs_size(), 1);
}

TEST_F(ScreeningTargetTest, WhatAHumanLetsPassGoesOutByNoNoteAtNight) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("1,204 people bought this chair today.");
  const auto held = Screen("letters", request);
  ASSERT_OK(held);
  ASSERT_OK(Rule(held->screening_id(), review::Ruling::kRelease));
  // Twelve hours on it is midnight in Berlin.
  clock().SetNowUs(kNowUs + 12 * policy::kUsPerHour);
  const auto night = Screen("letters", request);
  ASSERT_OK(night);
  EXPECT_EQ(night->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(night->verdict_class(), v1::VERDICT_CLASS_PRESSURE);
  EXPECT_FALSE(night->has_release());
  EXPECT_GT(night->retry_time().seconds(),
            (kNowUs + 12 * policy::kUsPerHour) / 1'000'000);
  clock().SetNowUs(kNowUs + 20 * policy::kUsPerHour);
  const auto morning = Screen("letters", request);
  ASSERT_OK(morning);
  EXPECT_EQ(morning->verdict(), v1::VERDICT_RELEASED);
  EXPECT_TRUE(morning->has_release());
}

// A retry that read what was there before a ruling tells it only before the
// ruling has returned.
TEST_F(ScreeningTargetTest, ARulingWaitsForARetryThatTellsTheOldRelease) {
  const std::string anna = Person("anna");
  const std::string id = Hold(anna, "c-1");
  ASSERT_OK(Rule(id, review::Ruling::kRelease));
  const auto told = Screen("bank", Refusal(anna, "c-1"));
  ASSERT_OK(told);
  ASSERT_EQ(told->verdict(), v1::VERDICT_RELEASED);
  std::promise<void> begun;
  std::promise<void> retried;
  std::promise<void> ruled;
  std::atomic<bool> returned = false;
  store::Change change;
  change.apply = [&, waited = retried.get_future().share(),
                  first = true](store::ChangeContext& context) mutable {
    if (first) begun.set_value();
    first = false;
    waited.wait();
    store::v1::Leaf leaf;
    const absl::Status status =
        target().Apply(context, id, review::Ruling::kReverse, "granted", &leaf);
    context.SetEntry(leaf.SerializeAsString());
    return status;
  };
  committer()->CommitChange(std::move(change),
                            [&](store::ChangeOutcome outcome) {
                              EXPECT_OK(outcome.status);
                              returned = true;
                              ruled.set_value();
                            });
  begun.get_future().wait();
  const auto request = Refusal(anna, "c-1");
  access::Caller caller = As("bank");
  caller.method = "ScreeningService.ScreenOutput";
  caller.event = "screening.screen";
  {
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    screener().Screen(caller, request, std::move(done));
    retried.set_value();
    const auto answer = future.get();
    ASSERT_OK(answer.status());
    if (answer->response.release().digest() == told->release().digest()) {
      // On its way to its caller.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      EXPECT_FALSE(returned);
    }
  }
  ruled.get_future().wait();
  const auto again = Screen("bank", request);
  ASSERT_OK(again);
  EXPECT_NE(again->release().digest(), told->release().digest());
}

TEST_F(ScreeningTargetTest, TheReviewerSeesWhatItWasMadeOf) {
  const std::string id = Hold(Person("anna"), "c-1");
  const auto grant = access::ReviewGrant(bundle());
  ASSERT_OK(grant);
  const auto found = target().Describe(reader_connection(), id, *grant);
  ASSERT_OK(found);
  EXPECT_NE(found->proposal.find("refused"), std::string::npos);
  EXPECT_EQ(found->explanation, "The tier is low.");
  ASSERT_EQ(found->input_fields.size(), 1u);
  EXPECT_EQ(found->input_fields[0], "profile.tier");
  EXPECT_EQ(found->purpose, kCreditPurpose);
}

}  // namespace
}  // namespace consentry::screening
