#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/screen_commands.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

// What is looked into is compliance's.
constexpr char kStaff[] = "compliance";

struct LookOptions {
  std::string staff = kStaff;
  std::string client;
  std::string subject;
  std::string item;
  std::string id;
  std::string model;
  std::string verdict;
  std::string from;
  std::string to;
  std::string kind;
  std::string basis;
  std::string until;
  std::string person;
  std::string purpose;
  std::string channel;
  double value = 0;
  bool all = false;
  bool json = false;
};

// A value of an enum by its word: "released" of VERDICT_RELEASED.
template <class Enum>
absl::StatusOr<Enum> ParseWord(const std::string& word,
                               const std::string& prefix,
                               bool (*parse)(const std::string&, Enum*)) {
  Enum value;
  if (parse(prefix +
                absl::StrReplaceAll(absl::AsciiStrToUpper(word), {{"-", "_"}}),
            &value)) {
    return value;
  }
  return absl::InvalidArgumentError("not known: " + word);
}

template <class Enum>
bool ParseEnum(const std::string& name, Enum* value);
template <>
bool ParseEnum(const std::string& name, v1::Verdict* value) {
  return v1::Verdict_Parse(name, value);
}
template <>
bool ParseEnum(const std::string& name, v1::OutcomeKind* value) {
  return v1::OutcomeKind_Parse(name, value);
}
template <>
bool ParseEnum(const std::string& name, v1::VulnerabilityKind* value) {
  return v1::VulnerabilityKind_Parse(name, value);
}

std::string Lower(const std::string& name, size_t prefix) {
  return absl::AsciiStrToLower(name.substr(prefix));
}

std::string Amount(const v1::Money& money) {
  v1::Value value;
  *value.mutable_money_value() = money;
  return Text(value);
}

void Show(const v1::Screening& shown, bool whole) {
  const v1::Output& output = shown.output();
  std::cout << shown.id() << "  " << Text(shown.create_time()) << "  "
            << Lower(v1::Verdict_Name(shown.verdict()), 8) << "  "
            << Lower(v1::OutputKind_Name(output.kind()), 12) << "  "
            << Printable(output.model()) << "@"
            << Printable(output.model_version());
  if (!output.item().empty()) std::cout << "  " << Printable(output.item());
  if (output.has_price()) std::cout << "  " << Amount(output.price());
  std::cout << "\n";
  if (!whole) return;
  std::cout << "    customer  " << shown.subject_id() << "\n"
            << "    purpose   " << Printable(shown.purpose()) << " by "
            << Lower(v1::Channel_Name(shown.channel()), 8) << ", from "
            << Printable(shown.client_id()) << "\n";
  if (shown.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    std::cout << "    reason    " << Word(shown.reason()) << "\n";
  }
  if (!output.label().empty()) {
    std::cout << "    label     " << Printable(output.label()) << "\n";
  }
  if (!output.text().empty()) {
    std::cout << "    text      " << Printable(output.text()) << "\n";
  }
  for (const std::string& category : output.input_categories()) {
    std::cout << "    input     " << Printable(category) << "\n";
  }
  if (!output.explanation().empty()) {
    std::cout << "    because   " << Printable(output.explanation()) << "\n";
  }
  for (const v1::Finding& finding : shown.findings()) {
    std::cout << "    finding   " << finding.rule() << ": " << finding.message()
              << " (" << finding.citation() << ")\n";
  }
  if (!shown.review_id().empty()) {
    std::cout << "    review    " << shown.review_id() << "\n";
  }
  for (const v1::Outcome& outcome : shown.outcomes()) {
    std::cout << "    outcome   "
              << Lower(v1::OutcomeKind_Name(outcome.kind()), 13) << " at "
              << Text(outcome.time()) << "\n";
  }
}

int RunShow(const std::string& folder, const LookOptions& options) {
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  v1::GetScreeningRequest request;
  request.set_id(options.id);
  request.mutable_context()->set_acting_person(options.person);
  grpc::ClientContext call;
  v1::Screening shown;
  const grpc::Status status = stub->GetScreening(&call, request, &shown);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(shown, std::cout);
  } else {
    Show(shown, true);
  }
  return kExitOk;
}

int RunList(const std::string& folder, const LookOptions& options) {
  v1::ListScreeningsRequest request;
  if (!options.subject.empty()) {
    const auto subject = ParseSubject(options.subject);
    if (!subject.ok()) return Fail(subject.status());
    *request.mutable_subject() = *subject;
  }
  request.set_model(options.model);
  if (!options.verdict.empty()) {
    const auto verdict = ParseWord<v1::Verdict>(options.verdict, "VERDICT_",
                                                &ParseEnum<v1::Verdict>);
    if (!verdict.ok()) return Fail(verdict.status());
    request.set_verdict(*verdict);
  }
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return Fail(status);
  }
  request.set_page_size(100);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  return ShowList<v1::ListScreeningsResponse>(
      request, options.json, "none",
      [&](grpc::ClientContext* call, const v1::ListScreeningsRequest& asked,
          v1::ListScreeningsResponse* page) {
        return stub->ListScreenings(call, asked, page);
      },
      [](const v1::ListScreeningsResponse& page) -> const auto& {
        return page.screenings();
      },
      [](const v1::Screening& shown) { Show(shown, false); });
}

int RunCase(const std::string& folder, const LookOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::GetCaseRequest request;
  *request.mutable_subject() = *subject;
  request.set_item(options.item);
  request.mutable_context()->set_acting_person(options.person);
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return Fail(status);
  }
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::OutputCase found;
  const grpc::Status status = stub->GetCase(&call, request, &found);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(found, std::cout);
    return kExitOk;
  }
  if (found.shown().empty()) std::cout << "she was shown nothing for it\n";
  for (const v1::Screening& shown : found.shown()) Show(shown, true);
  if (!found.others().empty()) {
    std::cout << "others, on the same days and in the same place:\n";
  }
  for (const v1::OutputCount& count : found.others()) {
    std::cout << "    " << Amount(count.price()) << "  " << count.count()
              << "\n";
  }
  if (found.suppressed()) {
    std::cout << "groups of fewer than 10 customers are left out\n";
  }
  return kExitOk;
}

int RunOutcome(const std::string& folder, const LookOptions& options) {
  v1::RecordOutcomeRequest request;
  v1::Outcome* outcome = request.add_outcomes();
  outcome->set_output(options.id);
  const auto kind = ParseWord<v1::OutcomeKind>(options.kind, "OUTCOME_KIND_",
                                               &ParseEnum<v1::OutcomeKind>);
  if (!kind.ok()) return Fail(kind.status());
  outcome->set_kind(*kind);
  outcome->set_value(options.value);
  if (options.from.empty()) {
    outcome->mutable_time()->set_seconds(std::time(nullptr));
  } else {
    const auto status = ParseTime(options.from, outcome->mutable_time());
    if (!status.ok()) return Fail(status);
  }
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::RecordOutcomeResponse response;
  const grpc::Status status = stub->RecordOutcome(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (response.results(0) != v1::ERROR_REASON_UNSPECIFIED) {
    std::cerr << "not taken: " << Word(response.results(0)) << "\n";
    return kExitNo;
  }
  std::cout << "taken\n";
  return kExitOk;
}

int RunRevoked(const std::string& folder, const LookOptions& options) {
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  v1::ListRevokedReleasesRequest request;
  for (;;) {
    grpc::ClientContext call;
    v1::ListRevokedReleasesResponse page;
    const grpc::Status status =
        stub->ListRevokedReleases(&call, request, &page);
    if (!status.ok()) return PrintError(status, std::cerr);
    if (page.digests().empty()) return kExitOk;
    for (const std::string& digest : page.digests()) {
      std::cout << digest << "\n";
    }
    request.set_page_token(page.next_page_token());
  }
}

int RunFetch(const std::string& folder, const LookOptions& options) {
  v1::FetchOutputsRequest request;
  request.set_purpose(options.purpose);
  const auto channel = ParseChannel(options.channel);
  if (!channel.ok()) return Fail(channel.status());
  request.set_channel(*channel);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  // The next call says that what the last one gave was taken over.
  for (;;) {
    grpc::ClientContext call;
    v1::FetchOutputsResponse page;
    const grpc::Status status = stub->FetchOutputs(&call, request, &page);
    if (!status.ok()) return PrintError(status, std::cerr);
    for (const v1::FetchedOutput& output : page.outputs()) {
      ShowJson(output, std::cout);
    }
    if (page.outputs().empty() || !options.all) return kExitOk;
    std::cout.flush();
    request.set_page_token(page.next_page_token());
  }
}

void Show(const v1::Vulnerability& vulnerability) {
  std::cout << vulnerability.id() << "  "
            << Lower(v1::VulnerabilityKind_Name(vulnerability.kind()), 19)
            << "  " << Printable(vulnerability.basis()) << "  ";
  if (vulnerability.has_clear_time()) {
    std::cout << "cleared " << Text(vulnerability.clear_time()) << "\n";
  } else {
    std::cout << "until " << Text(vulnerability.expire_time()) << "\n";
  }
}

int Print(const v1::Vulnerability& vulnerability, bool json) {
  if (json) {
    ShowJson(vulnerability, std::cout);
  } else {
    Show(vulnerability);
  }
  return kExitOk;
}

int RunSet(const std::string& folder, const LookOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::SetVulnerabilityRequest request;
  *request.mutable_subject() = *subject;
  const auto kind = ParseWord<v1::VulnerabilityKind>(
      options.kind, "VULNERABILITY_KIND_", &ParseEnum<v1::VulnerabilityKind>);
  if (!kind.ok()) return Fail(kind.status());
  request.mutable_vulnerability()->set_kind(*kind);
  request.mutable_vulnerability()->set_basis(options.basis);
  const auto parsed = ParseTime(
      options.until, request.mutable_vulnerability()->mutable_expire_time());
  if (!parsed.ok()) return Fail(parsed);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Vulnerability set;
  const grpc::Status status = stub->SetVulnerability(&call, request, &set);
  return status.ok() ? Print(set, options.json) : PrintError(status, std::cerr);
}

int RunClear(const std::string& folder, const LookOptions& options) {
  v1::ClearVulnerabilityRequest request;
  request.set_id(options.id);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Vulnerability cleared;
  const grpc::Status status =
      stub->ClearVulnerability(&call, request, &cleared);
  return status.ok() ? Print(cleared, options.json)
                     : PrintError(status, std::cerr);
}

int RunVulnerabilities(const std::string& folder, const LookOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::ListVulnerabilitiesRequest request;
  *request.mutable_subject() = *subject;
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.staff, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ScreeningService::NewStub((*session)->channel());
  return ShowList<v1::ListVulnerabilitiesResponse>(
      request, options.json, "none",
      [&](grpc::ClientContext* call,
          const v1::ListVulnerabilitiesRequest& asked,
          v1::ListVulnerabilitiesResponse* page) {
        return stub->ListVulnerabilities(call, asked, page);
      },
      [](const v1::ListVulnerabilitiesResponse& page) -> const auto& {
        return page.vulnerabilities();
      },
      [](const v1::Vulnerability& each) { Show(each); });
}

using Options = std::shared_ptr<LookOptions>;
using Run = int (*)(const std::string&, const LookOptions&);

CLI::App* AddLook(CLI::App* parent, CommandContext* context,
                  const Options& options, Run run, const char* name,
                  const char* about) {
  CLI::App* command = parent->add_subcommand(name, about);
  command->add_flag("--json", options->json, "Print the answer as JSON");
  command->callback([context, options, run] {
    context->exit_code = run(context->folder, *options);
  });
  return command;
}

void AddStaff(CLI::App* command, const Options& options) {
  command->add_option("--staff", options->staff, "Registration to call as")
      ->capture_default_str();
  command->add_option("--person", options->person,
                      "Opaque id of whoever looks");
}

void AddSpan(CLI::App* command, const Options& options) {
  command->add_option("--from", options->from, "2026-08-01, inclusive");
  command->add_option("--to", options->to, "2026-08-31, exclusive");
}

void AddClient(CLI::App* command, const Options& options) {
  command->add_option("--client", options->client,
                      "Registration to call as; default: the only one here");
}

}  // namespace

void AddScreenLook(CLI::App* screen, CommandContext* context) {
  auto options = std::make_shared<LookOptions>();
  CLI::App* show = AddLook(screen, context, options, &RunShow, "show",
                           "One screened output with its findings");
  show->add_option("id", options->id, "scr_...")->required();
  AddStaff(show, options);

  CLI::App* list = AddLook(screen, context, options, &RunList, "list",
                           "Screened outputs, newest first");
  list->add_option("--subject", options->subject, "Of this customer");
  list->add_option("--model", options->model, "Of this model");
  list->add_option("--verdict", options->verdict, "released, held or blocked");
  AddSpan(list, options);
  AddStaff(list, options);

  CLI::App* one =
      AddLook(screen, context, options, &RunCase, "case",
              "What a customer was shown for an item, and others beside her");
  one->add_option("--subject", options->subject, "The customer")->required();
  one->add_option("--item", options->item, "The item")->required();
  AddSpan(one, options);
  AddStaff(one, options);

  CLI::App* outcome = AddLook(screen, context, options, &RunOutcome, "outcome",
                              "Report what became of an output");
  outcome->add_option("output", options->id, "scr_... or the engine's own id")
      ->required();
  outcome
      ->add_option("kind", options->kind,
                   "shown, opened, clicked, converted, repaid, complained, "
                   "satisfaction")
      ->required();
  outcome->add_option("--value", options->value, "0 or 1; -1 to 1");
  outcome->add_option("--at", options->from, "When it happened; default: now");
  AddClient(outcome, options);

  CLI::App* revoked = AddLook(screen, context, options, &RunRevoked, "revoked",
                              "Releases that do not hold any more, by digest");
  AddClient(revoked, options);

  CLI::App* fetch = AddLook(screen, context, options, &RunFetch, "fetch",
                            "Released outputs, for the channel to deliver");
  fetch->add_option("--purpose", options->purpose, "The purpose")->required();
  fetch->add_option("--channel", options->channel, "email, sms, phone, ...")
      ->required();
  fetch->add_flag("--all", options->all,
                  "Confirm each page and go on until none is left");
  AddClient(fetch, options);

  CLI::App* vulnerability = screen->add_subcommand(
      "vulnerability", "What restricts how a customer may be treated");
  vulnerability->require_subcommand(1);
  CLI::App* set = AddLook(vulnerability, context, options, &RunSet, "set",
                          "Declare one, with its basis and end");
  set->add_option("--subject", options->subject, "The customer")->required();
  set->add_option("--kind", options->kind,
                  "minor, debt, bereavement, disability or distress")
      ->required();
  set->add_option("--basis", options->basis, "How it is known")->required();
  set->add_option("--until", options->until, "Its end, within two years")
      ->required();
  AddStaff(set, options);
  CLI::App* clear = AddLook(vulnerability, context, options, &RunClear, "clear",
                            "End one at once");
  clear->add_option("id", options->id, "vul_...")->required();
  AddStaff(clear, options);
  CLI::App* held = AddLook(vulnerability, context, options, &RunVulnerabilities,
                           "list", "Those of a customer");
  held->add_option("--subject", options->subject, "The customer")->required();
  AddStaff(held, options);
}

}  // namespace consentry::tools
