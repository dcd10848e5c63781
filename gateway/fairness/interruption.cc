#include "gateway/fairness/interruption.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/fairness/fairness_watch.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

// The rest of a detail that begins so; empty: it does not.
std::string_view After(std::string_view detail, std::string_view front) {
  return detail.starts_with(front) ? detail.substr(front.size())
                                   : std::string_view();
}

// "fmo_credit.2.3": 3.
bool StreamOf(std::string_view monitor, size_t* stream) {
  const size_t dot = monitor.rfind('.');
  return dot != std::string_view::npos &&
         absl::SimpleAtoi(std::string(monitor.substr(dot + 1)), stream);
}

}  // namespace

void CountedBehind::Add(const store::v1::Leaf& leaf) {
  std::string_view record;
  std::string_view violation;
  // 0: no text has it.
  uint64_t profile_version = 0;
  for (const std::string& detail : leaf.details()) {
    if (const auto counted = After(detail, kCountedDetail); !counted.empty()) {
      ++records_[std::string(counted)].units;
    }
    if (leaf.event() != kFindingEvent) continue;
    if (const auto name = After(detail, kRecordDetail); !name.empty()) {
      record = name;
    }
    if (const auto id = After(detail, kViolationDetail); !id.empty()) {
      violation = id;
    }
    if (const auto of = After(detail, kProfileVersionDetail);
        !of.empty() && !absl::SimpleAtoi(std::string(of), &profile_version)) {
      profile_version = 0;
    }
  }
  size_t stream = 0;
  if (record.empty() || !StreamOf(violation, &stream)) return;
  records_[std::string(record)].violations.emplace(
      std::pair(profile_version, stream), leaf.time_us());
}

absl::Status CountedBehind::Mark(const FairnessRows& rows,
                                 store::Connection* connection, int64_t now_us,
                                 store::v1::Leaf* leaf) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto profiles, rows.Profiles(connection));
  CONSENTRY_ASSIGN_OR_RETURN(auto versions, rows.Versions(connection));
  int64_t last = 0;
  for (const VersionRow& version : versions) last = std::max(last, version.no);
  int64_t marked = 0;
  for (const auto& [name, record] : records_) {
    auto row = std::find_if(versions.begin(), versions.end(),
                            [&name = name](const VersionRow& version) {
                              return RecordName(version.doc) == name;
                            });
    std::shared_ptr<const ProfileInForce> profile;
    if (row == versions.end()) {
      // Ids of profiles hold no slash.
      const std::string id = name.substr(0, name.find('/'));
      const auto kept = std::find_if(
          profiles.begin(), profiles.end(),
          [&id](const ProfileRow& one) { return one.doc.id() == id; });
      if (kept == profiles.end()) continue;
      CONSENTRY_ASSIGN_OR_RETURN(
          profile, CompileProfile(id, kept->doc.text(), kept->doc.version()));
      VersionRow begun;
      begun.no = ++last;
      begun.doc = NewVersionDoc(*profile, name.substr(id.size() + 1), now_us);
      row = versions.insert(versions.end(), std::move(begun));
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(
          profile,
          CompileProfile(row->doc.profile_id(), row->doc.profile_text(),
                         row->doc.profile_version()));
    }
    row->doc.set_interrupted_us(now_us);
    row->doc.set_lost_units(row->doc.lost_units() + record.units);
    for (const auto& [what, found_us] : record.violations) {
      if (what.first == row->doc.profile_version()) continue;
      const int64_t before_us = row->doc.lost_violation_us();
      row->doc.set_lost_violation_us(
          before_us == 0 ? found_us : std::min(before_us, found_us));
    }
    CONSENTRY_RETURN_IF_ERROR(rows.Put(connection, &*row));
    ++marked;
    CONSENTRY_ASSIGN_OR_RETURN(const auto monitors,
                               rows.Monitors(connection, row->no));
    for (const auto& [what, found_us] : record.violations) {
      const auto& streams = profile->profile->streams();
      const size_t stream = what.second;
      if (what.first != row->doc.profile_version() ||
          stream >= streams.size()) {
        continue;
      }
      MonitorRow monitor;
      monitor.stream = static_cast<int64_t>(stream);
      monitor.state = rules::Monitor(streams[stream].plan).Save();
      for (const MonitorRow& one : monitors) {
        if (one.stream == monitor.stream) monitor = one;
      }
      if (monitor.state.violation_us() != 0) continue;
      const bool difference = monitor.state.plan().difference();
      monitor.state.set_violation_us(found_us);
      monitor.state.set_violation_lower(difference ? -1 : 0);
      monitor.state.set_violation_upper(
          difference ? 1 : std::numeric_limits<double>::infinity());
      CONSENTRY_RETURN_IF_ERROR(rows.Put(connection, row->no, &monitor));
      CONSENTRY_RETURN_IF_ERROR(
          rows.AddFinding(connection, row->no, monitor.stream).status());
    }
  }
  leaf->add_details(absl::StrCat("fairness_records=", marked));
  return absl::OkStatus();
}

}  // namespace consentry::fairness
