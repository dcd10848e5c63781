#include "gateway/fairness/show_monitor.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "policy/engine/civil.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

constexpr auto kWindowDays = static_cast<int64_t>(rules::Monitor::kWindowDays);

rules::DayTotals WindowOf(const rules::Monitor& monitor, int64_t now_us) {
  const int64_t today = now_us / policy::kUsPerDay;
  rules::DayTotals sum;
  for (const rules::DayTotals& day : monitor.days()) {
    if (day.day <= today - kWindowDays || day.day > today) continue;
    sum.group_count += day.group_count;
    sum.group_sum += day.group_sum;
    sum.reference_count += day.reference_count;
    sum.reference_sum += day.reference_sum;
  }
  return sum;
}

}  // namespace

std::vector<rules::ToldStreams::Counts> CountsOf(
    const WatchedVersion& version) {
  std::vector<rules::ToldStreams::Counts> counts;
  for (const auto& monitor : version.monitors) {
    counts.push_back(
        {static_cast<int64_t>(monitor->totals(rules::Side::kGroup).count),
         static_cast<int64_t>(monitor->totals(rules::Side::kReference).count)});
  }
  return counts;
}

std::vector<bool> TooFew(const std::vector<rules::ToldStreams::Counts>& counts,
                         int64_t least) {
  std::vector<bool> few;
  for (const auto& one : counts) {
    few.push_back(std::min(one.group, one.reference) < least);
  }
  return few;
}

ShownMonitors::ShownMonitors(const WatchedVersion& version, int64_t now_us)
    : version_(version), now_us_(now_us) {
  const rules::Profile& profile = *version.profile->profile;
  const int64_t least = profile.suppress_below();
  const rules::ToldStreams told(profile);
  const std::vector<Counts> counts = CountsOf(version);
  few_ = TooFew(counts, least);
  withheld_ = told.Withhold(counts, few_);

  std::vector<Counts> late;
  std::vector<Counts> early;
  for (size_t i = 0; i < counts.size(); ++i) {
    const rules::DayTotals& window =
        windows_.emplace_back(WindowOf(*version.monitors[i], now_us));
    late.push_back({static_cast<int64_t>(window.group_count),
                    static_cast<int64_t>(window.reference_count)});
    early.push_back({counts[i].group - late[i].group,
                     counts[i].reference - late[i].reference});
  }
  window_withheld_ = TooFew(late, std::max<int64_t>(least, 1));
  for (size_t i = 0; i < counts.size(); ++i) {
    if (withheld_[i]) window_withheld_[i] = true;
  }
  window_withheld_ = told.Withhold(late, std::move(window_withheld_));
  // With those of the whole life it tells of those before it.
  window_withheld_ = told.Withhold(early, std::move(window_withheld_));
  FindShares(told, counts);
}

void ShownMonitors::FindShares(const rules::ToldStreams& told,
                               const std::vector<Counts>& counts) {
  const rules::Profile& profile = *version_.profile->profile;
  const auto units = static_cast<int64_t>(version_.doc.units());
  const auto known_of = [&](int attribute) {
    return units -
           static_cast<int64_t>(version_.doc.attributes(attribute).unknown());
  };
  // Units with a group that the profile names, of one attribute by one metric.
  std::map<std::pair<int, size_t>, int64_t> named;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto& about = profile.streams()[i];
    if (about.attributes.size() != 1) continue;
    const auto [at, added] =
        named.try_emplace({about.attributes[0], about.metric}, 0);
    if (added) at->second = told.Known(i, counts);
  }
  std::vector<int64_t> known;
  std::vector<int64_t> cells;
  for (size_t i = 0; i < counts.size(); ++i) {
    const auto& about = profile.streams()[i];
    if (about.attributes.size() == 1) {
      known.push_back(known_of(about.attributes[0]));
      continue;
    }
    // Its own cells, and of all those that the metric tells of as many as of an
    // attribute that is counted with each metric: outputs without a price lower
    // the share of no group.
    double share = 0;
    int64_t most = 0;
    for (const int attribute : about.attributes) {
      const int64_t of_metric = named[{attribute, about.metric}];
      if (of_metric <= most) continue;
      most = of_metric;
      const auto other =
          static_cast<int64_t>(version_.doc.attributes(attribute).other());
      share = static_cast<double>(known_of(attribute) - other) /
              static_cast<double>(of_metric);
    }
    known.push_back(std::min(
        units, static_cast<int64_t>(std::llround(
                   share * static_cast<double>(told.Known(i, counts))))));
  }
  const std::vector<bool> not_told =
      told.WithholdShares(counts, withheld_, known, units);
  for (size_t i = 0; i < counts.size(); ++i) {
    auto& share = shares_.emplace_back();
    if (units < static_cast<int64_t>(profile.suppress_below())) continue;
    // That nobody's group is known tells of nobody.
    if (known[i] == 0) {
      share = 0;
    } else if (!withheld_[i] && !not_told[i]) {
      share = static_cast<double>(known[i]) / static_cast<double>(units);
    }
  }
}

void ShownMonitors::ShowWindow(size_t stream,
                               v1::FairnessMonitor* shown) const {
  shown->set_window_days(static_cast<int32_t>(kWindowDays));
  if (window_withheld_[stream]) return;
  const rules::Profile& profile = *version_.profile->profile;
  const auto& metric = profile.metrics()[profile.streams()[stream].metric];
  const rules::DayTotals& sum = windows_[stream];
  const auto mean = [&metric](double total, uint64_t count) {
    return metric.lower +
           total / static_cast<double>(count) * (metric.upper - metric.lower);
  };
  shown->set_window_group_count(static_cast<int64_t>(sum.group_count));
  shown->set_window_reference_count(static_cast<int64_t>(sum.reference_count));
  shown->set_window_group_mean(mean(sum.group_sum, sum.group_count));
  shown->set_window_reference_mean(
      mean(sum.reference_sum, sum.reference_count));
}

bool MayBe(const WatchedVersion& version, size_t stream,
           v1::FairnessVerdict verdict) {
  const rules::Monitor& monitor = *version.monitors[stream];
  if (verdict == v1::FAIRNESS_VERDICT_UNSPECIFIED) return true;
  const bool violation = verdict == v1::FAIRNESS_VERDICT_VIOLATION;
  if (violation || monitor.violation_us() != 0) {
    return violation && monitor.violation_us() != 0;
  }
  const uint64_t least = std::max<uint64_t>(
      monitor.plan().minimum, version.profile->profile->suppress_below());
  return verdict == v1::FAIRNESS_VERDICT_INSUFFICIENT ||
         (monitor.totals(rules::Side::kGroup).count >= least &&
          monitor.totals(rules::Side::kReference).count >= least);
}

v1::FairnessMonitor ShownMonitors::Show(size_t stream) const {
  const WatchedVersion& version = version_;
  const rules::Profile& profile = *version.profile->profile;
  const auto& about = profile.streams()[stream];
  const auto& metric = profile.metrics()[about.metric];
  const rules::Monitor& monitor = *version.monitors[stream];
  v1::FairnessMonitor shown;
  shown.set_id(MonitorId(version, stream));
  shown.set_profile_id(version.doc.profile_id());
  shown.set_model(version.doc.model());
  shown.set_model_version(version.doc.model_version());
  shown.set_attribute(about.attribute_name);
  shown.set_group(about.group_name);
  shown.set_reference(about.reference_name);
  shown.set_metric(metric.name);
  shown.set_verdict(v1::FAIRNESS_VERDICT_INSUFFICIENT);
  if (version.doc.interrupted_us() != 0) {
    SetTime(version.doc.interrupted_us(), shown.mutable_interrupted_time());
    shown.set_lost_count(static_cast<int64_t>(version.doc.lost_units()));
  }
  if (shares_[stream]) shown.set_coverage(*shares_[stream]);
  // Two units at least make a pair.
  shown.set_false_alarm_rate(10000 / 2 / monitor.plan().alarm_pairs);
  if (monitor.violation_us() != 0) {
    shown.set_verdict(v1::FAIRNESS_VERDICT_VIOLATION);
    SetTime(monitor.violation_us(), shown.mutable_violation_time());
  }
  // What stands against the version holds outputs back, however few they were.
  if (monitor.alarm()) {
    shown.set_alarm(true);
    SetTime(monitor.alarm_since_us(), shown.mutable_alarm_time());
  }
  const auto at = static_cast<int>(about.metric);
  if (at < version.doc.unreadable_size() &&
      version.doc.unreadable(at) >= profile.suppress_below()) {
    shown.set_unreadable_count(
        static_cast<int64_t>(version.doc.unreadable(at)));
  }
  if (few_[stream]) {
    shown.set_suppressed(true);
    return shown;
  }
  const rules::Reading reading = monitor.Read(now_us_);
  shown.set_verdict(static_cast<v1::FairnessVerdict>(reading.finding));
  if (withheld_[stream]) {
    shown.set_suppressed(true);
    return shown;
  }
  const auto& group = monitor.totals(rules::Side::kGroup);
  const auto& reference = monitor.totals(rules::Side::kReference);
  ShowWindow(stream, &shown);
  shown.set_lower(reading.sequence.lower * metric.scale());
  shown.set_upper(reading.sequence.upper * metric.scale());
  if (reading.estimate) {
    shown.set_estimate(*reading.estimate * metric.scale());
  }
  shown.set_group_count(static_cast<int64_t>(group.count));
  shown.set_reference_count(static_cast<int64_t>(reference.count));
  shown.set_pairs(static_cast<int64_t>(reading.pairs));
  shown.set_unpaired_count(static_cast<int64_t>(monitor.unpaired()));
  if (reading.needed) {
    shown.set_needed(static_cast<int64_t>(*reading.needed));
  } else {
    shown.set_needed(-1);
  }
  if (reading.expected_us) {
    SetTime(*reading.expected_us, shown.mutable_expected_time());
  }
  shown.set_clipped_count(static_cast<int64_t>(group.clipped));
  shown.set_reference_clipped_count(static_cast<int64_t>(reference.clipped));
  return shown;
}

}  // namespace consentry::fairness
