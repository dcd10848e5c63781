#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/audit_register.h"
#include "gateway/fairness/report_file.h"
#include "policy/engine/civil.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;

// Of a version that made no output for so long none are to come.
constexpr int64_t kUsedUs = 2 * kUsPerDay;
// Audits of a profile that are looked through.
constexpr size_t kMostAudits = 100'000;
constexpr char kNothingLeft[] =
    "an alarm asked for it, and what audits may spend besides the calendar is "
    "spent for this year";

// The alarm that began last of those that stand; 0: none does.
int64_t AlarmSinceUs(const WatchedVersion& version) {
  int64_t since_us = 0;
  for (const size_t stream : version.alarms) {
    since_us = std::max(since_us, version.monitors[stream]->alarm_since_us());
  }
  return since_us;
}

// Whether one is open, or was registered for this alarm.
absl::StatusOr<bool> HasAudit(const ReportRows& rows,
                              store::Connection* connection,
                              std::string_view profile_key,
                              const store::v1::FairnessReportDoc& wanted) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto audits, rows.List(connection, profile_key, 0, kMostAudits));
  return std::any_of(
      audits.begin(), audits.end(), [&wanted](const ReportRow& other) {
        return other.doc.alarm_us() != 0 &&
               other.doc.model_version() == wanted.model_version() &&
               (other.state == ReportState::kRegistered ||
                other.doc.alarm_us() >= wanted.alarm_us());
      });
}

}  // namespace

absl::Status AuditRegister::AddForAlarms() const {
  const int64_t now_us = parts_->answers.committer->NowUs();
  const auto profiles = parts_->watch->profiles();
  std::vector<ReportRow> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
    for (const auto& version : parts_->watch->versions()) {
      const auto profile = profiles.find(version->doc.profile_id());
      if (version->alarms.empty() || profile == profiles.end() ||
          profile->second->profile->message().audits().alarm_days() == 0 ||
          // It would decide nothing.
          profile->second->profile->audit_tolerances().empty() ||
          parts_->watch->LastUse(version->doc) < now_us - kUsedUs) {
        continue;
      }
      ReportRow one;
      one.doc.set_profile_id(version->doc.profile_id());
      // Those that share a record are told apart by nobody.
      if (version->doc.model_version() != kSharedVersion) {
        one.doc.set_model_version(version->doc.model_version());
      }
      one.doc.set_alarm_us(AlarmSinceUs(*version));
      CONSENTRY_ASSIGN_OR_RETURN(
          one.profile_key,
          parts_->profiles->ProfileKey(lease.get(), one.doc.profile_id()));
      CONSENTRY_ASSIGN_OR_RETURN(
          const bool has,
          HasAudit(*parts_->rows, lease.get(), one.profile_key, one.doc));
      if (!has) due.push_back(std::move(one));
    }
  }
  absl::Status first;
  for (const ReportRow& row : due) {
    store::Change change;
    change.apply = [this, &row](store::ChangeContext& context) {
      return AddForAlarm(context, row);
    };
    first.Update(
        parts_->answers.committer->CommitChangeAndWait(std::move(change))
            .status);
  }
  return first;
}

absl::Status AuditRegister::AddForAlarm(store::ChangeContext& context,
                                        ReportRow row) const {
  const auto profiles = parts_->watch->profiles();
  const auto profile = profiles.find(row.doc.profile_id());
  const int64_t days =
      profile == profiles.end()
          ? 0
          : profile->second->profile->message().audits().alarm_days();
  if (days == 0) return absl::CancelledError("the profile changed meanwhile");
  row.doc.set_from_us(context.now_us());
  row.doc.set_to_us(context.now_us() + days * kUsPerDay);
  CONSENTRY_RETURN_IF_ERROR(Add(context, true, &row));
  store::v1::Leaf leaf =
      clients::LeafOf(*parts_->answers.configuration(),
                      AuditSelf(kAuditRegisterEvent), context.now_us());
  leaf.set_change_number(static_cast<uint64_t>(context.number()));
  TellRegistration(row.doc, &leaf);
  if (row.doc.alpha() > 0) {
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  }
  // It stands there as refused, so that this alarm asks once.
  row.state = ReportState::kFailed;
  row.doc.set_failure(kNothingLeft);
  CONSENTRY_RETURN_IF_ERROR(parts_->rows->Update(context.connection(), &row));
  leaf.add_details("not made");
  context.SetEntry(leaf.SerializeAsString());
  if (!parts_->tell) return absl::OkStatus();
  return parts_->tell(
      context, row.doc.id(), /*made=*/false,
      {NoticeLine("profile: " + row.doc.profile_id()),
       "an alarm asked for an audit", "what the year may spend is spent"});
}

}  // namespace consentry::fairness
