#include "gateway/fairness/report_file.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "consentry/config/v1/fairness.pb.h"
#include "policy/engine/civil.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/report_note.h"
#include "proto/support/error.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {

namespace rules = policy::fairness;

namespace {

using policy::kUsPerDay;

// Lines of a notice.
constexpr size_t kMostLines = 10;
constexpr size_t kMostOfLine = 120;

absl::Status Broken() {
  return MakeError(v1::ERROR_REASON_INTERNAL, "a report is broken");
}

std::string Second(int64_t time_us) {
  return policy::FormatTime(time_us - time_us % 1'000'000);
}

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

int CountOf(const v1::FairnessReport& report, v1::FairnessFinding finding) {
  return static_cast<int>(std::count_if(
      report.figures().begin(), report.figures().end(),
      [&](const auto& figure) { return figure.finding() == finding; }));
}

}  // namespace

std::string ReportNote(const store::v1::FairnessReportDoc& doc,
                       const std::string& log_origin) {
  return absl::StrCat(rules::kReportTitle, "\nlog ", log_origin, "\nreport ",
                      doc.id(), "\nprofile ", doc.profile_id(), " ",
                      doc.profile_version(), "\nfrom ", Second(doc.from_us()),
                      "\nto ", Second(doc.to_us()), "\nregistered ",
                      Second(doc.register_us()), "\n", rules::kReportDigest,
                      Hex(doc.digest()), "\n");
}

int64_t MadeFromUs(const store::v1::FairnessReportDoc& doc) {
  if (doc.to_us() <= doc.register_us()) return doc.register_us();
  const auto file = policy::ParseText<config::v1::FairnessProfile>(
      "profile", doc.profile_text());
  // What cannot be read fails when it is tried.
  if (!file.ok()) return doc.to_us();
  return doc.to_us() +
         int64_t{file->message.audits().outcome_days()} * kUsPerDay;
}

v1::FairnessReport ReportSummary(const store::v1::FairnessReportDoc& doc) {
  v1::FairnessReport report;
  report.set_id(doc.id());
  report.set_profile_id(doc.profile_id());
  report.set_profile_version(doc.profile_version());
  report.set_model_version(doc.model_version());
  report.set_span(doc.span());
  if (doc.alarm_us() != 0) {
    SetTime(doc.alarm_us(), report.mutable_alarm_time());
  }
  SetTime(doc.from_us(), report.mutable_from_time());
  SetTime(doc.to_us(), report.mutable_to_time());
  SetTime(doc.register_us(), report.mutable_register_time());
  report.set_confirmatory(doc.alpha() > 0);
  report.set_alpha(doc.alpha());
  report.set_count(doc.cases());
  if (doc.done_us() != 0) SetTime(doc.done_us(), report.mutable_create_time());
  report.set_digest(Hex(doc.digest()));
  report.set_note(doc.note());
  if (doc.lost()) {
    report.add_limits(doc.failure());
  } else if (!doc.failure().empty()) {
    report.add_limits(absl::StrCat("could not be made: ", doc.failure()));
  } else if (doc.done_us() == 0) {
    report.add_limits(
        absl::StrCat("registered, and not made yet: it is made "
                     "after ",
                     Second(MadeFromUs(doc))));
    if (doc.tries() > 0) {
      report.add_limits(absl::StrCat("was tried ", doc.tries(),
                                     doc.tries() == 1 ? " time" : " times",
                                     " in vain; it is tried again"));
    }
  }
  return report;
}

absl::StatusOr<std::string> ReportJson(const v1::FairnessReport& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(report, &json, options)
           .ok()) {
    return Broken();
  }
  return json;
}

absl::StatusOr<v1::FairnessReport> ReportOf(const ReportRow& row) {
  v1::FairnessReport report;
  if (!google::protobuf::util::JsonStringToMessage(row.file, &report).ok()) {
    return Broken();
  }
  report.set_digest(Hex(row.doc.digest()));
  report.set_note(row.doc.note());
  return report;
}

v1::FairnessReport FittingReport(v1::FairnessReport report) {
  if (report.ByteSizeLong() <= kMaxReportAnswerBytes) return report;
  report.clear_figures();
  report.clear_distributions();
  report.clear_trends();
  if (report.ByteSizeLong() > kMaxReportAnswerBytes) {
    report.clear_groups();
    report.clear_proxies();
  }
  report.add_limits(
      "Its figures are more than an answer holds and stand in the file of the "
      "report alone: download that.");
  return report;
}

std::string NoticeLine(std::string text) {
  absl::AsciiStrToLower(&text);
  for (char& c : text) {
    const bool known = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == ':' || c == '-';
    if (!known) c = ' ';
  }
  if (text.size() > kMostOfLine) text.resize(kMostOfLine);
  return text;
}

std::vector<std::string> ReportLines(const v1::FairnessReport& report) {
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
  if (report.tests() == 0) lines.push_back("nothing tested");
  for (const auto& figure : report.figures()) {
    if (lines.size() >= kMostLines) break;
    if (figure.finding() != v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE) continue;
    std::string line =
        absl::StrCat("outside: ", figure.attribute(), " ", figure.metric());
    if (line.size() <= kMostOfLine) lines.push_back(std::move(line));
  }
  // A crossed attribute is joined by a sign that notices do not know.
  for (std::string& line : lines) line = NoticeLine(std::move(line));
  return lines;
}

}  // namespace consentry::fairness
