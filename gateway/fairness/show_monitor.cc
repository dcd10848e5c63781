#include "gateway/fairness/show_monitor.h"

#include <algorithm>

#include "policy/engine/civil.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

// Neither group where one is too small to be shown.
void ShowWindow(const rules::Monitor& monitor,
                const rules::Profile::Metric& metric, uint64_t least,
                int64_t now_us, v1::FairnessMonitor* shown) {
  constexpr auto kDays = static_cast<int64_t>(rules::Monitor::kWindowDays);
  shown->set_window_days(static_cast<int32_t>(kDays));
  const int64_t today = now_us / policy::kUsPerDay;
  rules::DayTotals sum;
  for (const rules::DayTotals& day : monitor.days()) {
    if (day.day <= today - kDays || day.day > today) continue;
    sum.group_count += day.group_count;
    sum.group_sum += day.group_sum;
    sum.reference_count += day.reference_count;
    sum.reference_sum += day.reference_sum;
  }
  least = std::max<uint64_t>(least, 1);
  if (sum.group_count < least || sum.reference_count < least) return;
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

}  // namespace

v1::FairnessMonitor ShowMonitor(const WatchedVersion& version, size_t stream,
                                int64_t now_us) {
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
  const auto units = static_cast<double>(version.doc.units());
  double known = units;
  for (const int attribute : about.attributes) {
    known = std::min(known,
                     units - static_cast<double>(
                                 version.doc.attributes(attribute).unknown()));
  }
  shown.set_coverage(units > 0 ? known / units : 0);
  // Two units at least make a pair.
  shown.set_false_alarm_rate(10000 / 2 / monitor.plan().alarm_pairs);
  const auto& group = monitor.totals(rules::Side::kGroup);
  const auto& reference = monitor.totals(rules::Side::kReference);
  const uint64_t least = profile.suppress_below();
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
      version.doc.unreadable(at) >= least) {
    shown.set_unreadable_count(
        static_cast<int64_t>(version.doc.unreadable(at)));
  }
  if (group.count < least || reference.count < least) {
    shown.set_suppressed(true);
    return shown;
  }
  ShowWindow(monitor, metric, least, now_us, &shown);
  const rules::Reading reading = monitor.Read(now_us);
  shown.set_verdict(static_cast<v1::FairnessVerdict>(reading.finding));
  shown.set_lower(reading.sequence.lower * metric.scale());
  shown.set_upper(reading.sequence.upper * metric.scale());
  if (reading.estimate) {
    shown.set_estimate(*reading.estimate * metric.scale());
  }
  shown.set_group_count(static_cast<int64_t>(group.count));
  shown.set_reference_count(static_cast<int64_t>(reference.count));
  shown.set_pairs(static_cast<int64_t>(reading.pairs));
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
