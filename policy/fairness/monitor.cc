#include "policy/fairness/monitor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "policy/engine/civil.h"

namespace consentry::policy::fairness {
namespace {

// For a group of which nothing is known yet.
constexpr double kUnknownRate = 0.3;

int64_t DayOf(int64_t time_us) { return PeriodOf(Period::kDay, time_us); }

// Pairs until both ends of an interval around `truth` have left the tolerance's
// ends behind, or one has passed the end that it lies beyond.
template <class Until>
std::optional<double> PairsFor(const Tolerance& tolerance, double truth,
                               const Until& until) {
  if (truth < tolerance.lower()) {
    return until(tolerance.lower(), TableBets::Side::kBelow);
  }
  if (truth > tolerance.upper()) {
    return until(tolerance.upper(), TableBets::Side::kAbove);
  }
  const auto low = until(tolerance.lower(), TableBets::Side::kAbove);
  const auto high = until(tolerance.upper(), TableBets::Side::kBelow);
  if (!low || !high) return std::nullopt;
  return std::max(*low, *high);
}

bool Finite(const BettingWealth::State& state) {
  return std::isfinite(state.bet) && std::isfinite(state.log_wealth) &&
         std::isfinite(state.sum_squares) && state.sum_squares >= 0 &&
         std::abs(state.bet) <= 0.5;
}

bool Finite(const MomentSequence::State& m) {
  for (const double x :
       {m.weight, m.weighted_group, m.weighted_reference, m.spread_group,
        m.spread_reference, m.sum_group, m.sum_reference, m.sum_squares}) {
    if (!std::isfinite(x) || x < 0) return false;
  }
  return std::isfinite(m.spread_product);
}

bool Finite(const SideTotals& totals) {
  return std::isfinite(totals.sum) && std::isfinite(totals.sum_squares) &&
         totals.sum >= 0 && totals.sum <= static_cast<double>(totals.count);
}

SideTotals TotalsOf(const store::v1::GroupTotals& from) {
  return {from.count(), from.sum(), from.sum_squares(), from.clipped()};
}

void FillTotals(const SideTotals& from, store::v1::GroupTotals* to) {
  to->set_count(from.count);
  to->set_sum(from.sum);
  to->set_sum_squares(from.sum_squares);
  to->set_clipped(from.clipped);
}

absl::StatusOr<MonitorPlan> PlanOf(const store::v1::MonitorPlan& from) {
  MonitorPlan plan;
  plan.binary = from.binary();
  plan.tolerance.comparison =
      from.difference() ? Comparison::kDifference : Comparison::kRatio;
  plan.tolerance.t = from.tolerance();
  plan.alpha = from.alpha();
  plan.minimum = from.minimum();
  plan.alarm_pairs = from.alarm_pairs();
  plan.bucket_us = from.bucket_us();
  const bool tolerance =
      from.difference() ? plan.tolerance.t >= 0 && plan.tolerance.t < 1
                        : plan.tolerance.t >= 0.01 && plan.tolerance.t <= 1;
  if (!tolerance || !(plan.alpha > 0) || !(plan.alpha < 1) ||
      !(plan.alarm_pairs >= 1) || !std::isfinite(plan.alarm_pairs) ||
      plan.bucket_us <= 0) {
    return absl::InvalidArgumentError("a monitor's plan is out of range");
  }
  return plan;
}

}  // namespace

std::optional<double> SideTotals::mean() const {
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

Monitor::Monitor(const MonitorPlan& plan)
    : plan_(plan),
      bound_(std::log(2 / plan.alpha)),
      below_(plan.tolerance.comparison, plan.tolerance.lower(),
             TableBets::Side::kBelow),
      above_(plan.tolerance.comparison, plan.tolerance.upper(),
             TableBets::Side::kAbove),
      moments_(plan.alpha),
      equality_(BettingWealth::Equality()),
      detector_(plan.tolerance, plan.alarm_pairs),
      pairing_(plan.bucket_us) {}

void Monitor::Count(Side side, double value, uint64_t stratum, int64_t time_us,
                    bool clipped) {
  if (std::isnan(value)) return;
  if (value < 0 || value > 1) clipped = true;
  value = std::clamp(value, 0.0, 1.0);
  if (plan_.binary) value = value >= 0.5 ? 1 : 0;

  SideTotals& totals = side == Side::kGroup ? group_ : reference_;
  ++totals.count;
  totals.sum += value;
  totals.sum_squares += value * value;
  if (clipped) ++totals.clipped;
  if (DayTotals* const today = Today(time_us)) {
    if (side == Side::kGroup) {
      ++today->group_count;
      today->group_sum += value;
    } else {
      ++today->reference_count;
      today->reference_sum += value;
    }
  }
  const int64_t hour_us = time_us - time_us % kUsPerHour;
  if (first_us_ == 0) first_us_ = hour_us;
  last_us_ = std::max(last_us_, hour_us);

  const auto pair = pairing_.Offer(side, value, stratum, time_us);
  if (pair) Meet(pair->group, pair->reference, time_us);
}

void Monitor::Meet(double group, double reference, int64_t time_us) {
  if (plan_.binary) {
    table_.Add(group > 0, reference > 0);
  } else {
    moments_.Add(group, reference);
    equality_.Add(group - reference);
  }
  detector_.Add(group, reference);
  if (detector_.alarm()) {
    if (alarm_since_us_ == 0) {
      // A time of 0 says that there is none.
      alarm_since_us_ = std::max<int64_t>(time_us, 1);
      ++alarms_;
    }
    last_alarm_us_ = std::max<int64_t>(time_us, 1);
  } else if (detector_.calm() && alarm_since_us_ != 0) {
    alarm_since_us_ = 0;
    // From a tenth the next one would be nearer than is said.
    detector_.set_state({});
  }
  if (violation_us_ == 0 && group_.count >= plan_.minimum &&
      reference_.count >= plan_.minimum && OutsideTolerance()) {
    violation_us_ = std::max<int64_t>(time_us, 1);
    violation_ = Sequence();
  }
}

bool Monitor::OutsideTolerance() const {
  const Tolerance& tolerance = plan_.tolerance;
  if (plan_.binary) {
    return below_.Reaches(table_, bound_) || above_.Reaches(table_, bound_);
  }
  return moments_.AllBelow(tolerance.comparison, tolerance.lower()) ||
         moments_.AllAbove(tolerance.comparison, tolerance.upper());
}

bool Monitor::TooManyClipped() const {
  const auto too_many = [](const SideTotals& side) {
    return fairness::TooManyClipped(side.clipped, side.count);
  };
  return too_many(group_) || too_many(reference_);
}

Interval Monitor::Sequence() const {
  const Comparison comparison = plan_.tolerance.comparison;
  return plan_.binary ? TableSequence(table_, comparison, plan_.alpha)
                      : moments_.Sequence(comparison);
}

std::optional<double> Monitor::PairsUntil(double edge,
                                          TableBets::Side side) const {
  const Comparison comparison = plan_.tolerance.comparison;
  if (!plan_.binary) return moments_.PairsUntil(comparison, edge);
  const auto pairs = static_cast<double>(table_.pairs());
  return TableBets(comparison, edge, side)
      .PairsUntil(static_cast<double>(table_.both) / pairs,
                  static_cast<double>(table_.group_only) / pairs,
                  static_cast<double>(table_.reference_only) / pairs, bound_);
}

std::optional<double> Monitor::PairsNeeded() const {
  const Tolerance& tolerance = plan_.tolerance;
  if (Pairs() < 10) {
    // As for a model that treats both alike.
    return PairsToVerdict(
        tolerance, plan_.alpha,
        std::clamp(reference_.mean().value_or(kUnknownRate), 0.05, 0.95),
        tolerance.comparison == Comparison::kRatio ? 1 : 0);
  }
  std::optional<double> truth;
  if (plan_.binary) {
    truth = TableEstimate(table_, tolerance.comparison);
  } else {
    truth = moments_.Estimate(tolerance.comparison);
  }
  if (!truth) return std::nullopt;
  return PairsFor(tolerance, *truth, [this](double edge, TableBets::Side side) {
    return PairsUntil(edge, side);
  });
}

Reading Monitor::Read(int64_t now_us) const {
  Reading reading;
  const Tolerance& tolerance = plan_.tolerance;
  reading.pairs = Pairs();
  reading.estimate = plan_.binary ? TableEstimate(table_, tolerance.comparison)
                                  : moments_.Estimate(tolerance.comparison);
  reading.alarm = alarm();
  reading.log_equality_wealth =
      plan_.binary ? LogSignWealth(table_.group_only + table_.reference_only,
                                   table_.group_only)
                   : equality_.log_wealth();

  const int64_t today = DayOf(now_us);
  uint64_t units = 0;
  for (const DayTotals& day : days_) {
    if (day.day > today - static_cast<int64_t>(kWindowDays) &&
        day.day <= today) {
      units += day.group_count + day.reference_count;
    }
  }
  const int64_t window =
      std::min<int64_t>(kWindowDays * kUsPerDay,
                        std::max<int64_t>(now_us - first_us_, kUsPerHour));
  if (units > 0) {
    reading.units_per_day = static_cast<double>(units) *
                            static_cast<double>(kUsPerDay) /
                            static_cast<double>(window);
  }

  reading.sequence = violation_us_ != 0 ? violation_ : Sequence();
  const bool counted =
      group_.count >= plan_.minimum && reference_.count >= plan_.minimum;
  const bool clipped = TooManyClipped();
  if (violation_us_ != 0) {
    reading.finding = Finding::kViolation;
    if (reading.estimate && (*reading.estimate < violation_.lower ||
                             *reading.estimate > violation_.upper)) {
      reading.estimate.reset();
    }
  } else if (counted && !clipped &&
             reading.sequence.lower <= reading.sequence.upper &&
             reading.sequence.lower >= tolerance.lower() &&
             reading.sequence.upper <= tolerance.upper()) {
    reading.finding = Finding::kWithinTolerance;
  }
  if (reading.finding != Finding::kInsufficient) {
    reading.needed = 0;
    return reading;
  }
  if (clipped) return reading;

  const auto pairs = PairsNeeded();
  if (!pairs) return reading;
  const auto all = static_cast<double>(group_.count + reference_.count);
  // Units that it takes to make a pair, two at best; before the first, more
  // than there were.
  const double cost =
      std::max(2.0, all / std::max(1.0, static_cast<double>(reading.pairs)));
  double needed =
      std::max(1.0, *pairs - static_cast<double>(reading.pairs)) * cost;
  for (const SideTotals* side : {&group_, &reference_}) {
    if (side->count >= plan_.minimum) continue;
    const double share =
        side->count > 0 ? static_cast<double>(side->count) / all : 0.5;
    needed = std::max(needed,
                      static_cast<double>(plan_.minimum - side->count) / share);
  }
  needed = std::ceil(needed);
  if (!(needed < 1e15)) return reading;
  reading.needed = static_cast<uint64_t>(needed);
  if (reading.units_per_day > 0) {
    const double us =
        needed / reading.units_per_day * static_cast<double>(kUsPerDay);
    if (us < static_cast<double>(kMaxTimeUs - now_us)) {
      reading.expected_us = now_us + static_cast<int64_t>(us);
    }
  }
  return reading;
}

DayTotals* Monitor::Today(int64_t time_us) {
  const int64_t day = DayOf(time_us);
  if (!days_.empty() && days_.back().day == day) return &days_.back();
  const auto at = std::lower_bound(
      days_.begin(), days_.end(), day,
      [](const DayTotals& one, int64_t number) { return one.day < number; });
  if (at != days_.end() && at->day == day) return &*at;
  if (days_.size() >= kWindowDays && at == days_.begin()) return nullptr;
  const auto index = at - days_.begin();
  days_.insert(at, DayTotals{.day = day});
  if (days_.size() <= kWindowDays) return &days_[static_cast<size_t>(index)];
  days_.erase(days_.begin());
  return &days_[static_cast<size_t>(index) - 1];
}

store::v1::MonitorState Monitor::Save() const {
  store::v1::MonitorState state;
  auto* const plan = state.mutable_plan();
  plan->set_binary(plan_.binary);
  plan->set_difference(plan_.tolerance.comparison == Comparison::kDifference);
  plan->set_tolerance(plan_.tolerance.t);
  plan->set_alpha(plan_.alpha);
  plan->set_minimum(plan_.minimum);
  plan->set_alarm_pairs(plan_.alarm_pairs);
  plan->set_bucket_us(plan_.bucket_us);
  FillTotals(group_, state.mutable_group());
  FillTotals(reference_, state.mutable_reference());
  if (plan_.binary) {
    auto* const table = state.mutable_table();
    table->set_both(table_.both);
    table->set_group_only(table_.group_only);
    table->set_reference_only(table_.reference_only);
    table->set_neither(table_.neither);
  } else {
    const MomentSequence::State& m = moments_.state();
    auto* const moments = state.mutable_moments();
    moments->set_pairs(m.pairs);
    moments->set_weight(m.weight);
    moments->set_weighted_group(m.weighted_group);
    moments->set_weighted_reference(m.weighted_reference);
    moments->set_spread_group(m.spread_group);
    moments->set_spread_product(m.spread_product);
    moments->set_spread_reference(m.spread_reference);
    moments->set_sum_group(m.sum_group);
    moments->set_sum_reference(m.sum_reference);
    moments->set_sum_squares(m.sum_squares);
    const BettingWealth::State& e = equality_.state();
    auto* const equality = state.mutable_equality();
    equality->set_count(e.count);
    equality->set_bet(e.bet);
    equality->set_log_wealth(e.log_wealth);
    equality->set_sum_squares(e.sum_squares);
  }
  for (const double one : detector_.state()) state.add_detector(one);
  state.set_alarms(alarms_);
  state.set_alarm_since_us(alarm_since_us_);
  state.set_last_alarm_us(last_alarm_us_);
  state.set_violation_us(violation_us_);
  state.set_violation_lower(violation_.lower);
  state.set_violation_upper(violation_.upper);
  for (const DayTotals& day : days_) {
    auto* const counts = state.add_days();
    counts->set_day(day.day);
    counts->set_group_count(day.group_count);
    counts->set_group_sum(day.group_sum);
    counts->set_reference_count(day.reference_count);
    counts->set_reference_sum(day.reference_sum);
  }
  state.set_first_us(first_us_);
  state.set_last_us(last_us_);
  return state;
}

absl::StatusOr<Monitor> Monitor::Restore(const store::v1::MonitorState& state) {
  const auto plan = PlanOf(state.plan());
  if (!plan.ok()) return plan.status();
  const auto bad = [] {
    return absl::InvalidArgumentError("a monitor's state is out of range");
  };
  Monitor monitor(*plan);
  monitor.group_ = TotalsOf(state.group());
  monitor.reference_ = TotalsOf(state.reference());
  if (!Finite(monitor.group_) || !Finite(monitor.reference_)) return bad();
  const auto& t = state.table();
  monitor.table_ = {t.both(), t.group_only(), t.reference_only(), t.neither()};
  const auto& m = state.moments();
  const MomentSequence::State moments = {m.pairs(),
                                         m.weight(),
                                         m.weighted_group(),
                                         m.weighted_reference(),
                                         m.spread_group(),
                                         m.spread_product(),
                                         m.spread_reference(),
                                         m.sum_group(),
                                         m.sum_reference(),
                                         m.sum_squares()};
  const auto& e = state.equality();
  const BettingWealth::State equality = {e.count(), e.bet(), e.log_wealth(),
                                         e.sum_squares()};
  if (!Finite(moments) || !Finite(equality)) return bad();
  monitor.moments_.set_state(moments);
  monitor.equality_.set_state(equality);
  if (state.detector_size() != static_cast<int>(Detector::kBets)) return bad();
  Detector::State detector;
  std::copy(state.detector().begin(), state.detector().end(), detector.begin());
  monitor.detector_.set_state(detector);
  monitor.alarms_ = state.alarms();
  monitor.alarm_since_us_ = state.alarm_since_us();
  monitor.last_alarm_us_ = state.last_alarm_us();
  monitor.violation_us_ = state.violation_us();
  monitor.violation_ = {state.violation_lower(), state.violation_upper()};
  // Whoever is in no pair is in none for good.
  const uint64_t pairs = monitor.Pairs();
  const uint64_t group = monitor.group_.count;
  const uint64_t reference = monitor.reference_.count;
  if (pairs > group || pairs > reference) return bad();
  monitor.pairing_.Restore(group - pairs + (reference - pairs));
  if (state.days_size() > static_cast<int>(kWindowDays)) return bad();
  for (const auto& day : state.days()) {
    if (!monitor.days_.empty() && monitor.days_.back().day >= day.day()) {
      return bad();
    }
    if (!std::isfinite(day.group_sum()) ||
        !std::isfinite(day.reference_sum())) {
      return bad();
    }
    monitor.days_.push_back({day.day(), day.group_count(), day.group_sum(),
                             day.reference_count(), day.reference_sum()});
  }
  monitor.first_us_ = state.first_us();
  monitor.last_us_ = state.last_us();
  return monitor;
}

std::optional<double> PairsToVerdict(const Tolerance& tolerance, double alpha,
                                     double rate, double truth) {
  const bool ratio = tolerance.comparison == Comparison::kRatio;
  const double group = ratio ? rate * truth : rate + truth;
  if (!(rate >= 0 && rate <= 1 && group >= 0 && group <= 1)) {
    return std::nullopt;
  }
  const double bound = std::log(2 / alpha);
  return PairsFor(tolerance, truth, [&](double edge, TableBets::Side side) {
    return TableBets(tolerance.comparison, edge, side)
        .PairsUntil(group * rate, group * (1 - rate), (1 - group) * rate,
                    bound);
  });
}

}  // namespace consentry::policy::fairness
