#include "gateway/fairness/audit_register.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/ids.h"
#include "gateway/fairness/report_file.h"
#include "policy/engine/civil.h"
#include "policy/fairness/audit_schedule.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;

constexpr int64_t kDefaultSpanUs = 90 * kUsPerDay;
constexpr double kDefaultYearlyAlpha = 0.05;

absl::Status BadTime(const char* field, const std::string& what) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, absl::StrCat(field, " ", what));
  AddFieldViolation(&status, {field, what});
  return status;
}

}  // namespace

void TellRegistration(const store::v1::FairnessReportDoc& doc,
                      store::v1::Leaf* leaf) {
  leaf->add_details(absl::StrCat("report=", doc.id()));
  leaf->add_details(
      absl::StrCat("profile=", doc.profile_id(), "/", doc.profile_version()));
  leaf->add_details(absl::StrCat("from=", doc.from_us()));
  leaf->add_details(absl::StrCat("to=", doc.to_us()));
  if (!doc.span().empty()) {
    leaf->add_details(absl::StrCat("span=", doc.span()));
  }
  if (!doc.model_version().empty()) {
    leaf->add_details(absl::StrCat("version=", doc.model_version()));
  }
  if (doc.alarm_us() != 0) {
    leaf->add_details(absl::StrCat("alarm_since=", doc.alarm_us()));
  }
  leaf->add_details(absl::StrCat("alpha=", doc.alpha()));
}

absl::Status AuditRegister::Add(store::ChangeContext& context,
                                bool confirmatory, ReportRow* row) const {
  store::v1::FairnessReportDoc& doc = row->doc;
  const auto profiles = parts_->watch->profiles();
  const auto found = profiles.find(doc.profile_id());
  if (found == profiles.end()) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no fairness profile has this id");
  }
  doc.set_id(crypto::NewId(crypto::IdKind::kFairnessReport));
  doc.set_profile_version(found->second->version);
  doc.set_profile_text(found->second->text);
  doc.set_register_us(context.now_us());
  row->no = context.number();
  row->state = ReportState::kRegistered;
  CONSENTRY_ASSIGN_OR_RETURN(
      row->profile_key,
      parts_->profiles->ProfileKey(context.connection(), doc.profile_id()));
  // What tests nothing spends nothing, and describes.
  if (confirmatory && !found->second->profile->audit_tolerances().empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto earlier,
        parts_->rows->OfYear(context.connection(), row->profile_key,
                             YearOf(context.now_us())));
    std::vector<rules::SpentAlpha> spent;
    for (const ReportRow& other : earlier) {
      if (!doc.span().empty() && other.doc.span() == doc.span()) {
        return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                         "this date of the calendar has its audit");
      }
      spent.push_back({other.doc.register_us(), other.doc.alpha(),
                       !other.doc.span().empty()});
    }
    const auto& audits = found->second->profile->message().audits();
    doc.set_alpha(rules::AlphaForAudit(
        audits.calendar(),
        audits.yearly_alpha() > 0 ? audits.yearly_alpha() : kDefaultYearlyAlpha,
        spent, !doc.span().empty(), context.now_us()));
  }
  return parts_->rows->Insert(context.connection(), row);
}

absl::Status AuditRegister::Ask(store::ChangeContext& context,
                                const v1::RunFairnessAuditRequest& request,
                                const std::string& requester,
                                ReportRow* row) const {
  const int64_t now_us = context.now_us();
  int64_t from_us = now_us;
  int64_t to_us = now_us;
  if (request.has_to_time()) to_us = MicrosOf(request.to_time());
  if (request.confirmatory()) {
    if (request.has_from_time()) from_us = MicrosOf(request.from_time());
    if (from_us < now_us) {
      return BadTime("from_time",
                     "lies in the past: a confirmatory audit is about outputs "
                     "that nobody can have seen yet. Leave it out to begin "
                     "now, or ask for a descriptive audit of the past");
    }
    if (!request.has_to_time()) {
      return BadTime("to_time",
                     "is required of a confirmatory audit: the day in the "
                     "future on which it ends");
    }
    if (to_us <= from_us) {
      return BadTime("to_time", "must be later than from_time and than now");
    }
    if (to_us > now_us + kMostDaysAhead * kUsPerDay) {
      return BadTime("to_time", absl::StrCat("must be at most ", kMostDaysAhead,
                                             " days from now"));
    }
  } else {
    from_us = request.has_from_time()
                  ? MicrosOf(request.from_time())
                  : std::max<int64_t>(0, to_us - kDefaultSpanUs);
    if (to_us > now_us) {
      return BadTime("to_time",
                     "lies in the future: an audit that is made at once looks "
                     "at a time that is over");
    }
    if (from_us >= to_us) {
      return BadTime(request.has_from_time() ? "from_time" : "to_time",
                     request.has_from_time() ? "must be earlier than to_time"
                                             : "must be later than 1970");
    }
  }
  row->doc.set_profile_id(request.profile_id());
  row->doc.set_model_version(request.model_version());
  row->doc.set_from_us(from_us);
  row->doc.set_to_us(to_us);
  row->doc.set_requested_by(requester);
  CONSENTRY_RETURN_IF_ERROR(Add(context, request.confirmatory(), row));
  const int64_t held_us = parts_->keep_days * kUsPerDay;
  if (request.confirmatory() && held_us > 0 &&
      MadeFromUs(row->doc) - from_us > held_us) {
    return BadTime(
        "to_time",
        absl::StrCat("is too late: outputs are held for ", parts_->keep_days,
                     " days, and the first ones would be gone when "
                     "the audit is made"));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto open,
      parts_->rows->Registered(context.connection(), row->profile_key));
  const auto asked =
      std::count_if(open.begin(), open.end(), [](const ReportRow& other) {
        return other.doc.span().empty() && other.doc.alarm_us() == 0;
      });
  if (asked > static_cast<int64_t>(kMostAsked)) {
    absl::Status status =
        MakeError(v1::ERROR_REASON_BUDGET_EXHAUSTED,
                  absl::StrCat(kMostAsked,
                               " audits of this profile are registered and "
                               "not made yet: wait until one of them is"));
    AddErrorMetadata(&status, "limit", absl::StrCat(kMostAsked));
    return status;
  }
  return absl::OkStatus();
}

absl::Status AuditRegister::AddDue() const {
  const int64_t now_us = parts_->answers.committer->NowUs();
  std::vector<ReportRow> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
    for (const auto& [id, profile] : parts_->watch->profiles()) {
      const auto span = rules::SpanAt(
          profile->profile->message().audits().calendar(), now_us);
      if (!span) continue;
      CONSENTRY_ASSIGN_OR_RETURN(const std::string key,
                                 parts_->profiles->ProfileKey(lease.get(), id));
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto reports,
          parts_->rows->OfYear(lease.get(), key, YearOf(now_us)));
      if (std::any_of(reports.begin(), reports.end(),
                      [&span](const ReportRow& report) {
                        return report.doc.span() == span->name;
                      })) {
        continue;
      }
      ReportRow& one = due.emplace_back();
      one.doc.set_profile_id(id);
      one.doc.set_span(span->name);
      one.doc.set_from_us(span->from_us);
      one.doc.set_to_us(span->to_us);
    }
  }
  absl::Status first;
  for (ReportRow& row : due) {
    store::Change change;
    change.apply = [this, &row](store::ChangeContext& context) -> absl::Status {
      ReportRow added = row;
      // What came before may have been seen.
      added.doc.set_from_us(std::max(row.doc.from_us(), context.now_us()));
      if (added.doc.from_us() >= added.doc.to_us()) {
        return absl::CancelledError("the span ended meanwhile");
      }
      CONSENTRY_RETURN_IF_ERROR(Add(context, true, &added));
      store::v1::Leaf leaf =
          clients::LeafOf(*parts_->answers.configuration(),
                          AuditSelf(kAuditRegisterEvent), context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      TellRegistration(added.doc, &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    first.Update(
        parts_->answers.committer->CommitChangeAndWait(std::move(change))
            .status);
  }
  return first;
}

}  // namespace consentry::fairness
