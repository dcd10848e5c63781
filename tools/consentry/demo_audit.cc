#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "audit/log/note.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/clients/configuration.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/demo_system.h"
#include "tools/consentry/demo_tour.h"
#include "tools/consentry/log_key.h"

namespace consentry::tools {
namespace {

constexpr char kRatio[] = "selection_rate_group_over_reference";
constexpr double kTolerated = 0.8;

double Percent(int64_t hits, int64_t count) {
  return count == 0
             ? 0
             : 100 * static_cast<double>(hits) / static_cast<double>(count);
}

// One line for each comparison, then who is too few to be told of.
std::string Lines(const v1::FairnessReport& report) {
  std::ostringstream lines;
  for (const v1::FairnessFigure& figure : report.figures()) {
    if (figure.metric() != kRatio || !figure.has_value()) continue;
    lines << figure.attribute() << ": "
          << absl::StrFormat(
                 "%s %.1f %% of %d got one, %s %.1f %% of %d: ratio %.3f, "
                 "interval %.3f to %.3f\n",
                 figure.group(), Percent(figure.hits(), figure.count()),
                 figure.count(), figure.reference(),
                 Percent(figure.reference_hits(), figure.reference_count()),
                 figure.reference_count(), figure.value(), figure.lower(),
                 figure.upper());
  }
  std::set<std::string> few;
  for (const auto& group : report.groups()) {
    if (group.suppressed()) {
      few.insert(absl::StrCat(group.attribute(), " ", group.group()));
    }
  }
  if (!few.empty()) {
    lines << absl::StrJoin(few, ", ") << ": too few to be told\n";
  }
  return lines.str();
}

absl::StatusOr<std::string> Download(v1::ScreeningService::Stub* stub,
                                     const std::string& id,
                                     v1::FairnessReportFormat format) {
  v1::DownloadFairnessReportRequest request;
  request.set_id(id);
  request.set_format(format);
  grpc::ClientContext call;
  const auto reader = stub->DownloadFairnessReport(&call, request);
  std::string file;
  v1::DownloadFairnessReportResponse piece;
  while (reader->Read(&piece)) file += piece.data();
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FromRpc(status);
  return file;
}

}  // namespace

absl::Status DemoTour::FairnessAudit() {
  Title("An audit of that version, as a report to keep and to show");
  CONSENTRY_ASSIGN_OR_RETURN(const System officer,
                             System::Connect(options_, kDemoOfficer));
  const auto stub = v1::ScreeningService::NewStub(officer.channel());
  Ask("dpo, for a report on all that version 2 did so far");
  v1::FairnessReport report;
  {
    grpc::ClientContext call;
    v1::RunFairnessAuditRequest run;
    run.set_profile_id(kDemoProfile);
    run.set_model_version("2");
    const grpc::Status status = stub->RunFairnessAudit(&call, run, &report);
    if (!status.ok()) return FromRpc(status);
  }
  Print(Lines(report));
  const bool found = std::any_of(
      report.figures().begin(), report.figures().end(), [](const auto& figure) {
        return figure.metric() == kRatio && figure.attribute() == "age" &&
               figure.has_upper() && figure.upper() < kTolerated;
      });
  if (!found) return Unexpected("the report was to show what was found");

  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string page,
      Download(stub.get(), report.id(), v1::FAIRNESS_REPORT_FORMAT_HTML));
  const std::string path = options_.folder + "/fairness-report.html";
  CONSENTRY_RETURN_IF_ERROR(WriteWhole(path, page));
  Say("gets",
      absl::StrCat(report.id(), ", as a page to read and to print in ", path));

  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string json,
      Download(stub.get(), report.id(), v1::FAIRNESS_REPORT_FORMAT_JSON));
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Note note,
                             audit::ParseNote(report.note()));
  CONSENTRY_ASSIGN_OR_RETURN(const audit::NoteVerifier key,
                             ReadLogKey("", options_.folder));
  const audit::NoteVerifier known[] = {key};
  const std::string digest = absl::BytesToHexString(clients::Sha256(json));
  if (audit::CheckNote(note, known) != audit::NoteTrust::kVerified ||
      note.text.find("digest sha256:" + digest + "\n") == std::string::npos) {
    return Unexpected("the report was to be the one that is signed");
  }
  Say("check",
      "the digest of its file is the one that the key of the log signed");
  Say("why",
      "the monitor accuses; a report tells how much, how sure that is, and "
      "what does not follow. Of the past it describes and decides nothing, "
      "since whoever looks first and asks then finds what he looks for");
  return absl::OkStatus();
}

}  // namespace consentry::tools
