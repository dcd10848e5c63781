#include "policy/fairness/rate_trends.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/fairness/audit_groups.h"
#include "policy/fairness/confusion.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/intervals.h"
#include "proto/support/timestamp.h"

namespace consentry::policy::fairness {
namespace {

constexpr int64_t kUsPerDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kMostPeriods = 12;

// Rates of groups by periods; a period of a group is told or not.
struct Periods {
  std::vector<std::vector<Proportion>> rates;
  std::vector<std::vector<bool>> told;
};

// What is left untold of a group, and of a period over all groups, is enough
// cases together, or nothing.
void Tighten(int64_t least, Periods* periods) {
  const size_t groups = periods->rates.size();
  const size_t count = groups == 0 ? 0 : periods->rates[0].size();
  // Of one group, or where that is absent of one period.
  const auto tighten = [&](size_t group, size_t period) {
    bool changed = false;
    for (;;) {
      int64_t hidden = 0;
      int64_t smallest = 0;
      std::pair<size_t, size_t> at;
      for (size_t g = 0; g < groups; ++g) {
        if (group != groups && g != group) continue;
        for (size_t i = 0; i < count; ++i) {
          if (group == groups && i != period) continue;
          const int64_t cases = periods->rates[g][i].cases;
          if (!periods->told[g][i]) {
            hidden += cases;
          } else if (smallest == 0 || cases < smallest) {
            smallest = cases;
            at = {g, i};
          }
        }
      }
      if (hidden == 0 || hidden >= least || smallest == 0) return changed;
      periods->told[at.first][at.second] = false;
      changed = true;
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t g = 0; g < groups; ++g) changed |= tighten(g, 0);
    for (size_t i = 0; i < count; ++i) changed |= tighten(groups, i);
  }
}

// Those that a group is compared with, in one period. No cases: nobody, or too
// few for a rate that another is held against.
Proportion ReferenceIn(const AuditPlan& plan, const AuditGrouping& grouping,
                       const std::vector<std::string>& names,
                       const Periods& periods, size_t group, size_t period,
                       std::optional<uint32_t> other) {
  Proportion sum;
  if (grouping.rest && group == other) return sum;
  for (size_t g = 0; g + 1 < names.size(); ++g) {
    if (g == group || !periods.told[g][period] ||
        (grouping.rest ? g == other : names[g] != grouping.reference)) {
      continue;
    }
    sum.cases += periods.rates[g][period].cases;
    sum.hits += periods.rates[g][period].hits;
  }
  if (sum.cases < plan.minimum) return {};
  return sum;
}

// What is tolerated of a rate whose reference has `rate`: all declared
// tolerances together.
std::optional<Interval> ToleratedAt(const AuditPlan& plan, double rate) {
  std::optional<Interval> tolerated;
  for (const auto comparison : {Comparison::kRatio, Comparison::kDifference}) {
    const auto decides = plan.Decides(AuditMetric::kSelection, comparison);
    if (!decides) continue;
    const double lower = decides->tolerance.lower();
    const double upper = decides->tolerance.upper();
    const bool ratio = comparison == Comparison::kRatio;
    const Interval one = {std::max(0.0, ratio ? rate * lower : rate + lower),
                          std::min(1.0, ratio ? rate * upper : rate + upper)};
    tolerated = tolerated ? Interval{std::max(tolerated->lower, one.lower),
                                     std::min(tolerated->upper, one.upper)}
                          : one;
  }
  return tolerated;
}

// The group of a report that may have a trend: it tells its rate.
bool TellsRate(const v1::FairnessReport& report, const std::string& attribute,
               const std::string& group) {
  return std::any_of(report.figures().begin(), report.figures().end(),
                     [&](const v1::FairnessFigure& figure) {
                       return figure.attribute() == attribute &&
                              figure.group() == group &&
                              figure.variant().empty() && figure.has_hits() &&
                              figure.metric() == NameOf(Rate::kSelection);
                     });
}

}  // namespace

void AddRateTrends(const AuditPlan& plan, const AuditTable& table,
                   std::span<const int64_t> times_us, int64_t from_us,
                   int64_t to_us, v1::FairnessReport* report) {
  if (table.predicted.empty() || to_us - from_us < 2 * kUsPerDay) return;
  const int64_t days = (to_us - from_us + kUsPerDay - 1) / kUsPerDay;
  const int64_t length = (days + kMostPeriods - 1) / kMostPeriods * kUsPerDay;
  const auto count =
      static_cast<size_t>((to_us - from_us + length - 1) / length);
  const std::vector<bool> left_out = LeftOutOfGroups(plan, table);
  for (const AuditColumn& attribute : table.attributes) {
    // The last one is of those whose group is not known.
    const size_t unknown = attribute.values.size();
    const auto group_of = [&](size_t row) {
      const uint32_t code = attribute.codes[row];
      return code == kNoCode ? unknown : size_t{code};
    };
    // As the report counts them.
    std::vector<AuditGroup> groups(unknown + 1);
    for (size_t row = 0; row < table.cases; ++row) {
      if (!left_out[row]) groups[group_of(row)].rows.push_back(row);
    }
    Periods periods;
    for (AuditGroup& group : groups) {
      CountGroup(plan, table, &group);
      std::vector<Proportion>& rates = periods.rates.emplace_back(count);
      for (const size_t row : group.rows) {
        if (!CountsInRates(table, group, row) || times_us[row] < from_us ||
            times_us[row] >= to_us) {
          continue;
        }
        Proportion& period =
            rates[static_cast<size_t>((times_us[row] - from_us) / length)];
        ++period.cases;
        if (table.predicted[row] == Answer::kYes) ++period.hits;
      }
      group.rows.clear();
    }
    std::vector<std::string> names = attribute.values;
    names.emplace_back(kUnknownGroupName);
    for (size_t group = 0; group <= unknown; ++group) {
      const bool shown = TellsRate(*report, attribute.name, names[group]);
      std::vector<bool>& told = periods.told.emplace_back();
      for (const Proportion& period : periods.rates[group]) {
        told.push_back(shown && period.cases > 0 &&
                       period.cases >= plan.suppress_below);
      }
    }
    Tighten(plan.suppress_below, &periods);
    const auto grouping = std::find_if(
        plan.groupings.begin(), plan.groupings.end(), [&](const auto& one) {
          return one.attributes.size() == 1 &&
                 &table.attributes[one.attributes[0]] == &attribute;
        });
    for (size_t group = 0; group <= unknown; ++group) {
      v1::FairnessTrend trend;
      for (size_t i = 0; i < count; ++i) {
        const Proportion& period = periods.rates[group][i];
        if (!periods.told[group][i]) continue;
        const auto interval = WilsonInterval(period, 1 - plan.alpha);
        if (!interval) continue;
        v1::FairnessTrendPoint& point = *trend.add_points();
        SetTime(from_us + static_cast<int64_t>(i) * length,
                point.mutable_time());
        point.set_lower(interval->lower);
        point.set_upper(interval->upper);
        point.set_count(period.cases);
        point.set_estimate(*period.rate());
        if (grouping == plan.groupings.end() || group == unknown) continue;
        const auto reference = ReferenceIn(plan, *grouping, names, periods,
                                           group, i, attribute.other)
                                   .rate();
        if (!reference) continue;
        if (const auto tolerated = ToleratedAt(plan, *reference)) {
          point.set_tolerance_lower(tolerated->lower);
          point.set_tolerance_upper(tolerated->upper);
        }
      }
      if (trend.points_size() < 2) continue;
      trend.set_attribute(attribute.name);
      trend.set_group(names[group]);
      trend.set_metric(std::string(NameOf(Rate::kSelection)));
      *report->add_trends() = std::move(trend);
    }
  }
}

}  // namespace consentry::policy::fairness
