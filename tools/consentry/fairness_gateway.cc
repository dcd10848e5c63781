// `fairness` where it asks a gateway: profiles in force, what monitors say,
// audits and their reports.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/fairness_audit.h"
#include "tools/consentry/fairness_command.h"
#include "tools/consentry/fairness_text.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/monitor_text.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/policy_files.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

using Stub = v1::ScreeningService::Stub;

constexpr char kDefaultAs[] = "compliance";
constexpr int kPage = 1000;
// An audit of many outputs takes longer than a call may.
constexpr std::chrono::minutes kPatience{60};
constexpr std::chrono::seconds kCall{30};

struct Options {
  std::string as = kDefaultAs;
  std::string id;
  std::string profile;
  std::string model;
  std::string verdict;
  std::string file;
  std::string html;
  std::string out;
  std::string note;
  bool validate_only = false;
  bool json = false;
};

// Random (RFC 9562, version 4).
std::string NewRequestId() {
  std::random_device random;
  std::string text;
  for (int i = 0; i < 32; ++i) {
    unsigned digit = random() % 16;
    if (i == 12) digit = 4;
    if (i == 16) digit = 8 + digit % 4;
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += "0123456789abcdef"[digit];
  }
  return text;
}

// A gateway, and who asks it.
class Asked {
 public:
  static absl::StatusOr<Asked> Open(const std::string& folder,
                                    const std::string& as) {
    auto session = Session::Open({folder, as, "", false});
    if (!session.ok()) return session.status();
    Asked asked;
    asked.session_ = *std::move(session);
    asked.stub_ = v1::ScreeningService::NewStub(asked.session_->channel());
    return asked;
  }
  Stub* stub() const { return stub_.get(); }

 private:
  Asked() = default;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Stub> stub_;
};

template <class Answer, class Request, class Method, class Shown>
int Ask(const std::string& folder, const Options& options,
        const Request& request, Method method, Shown show) {
  const auto asked = Asked::Open(folder, options.as);
  if (!asked.ok()) return Fail(asked.status());
  grpc::ClientContext call;
  Answer answer;
  const grpc::Status status = (asked->stub()->*method)(&call, request, &answer);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(answer, std::cout);
  } else {
    show(answer);
  }
  return kExitOk;
}

// ---- profiles

void ShowProfile(const v1::FairnessProfile& profile) {
  std::cout << profile.id() << "  version " << profile.version() << "  "
            << profile.streams() << " comparisons for each model version";
  if (!profile.etag().empty()) std::cout << "  etag " << profile.etag();
  std::cout << "\n";
  for (const std::string& remark : profile.remarks()) {
    ShowWrapped(Printable(remark), "  - ", std::cout);
  }
  if (!profile.proposal_id().empty()) {
    std::cout << "Not in force yet: it is proposal " << profile.proposal_id()
              << ", for a second person to approve; the version above goes "
                 "on.\n";
  }
}

int PutProfile(const std::string& folder, const Options& options) {
  const auto text = ReadPolicyFile(options.file);
  if (!text.ok()) return Fail(text.status());
  v1::PutFairnessProfileRequest request;
  request.mutable_profile()->set_text(*text);
  request.mutable_profile()->set_etag(options.id);
  request.set_request_id(NewRequestId());
  request.set_validate_only(options.validate_only);
  return Ask<v1::FairnessProfile>(folder, options, request,
                                  &Stub::PutFairnessProfile, ShowProfile);
}

int GetProfile(const std::string& folder, const Options& options) {
  v1::GetFairnessProfileRequest request;
  request.set_id(options.id);
  return Ask<v1::FairnessProfile>(
      folder, options, request, &Stub::GetFairnessProfile,
      [](const v1::FairnessProfile& profile) {
        ShowProfile(profile);
        std::cout << "\n";
        for (const absl::string_view line :
             absl::StrSplit(absl::StripSuffix(profile.text(), "\n"), '\n')) {
          std::cout << Printable(std::string(line)) << "\n";
        }
      });
}

int ListProfiles(const std::string& folder, const Options& options) {
  const auto asked = Asked::Open(folder, options.as);
  if (!asked.ok()) return Fail(asked.status());
  v1::ListFairnessProfilesRequest request;
  request.set_page_size(kPage);
  return ShowList<v1::ListFairnessProfilesResponse>(
      request, options.json, "no profile is in force",
      std::bind_front(&Stub::ListFairnessProfiles, asked->stub()),
      [](const auto& page) -> auto& { return page.profiles(); }, ShowProfile);
}

// ---- monitors

int ListMonitors(const std::string& folder, const Options& options) {
  v1::ListFairnessMonitorsRequest request;
  request.set_profile_id(options.profile);
  request.set_model(options.model);
  request.set_page_size(kPage);
  if (!options.verdict.empty()) {
    v1::FairnessVerdict verdict = v1::FAIRNESS_VERDICT_UNSPECIFIED;
    if (!v1::FairnessVerdict_Parse(
            "FAIRNESS_VERDICT_" +
                absl::StrReplaceAll(absl::AsciiStrToUpper(options.verdict),
                                    {{"-", "_"}}),
            &verdict)) {
      return Fail(absl::InvalidArgumentError(
          "--verdict: one of insufficient, within-tolerance, violation"));
    }
    request.set_verdict(verdict);
  }
  const auto asked = Asked::Open(folder, options.as);
  if (!asked.ok()) return Fail(asked.status());
  return ShowList<v1::ListFairnessMonitorsResponse>(
      request, options.json, "nothing was counted yet",
      std::bind_front(&Stub::ListFairnessMonitors, asked->stub()),
      [](const auto& page) -> auto& { return page.monitors(); },
      [](const v1::FairnessMonitor& one) {
        ShowFairnessMonitor(one, std::cout);
      });
}

// ---- reports

void ShowSummary(const v1::FairnessReport& report) {
  std::cout << report.id() << "  " << report.profile_id() << "  "
            << (!report.span().empty()    ? report.span()
                : report.has_alarm_time() ? "after an alarm"
                                          : "asked for")
            << "  " << Text(report.from_time()) << " to "
            << Text(report.to_time()) << "  "
            << (report.confirmatory() ? absl::StrCat("alpha ", report.alpha())
                                      : std::string("descriptive"))
            << "  " << report.count() << " cases\n";
  for (const std::string& limit : report.limits()) {
    ShowWrapped(Printable(limit), "    ", std::cout);
  }
}

int ListReports(const std::string& folder, const Options& options) {
  const auto asked = Asked::Open(folder, options.as);
  if (!asked.ok()) return Fail(asked.status());
  v1::ListFairnessReportsRequest request;
  request.set_profile_id(options.profile);
  request.set_page_size(kPage);
  return ShowList<v1::ListFairnessReportsResponse>(
      request, options.json, "no audit was made yet",
      std::bind_front(&Stub::ListFairnessReports, asked->stub()),
      [](const auto& page) -> auto& { return page.reports(); }, ShowSummary);
}

// The file in one format, as it was signed.
int Download(const Asked& asked, const std::string& id,
             v1::FairnessReportFormat format, const std::string& path) {
  v1::DownloadFairnessReportRequest request;
  request.set_id(id);
  request.set_format(format);
  grpc::ClientContext call;
  const auto reader = asked.stub()->DownloadFairnessReport(&call, request);
  std::string file;
  v1::DownloadFairnessReportResponse piece;
  while (reader->Read(&piece)) file += piece.data();
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return PrintError(status, std::cerr);
  if (path == "-") {
    std::cout << file;
    return kExitOk;
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << file << std::flush;
  if (!out) return Fail(absl::UnknownError("cannot write " + path));
  return kExitOk;
}

int WriteNote(const Asked& asked, const std::string& id,
              const std::string& path) {
  v1::GetFairnessReportRequest request;
  request.set_id(id);
  grpc::ClientContext call;
  v1::FairnessReport report;
  const grpc::Status status =
      asked.stub()->GetFairnessReport(&call, request, &report);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (path == "-") {
    std::cout << report.note();
    return kExitOk;
  }
  const absl::Status written = WriteWhole(path, report.note());
  return written.ok() ? kExitOk : Fail(written);
}

void ShowWhole(const v1::FairnessReport& report) {
  ShowFairnessReport(report, std::cout);
  if (report.figures().empty() && report.count() > 0) {
    std::cout << "\nno figures here: where they are more than an answer holds, "
                 "the file has them: consentry fairness report "
              << report.id() << " --file PATH\n";
  }
  std::cout << "\n"
            << report.id() << "  digest sha256:" << report.digest() << "\n";
  for (const absl::string_view line :
       absl::StrSplit(report.note(), '\n', absl::SkipEmpty())) {
    std::cout << "  " << Printable(std::string(line)) << "\n";
  }
}

int ShowReport(const std::string& folder, const Options& options) {
  if (options.html.empty() && options.out.empty() && options.note.empty()) {
    v1::GetFairnessReportRequest request;
    request.set_id(options.id);
    return Ask<v1::FairnessReport>(folder, options, request,
                                   &Stub::GetFairnessReport, ShowWhole);
  }
  const auto asked = Asked::Open(folder, options.as);
  if (!asked.ok()) return Fail(asked.status());
  int code = kExitOk;
  if (!options.html.empty()) {
    code = Download(*asked, options.id, v1::FAIRNESS_REPORT_FORMAT_HTML,
                    options.html);
  }
  if (code == kExitOk && !options.out.empty()) {
    code = Download(*asked, options.id, v1::FAIRNESS_REPORT_FORMAT_JSON,
                    options.out);
  }
  if (code == kExitOk && !options.note.empty()) {
    code = WriteNote(*asked, options.id, options.note);
  }
  return code;
}

// Of a profile, the newest audit that somebody asked for and that is not made.
// Empty: none is known.
std::string LastRegistered(const Asked& asked, const std::string& profile) {
  v1::ListFairnessReportsRequest request;
  request.set_profile_id(profile);
  request.set_page_size(kPage);
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + kCall);
  v1::ListFairnessReportsResponse page;
  if (!asked.stub()->ListFairnessReports(&call, request, &page).ok()) return "";
  for (const v1::FairnessReport& report : page.reports()) {
    if (report.span().empty() && !report.confirmatory() &&
        !report.has_create_time()) {
      return report.id();
    }
  }
  return "";
}

int RunAudit(const std::string& folder, const FairnessRunOptions& options) {
  v1::RunFairnessAuditRequest request;
  request.set_profile_id(options.profile);
  request.set_model_version(options.model_version);
  request.set_confirmatory(options.confirmatory);
  request.set_request_id(NewRequestId());
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return Fail(status);
  }
  const auto asked =
      Asked::Open(folder, options.as.empty() ? kDefaultAs : options.as);
  if (!asked.ok()) return Fail(asked.status());
  const auto end = std::chrono::steady_clock::now() + kPatience;
  v1::FairnessReport report;
  grpc::Status status;
  do {
    // The same request finds the same audit, made or in the making.
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + kCall);
    status = asked->stub()->RunFairnessAudit(&call, request, &report);
  } while (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
           std::chrono::steady_clock::now() < end);
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    const std::string id = LastRegistered(*asked, options.profile);
    std::cerr << "consentry: the audit is not made yet; it is registered"
              << (id.empty() ? "" : " as " + id)
              << ", and will be: see `consentry fairness reports`\n";
    return kExitError;
  }
  if (!status.ok()) return PrintError(status, std::cerr);
  if (!report.has_create_time()) {
    if (options.json) {
      ShowJson(report, std::cout);
    } else {
      ShowSummary(report);
    }
    if (!options.html.empty()) {
      std::cerr << "consentry: there is no page yet; later: consentry fairness "
                   "report "
                << report.id() << " --html " << options.html << "\n";
    }
    return kExitOk;
  }
  if (!options.html.empty()) {
    const int code = Download(*asked, report.id(),
                              v1::FAIRNESS_REPORT_FORMAT_HTML, options.html);
    if (code != kExitOk) return code;
  }
  if (options.json) {
    ShowJson(report, std::cout);
  } else {
    ShowWhole(report);
  }
  return kExitOk;
}

using Run = std::function<int(const std::string&, const Options&)>;

}  // namespace

void AddFairnessOfGateway(CLI::App* app, CommandContext* context) {
  CLI::App* const fairness = AddFairness(app, context, RunAudit);
  const auto options = std::make_shared<Options>();
  const auto add = [&](CLI::App* to, const char* name, const char* what,
                       Run run) {
    CLI::App* command = to->add_subcommand(name, what);
    command->add_option("--as", options->as,
                        "Registration to ask as; default: compliance");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run = std::move(run)] {
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };
  CLI::App* const profiles = fairness->get_subcommand("profiles");
  add(profiles, "list", "The profiles in force", ListProfiles);
  add(profiles, "show", "One profile with its text", GetProfile)
      ->add_option("profile", options->id, "Its id")
      ->required();
  CLI::App* put = add(profiles, "put", "Put a profile into force", PutProfile);
  put->add_option("file", options->file, "A profile as protobuf text")
      ->required();
  put->add_option("--etag", options->id,
                  "Of the profile that it takes the place of");
  put->add_flag("--check", options->validate_only, "Change nothing");

  CLI::App* monitors =
      add(fairness, "monitors", "What may be said of models at any time",
          ListMonitors);
  monitors->add_option("--profile", options->profile, "Of this profile alone");
  monitors->add_option("--model", options->model, "Of this model alone");
  monitors->add_option("--verdict", options->verdict,
                       "insufficient, within-tolerance or violation");

  add(fairness, "reports", "Audits, the newest first", ListReports)
      ->add_option("--profile", options->profile, "Of this profile alone");
  CLI::App* report = add(fairness, "report", "One audit", ShowReport);
  report->add_option("report", options->id, "fre_...")->required();
  report->add_option("--html", options->html,
                     "Write it there as a page for people; - for here");
  report->add_option("--file", options->out,
                     "Write it there as the JSON that was signed; - for here");
  report->add_option("--note", options->note,
                     "Write its signed note there, for verify-report; - for "
                     "here");
}

}  // namespace consentry::tools
