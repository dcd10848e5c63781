#include "policy/fairness/monitor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>

#include "policy/engine/civil.h"
#include "policy/fairness/paired_sequence.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

constexpr int64_t kStart = 1790000000 * kUsPerSecond;
constexpr int64_t kStep = 60 * kUsPerSecond;

MonitorPlan FourFifths() {
  MonitorPlan plan;
  plan.tolerance = {Comparison::kRatio, 0.8};
  return plan;
}

class Feed {
 public:
  explicit Feed(uint64_t seed) : random_(seed) {}

  bool Draw(double rate) { return uniform_(random_) < rate; }
  double Uniform() { return uniform_(random_); }
  int64_t Next() { return time_us_ += kStep; }
  int64_t now_us() const { return time_us_; }

  // So many units of each side, in turn.
  void Run(int pairs, double group_rate, double reference_rate,
           Monitor* monitor) {
    for (int i = 0; i < pairs; ++i) {
      monitor->Count(Side::kGroup, Draw(group_rate) ? 1 : 0, 0, Next());
      monitor->Count(Side::kReference, Draw(reference_rate) ? 1 : 0, 0, Next());
    }
  }

 private:
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_;
  int64_t time_us_ = kStart;
};

TEST(Monitor, SaysTooLittleBeforeAnythingWasSeen) {
  const Monitor monitor(FourFifths());
  const Reading reading = monitor.Read(kStart);
  EXPECT_EQ(reading.finding, Finding::kInsufficient);
  EXPECT_FALSE(reading.estimate);
  EXPECT_EQ(reading.sequence.lower, 0);
  EXPECT_TRUE(std::isinf(reading.sequence.upper));
  ASSERT_TRUE(reading.needed);
  EXPECT_GT(*reading.needed, 200u);
  EXPECT_FALSE(reading.expected_us);
  EXPECT_FALSE(reading.alarm);
}

TEST(Monitor, FindsAnUnfairModelAndSaysSoForever) {
  Monitor monitor(FourFifths());
  Feed feed(1);
  feed.Run(4000, 0.2, 0.4, &monitor);
  const Reading found = monitor.Read(feed.now_us());
  EXPECT_EQ(found.finding, Finding::kViolation);
  EXPECT_LT(found.sequence.upper, 0.8);
  EXPECT_EQ(found.needed, 0u);
  EXPECT_TRUE(found.alarm);
  feed.Run(4000, 0.4, 0.4, &monitor);
  EXPECT_EQ(monitor.Read(feed.now_us()).finding, Finding::kViolation);
}

TEST(Monitor, FindsTooMuchForTheGroupAsWell) {
  Monitor monitor(FourFifths());
  Feed feed(2);
  feed.Run(4000, 0.4, 0.2, &monitor);
  const Reading reading = monitor.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kViolation);
  EXPECT_GT(reading.sequence.lower, 1.25);
}

TEST(Monitor, SaysWithinToleranceWhenAllOfTheSequenceIs) {
  Monitor monitor(FourFifths());
  Feed feed(3);
  feed.Run(200, 0.4, 0.4, &monitor);
  EXPECT_EQ(monitor.Read(feed.now_us()).finding, Finding::kInsufficient);
  feed.Run(8000, 0.4, 0.4, &monitor);
  const Reading reading = monitor.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kWithinTolerance);
  EXPECT_GE(reading.sequence.lower, 0.8);
  EXPECT_LE(reading.sequence.upper, 1.25);
  EXPECT_FALSE(reading.alarm);
}

TEST(Monitor, NeverSpeaksOfAGroupBelowTheMinimum) {
  MonitorPlan plan = FourFifths();
  plan.minimum = 500;
  Monitor monitor(plan);
  Feed feed(4);
  feed.Run(499, 0, 1, &monitor);
  const Reading before = monitor.Read(feed.now_us());
  EXPECT_EQ(before.finding, Finding::kInsufficient);
  ASSERT_TRUE(before.needed);
  EXPECT_EQ(*before.needed, 2u);
  feed.Run(1, 0, 1, &monitor);
  EXPECT_EQ(monitor.Read(feed.now_us()).finding, Finding::kViolation);
}

TEST(Monitor, NothingOfNothingIsInsufficient) {
  Monitor monitor(FourFifths());
  Feed feed(5);
  feed.Run(20000, 0, 0, &monitor);
  const Reading reading = monitor.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kInsufficient);
  EXPECT_FALSE(reading.estimate);
  EXPECT_FALSE(reading.needed);
  EXPECT_FALSE(reading.alarm);
}

TEST(Monitor, OneSideAloneIsInsufficientHoweverMany) {
  Monitor monitor(FourFifths());
  Feed feed(6);
  for (int i = 0; i < 100000; ++i) {
    monitor.Count(Side::kGroup, 1, 0, feed.Next());
  }
  const Reading reading = monitor.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kInsufficient);
  EXPECT_EQ(reading.pairs, 0u);
}

// Nearly nothing is compared with anything: an item for each unit, say.
TEST(Monitor, WhereHardlyAnyoneMeetsAnotherMoreIsNeeded) {
  for (const int pairs : {0, 1, 9, 10}) {
    Monitor monitor(FourFifths());
    Feed feed(17);
    feed.Run(pairs, 0.4, 0.4, &monitor);
    for (uint64_t i = 0; i < 100'000; ++i) {
      monitor.Count(i % 2 == 0 ? Side::kGroup : Side::kReference, i % 3 == 0,
                    i + 1, feed.Next());
    }
    const Reading reading = monitor.Read(feed.now_us());
    ASSERT_EQ(reading.pairs, static_cast<uint64_t>(pairs));
    EXPECT_EQ(reading.finding, Finding::kInsufficient);
    if (!reading.needed) continue;
    EXPECT_GE(*reading.needed, 100'000u * (pairs == 0 ? 1 : 10)) << pairs;
    if (reading.expected_us) {
      EXPECT_GT(*reading.expected_us, feed.now_us() + 365 * kUsPerDay);
    }
  }
}

// Not one unit for one pair after the first that came.
TEST(Monitor, OneUnitAloneDoesNotMakePairsCheaper) {
  const MonitorPlan plan = FourFifths();
  Monitor monitor(plan);
  monitor.Count(Side::kReference, 0, 0, kStart);
  const auto pairs = PairsToVerdict(plan.tolerance, plan.alpha, 0.05, 1);
  ASSERT_TRUE(pairs);
  EXPECT_GE(static_cast<double>(*monitor.Read(kStart).needed), 2 * *pairs);
}

TEST(Monitor, TellsWhenItWillKnowAndIsNotFarOff) {
  Monitor monitor(FourFifths());
  Feed feed(7);
  feed.Run(500, 0.4, 0.4, &monitor);
  const Reading early = monitor.Read(feed.now_us());
  ASSERT_TRUE(early.needed);
  ASSERT_TRUE(early.expected_us);
  EXPECT_NEAR(early.units_per_day, 1440, 60);
  while (monitor.Read(feed.now_us()).finding == Finding::kInsufficient &&
         feed.now_us() < kStart + 100 * kUsPerDay) {
    feed.Run(20, 0.4, 0.4, &monitor);
  }
  const double told = static_cast<double>(*early.expected_us - kStart);
  const double was = static_cast<double>(feed.now_us() - kStart);
  EXPECT_LT(was / told, 4);
  EXPECT_GT(was / told, 0.25);
}

// Where nobody waits.
TEST(Monitor, GoesOnAfterARestartAsIfThereHadBeenNone) {
  for (const bool binary : {true, false}) {
    for (const Comparison comparison :
         {Comparison::kRatio, Comparison::kDifference}) {
      MonitorPlan plan;
      plan.binary = binary;
      plan.tolerance = {comparison,
                        comparison == Comparison::kRatio ? 0.8 : 0.05};
      plan.bucket_us = kUsPerHour;
      Monitor through(plan);
      Monitor restarted(plan);
      Feed feed(8);
      int restarts = 0;
      for (int i = 0; i < 3000; ++i) {
        const Side side = feed.Draw(0.4) ? Side::kGroup : Side::kReference;
        const double value =
            binary ? feed.Draw(0.3) : feed.Uniform() * feed.Uniform();
        const uint64_t stratum = feed.Draw(0.5);
        const int64_t time_us = feed.Next();
        through.Count(side, value, stratum, time_us);
        restarted.Count(side, value, stratum, time_us);
        // The next one comes in another bucket, or finds nobody anyway.
        if ((time_us + kStep) % plan.bucket_us < kStep ||
            through.waiting() == 0) {
          ++restarts;
          store::v1::MonitorState state;
          ASSERT_TRUE(
              state.ParseFromString(restarted.Save().SerializeAsString()));
          auto restored = Monitor::Restore(state);
          ASSERT_OK(restored.status());
          restarted = *std::move(restored);
        }
      }
      EXPECT_GT(restarts, 50);
      EXPECT_EQ(through.Save().SerializeAsString(),
                restarted.Save().SerializeAsString());
      EXPECT_EQ(through.unpaired() + through.waiting(),
                restarted.unpaired() + restarted.waiting());
    }
  }
}

TEST(Monitor, WhoWaitedWhenItEndedFindsNoPartnerAndNothingElseIsLost) {
  Monitor monitor(FourFifths());
  Feed feed(15);
  for (int i = 0; i < 2000; ++i) {
    monitor.Count(feed.Draw(0.2) ? Side::kGroup : Side::kReference,
                  feed.Draw(0.3), 0, feed.Next());
    const Reading reading = monitor.Read(feed.now_us());
    const auto adds_up = [&reading](const Monitor& one) {
      EXPECT_EQ(
          one.totals(Side::kGroup).count + one.totals(Side::kReference).count,
          2 * reading.pairs + one.unpaired() + one.waiting());
    };
    adds_up(monitor);
    if (i % 97 != 0) continue;
    const uint64_t lost = monitor.waiting();
    const auto restored = Monitor::Restore(monitor.Save());
    ASSERT_OK(restored.status());
    adds_up(*restored);
    EXPECT_EQ(restored->waiting(), 0u);
    EXPECT_EQ(restored->unpaired(), monitor.unpaired() + lost);
    EXPECT_EQ(restored->Save().SerializeAsString(),
              monitor.Save().SerializeAsString());
    EXPECT_EQ(restored->Read(feed.now_us()).sequence.lower,
              reading.sequence.lower);
    monitor = *restored;
  }
}

TEST(Monitor, WhatIsStoredTellsOfNobodyWhoWaits) {
  // The same people came and met the same; who came last, and waits, is another
  // one.
  Monitor one(FourFifths());
  Monitor other(FourFifths());
  const int64_t times[] = {kStart, kStart + kStep, kStart + 2 * kStep};
  const double first[] = {1, 0, 0};
  const double second[] = {0, 1, 0};
  for (int i = 0; i < 3; ++i) {
    one.Count(Side::kGroup, first[i], 0, times[i]);
    other.Count(Side::kGroup, second[i], 0, times[i]);
  }
  EXPECT_EQ(one.waiting(), 3u);
  EXPECT_EQ(one.Save().SerializeAsString(), other.Save().SerializeAsString());
  // Nor does a time lead to the entry of the first or the last of them.
  Monitor later(FourFifths());
  for (int i = 0; i < 3; ++i) {
    later.Count(Side::kGroup, first[i], 0, times[i] + 7);
  }
  EXPECT_EQ(one.Save().SerializeAsString(), later.Save().SerializeAsString());
}

TEST(Monitor, TakesAStateThatStillTellsWhoWaited) {
  Monitor monitor(FourFifths());
  Feed feed(16);
  feed.Run(50, 0.3, 0.3, &monitor);
  monitor.Count(Side::kGroup, 1, 0, feed.Next());
  store::v1::MonitorState state = monitor.Save();
  auto* const unknown = state.GetReflection()->MutableUnknownFields(&state);
  unknown->AddLengthDelimited(14, "who waited");
  unknown->AddVarint(15, 77);
  store::v1::MonitorState stored;
  ASSERT_TRUE(stored.ParseFromString(state.SerializeAsString()));
  const auto restored = Monitor::Restore(stored);
  ASSERT_OK(restored.status());
  EXPECT_EQ(restored->unpaired(), 1u);
  EXPECT_EQ(restored->Save().SerializeAsString(),
            monitor.Save().SerializeAsString());
}

TEST(Monitor, StaysWithinItsBoundsWhateverIsCounted) {
  MonitorPlan plan;
  plan.binary = false;
  Monitor monitor(plan);
  Feed feed(9);
  for (int i = 0; i < 20000; ++i) {
    monitor.Count(Side::kGroup, feed.Uniform(), static_cast<uint64_t>(i) << 40,
                  feed.Next());
  }
  int64_t day = 0;
  for (int i = 0; i < 200; ++i) {
    day += kUsPerDay;
    monitor.Count(Side::kReference, feed.Uniform(), 1, feed.now_us() + day);
  }
  for (int i = 0; i < 1000; ++i) {
    monitor.Count(Side::kGroup, feed.Uniform(),
                  0xfedcba9876543210 + static_cast<uint64_t>(i),
                  feed.now_us() + day);
  }
  EXPECT_EQ(monitor.waiting(), Pairing::kMaxWaiting);
  EXPECT_EQ(monitor.days().size(), Monitor::kWindowDays);
  store::v1::MonitorState state = monitor.Save();
  std::printf("stored: %zu bytes\n", state.ByteSizeLong());
  EXPECT_LE(state.ByteSizeLong(), Monitor::kMaxStateBytes);
  // And of counts that never end.
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  for (auto* const side : {state.mutable_group(), state.mutable_reference()}) {
    side->set_count(kMost / 2);
    side->set_clipped(kMost);
  }
  state.mutable_moments()->set_pairs(kMost / 2);
  state.mutable_equality()->set_count(kMost);
  state.mutable_equality()->set_bet(0.3);
  state.mutable_equality()->set_log_wealth(0.3);
  for (double& bet : *state.mutable_detector()) bet = 0.3;
  state.set_alarms(kMost);
  for (auto& one : *state.mutable_days()) {
    one.set_group_count(kMost);
    one.set_reference_count(kMost);
    one.set_group_sum(0.3);
    one.set_reference_sum(0.3);
  }
  state.set_alarm_since_us(feed.now_us());
  state.set_last_alarm_us(feed.now_us());
  state.set_violation_us(feed.now_us());
  state.set_violation_lower(0.3);
  state.set_violation_upper(0.3);
  const auto most = Monitor::Restore(state);
  ASSERT_OK(most.status());
  std::printf("at most: %zu bytes\n", most->Save().ByteSizeLong());
  EXPECT_LE(most->Save().ByteSizeLong(), Monitor::kMaxStateBytes);
  // Vectors grow by doubling; both bounds are such.
  EXPECT_LE(sizeof(Monitor) + Pairing::kMaxWaiting * sizeof(Pairing::Unit) +
                2 * Monitor::kWindowDays * sizeof(DayTotals),
            Monitor::kMaxMemoryBytes);
}

TEST(Monitor, CountsNothingThatIsNoNumberAndCutsWhatIsOutside) {
  MonitorPlan plan;
  plan.binary = false;
  Monitor monitor(plan);
  const double infinity = std::numeric_limits<double>::infinity();
  monitor.Count(Side::kGroup, std::nan(""), 0, kStart);
  EXPECT_EQ(monitor.totals(Side::kGroup).count, 0u);
  monitor.Count(Side::kGroup, infinity, 0, kStart);
  monitor.Count(Side::kReference, -infinity, 0, kStart);
  EXPECT_EQ(monitor.totals(Side::kGroup).sum, 1);
  EXPECT_EQ(monitor.totals(Side::kGroup).clipped, 1u);
  EXPECT_EQ(monitor.totals(Side::kReference).sum, 0);
  EXPECT_EQ(monitor.Read(kStart).finding, Finding::kInsufficient);
}

TEST(Monitor, RefusesAStateThatNoMonitorLeaves) {
  Monitor monitor(FourFifths());
  Feed feed(10);
  feed.Run(100, 0.3, 0.3, &monitor);
  const store::v1::MonitorState good = monitor.Save();
  EXPECT_OK(Monitor::Restore(good).status());
  const auto refused = [&good](auto&& spoil) {
    store::v1::MonitorState state = good;
    spoil(&state);
    return !Monitor::Restore(state).ok();
  };
  using State = store::v1::MonitorState;
  EXPECT_TRUE(Monitor::Restore(State()).status().code() ==
              absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(refused([](State* s) { s->mutable_plan()->set_alpha(0); }));
  EXPECT_TRUE(refused(
      [](State* s) { s->mutable_plan()->set_tolerance(std::nan("")); }));
  EXPECT_TRUE(refused([](State* s) { s->mutable_plan()->set_bucket_us(0); }));
  EXPECT_TRUE(refused([](State* s) { s->mutable_group()->set_sum(1e9); }));
  EXPECT_TRUE(refused([](State* s) { s->clear_detector(); }));
  EXPECT_TRUE(refused([](State* s) { s->mutable_group()->set_count(99); }));
  EXPECT_TRUE(refused([](State* s) { s->add_days()->set_day(1); }));
}

TEST(Monitor, AnAlarmComesAndEndsWithItsCause) {
  Monitor monitor(FourFifths());
  Feed feed(11);
  feed.Run(3000, 0.3, 0.3, &monitor);
  EXPECT_FALSE(monitor.alarm());
  feed.Run(1500, 0.1, 0.3, &monitor);
  EXPECT_TRUE(monitor.alarm());
  EXPECT_EQ(monitor.alarms(), 1u);
  feed.Run(3000, 0.3, 0.3, &monitor);
  EXPECT_FALSE(monitor.alarm());
}

TEST(Monitor, ScoresAndPricesAreJudgedByTheirMeans) {
  MonitorPlan plan;
  plan.binary = false;
  plan.tolerance = {Comparison::kRatio, 0.9};
  Monitor fair(plan);
  Monitor unfair(plan);
  Feed feed(12);
  for (int i = 0; i < 20000; ++i) {
    // Prices around the middle of their range.
    const double group = 0.45 + 0.1 * feed.Uniform();
    const double reference = 0.45 + 0.1 * feed.Uniform();
    fair.Count(Side::kGroup, group, 0, feed.Next());
    fair.Count(Side::kReference, reference, 0, feed.Next());
    unfair.Count(Side::kGroup, group * 1.15, 0, feed.Next());
    unfair.Count(Side::kReference, reference, 0, feed.Next());
  }
  const Reading good = fair.Read(feed.now_us());
  EXPECT_EQ(good.finding, Finding::kWithinTolerance)
      << good.sequence.lower << " " << good.sequence.upper;
  const Reading bad = unfair.Read(feed.now_us());
  EXPECT_EQ(bad.finding, Finding::kViolation)
      << bad.sequence.lower << " " << bad.sequence.upper;
  EXPECT_GT(bad.sequence.lower, 1 / 0.9);
  EXPECT_NEAR(*bad.estimate, 1.15, 0.01);
}

TEST(Monitor, ValuesBeyondTheRangeAreNeverWithinTolerance) {
  MonitorPlan plan;
  plan.binary = false;
  plan.tolerance = {Comparison::kRatio, 0.8};
  // Prices from 0 to twice the base: four and two times the base both count as
  // the end.
  Monitor beyond(plan);
  // One in two hundred is a slip.
  Monitor few(plan);
  Feed feed(31);
  for (int i = 0; i < 20000; ++i) {
    beyond.Count(Side::kGroup, 1, 0, feed.Next(), true);
    beyond.Count(Side::kReference, 1, 0, feed.Next(), i % 50 == 0);
    few.Count(Side::kGroup, 0.5, 0, feed.Next(), i % 200 == 0);
    few.Count(Side::kReference, 0.5, 0, feed.Next());
  }
  const Reading reading = beyond.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kInsufficient);
  EXPECT_FALSE(reading.needed);
  EXPECT_FALSE(reading.expected_us);
  EXPECT_EQ(few.Read(feed.now_us()).finding, Finding::kWithinTolerance);
}

// Two strata of other rates and another mix of people: the rates of all units
// are far apart although both are treated alike in each.
TEST(Monitor, TheEstimateIsThatOfThePairs) {
  for (const bool binary : {true, false}) {
    MonitorPlan plan = FourFifths();
    plan.binary = binary;
    Monitor monitor(plan);
    Feed feed(32);
    for (int i = 0; i < 60000; ++i) {
      const uint64_t stratum = i % 2;
      // Many of the group where little is given.
      const bool group = feed.Uniform() < (stratum == 0 ? 0.1 : 0.9);
      const double rate = stratum == 0 ? 0.8 : 0.3;
      const double value = binary ? (feed.Uniform() < rate ? 1 : 0)
                                  : rate + 0.1 * feed.Uniform();
      monitor.Count(group ? Side::kGroup : Side::kReference, value, stratum,
                    feed.Next());
    }
    const Reading reading = monitor.Read(feed.now_us());
    EXPECT_EQ(reading.finding, Finding::kWithinTolerance);
    ASSERT_TRUE(reading.estimate);
    EXPECT_GE(*reading.estimate, reading.sequence.lower);
    EXPECT_LE(*reading.estimate, reading.sequence.upper);
    EXPECT_LT(*monitor.totals(Side::kGroup).mean() /
                  *monitor.totals(Side::kReference).mean(),
              0.7);
  }
}

TEST(Monitor, DifferencesAreJudgedByTheirSign) {
  MonitorPlan plan;
  plan.tolerance = {Comparison::kDifference, 0.05};
  Monitor low(plan);
  Monitor fair(plan);
  Feed feed(13);
  feed.Run(10000, 0.3, 0.45, &low);
  feed.Run(20000, 0.4, 0.4, &fair);
  const Reading reading = low.Read(feed.now_us());
  EXPECT_EQ(reading.finding, Finding::kViolation);
  EXPECT_LT(reading.sequence.upper, -0.05);
  EXPECT_EQ(fair.Read(feed.now_us()).finding, Finding::kWithinTolerance);
}

TEST(TableSequence, TurnsOverWhenTheSidesAreExchanged) {
  const PairTable one{40, 25, 60, 75};
  const PairTable other{40, 60, 25, 75};
  const Interval a = TableSequence(one, Comparison::kRatio, 0.05);
  const Interval b = TableSequence(other, Comparison::kRatio, 0.05);
  EXPECT_NEAR(a.lower, 1 / b.upper, 1e-9);
  EXPECT_NEAR(a.upper, 1 / b.lower, 1e-9);
  const Interval c = TableSequence(one, Comparison::kDifference, 0.05);
  const Interval d = TableSequence(other, Comparison::kDifference, 0.05);
  EXPECT_NEAR(c.lower, -d.upper, 1e-9);
  EXPECT_NEAR(c.upper, -d.lower, 1e-9);
}

TEST(TableSequence, EndsWhereTheTestOfThatValueBegins) {
  const PairTable table{400, 250, 600, 750};
  for (const Comparison comparison :
       {Comparison::kRatio, Comparison::kDifference}) {
    const Interval got = TableSequence(table, comparison, 0.05);
    const double bound = std::log(2 / 0.05);
    const auto reaches = [&](double value, TableBets::Side side) {
      return TableBets(comparison, value, side).Reaches(table, bound);
    };
    EXPECT_TRUE(reaches(got.upper + 1e-6, TableBets::Side::kBelow));
    EXPECT_FALSE(reaches(got.upper - 1e-6, TableBets::Side::kBelow));
    EXPECT_TRUE(reaches(got.lower - 1e-6, TableBets::Side::kAbove));
    EXPECT_FALSE(reaches(got.lower + 1e-6, TableBets::Side::kAbove));
  }
}

TEST(TableBets, ReachesWhatItsWealthIs) {
  std::mt19937_64 random(14);
  for (int i = 0; i < 2000; ++i) {
    const PairTable table{random() % 500, random() % 500, random() % 500,
                          random() % 500};
    const TableBets bets(Comparison::kRatio, 0.8, TableBets::Side::kBelow);
    EXPECT_EQ(bets.Reaches(table, 3.7), bets.LogWealth(table) >= 3.7);
  }
}

}  // namespace
}  // namespace consentry::policy::fairness
