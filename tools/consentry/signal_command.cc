#include "tools/consentry/signal_command.h"
#include "tools/consentry/parse_words.h"

#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "policy/signals/signal.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct SignalOptions {
  std::string client;
  std::string subject;
  std::string text;
  std::vector<std::string> purposes;
  bool json = false;
};

// Puts the text where its first characters say that it belongs; whether it is
// well made is for the gateway to say.
void SetSignal(const std::string& text, v1::RecordSignalRequest* request) {
  const char first = text.empty() ? '\0' : text.front();
  if (signals::IsGpc(text)) {
    request->set_gpc(text);
  } else if (first >= '0' && first <= '9') {
    request->set_usp(text);
  } else if (first == 'D') {
    request->set_gpp(text);
  } else {
    request->set_tcf(text);
  }
}

// Asks the service and shows its answer, as JSON or by `words`.
template <class Request, class Response, class Words>
int Ask(const std::string& folder, const SignalOptions& options,
        const Request& request,
        grpc::Status (v1::ConsentService::StubInterface::*method)(
            grpc::ClientContext*, const Request&, Response*),
        Words words) {
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  Response response;
  const grpc::Status status = ((*stub).*method)(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    words(response);
  }
  return kExitOk;
}

int RunSignal(const std::string& folder, const SignalOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::RecordSignalRequest request;
  *request.mutable_subject() = *subject;
  SetSignal(options.text, &request);
  return Ask(
      folder, options, request,
      &v1::ConsentService::StubInterface::RecordSignal,
      [](const v1::RecordSignalResponse& response) {
        for (const auto& state : response.states()) {
          Show(state, std::cout);
        }
        for (const int kind : response.opt_outs()) {
          std::cout << "opted out: "
                    << v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind))
                    << "\n";
        }
        if (response.global_privacy_control()) {
          std::cout << "Global Privacy Control is on\n";
        }
      });
}

int RunLink(const std::string& folder, const SignalOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::CreateUnsubscribeLinkRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_purposes() = {options.purposes.begin(),
                                 options.purposes.end()};
  return Ask(folder, options, request,
             &v1::ConsentService::StubInterface::CreateUnsubscribeLink,
             [](const v1::CreateUnsubscribeLinkResponse& response) {
               std::cout << "List-Unsubscribe: <" << response.url() << ">\n"
                         << "List-Unsubscribe-Post: "
                            "List-Unsubscribe=One-Click\n";
             });
}

int RunClick(const std::string& folder, const SignalOptions& options) {
  v1::WithdrawByTokenRequest request;
  request.set_token(options.text);
  return Ask(folder, options, request,
             &v1::ConsentService::StubInterface::WithdrawByToken,
             [](const v1::WithdrawByTokenResponse& response) {
               for (const auto& purpose : response.purposes()) {
                 std::cout << purpose << " is off\n";
               }
             });
}

void AddCommon(CLI::App* command, SignalOptions* options) {
  command->add_option("--as", options->client,
                      "Registration to call as; default: the only one here");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace

void AddSignal(CLI::App* consent, CommandContext* context) {
  auto options = std::make_shared<SignalOptions>();
  constexpr char kCustomer[] =
      "email:..., phone:..., SYSTEM:NUMBER, cus_... or psn_...";

  CLI::App* signal = consent->add_subcommand(
      "signal", "Record a TCF, GPP, US Privacy or GPC signal of a customer");
  signal->add_option("customer", options->subject, kCustomer)->required();
  signal->add_option("string", options->text, "The raw string; 1 for GPC")
      ->required();
  AddCommon(signal, options.get());
  signal->callback([context, options] {
    context->exit_code = RunSignal(context->folder, *options);
  });

  CLI::App* link = consent->add_subcommand(
      "link",
      "Make the headers of a message by which its receiver "
      "unsubscribes in one click");
  link->add_option("customer", options->subject, kCustomer)->required();
  link->add_option("-p,--purpose", options->purposes,
                   "Purposes that the click takes back")
      ->delimiter(',')
      ->required();
  AddCommon(link, options.get());
  link->callback([context, options] {
    context->exit_code = RunLink(context->folder, *options);
  });

  CLI::App* click = consent->add_subcommand(
      "click", "Do what a click on a one-click link does");
  click->add_option("token", options->text, "The token of the link")
      ->required();
  AddCommon(click, options.get());
  click->callback([context, options] {
    context->exit_code = RunClick(context->folder, *options);
  });
}

}  // namespace consentry::tools
