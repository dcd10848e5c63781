// One output on its way: what the gate says, what it keeps, what it spends.
#include "gateway/screening/screener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "gateway/screening/significance.h"
#include "policy/engine/civil.h"
#include "proto/support/timestamp.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::StatusIs;

class ScreenerTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }
  static bool Tells(const store::v1::Leaf& leaf, const std::string& detail) {
    return std::find(leaf.details().begin(), leaf.details().end(), detail) !=
           leaf.details().end();
  }
};

TEST_F(ScreenerTest, WhatIsPermittedAndKeepsTheRulesIsReleased) {
  const std::string anna = Reader("anna");
  const auto request = Letter(anna, "l-1");
  const auto answer = Screen("letters", request);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->verdict(), v1::VERDICT_RELEASED) << answer->DebugString();
  EXPECT_EQ(answer->verdict_class(), v1::VERDICT_CLASS_UNSPECIFIED);
  EXPECT_FALSE(answer->audit_reference().empty());
  const int64_t now_s = kNowUs / 1'000'000;
  EXPECT_OK(CheckRelease(verifier(), answer->release().note(), request.output(),
                         answer->release().pseudonym(), v1::CHANNEL_EMAIL,
                         now_s + 60));
  EXPECT_GE(answer->release().expire_time().seconds(), now_s + 3600);
  const store::v1::Leaf leaf = LastLeaf();
  EXPECT_EQ(leaf.event(), "screening.screen");
  EXPECT_EQ(leaf.purpose(), kLettersPurpose);
  EXPECT_GT(leaf.change_number(), 0u);
  ASSERT_EQ(leaf.subjects_size(), 1);
  EXPECT_EQ(leaf.subjects(0).effect(), v1::EFFECT_PERMIT);
  EXPECT_TRUE(Tells(leaf, "verdict=released"));
  EXPECT_TRUE(Tells(leaf, "screening=" + answer->screening_id()));
}

TEST_F(ScreenerTest, WithoutConsentItIsBlockedAndTheEngineLearnsNoReason) {
  const std::string anna = Person("anna");
  const auto denied = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(denied);
  EXPECT_EQ(denied->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(denied->verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
  EXPECT_FALSE(denied->has_release());
  EXPECT_EQ(LastLeaf().subjects(0).reason(), v1::ERROR_REASON_CONSENT_MISSING);
  // Nobody looks the same.
  const auto nobody =
      Screen("letters", Letter("cus_aaaaaaaaaaaaaaaaaaaaaaaa", "l-2"));
  ASSERT_OK(nobody);
  v1::ScreenOutputResponse left = *denied;
  v1::ScreenOutputResponse right = *nobody;
  for (auto* each : {&left, &right}) {
    EXPECT_FALSE(each->screening_id().empty());
    each->clear_screening_id();
    each->clear_audit_reference();
  }
  EXPECT_EQ(left.SerializeAsString(), right.SerializeAsString());
  EXPECT_EQ(Rows("screenings"), 2);
}

TEST_F(ScreenerTest, AnInputThePurposeHasNoFieldForIsNotPermitted) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  request.mutable_output()->add_input_categories("user.behavior");
  const auto answer = Screen("letters", request);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
  EXPECT_EQ(LastLeaf().subjects(0).reason(),
            v1::ERROR_REASON_FIELD_NOT_ALLOWED);
  request.mutable_output()->set_id("l-2");
  request.mutable_output()->set_input_categories(1, "no.such.category");
  EXPECT_EQ(ReasonOf(Screen("letters", request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(ScreenerTest, WhatTheRegistrationMayNotDoIsAnErrorWithAnEntry) {
  const std::string anna = Reader("anna");
  EXPECT_EQ(ReasonOf(Screen("shop", Letter(anna, "l-1")).status()),
            v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  EXPECT_EQ(Rows("screenings"), 0);
}

TEST_F(ScreenerTest, AClaimWithoutProofDoesNotGoOut) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("Only 2 left in stock!");
  const auto bare = Screen("letters", request);
  ASSERT_OK(bare);
  EXPECT_NE(bare->verdict(), v1::VERDICT_RELEASED);
  EXPECT_EQ(bare->verdict_class(), v1::VERDICT_CLASS_CONDUCT);
  ASSERT_GT(bare->findings_size(), 0);
  EXPECT_FALSE(bare->findings(0).citation().empty());
  EXPECT_GT(bare->findings(0).length(), 0u);
}

TEST_F(ScreenerTest, AnEndMovesForNobodyWhateverTheEvidenceNamesFirst) {
  const auto letter = [&](const std::string& id, int64_t end_us) {
    auto request = Letter(Reader("reader-" + id), id);
    v1::Output* output = request.mutable_output();
    output->set_item("chair-7");
    output->set_text("Sale ends in 2 hours");
    // The first is old and proves nothing; it hides nothing either.
    for (const int64_t each : {kNowUs - 30 * kUsPerDay, end_us}) {
      v1::Evidence* evidence = output->add_evidence();
      if (each == end_us) evidence->set_source("offers");
      SetTime(kNowUs, evidence->mutable_time());
      SetTime(each, evidence->mutable_offer_end());
    }
    const auto answer = Screen("letters", request);
    EXPECT_OK(answer);
    return answer.ok() ? *answer : v1::ScreenOutputResponse();
  };
  const int64_t end_us = kNowUs + 2 * policy::kUsPerHour;
  EXPECT_EQ(letter("l-1", end_us).verdict(), v1::VERDICT_RELEASED);
  EXPECT_EQ(letter("l-2", end_us).verdict(), v1::VERDICT_RELEASED);
  const auto moved = letter("l-3", end_us + 10 * 60 * int64_t{1'000'000});
  EXPECT_EQ(moved.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(moved.verdict_class(), v1::VERDICT_CLASS_CONDUCT);
}

TEST_F(ScreenerTest, ANoteEndsWhenQuietHoursBegin) {
  const std::string anna = Reader("anna");
  const auto request = Letter(anna, "l-1");
  const auto answer = Screen("letters", request);
  ASSERT_OK(answer);
  ASSERT_EQ(answer->verdict(), v1::VERDICT_RELEASED);
  // Ten in the evening in Berlin, on 18 November 2026.
  EXPECT_EQ(answer->release().expire_time().seconds(), 1'795'035'600);
  // The output itself is there for the morning.
  clock().SetNowUs(kNowUs + 20 * policy::kUsPerHour);
  const auto morning = Fetch("letters", kLettersPurpose);
  ASSERT_OK(morning);
  EXPECT_EQ(morning->outputs_size(), 1);
}

TEST_F(ScreenerTest, TheSameOutputAgainIsTheFirstVerdictAndSpendsNothing) {
  const std::string anna = Reader("anna");
  const auto request = Letter(anna, "l-1");
  const auto first = Screen("letters", request);
  ASSERT_OK(first);
  ASSERT_EQ(first->verdict(), v1::VERDICT_RELEASED);
  const std::string pressure = Blob("SELECT state FROM pressure");
  const auto second = Screen("letters", request);
  ASSERT_OK(second);
  EXPECT_EQ(second->screening_id(), first->screening_id());
  EXPECT_EQ(second->release().note(), first->release().note());
  EXPECT_EQ(Rows("screenings"), 1);
  EXPECT_EQ(Rows("releases"), 1);
  EXPECT_EQ(Blob("SELECT state FROM pressure"), pressure);
  EXPECT_TRUE(Tells(LastLeaf(), "repeated=true"));
}

TEST_F(ScreenerTest, AUsedIdForAnotherOutputIsRefused) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  auto other = Letter(anna, "l-1");
  other.mutable_output()->set_text("Another text.");
  EXPECT_EQ(ReasonOf(Screen("letters", other).status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
  const std::string berta = Reader("berta");
  EXPECT_EQ(ReasonOf(Screen("letters", Letter(berta, "l-1")).status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(ScreenerTest, AfterAWithdrawalTheFirstVerdictIsNotToldAgain) {
  const std::string anna = Reader("anna");
  const auto request = Letter(anna, "l-1");
  ASSERT_OK(Screen("letters", request));
  Withdraw(anna);
  const auto again = Screen("letters", request);
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(again->verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
  EXPECT_FALSE(again->has_release());
}

TEST_F(ScreenerTest, AfterAVulnerabilityTheFirstVerdictIsNotToldAgain) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  request.mutable_output()->set_text("Ask us about our instalment loan.");
  const auto first = Screen("letters", request);
  ASSERT_OK(first);
  ASSERT_EQ(first->verdict(), v1::VERDICT_RELEASED) << first->DebugString();
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_DEBT));
  const auto again = Screen("letters", request);
  ASSERT_OK(again);
  EXPECT_EQ(again->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_FALSE(again->has_release());
}

TEST_F(ScreenerTest, ARetryAfterSheWasJoinedIsTheSameOutput) {
  const std::string anna = Reader("anna");
  const std::string other = Reader("other");
  for (const std::string& id : {anna, other}) {
    const auto request = Letter(id, "of-" + id);
    const auto first = Screen("letters", request);
    ASSERT_OK(first);
    if (id == anna) Merge(anna, other);
    const auto again = Screen("letters", request);
    ASSERT_OK(again);
    EXPECT_EQ(again->screening_id(), first->screening_id());
  }
  EXPECT_EQ(Rows("screenings"), 2);
}

TEST_F(ScreenerTest, NoWordIsKeptOfWhatWasForNobody) {
  auto request = Letter("cus_aaaaaaaaaaaaaaaaaaaaaaaa", "l-1");
  request.mutable_output()->set_text(std::string(4096, 'x'));
  const auto blocked = Screen("letters", request);
  ASSERT_OK(blocked);
  ASSERT_EQ(blocked->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_LT(Blob("SELECT output FROM screenings").size(), 256u);
  // The verdict is, and a retry is one.
  const auto again = Screen("letters", request);
  ASSERT_OK(again);
  EXPECT_EQ(again->screening_id(), blocked->screening_id());
}

TEST_F(ScreenerTest, NothingIsJudgedForADayFarAhead) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  auto* time = request.mutable_output()->mutable_deliver_time();
  time->set_seconds(kNowUs / 1'000'000 + 7 * 86'400 + 1);
  EXPECT_EQ(ReasonOf(Screen("letters", request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  time->set_seconds(kNowUs / 1'000'000 + 7 * 86'400);
  EXPECT_OK(Screen("letters", request));
}

TEST_F(ScreenerTest, NoDisguiseSlipsAClaimThrough) {
  const std::string anna = Reader("anna");
  int n = 0;
  for (const std::string text :
       {"Only 2 left in stock!",
        // Cyrillic and Greek letters that look alike.
        "\u041Enl\u0443 2 left in st\u043Eck!", "\u039Fnly 2 left in stock!",
        // Nothing between the letters, and marks above them.
        "On\u200Bly 2 le\u200Dft in sto\u2060ck!",
        "O\u0301n\u0301l\u0301y\u0301 2 left in stock!",
        // Turned around, and turned back by the reader's eye.
        "\u202E!kcots ni tfel 2 ylnO\u202C",
        // Full width, mathematical, circled.
        "\uFF2F\uFF4E\uFF4C\uFF59 2 left in stock!",
        "\U0001D40E\U0001D427\U0001D425\U0001D432 2 left in stock!",
        "Only \u2461 left in stock!", "Only 2 left<!-- --> in <b>stock</b>!"}) {
    auto request = Letter(anna, "h-" + std::to_string(n++));
    request.mutable_output()->set_text(text);
    const auto answer = Screen("letters", request);
    ASSERT_OK(answer);
    EXPECT_EQ(answer->verdict_class(), v1::VERDICT_CLASS_CONDUCT) << text;
    EXPECT_FALSE(answer->has_release()) << text;
  }
  EXPECT_EQ(Rows("releases"), 0);
  EXPECT_EQ(Rows("pressure"), 0);
}

TEST_F(ScreenerTest, AClockThatJumpsOpensNoBudgetTwice) {
  const std::string anna = Reader("anna");
  int n = 0;
  const auto fill = [&] {
    int released = 0;
    for (;;) {
      const auto answer =
          Screen("letters", Letter(anna, "l-" + std::to_string(n++)));
      EXPECT_OK(answer);
      if (!answer.ok() || answer->verdict() != v1::VERDICT_RELEASED) {
        return released;
      }
      ++released;
    }
  };
  const int budget = fill();
  ASSERT_GT(budget, 0);
  // Set back by a month: what was sent is still sent.
  clock().SetNowUs(kNowUs - 31 * kUsPerDay);
  EXPECT_EQ(fill(), 0);
  // Ahead by a year, and right again: the week that began there is spent once.
  clock().SetNowUs(kNowUs + 365 * kUsPerDay);
  Give(anna, kLettersPurpose);
  EXPECT_LE(fill(), budget);
  clock().SetNowUs(kNowUs + kUsPerDay);
  EXPECT_EQ(fill(), 0);
  clock().SetNowUs(kNowUs + 9 * kUsPerDay);
  EXPECT_EQ(fill(), 0);
}

TEST_F(ScreenerTest, ValidateOnlyLeavesAnEntryAndNothingElse) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "l-1");
  request.set_validate_only(true);
  const auto answer = Screen("letters", request);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->verdict(), v1::VERDICT_RELEASED);
  EXPECT_FALSE(answer->has_release());
  EXPECT_TRUE(answer->screening_id().empty());
  EXPECT_EQ(Rows("screenings"), 0);
  EXPECT_EQ(Rows("releases"), 0);
  EXPECT_EQ(Rows("pressure"), 0);
  EXPECT_TRUE(LastLeaf().released_nothing());
  // The id is still free.
  request.set_validate_only(false);
  ASSERT_OK(Screen("letters", request));
}

TEST_F(ScreenerTest, ASignificantDecisionWaitsForAHuman) {
  const std::string anna = Person("anna");
  auto request = Refusal(anna, "c-1");
  request.mutable_context()->set_acting_person("clerk");
  const auto answer = Screen("bank", request);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->verdict(), v1::VERDICT_HELD) << answer->DebugString();
  EXPECT_EQ(answer->verdict_class(), v1::VERDICT_CLASS_SIGNIFICANT);
  EXPECT_TRUE(answer->has_expected_time());
  EXPECT_FALSE(answer->has_release());
  ASSERT_EQ(queue.held.size(), 1u);
  EXPECT_EQ(queue.held[0].target, answer->screening_id());
  EXPECT_EQ(queue.held[0].trigger, v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION);
  EXPECT_EQ(queue.held[0].model, "credit@3");
  EXPECT_EQ(queue.held[0].made_for, "clerk");
  EXPECT_FALSE(queue.held[0].high_risk);
  EXPECT_EQ(Rows("releases"), 0);
}

TEST_F(ScreenerTest, WhoeverDeliversADecisionIsToldWhatSheIsOwed) {
  using ::testing::UnorderedElementsAre;
  EXPECT_THAT(DutiesOf(0), UnorderedElementsAre());
  EXPECT_THAT(DutiesOf(policy::kOweHumanBeforeEffect | policy::kOweNotice |
                       policy::kOweHumanOnRequest),
              UnorderedElementsAre(v1::OUTPUT_DUTY_NOTICE,
                                   v1::OUTPUT_DUTY_HUMAN_ON_REQUEST));
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose);
  auto request = Refusal(anna, "c-1");
  request.set_validate_only(true);
  auto answer = Screen("bank", request);
  ASSERT_OK(answer);
  EXPECT_THAT(answer->duties(), UnorderedElementsAre(v1::OUTPUT_DUTY_NOTICE));
  request.set_validate_only(false);
  answer = Screen("bank", request);
  ASSERT_OK(answer);
  EXPECT_THAT(answer->duties(), UnorderedElementsAre(v1::OUTPUT_DUTY_NOTICE));
  const auto shown = Get(answer->screening_id());
  ASSERT_OK(shown);
  EXPECT_THAT(shown->duties(), UnorderedElementsAre(v1::OUTPUT_DUTY_NOTICE));
  // A human lets it go out: whoever fetches it learns of it too.
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf;
    const absl::Status status = target().Apply(
        context, answer->screening_id(), review::Ruling::kRelease, "", &leaf);
    context.SetEntry(leaf.SerializeAsString());
    return status;
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  const auto fetched = Fetch("bank", testing::kCreditPurpose);
  ASSERT_OK(fetched);
  ASSERT_EQ(fetched->outputs_size(), 1);
  EXPECT_THAT(fetched->outputs(0).duties(),
              UnorderedElementsAre(v1::OUTPUT_DUTY_NOTICE));
  // Of a letter nothing is owed, and of what is blocked neither.
  answer = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(answer);
  EXPECT_TRUE(answer->duties().empty());
  const std::string berta = Person("berta");
  answer = Screen("letters", Letter(berta, "l-2"));
  ASSERT_OK(answer);
  EXPECT_EQ(answer->verdict(), v1::VERDICT_BLOCKED);
  EXPECT_TRUE(answer->duties().empty());
}

TEST_F(ScreenerTest, ANameThatIsRefusedLeavesAnEntry) {
  auto request = Letter("", "l-1");
  request.mutable_subject()->set_pseudonym("psn_aaaaaaaaaaaaaaaaaaaaaaaaaa");
  const size_t entries = Leaves().size();
  EXPECT_EQ(ReasonOf(Screen("letters", request).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  ASSERT_EQ(Leaves().size(), entries + 1);
  EXPECT_TRUE(Tells(LastLeaf(), "refused=FIELD_INVALID"));
}

TEST_F(ScreenerTest, AnErasedCustomersOutputIsToldAsOneThatMayNotBe) {
  // Berta gave no consent; Anna did, and is erased.
  std::vector<v1::ScreenOutputResponse> told;
  for (const std::string name : {"anna", "berta"}) {
    const std::string id = name == "anna" ? Reader(name) : Person(name);
    const auto request = Letter(id, "l-" + name);
    ASSERT_OK(Screen("letters", request));
    if (name == "anna") {
      ASSERT_OK(keys().slots().Destroy(Number(id), 1));
    }
    auto again = Screen("letters", request);
    ASSERT_OK(again);
    EXPECT_FALSE(again->screening_id().empty());
    again->clear_screening_id();
    again->clear_audit_reference();
    told.push_back(*std::move(again));
    // Another output under its id.
    auto other = request;
    other.mutable_output()->set_text("Another text");
    EXPECT_EQ(ReasonOf(Screen("letters", other).status()),
              v1::ERROR_REASON_ALREADY_EXISTS);
  }
  EXPECT_EQ(told[0].verdict_class(), v1::VERDICT_CLASS_NOT_PERMITTED);
  EXPECT_EQ(told[0].SerializeAsString(), told[1].SerializeAsString());
}

// Stands against every output of a model, and counts what is kept.
class CountingGate final : public FairnessGate {
 public:
  Answer Ask(const v1::Output& output, const access::Snapshot&,
             int64_t) const override {
    ++asked;
    Answer answer;
    if (output.model() == "unfair") {
      answer.action = conduct::Action::kHold;
      answer.monitors = {"monitor.women"};
    }
    return answer;
  }
  uint64_t changes() const override { return 0; }
  absl::StatusOr<Unit> Weigh(
      store::Connection*, const v1::Output& output, v1::Channel,
      const access::Snapshot&, int64_t,
      const vault::SubjectReader::HeadOptions&) override {
    return Unit(std::make_shared<const std::string>(output.id()));
  }
  absl::Status Count(store::ChangeContext& context, const Unit& unit,
                     store::v1::Leaf* leaf) override {
    if (stale > 0) {
      --stale;
      return MakeError(v1::ERROR_REASON_ETAG_MISMATCH, "counted since");
    }
    EXPECT_GT(context.number(), 0);
    noted.push_back(*static_cast<const std::string*>(unit.get()));
    leaf->add_details("counted=test");
    return absl::OkStatus();
  }

  mutable std::atomic<int> asked{0};
  mutable int stale = 0;
  mutable std::vector<std::string> noted;
};

TEST_F(ScreenerTest, FairnessHoldsAndCountsWithTheVerdict) {
  CountingGate gate;
  parts().fairness = &gate;
  Screener fair(parts());
  const std::string anna = Reader("anna");
  const auto ask = [&](const v1::ScreenOutputRequest& request) {
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    access::Caller caller = As("letters");
    caller.event = "screening.screen";
    fair.Screen(caller, request, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    return released->response;
  };
  auto unfair = Letter(anna, "l-1");
  unfair.mutable_output()->set_model("unfair");
  const auto held = ask(unfair);
  EXPECT_EQ(held.verdict(), v1::VERDICT_HELD);
  EXPECT_EQ(held.verdict_class(), v1::VERDICT_CLASS_FAIRNESS);
  ASSERT_EQ(queue.held.size(), 1u);
  EXPECT_EQ(queue.held[0].trigger, v1::REVIEW_TRIGGER_FAIRNESS);
  EXPECT_TRUE(Tells(LastLeaf(), "rules=monitor.women"));
  // Neither a retry nor a dry run counts.
  ask(unfair);
  auto dry = Letter(anna, "l-2");
  dry.set_validate_only(true);
  ask(dry);
  EXPECT_EQ(gate.noted, std::vector<std::string>({"l-1"}));
  // Monitors that moved on are asked again, in one verdict.
  gate.stale = 1;
  const int before = gate.asked;
  EXPECT_EQ(ask(Letter(anna, "l-3")).verdict(), v1::VERDICT_RELEASED);
  EXPECT_EQ(gate.asked, before + 2);
  EXPECT_EQ(gate.noted, std::vector<std::string>({"l-1", "l-3"}));
  EXPECT_EQ(Rows("screenings"), 2);
}

TEST_F(ScreenerTest, TooManyLettersAreTooMany) {
  const std::string anna = Reader("anna");
  v1::ScreenOutputResponse last;
  int released = 0;
  for (int i = 0; i < 60; ++i) {
    const auto answer =
        Screen("letters", Letter(anna, "l-" + std::to_string(i)));
    ASSERT_OK(answer);
    last = *answer;
    if (last.verdict() != v1::VERDICT_RELEASED) break;
    ++released;
  }
  EXPECT_GT(released, 0);
  EXPECT_EQ(last.verdict_class(), v1::VERDICT_CLASS_PRESSURE);
  EXPECT_TRUE(last.has_retry_time());
  EXPECT_EQ(last.findings_size(), 0);
}

TEST_F(ScreenerTest, SeveralAtOnceNeverSpendMoreThanTheBudget) {
  // What fits one after the other is what fits at the same time.
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  int in_order = 0;
  for (int i = 0; i < 20; ++i) {
    const auto answer =
        Screen("letters", Letter(anna, "a-" + std::to_string(i)));
    ASSERT_OK(answer);
    if (answer->verdict() == v1::VERDICT_RELEASED) ++in_order;
  }
  v1::BatchScreenOutputsRequest batch;
  for (int i = 0; i < 20; ++i) {
    *batch.add_requests() = Letter(berta, "b-" + std::to_string(i));
  }
  const auto results =
      Wait<std::vector<v1::ScreenOutputResponse>>([&](auto done) {
        screener().ScreenAll(
            As("letters"), batch,
            [](const v1::ScreenOutputRequest&) { return absl::OkStatus(); },
            std::move(done));
      });
  ASSERT_OK(results);
  ASSERT_EQ(results->size(), 20u);
  int at_once = 0;
  for (const auto& result : *results) {
    EXPECT_EQ(result.error(), v1::ERROR_REASON_UNSPECIFIED);
    if (result.verdict() == v1::VERDICT_RELEASED) ++at_once;
  }
  EXPECT_EQ(at_once, in_order);
}

TEST_F(ScreenerTest, OneOfABatchThatIsWrongStopsNoOther) {
  const std::string anna = Reader("anna");
  v1::BatchScreenOutputsRequest batch;
  *batch.add_requests() = Letter(anna, "l-1");
  *batch.add_requests() = Letter(anna, "l-2");
  batch.mutable_requests(1)->set_purpose(kServicePurpose);
  *batch.add_requests() = Letter(anna, "l-3");
  batch.mutable_requests(2)->mutable_subject()->set_pseudonym("psn_x");
  const auto results =
      Wait<std::vector<v1::ScreenOutputResponse>>([&](auto done) {
        screener().ScreenAll(
            As("letters"), batch,
            [](const v1::ScreenOutputRequest&) { return absl::OkStatus(); },
            std::move(done));
      });
  ASSERT_OK(results);
  EXPECT_EQ(results->at(0).verdict(), v1::VERDICT_RELEASED);
  EXPECT_EQ(results->at(1).error(), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  EXPECT_EQ(results->at(1).faults_size(), 0);
  EXPECT_EQ(results->at(2).error(), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(ScreenerTest, OneOfABatchThatIsWrongNamesItsFields) {
  const std::string anna = Reader("anna");
  v1::BatchScreenOutputsRequest batch;
  *batch.add_requests() = Letter(anna, "l-1");
  batch.mutable_requests(0)
      ->mutable_output()
      ->mutable_deliver_time()
      ->set_seconds(kNowUs / 1'000'000 + 30 * 86'400);
  *batch.add_requests() = Letter(anna, "l-2");
  const auto results =
      Wait<std::vector<v1::ScreenOutputResponse>>([&](auto done) {
        screener().ScreenAll(
            As("letters"), batch,
            [](const v1::ScreenOutputRequest& request) {
              absl::Status status;
              if (request.output().id() == "l-2") {
                status = MakeError(v1::ERROR_REASON_FIELD_INVALID, "not valid");
                AddFieldViolation(&status, {"output.kind", "is required"});
                AddFieldViolation(&status, {"output.score", "is no number"});
              }
              return status;
            },
            std::move(done));
      });
  ASSERT_OK(results);
  ASSERT_EQ(results->at(0).faults_size(), 1);
  EXPECT_EQ(results->at(0).faults(0).field(), "output.deliver_time");
  ASSERT_EQ(results->at(1).faults_size(), 2);
  EXPECT_EQ(results->at(1).faults(0).field(), "output.kind");
  EXPECT_EQ(results->at(1).faults(0).description(), "is required");
  EXPECT_EQ(results->at(1).faults(1).field(), "output.score");
}

TEST_F(ScreenerTest, ABrokenLogReleasesNothing) {
  const std::string anna = Reader("anna");
  log().Fail();
  const auto answer = Screen("letters", Letter(anna, "l-1"));
  EXPECT_FALSE(answer.ok());
}

}  // namespace
}  // namespace consentry::screening
