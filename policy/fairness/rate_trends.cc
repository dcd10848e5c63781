#include "policy/fairness/rate_trends.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "policy/fairness/confusion.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/intervals.h"
#include "proto/support/timestamp.h"

namespace consentry::policy::fairness {
namespace {

constexpr int64_t kUsPerDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kMostPeriods = 12;

// Periods that may be told: what is left out has enough cases together, or is
// nothing.
std::vector<bool> Told(const std::vector<Proportion>& periods, int64_t least) {
  std::vector<bool> told(periods.size(), false);
  int64_t hidden = 0;
  for (size_t i = 0; i < periods.size(); ++i) {
    told[i] = periods[i].cases > 0 && periods[i].cases >= least;
    if (!told[i]) hidden += periods[i].cases;
  }
  while (hidden > 0 && hidden < least) {
    size_t smallest = periods.size();
    for (size_t i = 0; i < periods.size(); ++i) {
      if (told[i] && (smallest == periods.size() ||
                      periods[i].cases < periods[smallest].cases)) {
        smallest = i;
      }
    }
    if (smallest == periods.size()) break;
    told[smallest] = false;
    hidden += periods[smallest].cases;
  }
  return told;
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
  for (const AuditColumn& attribute : table.attributes) {
    // The last one is of those whose group is not known.
    std::vector<std::vector<Proportion>> groups(attribute.values.size() + 1,
                                                std::vector<Proportion>(count));
    for (size_t row = 0; row < table.cases; ++row) {
      if (table.predicted[row] == Answer::kUnknown || times_us[row] < from_us ||
          times_us[row] >= to_us) {
        continue;
      }
      const uint32_t code = attribute.codes[row];
      Proportion& period =
          groups[code == kNoCode ? attribute.values.size() : code]
                [static_cast<size_t>((times_us[row] - from_us) / length)];
      ++period.cases;
      if (table.predicted[row] == Answer::kYes) ++period.hits;
    }
    for (size_t group = 0; group < groups.size(); ++group) {
      const std::string name = group < attribute.values.size()
                                   ? attribute.values[group]
                                   : std::string(kUnknownGroupName);
      const bool shown =
          std::any_of(report->groups().begin(), report->groups().end(),
                      [&](const v1::FairnessGroupCount& told) {
                        return told.attribute() == attribute.name &&
                               told.group() == name && told.variant().empty() &&
                               !told.suppressed() && told.count() > 0;
                      });
      if (!shown) continue;
      const std::vector<bool> told = Told(groups[group], plan.suppress_below);
      v1::FairnessTrend trend;
      for (size_t i = 0; i < count; ++i) {
        const Proportion& period = groups[group][i];
        if (!told[i]) continue;
        const auto interval = WilsonInterval(period, 1 - plan.alpha);
        if (!interval) continue;
        v1::FairnessTrendPoint& point = *trend.add_points();
        SetTime(from_us + static_cast<int64_t>(i) * length,
                point.mutable_time());
        point.set_lower(interval->lower);
        point.set_upper(interval->upper);
        point.set_count(period.cases);
        point.set_estimate(*period.rate());
      }
      if (trend.points_size() < 2) continue;
      trend.set_attribute(attribute.name);
      trend.set_group(name);
      trend.set_metric(std::string(NameOf(Rate::kSelection)));
      *report->add_trends() = std::move(trend);
    }
  }
}

}  // namespace consentry::policy::fairness
