#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"

namespace consentry::tools {
namespace {

struct Options {
  std::string as = "operator";
  std::string client;
  std::string purpose;
  std::string reason;
  bool lift = false;
};

int Run(const std::string& folder, const Options& options) {
  if (options.client.empty() == options.purpose.empty()) {
    return Fail(absl::InvalidArgumentError(
        "name what to suspend: --client NAME or --purpose KEY"));
  }
  v1::SuspendRequest request;
  if (options.client.empty()) {
    request.set_purpose(options.purpose);
  } else {
    request.set_client_id(options.client);
  }
  request.set_lift(options.lift);
  request.set_reason_code(options.reason);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AdminService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::SuspendResponse response;
  const grpc::Status status = stub->Suspend(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (!response.proposal_id().empty()) {
    std::cout << "still suspended: lifting it is proposal "
              << response.proposal_id()
              << "; `consentry proposals list` says what it waits for\n";
    return kExitOk;
  }
  std::cout << (options.client.empty() ? "purpose " + options.purpose
                                       : "client " + options.client)
            << (options.lift ? " may ask again"
                             : " is suspended: nothing is released to it any "
                               "more, calls in flight included")
            << "\n  entry " << response.audit_reference() << "\n";
  return kExitOk;
}

}  // namespace

void AddSuspend(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app->add_subcommand(
      "suspend", "Stop a client or a purpose at once, or let it go on");
  command->add_option("--client", options->client, "A registration");
  command->add_option("--purpose", options->purpose,
                      "A key of the purpose registry");
  command->add_option("--reason", options->reason,
                      "A word of your own, for the log");
  command->add_flag("--lift", options->lift, "End the suspension");
  command->add_option("--as", options->as, "Registration to ask as")
      ->capture_default_str();
  command->callback([context, options] {
    context->exit_code = Run(context->folder, *options);
  });
}

}  // namespace consentry::tools
