#include "gateway/fairness/lost_audits.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gateway/fairness/audit_parts.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

constexpr char kPutEvent[] = "fairness.profile_put";
// Of a restore, "credit/5": the version that it gave.
constexpr char kGivenDetail[] = "fairness_profile";
constexpr char kMadeAndLost[] =
    "lost in a restore; its file is where it was downloaded";
constexpr char kLostBefore[] =
    "lost in a restore before it was made; what it spent stays spent";

// Details of an entry by their names.
std::map<std::string, std::string> DetailsOf(const store::v1::Leaf& leaf) {
  std::map<std::string, std::string> details;
  for (const std::string& detail : leaf.details()) {
    const size_t end = detail.find('=');
    if (end == std::string::npos) {
      details.emplace(detail, "");
    } else {
      details.emplace(detail.substr(0, end), detail.substr(end + 1));
    }
  }
  return details;
}

// "credit/3".
bool VersionOf(const std::string& text, std::string* id, uint64_t* version) {
  const size_t slash = text.rfind('/');
  if (slash == std::string::npos) return false;
  *id = text.substr(0, slash);
  return absl::SimpleAtoi(text.substr(slash + 1), version);
}

}  // namespace

void AuditsBehind::Add(const store::v1::Leaf& leaf) {
  const auto details = DetailsOf(leaf);
  const auto value = [&details](const char* name) {
    const auto found = details.find(name);
    return found == details.end() ? std::string() : found->second;
  };
  std::string profile;
  uint64_t version = 0;
  if (leaf.event() == kPutEvent) {
    profile = value("profile");
    if (absl::SimpleAtoi(value("version"), &version)) {
      versions_[profile] = std::max(versions_[profile], version);
    }
    return;
  }
  for (const std::string& detail : leaf.details()) {
    const std::string front = absl::StrCat(kGivenDetail, "=");
    if (detail.starts_with(front) &&
        VersionOf(detail.substr(front.size()), &profile, &version)) {
      versions_[profile] = std::max(versions_[profile], version);
    }
  }
  const std::string report = value("report");
  if (report.empty() || !VersionOf(value("profile"), &profile, &version)) {
    return;
  }
  double alpha = 0;
  if (leaf.event() == kAuditMadeEvent) {
    const std::string digest = value("sha256");
    if (digest.empty() && !details.contains("not made")) return;
    Ended& ended = ended_[report];
    ended.time_us = leaf.time_us();
    ended.digest = absl::HexStringToBytes(digest);
    if (!absl::SimpleAtoi(value("cases"), &ended.cases)) ended.cases = 0;
  } else if (absl::SimpleAtod(value("alpha"), &alpha)) {
    Registered& one = registered_[report];
    one.no = static_cast<int64_t>(leaf.change_number());
    one.doc.set_id(report);
    one.doc.set_profile_id(profile);
    one.doc.set_profile_version(version);
    int64_t time_us = 0;
    if (absl::SimpleAtoi(value("from"), &time_us)) one.doc.set_from_us(time_us);
    if (absl::SimpleAtoi(value("to"), &time_us)) one.doc.set_to_us(time_us);
    one.doc.set_alpha(alpha);
    one.doc.set_span(value("span"));
    one.doc.set_model_version(value("version"));
    if (absl::SimpleAtoi(value("alarm_since"), &time_us)) {
      one.doc.set_alarm_us(time_us);
    }
    one.doc.set_register_us(leaf.time_us());
  }
}

absl::StatusOr<AuditsBehind::Lost> AuditsBehind::Mark(
    const FairnessRows& profiles, const ReportRows& reports,
    store::Connection* connection, store::v1::Leaf* leaf) const {
  Lost lost;
  const auto end = [this](store::v1::FairnessReportDoc* doc) {
    const auto ended = ended_.find(doc->id());
    const bool made = ended != ended_.end() && !ended->second.digest.empty();
    doc->set_lost(true);
    doc->set_failure(made ? kMadeAndLost : kLostBefore);
    if (!made) return;
    doc->set_digest(ended->second.digest);
    doc->set_cases(ended->second.cases);
    doc->set_done_us(ended->second.time_us);
  };
  for (const auto& [id, one] : registered_) {
    ReportRow row;
    row.no = one.no;
    row.state = ReportState::kFailed;
    row.doc = one.doc;
    end(&row.doc);
    CONSENTRY_ASSIGN_OR_RETURN(
        row.profile_key, profiles.ProfileKey(connection, one.doc.profile_id()));
    CONSENTRY_RETURN_IF_ERROR(reports.Insert(connection, &row));
    ++lost.reports;
  }
  // What the backup has as registered, and the log as made: made again it would
  // be another file of the same name.
  for (const auto& [id, ended] : ended_) {
    if (registered_.contains(id)) continue;
    auto row = reports.Read(connection, id);
    if (ReasonOf(row.status()) == v1::ERROR_REASON_NOT_FOUND) continue;
    CONSENTRY_RETURN_IF_ERROR(row.status());
    if (row->state != ReportState::kRegistered) continue;
    row->state = ReportState::kFailed;
    end(&row->doc);
    CONSENTRY_RETURN_IF_ERROR(reports.Update(connection, &*row));
    ++lost.reports;
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto stored, profiles.Profiles(connection));
  for (const auto& [id, version] : versions_) {
    const auto row = std::find_if(
        stored.begin(), stored.end(),
        [&id = id](const ProfileRow& one) { return one.doc.id() == id; });
    lost.profiles.push_back(id);
    if (row == stored.end() || row->doc.version() > version) continue;
    row->doc.set_version(version + 1);
    CONSENTRY_RETURN_IF_ERROR(profiles.Put(connection, &*row));
    leaf->add_details(
        absl::StrCat(kGivenDetail, "=", id, "/", row->doc.version()));
  }
  leaf->add_details(absl::StrCat("fairness_audits=", lost.reports));
  return lost;
}

}  // namespace consentry::fairness
