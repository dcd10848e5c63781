#include "gateway/fairness/audit_runner.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "audit/log/note.h"
#include "gateway/base/log.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/monitor_history.h"
#include "gateway/fairness/report_file.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;

constexpr base::LogEvent kMade{base::LogLevel::kInfo, 7000,
                               "fairness.report_made"};
constexpr base::LogEvent kNotMade{base::LogLevel::kWarn, 7001,
                                  "fairness.report_not_made"};

// Reports that are looked through for those that share cases.
constexpr size_t kMostEarlier = 100'000;

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// Of the gateway, and over soon: it says nothing about the audit.
bool Passes(const absl::Status& status) {
  return absl::IsCancelled(status) || absl::IsUnavailable(status);
}

// Nothing that anybody does makes another end of it: what was asked, and the
// outputs that it is about, are what they are.
bool IsForGood(const absl::Status& status) {
  return absl::IsInvalidArgument(status);
}

// Nobody waits for it.
bool IsAhead(const store::v1::FairnessReportDoc& doc) {
  return doc.to_us() > doc.register_us();
}

// Which of two audits of the same time is told in full, and which only as far
// as the other one lets it: a date of the calendar before what somebody
// registered ahead, and that before what describes the past; among equals the
// one that was registered first. What can be chosen later could be chosen so
// that it takes figures from what decides.
bool ComesBefore(const ReportRow& one, const ReportRow& other) {
  const auto rank = [](const store::v1::FairnessReportDoc& doc) {
    if (!doc.span().empty()) return 0;
    return IsAhead(doc) ? 1 : 2;
  };
  return std::pair(rank(one.doc), one.no) <
         std::pair(rank(other.doc), other.no);
}

bool ShareTime(const store::v1::FairnessReportDoc& one,
               const store::v1::FairnessReportDoc& other) {
  return one.from_us() < other.to_us() && one.to_us() > other.from_us() &&
         (one.model_version().empty() || other.model_version().empty() ||
          one.model_version() == other.model_version());
}

absl::Status Stopping() {
  return MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping");
}

store::v1::Leaf Told(const store::v1::FairnessReportDoc& doc) {
  store::v1::Leaf told;
  told.add_details(absl::StrCat("report=", doc.id()));
  told.add_details(
      absl::StrCat("profile=", doc.profile_id(), "/", doc.profile_version()));
  return told;
}

}  // namespace

absl::StatusOr<ReportRow> ReadMadeReport(const AuditParts& parts,
                                         std::string_view id) {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(ReportRow row, parts.rows->Read(lease.get(), id));
  if (row.doc.lost()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the report was " + row.doc.failure());
  }
  if (row.state == ReportState::kFailed) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the audit could not be made: " + row.doc.failure());
  }
  if (row.state != ReportState::kMade) {
    const int64_t from_us = MadeFromUs(row.doc);
    return MakeError(
        v1::ERROR_REASON_STATE_INVALID,
        absl::StrCat("the audit is registered and not made yet: it is made "
                     "after ",
                     policy::FormatTime(from_us - from_us % 1'000'000)));
  }
  return row;
}

void AuditRunner::Stop() {
  stop_.store(true);
  std::multimap<std::string, Done> waiting;
  {
    MutexLock lock(&mu_);
    waiting.swap(waiting_);
  }
  for (auto& [id, done] : waiting) done(Stopping());
}

void AuditRunner::Wait(const std::string& id, Done done) {
  {
    MutexLock lock(&mu_);
    if (!stop_.load()) {
      waiting_.emplace(id, std::move(done));
      done = nullptr;
    }
  }
  if (done) {
    done(Stopping());
  } else if (parts_->wake) {
    parts_->wake();
  }
}

absl::Status AuditRunner::FindOthers(const ReportRow& row,
                                     AuditQuestion* question) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto rows,
      parts_->rows->List(lease.get(), row.profile_key, 0, kMostEarlier));
  for (const ReportRow& other : rows) {
    const auto& doc = other.doc;
    // What comes after this one was made so that this one can be told.
    if (other.no == row.no || !ShareTime(row.doc, doc) ||
        ComesBefore(row, other)) {
      continue;
    }
    if (other.state == ReportState::kMade) {
      CONSENTRY_ASSIGN_OR_RETURN(const ReportRow whole,
                                 parts_->rows->Read(lease.get(), doc.id()));
      CONSENTRY_ASSIGN_OR_RETURN(question->earlier.emplace_back(),
                                 ReportOf(whole));
    } else if ((other.state == ReportState::kRegistered && IsAhead(doc)) ||
               (doc.lost() && !doc.digest().empty())) {
      question->unseen.push_back({.id = doc.id(),
                                  .period = {doc.from_us(), doc.to_us()},
                                  .model_version = doc.model_version()});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::FairnessReport> AuditRunner::Look(const ReportRow& row,
                                                     int64_t now_us) const {
  const store::v1::FairnessReportDoc& doc = row.doc;
  AuditQuestion question;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto profile, CompileProfile(doc.profile_id(), doc.profile_text(),
                                         doc.profile_version()));
  question.profile = profile->profile;
  question.period = {doc.from_us(), doc.to_us()};
  question.model_version = doc.model_version();
  if (doc.alpha() > 0) question.alpha = doc.alpha();
  question.now_us = now_us;
  CONSENTRY_RETURN_IF_ERROR(FindOthers(row, &question));
  // Nobody is too few to be told of.
  if (question.profile->suppress_below() <= 1) question.unseen.clear();
  // Whoever asks of the past may ask for another time; what was registered
  // ahead may not.
  question.refuse_beside_earlier = !IsAhead(doc);
  CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report,
                             parts_->cases->Look(question, stop_));
  report.set_id(doc.id());
  report.set_profile_version(doc.profile_version());
  report.set_profile_digest(Hex(clients::Sha256(doc.profile_text())));
  report.set_model_version(doc.model_version());
  report.set_span(doc.span());
  if (doc.alarm_us() != 0) {
    SetTime(doc.alarm_us(), report.mutable_alarm_time());
    report.add_rules(absl::StrCat(
        "It was registered for an alarm of the monitor, which stood since ",
        policy::FormatTime(doc.alarm_us() - doc.alarm_us() % 1'000'000),
        ", and looks at outputs that came after it: what caused the alarm does "
        "not count."));
  }
  SetTime(doc.from_us(), report.mutable_from_time());
  SetTime(doc.to_us(), report.mutable_to_time());
  SetTime(doc.register_us(), report.mutable_register_time());
  SetTime(now_us, report.mutable_create_time());
  const int64_t held_us = now_us - parts_->keep_days * kUsPerDay;
  if (parts_->keep_days > 0 && doc.from_us() < held_us) {
    report.add_limits(absl::StrCat(
        "Outputs are held for ", parts_->keep_days, " days: those before ",
        policy::FormatTime(held_us - held_us % 1'000'000),
        " were gone when this audit was made, and it says nothing about "
        "them."));
  }
  CONSENTRY_RETURN_IF_ERROR(AddTrends(*parts_, doc, &report));
  return report;
}

absl::Status AuditRunner::Keep(const ReportRow& row, store::v1::Leaf told,
                               bool tell,
                               const std::vector<std::string>& lines) const {
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    ReportRow kept = row;
    CONSENTRY_RETURN_IF_ERROR(
        parts_->rows->Update(context.connection(), &kept));
    store::v1::Leaf leaf =
        clients::LeafOf(*parts_->answers.configuration(),
                        AuditSelf(kAuditMadeEvent), context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.mutable_details()->MergeFrom(told.details());
    context.SetEntry(leaf.SerializeAsString());
    if (!tell || !parts_->tell) return absl::OkStatus();
    return parts_->tell(context, row.doc.id(), row.state == ReportState::kMade,
                        lines);
  };
  return parts_->answers.committer->CommitChangeAndWait(std::move(change))
      .status;
}

absl::Status AuditRunner::Make(ReportRow row) {
  const ReportRow registered = row;
  const int64_t now_us = parts_->answers.committer->NowUs();
  const auto report = Look(row, now_us);
  if (!report.ok()) return Fail(registered, report.status());
  auto file = ReportJson(*report);
  if (!file.ok()) return Fail(registered, file.status());
  row.file = *std::move(file);
  row.doc.set_digest(clients::Sha256(row.file));
  row.doc.set_done_us(now_us);
  row.doc.set_cases(report->count());
  const auto note =
      audit::SignNote(ReportNote(row.doc, parts_->log_origin), *parts_->signer);
  if (!note.ok()) return Fail(registered, note.status());
  row.doc.set_note(audit::FormatNote(*note));
  row.state = ReportState::kMade;
  store::v1::Leaf told = Told(row.doc);
  told.add_details(absl::StrCat("sha256=", Hex(row.doc.digest())));
  told.add_details(absl::StrCat("cases=", row.doc.cases()));
  const absl::Status status =
      Keep(row, std::move(told), /*tell=*/true, ReportLines(*report));
  if (!status.ok()) {
    Answer(row.doc.id(), status);
    return status;
  }
  again_us_.erase(row.doc.id());
  base::Log(kMade, {{"report", base::LogId{row.doc.id()}}});
  Answer(row.doc.id(), row);
  return status;
}

absl::Status AuditRunner::Fail(ReportRow row, const absl::Status& why) {
  base::Log(kNotMade, {{"report", base::LogId{row.doc.id()}}, {"status", why}});
  if (Passes(why)) {
    Answer(row.doc.id(), why);
    return why;
  }
  const std::string words(why.message());
  row.doc.set_tries(row.doc.tries() + 1);
  const bool again =
      IsAhead(row.doc) && !IsForGood(why) && row.doc.tries() < kMostTries;
  store::v1::Leaf told = Told(row.doc);
  told.add_details(absl::StrCat("tries=", row.doc.tries()));
  if (again) {
    again_us_[row.doc.id()] = parts_->answers.committer->NowUs() +
                              (kFirstWaitUs << (row.doc.tries() - 1));
  } else {
    again_us_.erase(row.doc.id());
    row.state = ReportState::kFailed;
    row.doc.set_failure(words.empty() ? "it failed" : words);
    told.add_details("not made");
  }
  // Staff are told when it fails first, and when it is given up.
  const absl::Status status =
      Keep(row, std::move(told),
           IsAhead(row.doc) && (!again || row.doc.tries() == 1),
           {NoticeLine("profile: " + row.doc.profile_id()),
            again ? "it is tried again" : "it is not tried again",
            NoticeLine(words)});
  Answer(row.doc.id(), absl::IsInvalidArgument(why) && !ReasonOf(why)
                           ? MakeError(v1::ERROR_REASON_STATE_INVALID,
                                       "the audit could not be made: " + words)
                           : why);
  return status;
}

void AuditRunner::Answer(const std::string& id,
                         const absl::StatusOr<ReportRow>& row) {
  std::vector<Done> waiting;
  {
    MutexLock lock(&mu_);
    const auto [first, last] = waiting_.equal_range(id);
    for (auto at = first; at != last; ++at) {
      waiting.push_back(std::move(at->second));
    }
    waiting_.erase(first, last);
  }
  for (Done& done : waiting) {
    if (!row.ok()) {
      done(row.status());
      continue;
    }
    auto report = ReportOf(*row);
    if (report.ok()) {
      done(FittingReport(*std::move(report)));
    } else {
      done(report.status());
    }
  }
}

// Whose audit was made, or failed, before they asked once more.
void AuditRunner::AnswerLeft() {
  std::vector<std::string> left;
  {
    MutexLock lock(&mu_);
    for (const auto& [id, done] : waiting_) left.push_back(id);
  }
  for (const std::string& id : left) {
    const auto read = [&]() -> absl::StatusOr<ReportRow> {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
      return parts_->rows->Read(lease.get(), id);
    };
    // Registered meanwhile: the next turn makes it.
    const auto row = read();
    if (row.ok() && row->state == ReportState::kRegistered &&
        !IsAhead(row->doc)) {
      continue;
    }
    Answer(id, row.ok() ? ReadMadeReport(*parts_, id) : row.status());
  }
}

bool AuditRunner::IsDue(const ReportRow& row, int64_t now_us) const {
  const int64_t due_us = MadeFromUs(row.doc);
  if (now_us < due_us) return false;
  if (row.doc.tries() == 0) return true;
  // Neither a gateway that starts again and again nor one that stood still for
  // long uses tries up at once.
  const int64_t waited_us =
      kFirstWaitUs *
      ((int64_t{1} << std::min(row.doc.tries(), kMostTries)) - 1);
  const auto again = again_us_.find(row.doc.id());
  return now_us >= due_us + waited_us &&
         (again == again_us_.end() || now_us >= again->second);
}

absl::Status AuditRunner::MakeDue() {
  std::vector<ReportRow> registered;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, parts_->readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(registered,
                               parts_->rows->Registered(lease.get()));
  }
  const int64_t now_us = parts_->answers.committer->NowUs();
  absl::Status first;
  for (ReportRow& row : registered) {
    if (stop_.load()) return first;
    if (IsDue(row, now_us)) first.Update(Make(std::move(row)));
  }
  return first;
}

absl::Status AuditRunner::Tick() {
  absl::Status first = NoteMonitors(*parts_);
  first.Update(RecordUnlogged(*parts_));
  first.Update(register_.AddDue());
  first.Update(register_.AddForAlarms());
  first.Update(MakeDue());
  AnswerLeft();
  return first;
}

}  // namespace consentry::fairness
