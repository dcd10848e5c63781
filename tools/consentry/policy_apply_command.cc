#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "consentry/config/v1/gateway.pb.h"
#include "consentry/v1/admin_service.grpc.pb.h"
#include "policy/engine/text_config.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct ApplyOptions {
  std::string as = "operator";
  bool check = false;
  bool json = false;
};

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The files that the configuration names, as a request.
absl::StatusOr<v1::UpdatePolicyRequest> ReadFiles(const std::string& folder) {
  const std::string path = folder + "/consentry.txtpb";
  CONSENTRY_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto config,
      policy::ParseText<config::v1::GatewayConfig>(path, text));
  const auto& files = config.message.policy();
  const auto read = [&](std::string name,
                        const char* usual) -> absl::StatusOr<std::string> {
    if (name.empty()) name = usual;
    if (name.empty()) return std::string();
    return ReadText(name.front() == '/' ? name : folder + "/" + name);
  };
  v1::UpdatePolicyRequest request;
  CONSENTRY_ASSIGN_OR_RETURN(*request.mutable_catalog(),
                             read(files.catalog(), "catalog.txtpb"));
  CONSENTRY_ASSIGN_OR_RETURN(*request.mutable_purposes(),
                             read(files.purposes(), "purposes.txtpb"));
  CONSENTRY_ASSIGN_OR_RETURN(*request.mutable_owner_pack(),
                             read(files.owner_pack(), ""));
  return request;
}

int RunApply(const std::string& folder, const ApplyOptions& options) {
  auto request = ReadFiles(folder);
  if (!request.ok()) return Fail(request.status());
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto admin = v1::AdminService::NewStub((*session)->channel());
  v1::Policy policy;
  {
    grpc::ClientContext call;
    const grpc::Status status = admin->GetPolicy(&call, {}, &policy);
    if (!status.ok()) return PrintError(status, std::cerr);
  }
  const std::string before = policy.hash();
  request->set_etag(policy.etag());
  request->set_validate_only(options.check);
  grpc::ClientContext call;
  const grpc::Status status = admin->UpdatePolicy(&call, *request, &policy);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(policy, std::cout);
    return kExitOk;
  }
  for (const std::string& warning : policy.warnings()) {
    std::cout << "warning: " << warning << "\n";
  }
  if (options.check) {
    std::cout << "can be put into force\n";
  } else if (!policy.proposal_id().empty()) {
    std::cout << "not in force yet: it is proposal " << policy.proposal_id()
              << "; `consentry proposals list` says what it waits for\n";
  } else if (policy.hash() == before) {
    std::cout << "nothing changed; in force: " << before << "\n";
  } else {
    std::cout << "in force now: " << policy.hash()
              << "\nbefore:       " << before << "\n";
  }
  return kExitOk;
}

}  // namespace

void AddPolicyApply(CLI::App* policy, CommandContext* context) {
  auto options = std::make_shared<ApplyOptions>();
  CLI::App* apply = policy->add_subcommand(
      "apply",
      "Put the catalog, purposes and owner's rules of the folder into force, "
      "as one change");
  apply->add_flag("--check", options->check, "Check only; change nothing");
  apply->add_option("--as", options->as, "Administrator to call as")
      ->capture_default_str();
  apply->add_flag("--json", options->json, "Print JSON");
  apply->callback([context, options] {
    context->exit_code = RunApply(context->folder, *options);
  });
}

}  // namespace consentry::tools
