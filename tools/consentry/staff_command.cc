#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct StaffOptions {
  std::string as = "compliance";
  std::string person;
  std::string reason;
  std::string ticket;
  bool json = false;
};

int RunWho(const std::string& folder, const StaffOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  v1::ResolveStaffRequest request;
  request.set_acting_person(options.person);
  request.mutable_context()->set_reason_code(options.reason);
  request.mutable_context()->set_ticket(options.ticket);
  grpc::ClientContext call;
  v1::StaffMember member;
  const grpc::Status status = v1::AdminService::NewStub((*session)->channel())
                                  ->ResolveStaff(&call, request, &member);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(member, std::cout);
    return kExitOk;
  }
  const auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::cout << name << Printable(value) << "\n";
  };
  line("name        ", member.name());
  line("e-mail      ", member.email());
  line("login       ", member.login());
  line("issuer      ", member.issuer());
  std::cout << "first seen  " << Text(member.first_seen_time())
            << "\nlast seen   " << Text(member.last_seen_time())
            << "\nforgotten   " << Text(member.forget_time()) << "\n";
  return kExitOk;
}

}  // namespace

void AddStaff(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<StaffOptions>();
  CLI::App* staff =
      app->add_subcommand("staff", "Who an acting person of the audit log is");
  staff->require_subcommand(1);
  CLI::App* who = staff->add_subcommand(
      "who", "Name and e-mail behind a pseudonym; the question is logged");
  who->add_option("person", options->person, "stf_...")->required();
  who->add_option("--as", options->as, "Registration of compliance or dpo")
      ->capture_default_str();
  who->add_option("--reason", options->reason, "Why, a word of your own");
  who->add_option("--ticket", options->ticket, "The case that it is for");
  who->add_flag("--json", options->json, "Print JSON");
  who->callback([context, options] {
    context->exit_code = RunWho(context->folder, *options);
  });
}

}  // namespace consentry::tools
