#include "policy/conduct/pressure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"
#include "policy/engine/civil.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/conduct/conduct_world.h"

namespace consentry::conduct {
namespace {

using policy::kUsPerDay;
using policy::kUsPerHour;
using policy::kUsPerSecond;

constexpr int64_t kMinuteUs = 60 * kUsPerSecond;

// A rulebook whose post has one budget of its own; the shipped ones are wide of
// it under ANALYTICS.
std::unique_ptr<Rulebook> WithBudget(uint32_t limit, uint32_t window_minutes) {
  config::v1::ConductPolicy policy;
  auto* row = policy.add_budgets();
  row->mutable_rule()->set_id("own.budget");
  row->mutable_rule()->set_citation("own policy");
  row->mutable_scope()->add_classes(config::v1::PurposeClass::ANALYTICS);
  row->set_limit(limit);
  row->set_window_minutes(window_minutes);
  Rulebook::Options options;
  options.own.push_back(policy::Unlocated(policy));
  auto rules = Rulebook::Create(std::move(options));
  EXPECT_OK(rules);
  return *std::move(rules);
}

class Sender {
 public:
  explicit Sender(const Rulebook& rules) : rules_(rules) {
    asked_.output.set_kind(v1::OUTPUT_KIND_MESSAGE);
    asked_.question.purpose = "analytics.survey";
    asked_.question.purpose_class = config::v1::PurposeClass::ANALYTICS;
    asked_.question.channel = config::v1::Channel::POST;
  }

  Judgement Ask(int64_t time_us) {
    asked_.question.time_us = time_us;
    asked_.question.subject.contacts = history_;
    return Judge(rules_, asked_.question);
  }
  // True: it went out and was recorded.
  bool Send(int64_t time_us) {
    const Judgement got = Ask(time_us);
    if (got.action != Action::kRelease) return false;
    EXPECT_TRUE(got.charge);
    if (got.charge) Record(rules_, *got.charge, &history_);
    return true;
  }
  // Whether what was charged as `own` may go out at that time.
  bool StillGoes(const Contact& own, int64_t time_us) {
    asked_.question.reserved = own;
    auto& contacts = history_.contacts;
    const auto found = std::find(contacts.begin(), contacts.end(), own);
    EXPECT_NE(found, contacts.end());
    contacts.erase(found);
    const Judgement got = Ask(time_us);
    contacts.push_back(own);
    asked_.question.reserved.reset();
    return got.action == Action::kRelease;
  }
  void Add(const Contact& contact) { Record(rules_, contact, &history_); }
  const ContactHistory& history() const { return history_; }

 private:
  const Rulebook& rules_;
  Asked asked_;
  ContactHistory history_;
};

TEST(PressureTest, TheWindowIsExactToTheMicrosecond) {
  const auto rules = WithBudget(2, 60);
  Sender sender(*rules);
  EXPECT_TRUE(sender.Send(kNowUs));
  EXPECT_TRUE(sender.Send(kNowUs + 10 * kMinuteUs));
  EXPECT_FALSE(sender.Send(kNowUs + 59 * kMinuteUs));
  EXPECT_FALSE(sender.Send(kNowUs + kUsPerHour - 1));
  EXPECT_EQ(sender.Ask(kNowUs + 20 * kMinuteUs).retry_us, kNowUs + kUsPerHour);
  EXPECT_TRUE(sender.Send(kNowUs + kUsPerHour));
  EXPECT_FALSE(sender.Send(kNowUs + kUsPerHour + 1));
  EXPECT_TRUE(sender.Send(kNowUs + kUsPerHour + 10 * kMinuteUs));
}

TEST(PressureTest, WhatWasChargedKeepsItsPlaceForTheWindow) {
  const auto rules = WithBudget(1, 60);
  Sender sender(*rules);
  EXPECT_TRUE(sender.Send(kNowUs));
  const Contact own = sender.history().contacts.front();
  Contact other = own;
  other.time_us = other.decided_us = kNowUs + kMinuteUs;
  sender.Add(other);
  EXPECT_TRUE(sender.StillGoes(own, kNowUs + 2 * kMinuteUs));
  EXPECT_TRUE(sender.StillGoes(own, kNowUs + kUsPerHour - 1));
  // Its hour is over: it stands behind what came since.
  EXPECT_FALSE(sender.StillGoes(own, kNowUs + kUsPerHour));
  EXPECT_TRUE(sender.StillGoes(own, kNowUs + kUsPerHour + kMinuteUs));
}

TEST(PressureTest, NoWindowEverHoldsMoreThanTheLimit) {
  for (const uint32_t limit : {1u, 3u, 7u}) {
    const auto rules = WithBudget(limit, 90);
    Sender sender(*rules);
    std::mt19937_64 random(limit);
    std::vector<int64_t> sent;
    int64_t now = kNowUs;
    for (int i = 0; i < 600; ++i) {
      now += static_cast<int64_t>(random() % (30 * kMinuteUs));
      // What a plain count of the last window says.
      const auto in_window =
          std::count_if(sent.begin(), sent.end(),
                        [&](int64_t t) { return t > now - 90 * kMinuteUs; });
      const bool free = in_window < limit;
      EXPECT_EQ(sender.Send(now), free) << i;
      if (free) sent.push_back(now);
    }
    EXPECT_GT(sent.size(), 50u);
  }
}

TEST(PressureTest, AClockThatIsSetBackFreesNothing) {
  const auto rules = WithBudget(2, 60);
  Sender sender(*rules);
  EXPECT_TRUE(sender.Send(kNowUs));
  EXPECT_TRUE(sender.Send(kNowUs + kMinuteUs));
  for (const int64_t back :
       {kMinuteUs, kUsPerHour, kUsPerDay, 300 * kUsPerDay}) {
    EXPECT_FALSE(sender.Send(kNowUs - back)) << back;
  }
}

TEST(PressureTest, AClockThatRanAheadAndIsSetBackFreesNothing) {
  const auto rules = WithBudget(2, 60);
  Sender sender(*rules);
  EXPECT_TRUE(sender.Send(kNowUs));
  EXPECT_TRUE(sender.Send(kNowUs + 1));
  // A year ahead the hour is over.
  const int64_t ahead = kNowUs + 365 * kUsPerDay;
  EXPECT_TRUE(sender.Send(ahead));
  EXPECT_TRUE(sender.Send(ahead + 1));
  EXPECT_FALSE(sender.Send(kNowUs + 2));
  EXPECT_FALSE(sender.Send(kNowUs + 2 * kUsPerHour));
}

TEST(PressureTest, AClockThatRanYearsAheadForgetsNothingThatCounts) {
  const auto rules = WithBudget(2, 60);
  Sender sender(*rules);
  EXPECT_TRUE(sender.Send(kNowUs));
  EXPECT_TRUE(sender.Send(kNowUs + 1));
  EXPECT_TRUE(sender.Send(kNowUs + 3000 * kUsPerDay));
  // One of the two went from the history; the one of the future stands for it.
  EXPECT_FALSE(sender.Send(kNowUs + 2));
}

TEST(PressureTest, PlannedMessagesAreCountedOnTheirDay) {
  const auto rules = WithBudget(1, 60);
  Asked asked;
  asked.output.set_kind(v1::OUTPUT_KIND_MESSAGE);
  asked.question.purpose_class = config::v1::PurposeClass::ANALYTICS;
  asked.question.channel = config::v1::Channel::POST;
  asked.question.time_us = kNowUs;
  const int64_t planned = kNowUs + 3 * kUsPerHour;
  asked.output.mutable_deliver_time()->set_seconds(planned / kUsPerSecond);
  const Judgement first = Judge(*rules, asked.question);
  ASSERT_TRUE(first.charge);
  EXPECT_EQ(first.charge->time_us, planned);
  EXPECT_EQ(first.charge->decided_us, kNowUs);
  Record(*rules, *first.charge, &asked.question.subject.contacts);
  EXPECT_EQ(Judge(*rules, asked.question).action, Action::kBlock);
  asked.output.clear_deliver_time();
  EXPECT_EQ(Judge(*rules, asked.question).action, Action::kRelease);
  asked.question.time_us = planned - 30 * kMinuteUs;
  EXPECT_EQ(Judge(*rules, asked.question).action, Action::kBlock);
}

TEST(PressureTest, ALimitOfNoneNeverOpens) {
  const auto rules = WithBudget(0, 60);
  Sender sender(*rules);
  const Judgement got = sender.Ask(kNowUs);
  EXPECT_EQ(got.action, Action::kBlock);
  EXPECT_EQ(got.verdict_class, v1::VERDICT_CLASS_PRESSURE);
  EXPECT_FALSE(got.retry_us);
}

TEST(PressureTest, HistoriesStayBounded) {
  const auto rules = WithBudget(100, 1);
  Sender sender(*rules);
  for (int i = 0; i < 700; ++i) {
    EXPECT_TRUE(sender.Send(kNowUs + i * kUsPerDay));
  }
  EXPECT_LE(sender.history().contacts.size(), kMaxContacts);
  // The latest are there.
  EXPECT_TRUE(std::any_of(
      sender.history().contacts.begin(), sender.history().contacts.end(),
      [](const Contact& c) { return c.time_us == kNowUs + 699 * kUsPerDay; }));
}

TEST(PressureTest, OldContactsGoWhenNewerOnesStandForThem) {
  const auto rules = WithBudget(2, 60);
  Sender sender(*rules);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(sender.Send(kNowUs + i * 500 * kUsPerDay));
  }
  // As many as the greatest limit of the shipped budgets and this one.
  EXPECT_LE(sender.history().contacts.size(), 10u);
  EXPECT_GE(sender.history().contacts.size(), 2u);
}

TEST(PressureTest, OfRefusalsTheLastOfAKindIsKept) {
  ContactHistory history;
  const Refusal late{.time_us = kNowUs,
                     .purpose = "marketing.newsletter",
                     .channel = config::v1::Channel::EMAIL};
  Refusal early = late;
  early.time_us = kNowUs - kUsPerDay;
  Record(late, &history);
  Record(early, &history);
  EXPECT_EQ(history.refusals, std::vector<Refusal>{late});
  for (int i = 0; i < 1000; ++i) {
    Refusal other = late;
    other.purpose = "p" + std::to_string(i);
    other.time_us = kNowUs + i;
    Record(other, &history);
  }
  EXPECT_EQ(history.refusals.size(), kMaxRefusals);
  EXPECT_EQ(history.refusals.back().time_us, kNowUs + 999);
}

TEST(PressureTest, HostileTimesInAHistoryDoNoHarm) {
  const auto rules = WithBudget(2, 60);
  Asked asked;
  asked.question.purpose_class = config::v1::PurposeClass::ANALYTICS;
  asked.question.channel = config::v1::Channel::POST;
  asked.question.time_us = kNowUs;
  for (const int64_t time : {INT64_MIN, INT64_MAX, int64_t{-1}, int64_t{0}}) {
    Contact contact;
    contact.time_us = time;
    contact.decided_us = time;
    contact.purpose_class = config::v1::PurposeClass::ANALYTICS;
    asked.question.subject.contacts.contacts.push_back(contact);
    asked.question.subject.contacts.refusals.push_back({.time_us = time});
  }
  const Judgement got = Judge(*rules, asked.question);
  EXPECT_EQ(got, Judge(*rules, asked.question));
}

}  // namespace
}  // namespace consentry::conduct
