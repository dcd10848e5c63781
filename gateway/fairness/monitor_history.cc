#include "gateway/fairness/monitor_history.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/show_monitor.h"
#include "policy/engine/civil.h"
#include "policy/fairness/told_streams.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;

constexpr char kHistoryEvent[] = "system.fairness_history";
// How much more has to be counted for a monitor's next point.
constexpr double kNextPoint = 1.25;
// Points that a trend shows.
constexpr int kMostPoints = 60;

using Counts = rules::ToldStreams::Counts;

// What was noted at one time, and what of it is told.
struct ToldPoint {
  const store::v1::FairnessHistoryDoc* doc = nullptr;
  // One for each stream of the profile; nobody where nothing was noted.
  std::vector<Counts> counts;
  std::vector<bool> withheld;
};

// Of `points`, oldest first, those that are told, newest first, each of so many
// streams that beside the others of its time, and beside all later points,
// nothing follows about fewer than the profile shows.
std::vector<ToldPoint> PointsToTell(const rules::Profile& profile,
                                    const std::vector<HistoryRow>& points) {
  const rules::ToldStreams rule(profile);
  const int64_t least = profile.suppress_below();
  const size_t streams = profile.streams().size();
  std::vector<ToldPoint> all;
  // Where the later point of each stream stands.
  std::vector<std::optional<size_t>> next(streams);
  // The last one always.
  const size_t step =
      std::max<size_t>(1, (points.size() + kMostPoints - 1) / kMostPoints);
  for (size_t i = points.size(); i-- > 0;) {
    if ((points.size() - 1 - i) % step != 0) continue;
    ToldPoint point{&points[i].doc, std::vector<Counts>(streams), {}};
    for (const auto& noted : points[i].doc.points()) {
      const auto stream = static_cast<size_t>(noted.stream());
      if (noted.stream() < 0 || stream >= streams) continue;
      point.counts[stream] = {static_cast<int64_t>(noted.count()),
                              static_cast<int64_t>(noted.reference_count())};
    }
    point.withheld = rule.Withhold(point.counts, TooFew(point.counts, least));
    for (size_t k = 0; k < streams; ++k) {
      // Between two points of a stream are enough.
      if (next[k] && all[*next[k]].counts[k].group - point.counts[k].group <
                         std::max<int64_t>(1, least)) {
        point.withheld[k] = true;
      }
    }
    for (const ToldPoint& later : all) {
      std::vector<Counts> between(streams);
      std::vector<bool> not_both(streams);
      for (size_t k = 0; k < streams; ++k) {
        between[k] = {later.counts[k].group - point.counts[k].group,
                      later.counts[k].reference - point.counts[k].reference};
        not_both[k] = later.withheld[k] || point.withheld[k];
      }
      const auto few = rule.Withhold(between, not_both);
      for (size_t k = 0; k < streams; ++k) {
        if (few[k] && !not_both[k]) point.withheld[k] = true;
      }
    }
    // What has no interval is told of no more than the others let follow.
    for (const auto& noted : points[i].doc.points()) {
      const auto stream = static_cast<size_t>(noted.stream());
      if (noted.stream() < 0 || stream >= streams) continue;
      if (noted.withheld()) point.withheld[stream] = true;
    }
    bool any = false;
    for (size_t k = 0; k < streams; ++k) {
      if (point.withheld[k]) continue;
      next[k] = all.size();
      any = true;
    }
    if (any) all.push_back(std::move(point));
  }
  return all;
}

}  // namespace

absl::Status NoteMonitors(const AuditParts& parts) {
  const int64_t now_us = parts.answers.committer->NowUs();
  std::vector<std::pair<int64_t, HistoryRow>> points;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
    for (const auto& version : parts.watch->versions()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const HistoryRow last,
          parts.rows->LastPoint(lease.get(), version->no));
      const uint64_t units = version->doc.units();
      const bool more = static_cast<double>(units) >=
                        kNextPoint * static_cast<double>(last.doc.units());
      const bool later = now_us - last.doc.time_us() >= kUsPerDay;
      if (units == last.doc.units() || (!more && !later)) continue;
      HistoryRow point;
      point.point = last.point + 1;
      point.doc.set_time_us(now_us);
      point.doc.set_units(units);
      const auto counts = CountsOf(*version);
      const ShownMonitors monitors(*version, now_us);
      for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i].group == 0 && counts[i].reference == 0) continue;
        auto& noted = *point.doc.add_points();
        noted.set_stream(static_cast<int32_t>(i));
        noted.set_count(static_cast<uint64_t>(counts[i].group));
        noted.set_reference_count(static_cast<uint64_t>(counts[i].reference));
        const v1::FairnessMonitor shown = monitors.Show(i);
        // Of a ratio no end may be known yet.
        if (shown.suppressed() || !std::isfinite(shown.upper())) {
          noted.set_withheld(true);
          continue;
        }
        noted.set_lower(shown.lower());
        noted.set_upper(shown.upper());
        if (shown.has_estimate()) noted.set_estimate(shown.estimate());
      }
      points.emplace_back(version->no, std::move(point));
    }
  }
  if (points.empty()) return absl::OkStatus();
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    for (const auto& [version_no, point] : points) {
      CONSENTRY_RETURN_IF_ERROR(
          parts.rows->Add(context.connection(), version_no, point));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*parts.answers.configuration(),
                        AuditSelf(kHistoryEvent), context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("versions=", points.size()));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  return parts.answers.committer->CommitChangeAndWait(std::move(change)).status;
}

absl::Status RecordUnlogged(const AuditParts& parts) {
  std::vector<FairnessFinding> found;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const auto logged,
                               parts.profiles->Findings(lease.get()));
    for (const auto& version : parts.watch->versions()) {
      for (const size_t stream : version->violations) {
        if (logged.contains({version->no, static_cast<int64_t>(stream)})) {
          continue;
        }
        found.push_back(FindingOf(*version, stream, true));
      }
    }
  }
  RecordFindings(parts.answers.committer, parts.profiles,
                 parts.answers.configuration, found);
  return absl::OkStatus();
}

absl::Status AddTrends(const AuditParts& parts,
                       const store::v1::FairnessReportDoc& doc,
                       v1::FairnessReport* report) {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
  for (const auto& version : parts.watch->versions()) {
    if (version->doc.profile_id() != doc.profile_id() ||
        (!doc.model_version().empty() &&
         version->doc.model_version() != doc.model_version())) {
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(auto points,
                               parts.rows->History(lease.get(), version->no));
    // Of a time that ended when it was asked for, how they stand at the look
    // belongs to it.
    const bool until_now = doc.to_us() == doc.register_us();
    std::erase_if(points, [&](const HistoryRow& point) {
      return point.doc.time_us() < doc.from_us() ||
             (!until_now && point.doc.time_us() >= doc.to_us());
    });
    const rules::Profile& profile = *version->profile->profile;
    const auto& streams = profile.streams();
    const auto& metrics = profile.metrics();
    std::map<int32_t, v1::FairnessTrend> trends;
    for (const ToldPoint& told : PointsToTell(profile, points)) {
      for (const auto& noted : told.doc->points()) {
        const auto stream = static_cast<size_t>(noted.stream());
        if (stream >= streams.size() || told.withheld[stream]) continue;
        v1::FairnessTrendPoint& point = *trends[noted.stream()].add_points();
        SetTime(told.doc->time_us(), point.mutable_time());
        point.set_lower(noted.lower());
        point.set_upper(noted.upper());
        point.set_count(static_cast<int64_t>(noted.count()));
        if (noted.has_estimate()) point.set_estimate(noted.estimate());
      }
    }
    for (auto& [stream, trend] : trends) {
      std::reverse(trend.mutable_points()->begin(),
                   trend.mutable_points()->end());
      const auto& about = streams[static_cast<size_t>(stream)];
      trend.set_attribute(about.attribute_name);
      trend.set_group(about.group_name);
      trend.set_reference(about.reference_name);
      const auto& metric = metrics[about.metric];
      trend.set_metric(metric.name);
      trend.set_tolerance_lower(metric.tolerance.lower());
      trend.set_tolerance_upper(metric.tolerance.upper());
      trend.set_model_version(version->doc.model_version());
      *report->add_trends() = std::move(trend);
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::fairness
