#include "gateway/fairness/monitor_history.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/show_monitor.h"
#include "policy/engine/civil.h"
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
      for (size_t i = 0; i < version->monitors.size(); ++i) {
        const v1::FairnessMonitor shown = ShowMonitor(*version, i, now_us);
        // Of a ratio no end may be known yet.
        if (shown.suppressed() || !std::isfinite(shown.upper())) continue;
        auto& told = *point.doc.add_points();
        told.set_stream(static_cast<int32_t>(i));
        told.set_lower(shown.lower());
        told.set_upper(shown.upper());
        if (shown.has_estimate()) told.set_estimate(shown.estimate());
        told.set_count(static_cast<uint64_t>(shown.group_count()));
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
        FairnessFinding& one = found.emplace_back();
        one.monitor = MonitorId(*version, stream);
        one.record = RecordName(version->doc);
        one.version_no = version->no;
        one.stream = stream;
        one.violation = true;
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
    const auto& streams = version->profile->profile->streams();
    const auto& metrics = version->profile->profile->metrics();
    std::map<int32_t, v1::FairnessTrend> trends;
    // Cases of the next point that is told: between two are enough of them.
    std::map<int32_t, uint64_t> next;
    const uint64_t least =
        static_cast<uint64_t>(version->profile->profile->suppress_below());
    // The last one always.
    const size_t step = (points.size() + kMostPoints - 1) / kMostPoints;
    for (size_t i = points.size(); i-- > 0;) {
      if ((points.size() - 1 - i) % std::max<size_t>(1, step) != 0) continue;
      for (const auto& told : points[i].doc.points()) {
        if (told.stream() < 0 ||
            static_cast<size_t>(told.stream()) >= streams.size()) {
          continue;
        }
        const auto [at, first] = next.try_emplace(told.stream(), told.count());
        if (!first && told.count() + least > at->second) continue;
        at->second = told.count();
        v1::FairnessTrendPoint& point = *trends[told.stream()].add_points();
        SetTime(points[i].doc.time_us(), point.mutable_time());
        point.set_lower(told.lower());
        point.set_upper(told.upper());
        point.set_count(static_cast<int64_t>(told.count()));
        if (told.has_estimate()) point.set_estimate(told.estimate());
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
