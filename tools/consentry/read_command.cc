#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/data_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct ReadOptions {
  std::string client;
  std::string subject;
  std::string purpose;
  std::vector<std::string> fields;
  std::string channel = "INTERNAL";
  std::string person;
  std::string reason;
  std::string ticket;
  bool gpc = false;
  bool check = false;
  bool json = false;
  bool dev = false;
};

struct ExplainOptions {
  std::string client = "compliance";
  std::string decision;
  bool json = false;
  bool dev = false;
};

v1::CallContext ContextOf(const ReadOptions& options) {
  v1::CallContext context;
  context.set_acting_person(options.person);
  context.set_reason_code(options.reason);
  context.set_ticket(options.ticket);
  context.mutable_signals()->set_global_privacy_control(options.gpc);
  return context;
}

int RunRead(const std::string& folder, const ReadOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto channel = ParseChannel(options.channel);
  if (!channel.ok()) return Fail(channel.status());
  const auto session = Session::Open({folder, options.client, "", options.dev});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::DataService::NewStub((*session)->channel());
  grpc::ClientContext call;
  if (options.check) {
    v1::CheckAccessRequest request;
    *request.mutable_subject() = *subject;
    request.set_purpose(options.purpose);
    *request.mutable_fields() = {options.fields.begin(), options.fields.end()};
    request.set_channel(*channel);
    *request.mutable_context() = ContextOf(options);
    v1::CheckAccessResponse response;
    const grpc::Status status = stub->CheckAccess(&call, request, &response);
    if (!status.ok()) return PrintError(status, std::cerr);
    if (options.json) {
      ShowJson(response, std::cout);
    } else {
      Show(response.decision(), std::cout);
    }
    return response.decision().effect() == v1::EFFECT_PERMIT ? kExitOk
                                                             : kExitNo;
  }
  v1::ReadSubjectRequest request;
  *request.mutable_subject() = *subject;
  request.set_purpose(options.purpose);
  *request.mutable_fields() = {options.fields.begin(), options.fields.end()};
  request.set_channel(*channel);
  *request.mutable_context() = ContextOf(options);
  v1::ReadSubjectResponse response;
  const grpc::Status status = stub->ReadSubject(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    Show(response, std::cout);
    if (response.decision().reason() == v1::ERROR_REASON_ACCESS_DENIED) {
      std::cout << "  why                        is told to compliance: "
                   "consentry explain, with this decision\n";
    }
  }
  return response.decision().effect() == v1::EFFECT_PERMIT ? kExitOk : kExitNo;
}

int RunExplain(const std::string& folder, const ExplainOptions& options) {
  const auto session = Session::Open({folder, options.client, "", options.dev});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::DataService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::ExplainDecisionRequest request;
  request.set_decision_id(options.decision);
  v1::ExplainDecisionResponse response;
  const grpc::Status status = stub->ExplainDecision(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    Show(response, std::cout);
  }
  return kExitOk;
}

}  // namespace

void AddRead(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ReadOptions>();
  CLI::App* read = app->add_subcommand(
      "read", "Read a customer under a purpose; exits with 2 when denied");
  read->add_option("customer", options->subject,
                   "email:..., phone:..., SYSTEM:NUMBER, cus_... or psn_...")
      ->required();
  read->add_option("-p,--purpose", options->purpose,
                   "Key of the purpose registry")
      ->required();
  read->add_option("-f,--fields", options->fields,
                   "Fields, such as profile.email or ticket.*")
      ->required()
      ->delimiter(',');
  read->add_option("--as", options->client,
                   "Registration to ask as; default: the only one here");
  read->add_option("--channel", options->channel,
                   "web, email, sms, phone, post, chat, internal, ...")
      ->capture_default_str();
  read->add_option("--person", options->person,
                   "Opaque id of the member of staff who asks");
  read->add_option("--reason", options->reason, "Reason code");
  read->add_option("--ticket", options->ticket, "Ticket or case");
  read->add_flag("--gpc", options->gpc,
                 "The customer's request carried Sec-GPC: 1");
  read->add_flag("--check", options->check, "Decide, and release nothing");
  read->add_flag("--json", options->json, "Print JSON");
  read->add_flag("--dev", options->dev,
                 "Tell reasons about customers, if this command has to start "
                 "the gateway itself");
  read->callback([context, options] {
    context->exit_code = RunRead(context->folder, *options);
  });
}

void AddExplain(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* explain = app->add_subcommand(
      "explain", "Say why a decision came out as it did, and replay it");
  explain->add_option("decision", options->decision, "dec_... of an answer")
      ->required();
  explain->add_option("--as", options->client,
                      "Registration to ask as; default: the only one here");
  explain->add_flag("--json", options->json, "Print JSON");
  explain->add_flag("--dev", options->dev, "As for read");
  explain->callback([context, options] {
    context->exit_code = RunExplain(context->folder, *options);
  });
}

}  // namespace consentry::tools
