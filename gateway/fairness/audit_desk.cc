#include "gateway/fairness/audit_desk.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "audit/log/note.h"
#include "gateway/base/log.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/ids.h"
#include "policy/engine/civil.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/audit_schedule.h"
#include "policy/fairness/report_html.h"
#include "policy/fairness/report_note.h"
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
constexpr char kRegisterEvent[] = "system.fairness_audit";
constexpr char kMadeEvent[] = "system.fairness_report";
constexpr char kHistoryEvent[] = "system.fairness_history";
constexpr int kDefaultPage = 50;
constexpr int64_t kDefaultSpanUs = 90 * kUsPerDay;
// Reports that are looked through for what was spent, and for dates.
constexpr size_t kMostReports = 100'000;
// How much more has to be counted for a monitor's next point.
constexpr double kNextPoint = 1.25;
// Points that a trend shows.
constexpr int kMostPoints = 60;
// Lines of a notice.
constexpr size_t kMostLines = 10;

access::Caller Self(const char* event) {
  access::Caller self;
  self.event = event;
  self.method = event;
  return self;
}

absl::Status BadToken() {
  return MakeError(v1::ERROR_REASON_PAGE_TOKEN_INVALID,
                   "the page token is not one of this question");
}

absl::Status Broken() {
  return MakeError(v1::ERROR_REASON_INTERNAL, "a report is broken");
}

std::string Second(int64_t time_us) {
  return policy::FormatTime(time_us - time_us % 1'000'000);
}

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// What is wrong with what was asked, and stays so until somebody changes it.
bool IsOfTheProfile(const absl::Status& status) {
  const auto reason = ReasonOf(status);
  return absl::IsInvalidArgument(status) ||
         reason == v1::ERROR_REASON_STATE_INVALID ||
         reason == v1::ERROR_REASON_SUSPENDED ||
         reason == v1::ERROR_REASON_FIELD_NOT_ALLOWED ||
         reason == v1::ERROR_REASON_CONFIG_INVALID;
}

std::string NoteText(const store::v1::FairnessReportDoc& doc,
                     const std::string& log_origin) {
  return absl::StrCat(rules::kReportTitle, "\nlog ", log_origin, "\nreport ",
                      doc.id(), "\nprofile ", doc.profile_id(), " ",
                      doc.profile_version(), "\nfrom ", Second(doc.from_us()),
                      "\nto ", Second(doc.to_us()), "\nregistered ",
                      Second(doc.register_us()), "\n", rules::kReportDigest,
                      Hex(doc.digest()), "\n");
}

// What of a report does not need its file.
v1::FairnessReport Summary(const store::v1::FairnessReportDoc& doc) {
  v1::FairnessReport report;
  report.set_id(doc.id());
  report.set_profile_id(doc.profile_id());
  report.set_profile_version(doc.profile_version());
  report.set_model_version(doc.model_version());
  report.set_span(doc.span());
  SetTime(doc.from_us(), report.mutable_from_time());
  SetTime(doc.to_us(), report.mutable_to_time());
  SetTime(doc.register_us(), report.mutable_register_time());
  report.set_confirmatory(doc.alpha() > 0);
  report.set_alpha(doc.alpha());
  report.set_count(doc.cases());
  if (doc.done_us() != 0) SetTime(doc.done_us(), report.mutable_create_time());
  report.set_digest(Hex(doc.digest()));
  report.set_note(doc.note());
  if (!doc.failure().empty()) {
    report.add_limits(absl::StrCat("could not be made: ", doc.failure()));
  } else if (doc.done_us() == 0) {
    report.add_limits("registered, and not made yet");
  }
  return report;
}

absl::StatusOr<std::string> FileOf(const v1::FairnessReport& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(report, &json, options)
           .ok()) {
    return Broken();
  }
  return json;
}

// The report with digest and note.
absl::StatusOr<v1::FairnessReport> ReportOf(const ReportRow& row) {
  v1::FairnessReport report;
  if (!google::protobuf::util::JsonStringToMessage(row.file, &report).ok()) {
    return Broken();
  }
  report.set_digest(Hex(row.doc.digest()));
  report.set_note(row.doc.note());
  return report;
}

v1::FairnessReport Fitting(v1::FairnessReport report) {
  if (report.ByteSizeLong() <= AuditDesk::kMaxAnswerBytes) return report;
  report.clear_figures();
  report.clear_distributions();
  report.clear_trends();
  if (report.ByteSizeLong() > AuditDesk::kMaxAnswerBytes) {
    report.clear_groups();
    report.clear_proxies();
  }
  return report;
}

int CountOf(const v1::FairnessReport& report, v1::FairnessFinding finding) {
  return static_cast<int>(std::count_if(
      report.figures().begin(), report.figures().end(),
      [&](const auto& figure) { return figure.finding() == finding; }));
}

std::vector<std::string> LinesOf(const v1::FairnessReport& report) {
  std::vector<std::string> lines = {
      absl::StrCat("profile: ", report.profile_id()),
      absl::StrCat("cases: ", report.count()),
      absl::StrCat("outside tolerance: ",
                   CountOf(report, v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE)),
      absl::StrCat("within tolerance: ",
                   CountOf(report, v1::FAIRNESS_FINDING_WITHIN_TOLERANCE)),
      absl::StrCat("insufficient: ",
                   CountOf(report, v1::FAIRNESS_FINDING_INSUFFICIENT))};
  if (!report.confirmatory()) lines.push_back("descriptive");
  for (const auto& figure : report.figures()) {
    if (lines.size() >= kMostLines) break;
    if (figure.finding() != v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE) continue;
    std::string line =
        absl::StrCat("outside: ", figure.attribute(), " ", figure.metric());
    if (line.size() <= 120) lines.push_back(std::move(line));
  }
  // A crossed attribute is joined by a sign that notices do not know.
  for (std::string& line : lines)
    std::replace(line.begin(), line.end(), '*', ' ');
  return lines;
}

}  // namespace

void AuditDesk::Stop() {
  stop_.store(true);
  std::multimap<std::string, ReportDone> waiting;
  {
    MutexLock lock(&mu_);
    waiting.swap(waiting_);
  }
  for (auto& [id, done] : waiting) {
    done(MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping"));
  }
}

absl::Status AuditDesk::Register(store::ChangeContext& context, ReportRow* row,
                                 bool confirmatory) const {
  store::v1::FairnessReportDoc& doc = row->doc;
  const auto profiles = options_.watch->profiles();
  const auto found = profiles.find(doc.profile_id());
  if (found == profiles.end()) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no fairness profile has this id");
  }
  doc.set_profile_version(found->second->version);
  doc.set_profile_text(found->second->text);
  doc.set_register_us(context.now_us());
  row->no = context.number();
  row->state = ReportState::kRegistered;
  if (confirmatory) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto earlier,
        options_.rows->List(context.connection(), doc.profile_id(), 0,
                            kMostReports));
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
        audits.yearly_alpha() > 0 ? audits.yearly_alpha() : 0.05, spent,
        !doc.span().empty(), context.now_us()));
  }
  return options_.rows->Insert(context.connection(), row);
}

void AuditDesk::Run(const access::Caller& caller,
                    const v1::RunFairnessAuditRequest& request,
                    ReportDone done) {
  const auto configuration = options_.answers.configuration();
  store::Change change;
  change.apply = [this, caller, request, configuration](
                     store::ChangeContext& context) -> absl::Status {
    ReportRow row;
    row.doc.set_id(crypto::NewId(crypto::IdKind::kFairnessReport));
    row.doc.set_profile_id(request.profile_id());
    row.doc.set_model_version(request.model_version());
    const int64_t to_us =
        request.has_to_time() ? MicrosOf(request.to_time()) : context.now_us();
    const int64_t from_us = request.has_from_time()
                                ? MicrosOf(request.from_time())
                                : std::max<int64_t>(0, to_us - kDefaultSpanUs);
    if (to_us > context.now_us() || from_us >= to_us) {
      absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                      "an audit looks at a time that is over");
      AddFieldViolation(&status, {"to_time",
                                  "must be behind from_time, and "
                                  "not lie in the future"});
      return status;
    }
    row.doc.set_from_us(from_us);
    row.doc.set_to_us(to_us);
    row.doc.set_requested_by(clients::RequesterOf(caller));
    CONSENTRY_RETURN_IF_ERROR(Register(context, &row, request.confirmatory()));
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration, caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("report=", row.doc.id()));
    leaf.add_details(absl::StrCat("profile=", row.doc.profile_id(), "/",
                                  row.doc.profile_version()));
    leaf.add_details(absl::StrCat("alpha=", row.doc.alpha()));
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(row.doc.id());
    return absl::OkStatus();
  };
  if (!request.request_id().empty()) {
    v1::RunFairnessAuditRequest plain = request;
    plain.clear_request_id();
    plain.clear_context();
    change.request = store::RequestBinding{
        clients::RequesterOf(caller), request.request_id(), caller.method,
        options_.digests->Of(clients::CanonicalBytes(plain))};
  }
  options_.answers.committer->CommitChange(
      std::move(change),
      [this, done = std::move(done)](store::ChangeOutcome outcome) mutable {
        if (!outcome.status.ok()) {
          done(std::move(outcome.status));
          return;
        }
        {
          MutexLock lock(&mu_);
          if (!stop_.load()) {
            waiting_.emplace(outcome.result, std::move(done));
            if (options_.wake) options_.wake();
            return;
          }
        }
        done(MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping"));
      });
}

absl::StatusOr<ReportRow> AuditDesk::ReadMade(std::string_view id) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(ReportRow row,
                             options_.rows->Read(lease.get(), id));
  if (row.state == ReportState::kFailed) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the audit could not be made: " + row.doc.failure());
  }
  if (row.state != ReportState::kMade) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the audit is registered and not made yet");
  }
  return row;
}

void AuditDesk::Get(const access::Caller& caller,
                    const v1::GetFairnessReportRequest& request,
                    access::Done<v1::FairnessReport> done) const {
  access::AnswerAudited<v1::FairnessReport>(
      options_.answers, caller,
      [this, id = request.id()](
          access::AnswerEntry* entry) -> absl::StatusOr<v1::FairnessReport> {
        CONSENTRY_ASSIGN_OR_RETURN(const ReportRow row, ReadMade(id));
        CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report, ReportOf(row));
        entry->leaf.add_details("report=" + id);
        return Fitting(std::move(report));
      },
      std::move(done));
}

void AuditDesk::Download(const access::Caller& caller,
                         const v1::DownloadFairnessReportRequest& request,
                         access::Done<std::string> done) const {
  access::AnswerAudited<std::string>(
      options_.answers, caller,
      [this,
       request](access::AnswerEntry* entry) -> absl::StatusOr<std::string> {
        CONSENTRY_ASSIGN_OR_RETURN(ReportRow row, ReadMade(request.id()));
        entry->leaf.add_details("report=" + request.id());
        if (request.format() == v1::FAIRNESS_REPORT_FORMAT_JSON) {
          return std::move(row.file);
        }
        CONSENTRY_ASSIGN_OR_RETURN(const v1::FairnessReport report,
                                   ReportOf(row));
        return rules::FairnessReportHtml(report);
      },
      std::move(done));
}

void AuditDesk::List(const access::Caller& caller,
                     const v1::ListFairnessReportsRequest& request,
                     access::Done<v1::ListFairnessReportsResponse> done) const {
  access::AnswerAudited<v1::ListFairnessReportsResponse>(
      options_.answers, caller,
      [this, caller, request](access::AnswerEntry* entry)
          -> absl::StatusOr<v1::ListFairnessReportsResponse> {
        const int64_t now_us = entry->leaf.time_us();
        const std::string who = clients::RequesterOf(caller);
        const std::string query =
            absl::StrCat("fairness.reports/", request.profile_id());
        int64_t before = 0;
        if (!request.page_token().empty()) {
          const auto position = options_.page_tokens->Open(
              who, query, request.page_token(), now_us);
          if (!position.ok() || !absl::SimpleAtoi(*position, &before)) {
            return BadToken();
          }
        }
        const auto size = static_cast<size_t>(
            request.page_size() == 0 ? kDefaultPage : request.page_size());
        CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
        CONSENTRY_ASSIGN_OR_RETURN(
            const auto rows,
            options_.rows->List(lease.get(), request.profile_id(), before,
                                size + 1));
        v1::ListFairnessReportsResponse page;
        for (size_t i = 0; i < std::min(size, rows.size()); ++i) {
          *page.add_reports() = Summary(rows[i].doc);
        }
        if (rows.size() > size) {
          CONSENTRY_ASSIGN_OR_RETURN(
              *page.mutable_next_page_token(),
              options_.page_tokens->Seal(
                  who, query, absl::StrCat(rows[size - 1].no), now_us));
        }
        return page;
      },
      std::move(done));
}

absl::Status AuditDesk::RegisterDue() {
  const int64_t now_us = options_.answers.committer->NowUs();
  std::vector<ReportRow> due;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const auto stored,
                               options_.profiles->Profiles(lease.get()));
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto reports,
        options_.rows->List(lease.get(), "", 0, kMostReports));
    std::set<std::pair<std::string, std::string>> there;
    for (const ReportRow& report : reports) {
      there.emplace(report.doc.profile_id(), report.doc.span());
    }
    for (const auto& [id, profile] : options_.watch->profiles()) {
      const auto& audits = profile->profile->message().audits();
      // Once outcomes have had their time.
      const auto span =
          rules::LastSpan(audits.calendar(),
                          now_us - int64_t{audits.outcome_days()} * kUsPerDay);
      if (!span) continue;
      const auto row = std::find_if(
          stored.begin(), stored.end(),
          [&id = id](const ProfileRow& other) { return other.doc.id() == id; });
      // What was over before anybody thought of it is no date of the calendar.
      if (row == stored.end() || span->to_us <= row->doc.create_us()) continue;
      if (there.contains({id, span->name})) continue;
      ReportRow& one = due.emplace_back();
      one.doc.set_profile_id(id);
      one.doc.set_span(span->name);
      one.doc.set_from_us(span->from_us);
      one.doc.set_to_us(span->to_us);
    }
  }
  for (ReportRow& row : due) {
    row.doc.set_id(crypto::NewId(crypto::IdKind::kFairnessReport));
    store::Change change;
    change.apply = [this, &row](store::ChangeContext& context) -> absl::Status {
      CONSENTRY_RETURN_IF_ERROR(Register(context, &row, true));
      store::v1::Leaf leaf =
          clients::LeafOf(*options_.answers.configuration(),
                          Self(kRegisterEvent), context.now_us());
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.add_details(absl::StrCat("report=", row.doc.id()));
      leaf.add_details(absl::StrCat("profile=", row.doc.profile_id(), "/",
                                    row.doc.profile_version()));
      leaf.add_details(absl::StrCat("span=", row.doc.span()));
      leaf.add_details(absl::StrCat("alpha=", row.doc.alpha()));
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    CONSENTRY_RETURN_IF_ERROR(
        options_.answers.committer->CommitChangeAndWait(std::move(change))
            .status);
  }
  return absl::OkStatus();
}

absl::Status AuditDesk::AddMonitors(const ReportRow& row,
                                    v1::FairnessReport* report) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  for (const auto& version : options_.watch->versions()) {
    if (version->doc.profile_id() != row.doc.profile_id() ||
        (!row.doc.model_version().empty() &&
         version->doc.model_version() != row.doc.model_version())) {
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        auto points, options_.rows->History(lease.get(), version->no));
    // Of a time that ended when it was asked for, how they stand at the look
    // belongs to it.
    const bool until_now = row.doc.to_us() >= row.doc.register_us();
    std::erase_if(points, [&](const HistoryRow& point) {
      return point.doc.time_us() < row.doc.from_us() ||
             (!until_now && point.doc.time_us() >= row.doc.to_us());
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
      trend.set_metric(metrics[about.metric].name);
      trend.set_model_version(version->doc.model_version());
      *report->add_trends() = std::move(trend);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::FairnessReport>> AuditDesk::EarlierThan(
    const ReportRow& row) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto rows,
      options_.rows->List(lease.get(), row.doc.profile_id(), 0, kMostReports));
  std::vector<v1::FairnessReport> reports;
  for (const ReportRow& other : rows) {
    const auto& doc = other.doc;
    if (other.state != ReportState::kMade || doc.from_us() >= row.doc.to_us() ||
        doc.to_us() <= row.doc.from_us() ||
        (!doc.model_version().empty() && !row.doc.model_version().empty() &&
         doc.model_version() != row.doc.model_version())) {
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const ReportRow whole,
                               options_.rows->Read(lease.get(), doc.id()));
    CONSENTRY_ASSIGN_OR_RETURN(reports.emplace_back(), ReportOf(whole));
  }
  return reports;
}

absl::StatusOr<v1::FairnessReport> AuditDesk::Look(const ReportRow& row,
                                                   int64_t now_us) const {
  const store::v1::FairnessReportDoc& doc = row.doc;
  CONSENTRY_ASSIGN_OR_RETURN(auto file,
                             policy::ParseText<config::v1::FairnessProfile>(
                                 "profile", doc.profile_text()));
  AuditQuestion question;
  CONSENTRY_ASSIGN_OR_RETURN(question.profile,
                             rules::Profile::Create(std::move(file)));
  question.period = {doc.from_us(), doc.to_us()};
  question.model_version = doc.model_version();
  if (doc.alpha() > 0) question.alpha = doc.alpha();
  question.now_us = now_us;
  CONSENTRY_ASSIGN_OR_RETURN(question.earlier, EarlierThan(row));
  // Whoever asks may ask for another time; a date of the calendar may not.
  question.refuse_beside_earlier = doc.span().empty();
  CONSENTRY_ASSIGN_OR_RETURN(v1::FairnessReport report,
                             options_.cases->Look(question, stop_));
  report.set_id(doc.id());
  report.set_profile_version(doc.profile_version());
  report.set_profile_digest(Hex(clients::Sha256(doc.profile_text())));
  report.set_model_version(doc.model_version());
  report.set_span(doc.span());
  SetTime(doc.from_us(), report.mutable_from_time());
  SetTime(doc.to_us(), report.mutable_to_time());
  SetTime(doc.register_us(), report.mutable_register_time());
  SetTime(now_us, report.mutable_create_time());
  CONSENTRY_RETURN_IF_ERROR(AddMonitors(row, &report));
  return report;
}

absl::Status AuditDesk::Make(ReportRow row) {
  const int64_t now_us = options_.answers.committer->NowUs();
  auto report = Look(row, now_us);
  if (!report.ok()) return Fail(std::move(row), report.status());
  CONSENTRY_ASSIGN_OR_RETURN(row.file, FileOf(*report));
  row.doc.set_digest(clients::Sha256(row.file));
  row.doc.set_done_us(now_us);
  row.doc.set_cases(report->count());
  CONSENTRY_ASSIGN_OR_RETURN(
      const audit::Note note,
      audit::SignNote(NoteText(row.doc, options_.log_origin),
                      *options_.signer));
  row.doc.set_note(audit::FormatNote(note));
  row.state = ReportState::kMade;
  const std::vector<std::string> lines = LinesOf(*report);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    ReportRow kept = row;
    CONSENTRY_RETURN_IF_ERROR(
        options_.rows->Update(context.connection(), &kept));
    store::v1::Leaf leaf = clients::LeafOf(*options_.answers.configuration(),
                                           Self(kMadeEvent), context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("report=", row.doc.id()));
    leaf.add_details(absl::StrCat("profile=", row.doc.profile_id(), "/",
                                  row.doc.profile_version()));
    leaf.add_details(absl::StrCat("sha256=", Hex(row.doc.digest())));
    leaf.add_details(absl::StrCat("cases=", row.doc.cases()));
    context.SetEntry(leaf.SerializeAsString());
    if (options_.tell) {
      CONSENTRY_RETURN_IF_ERROR(options_.tell(context, row.doc.id(), lines));
    }
    return absl::OkStatus();
  };
  const absl::Status status =
      options_.answers.committer->CommitChangeAndWait(std::move(change)).status;
  if (status.ok()) {
    base::Log(kMade, {{"report", base::LogId{row.doc.id()}}});
    Answer(row.doc.id(), row);
  } else {
    Answer(row.doc.id(), status);
  }
  return status;
}

absl::Status AuditDesk::Fail(ReportRow row, const absl::Status& why) {
  base::Log(kNotMade, {{"report", base::LogId{row.doc.id()}}, {"status", why}});
  // A date of the calendar waits until what is wrong is mended.
  if (!row.doc.span().empty() || !IsOfTheProfile(why)) {
    Answer(row.doc.id(), why);
    return why;
  }
  row.state = ReportState::kFailed;
  row.doc.set_failure(std::string(why.message()));
  // Nobody saw anything.
  row.doc.set_alpha(0);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    ReportRow kept = row;
    CONSENTRY_RETURN_IF_ERROR(
        options_.rows->Update(context.connection(), &kept));
    store::v1::Leaf leaf = clients::LeafOf(*options_.answers.configuration(),
                                           Self(kMadeEvent), context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("report=", row.doc.id()));
    leaf.add_details("not made");
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  const absl::Status status =
      options_.answers.committer->CommitChangeAndWait(std::move(change)).status;
  Answer(row.doc.id(), absl::IsInvalidArgument(why) && !ReasonOf(why)
                           ? MakeError(v1::ERROR_REASON_STATE_INVALID,
                                       "the audit could not be made: " +
                                           std::string(why.message()))
                           : why);
  return status;
}

void AuditDesk::Answer(const std::string& id,
                       const absl::StatusOr<ReportRow>& row) {
  std::vector<ReportDone> waiting;
  {
    MutexLock lock(&mu_);
    const auto [first, last] = waiting_.equal_range(id);
    for (auto at = first; at != last; ++at) {
      waiting.push_back(std::move(at->second));
    }
    waiting_.erase(first, last);
  }
  for (ReportDone& done : waiting) {
    if (!row.ok()) {
      done(row.status());
      continue;
    }
    auto report = ReportOf(*row);
    if (report.ok()) {
      done(Fitting(*std::move(report)));
    } else {
      done(report.status());
    }
  }
}

absl::Status AuditDesk::NoteMonitors() {
  const int64_t now_us = options_.answers.committer->NowUs();
  std::vector<std::pair<int64_t, HistoryRow>> points;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    for (const auto& version : options_.watch->versions()) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const HistoryRow last,
          options_.rows->LastPoint(lease.get(), version->no));
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
          options_.rows->Add(context.connection(), version_no, point));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.answers.configuration(), Self(kHistoryEvent),
                        context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    leaf.add_details(absl::StrCat("versions=", points.size()));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  return options_.answers.committer->CommitChangeAndWait(std::move(change))
      .status;
}

absl::Status AuditDesk::Tick() {
  absl::Status first = NoteMonitors();
  first.Update(RegisterDue());
  std::vector<ReportRow> registered;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(registered,
                               options_.rows->Registered(lease.get()));
  }
  for (ReportRow& row : registered) {
    if (stop_.load()) return first;
    first.Update(Make(std::move(row)));
  }
  // Those whose audit was made before they asked once more.
  std::vector<std::string> left;
  {
    MutexLock lock(&mu_);
    for (const auto& [id, done] : waiting_) left.push_back(id);
  }
  for (const std::string& id : left) {
    auto row = ReadMade(id);
    // Registered meanwhile: the next turn makes it.
    if (row.ok() || ReasonOf(row.status()) != v1::ERROR_REASON_STATE_INVALID) {
      Answer(id, row);
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    const auto stored = options_.rows->Read(lease.get(), id);
    if (stored.ok() && stored->state == ReportState::kFailed) Answer(id, row);
  }
  return first;
}

}  // namespace consentry::fairness
