#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/decode_command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/ledger_commands.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/signal_command.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct ConsentOptions {
  std::string client;
  std::string subject;
  std::vector<std::string> words;  // Purposes, or kinds of opt-out.
  std::string notice;
  uint32_t notice_version = 1;
  std::string language;
  std::string method;
  std::string as_of;
  std::string agent;
  bool parental = false;
  bool gpc = false;
  bool json = false;
};

template <class Response>
int Print(const Response& response, bool json) {
  if (json) {
    ShowJson(response, std::cout);
    return kExitOk;
  }
  for (const auto& state : response.states()) Show(state, std::cout);
  return kExitOk;
}

int RunRecord(const std::string& folder, const ConsentOptions& options,
              v1::ConsentAction action) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::RecordConsentRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_purposes() = {options.words.begin(), options.words.end()};
  request.set_action(action);
  if (!options.notice.empty()) {
    request.mutable_notice()->set_id(options.notice);
    request.mutable_notice()->set_version(options.notice_version);
    request.mutable_notice()->set_language(options.language);
  }
  request.set_method(options.method);
  request.set_agent_id(options.agent);
  request.set_parental_authorisation(options.parental);
  v1::RecordConsentResponse response;
  const grpc::Status status = stub->RecordConsent(&call, request, &response);
  return status.ok() ? Print(response, options.json)
                     : PrintError(status, std::cerr);
}

int RunWithdraw(const std::string& folder, const ConsentOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::WithdrawConsentRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_purposes() = {options.words.begin(), options.words.end()};
  request.set_method(options.method);
  request.set_agent_id(options.agent);
  v1::WithdrawConsentResponse response;
  const grpc::Status status = stub->WithdrawConsent(&call, request, &response);
  return status.ok() ? Print(response, options.json)
                     : PrintError(status, std::cerr);
}

int RunState(const std::string& folder, const ConsentOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::GetConsentStateRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_purposes() = {options.words.begin(), options.words.end()};
  if (!options.as_of.empty()) {
    const absl::Status as_of =
        ParseTime(options.as_of, request.mutable_as_of());
    if (!as_of.ok()) return Fail(as_of);
  }
  v1::GetConsentStateResponse response;
  const grpc::Status status = stub->GetConsentState(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  Print(response, options.json);
  if (!options.json) {
    for (const int kind : response.opt_outs()) {
      std::cout << "opted out: "
                << v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind))
                << "\n";
    }
  }
  return kExitOk;
}

int RunOptOut(const std::string& folder, const ConsentOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::OptOutRequest request;
  *request.mutable_subject() = *subject;
  for (const std::string& word : options.words) {
    const auto kind = ParseOptOut(word);
    if (!kind.ok()) return Fail(kind.status());
    request.add_kinds(*kind);
  }
  request.set_global_privacy_control(options.gpc);
  request.set_agent_id(options.agent);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::OptOutResponse response;
  const grpc::Status status = stub->OptOut(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  ShowJson(response, std::cout);
  return kExitOk;
}

void AddAgent(CLI::App* command, ConsentOptions* options) {
  command->add_option("--agent", options->agent,
                      "The guardian or agent who acts, agt_...");
}

CLI::App* AddOne(CLI::App* parent, const std::string& name,
                 const std::string& description, ConsentOptions* options,
                 const char* words) {
  CLI::App* command = parent->add_subcommand(name, description);
  command
      ->add_option("customer", options->subject,
                   "email:..., phone:..., SYSTEM:NUMBER, cus_... or psn_...")
      ->required();
  command->add_option("-p,--purpose", options->words, words)->delimiter(',');
  command->add_option("--as", options->client,
                      "Registration to call as; default: the only one here");
  command->add_flag("--json", options->json, "Print JSON");
  return command;
}

}  // namespace

void AddConsent(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ConsentOptions>();
  CLI::App* consent = app->add_subcommand(
      "consent", "Record, withdraw and show what customers chose");
  consent->require_subcommand(1);

  CLI::App* give = AddOne(consent, "give", "Record that consent was given",
                          options.get(), "Purposes");
  give->add_option("--notice", options->notice, "Id of the notice shown")
      ->required();
  give->add_option("--notice-version", options->notice_version)
      ->capture_default_str();
  give->add_option("--language", options->language, "BCP 47");
  give->add_option("--method", options->method, "How, such as checkbox");
  AddAgent(give, options.get());
  give->add_flag("--parental", options->parental,
                 "Authorised by whoever has parental responsibility");
  give->callback([context, options] {
    context->exit_code =
        RunRecord(context->folder, *options, v1::CONSENT_ACTION_GIVE);
  });

  CLI::App* refuse = AddOne(consent, "refuse", "Record that it was refused",
                            options.get(), "Purposes");
  AddAgent(refuse, options.get());
  refuse->callback([context, options] {
    context->exit_code =
        RunRecord(context->folder, *options, v1::CONSENT_ACTION_REFUSE);
  });

  CLI::App* withdraw =
      AddOne(consent, "withdraw",
             "Take consent back; without purposes, all that stands",
             options.get(), "Purposes");
  AddAgent(withdraw, options.get());
  withdraw->callback([context, options] {
    context->exit_code = RunWithdraw(context->folder, *options);
  });

  CLI::App* opt_out = AddOne(
      consent, "opt-out", "Opt out", options.get(),
      "sale, sharing, targeted-advertising, profiling, direct-marketing, "
      "sensitive-data, automated-decisions");
  opt_out->add_flag("--gpc", options->gpc,
                    "It came as a Global Privacy Control signal");
  AddAgent(opt_out, options.get());
  opt_out->callback([context, options] {
    context->exit_code = RunOptOut(context->folder, *options);
  });

  CLI::App* state =
      AddOne(consent, "state", "Show what holds now", options.get(),
             "Purposes; default: all of the "
             "registration");
  state->add_option("--as-of", options->as_of,
                    "What held then, as far as it was known: 2026-08-01 or "
                    "2026-08-01T09:30:00Z");
  state->callback([context, options] {
    context->exit_code = RunState(context->folder, *options);
  });

  AddDecode(consent, context);
  AddNotice(consent, context);
  AddReceipt(consent, context);
  AddLedger(consent, context);
  AddSignal(consent, context);
}

}  // namespace consentry::tools
