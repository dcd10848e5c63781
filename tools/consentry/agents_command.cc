#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rights_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct Options {
  std::string as = "compliance";
  std::string person;
  std::string customer;
  std::string id;
  std::string name;
  std::string permission;
  std::string until;
  std::vector<std::string> kinds;
  std::vector<std::string> choices;
  bool guardian = false;
  bool json = false;
};

constexpr std::pair<const char*, v1::ConsentAction> kChoices[] = {
    {"give", v1::CONSENT_ACTION_GIVE},
    {"refuse", v1::CONSENT_ACTION_REFUSE},
    {"withdraw", v1::CONSENT_ACTION_WITHDRAW}};

void ShowAgent(const v1::Agent& agent) {
  std::cout << agent.id() << "  " << (agent.guardian() ? "guardian" : "agent")
            << "  " << Printable(agent.display_name()) << "  for "
            << agent.subject_id() << "\n  may ";
  std::vector<std::string> words;
  for (const int kind : agent.kinds()) {
    words.push_back(KindWord(static_cast<v1::RightsKind>(kind)));
  }
  for (const auto& [word, action] : kChoices) {
    if (std::find(agent.choices().begin(), agent.choices().end(), action) !=
        agent.choices().end()) {
      words.push_back(word);
    }
  }
  std::cout << absl::StrJoin(words, ", ");
  if (agent.has_revoke_time()) {
    std::cout << "; revoked " << Text(agent.revoke_time());
  } else if (agent.has_expire_time()) {
    std::cout << "; until " << Text(agent.expire_time());
  }
  std::cout << "\n";
}

int Print(const v1::Agent& agent, bool json) {
  if (json) {
    ShowJson(agent, std::cout);
  } else {
    ShowAgent(agent);
  }
  return kExitOk;
}

int RunAdd(const std::string& folder, const Options& options) {
  v1::AuthorizeAgentRequest request;
  const auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  v1::Agent* agent = request.mutable_agent();
  agent->set_display_name(options.name);
  agent->set_guardian(options.guardian);
  agent->set_permission_digest(options.permission);
  for (const std::string& word : options.kinds) {
    const auto kind = ParseKind(word);
    if (!kind.ok()) return Fail(kind.status());
    agent->add_kinds(*kind);
  }
  for (const std::string& word : options.choices) {
    const auto* known =
        std::find_if(std::begin(kChoices), std::end(kChoices),
                     [&](const auto& choice) { return choice.first == word; });
    if (known == std::end(kChoices)) {
      return Fail(
          absl::InvalidArgumentError("a choice is give, refuse or withdraw"));
    }
    agent->add_choices(known->second);
  }
  if (!options.until.empty()) {
    const auto status = ParseTime(options.until, agent->mutable_expire_time());
    if (!status.ok()) return Fail(status);
  }
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Agent answer;
  const grpc::Status status = stub->AuthorizeAgent(&call, request, &answer);
  return status.ok() ? Print(answer, options.json)
                     : PrintError(status, std::cerr);
}

int RunRevoke(const std::string& folder, const Options& options) {
  v1::RevokeAgentRequest request;
  request.set_id(options.id);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::Agent answer;
  const grpc::Status status = stub->RevokeAgent(&call, request, &answer);
  return status.ok() ? Print(answer, options.json)
                     : PrintError(status, std::cerr);
}

int RunList(const std::string& folder, const Options& options) {
  v1::ListAgentsRequest request;
  const auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  do {
    grpc::ClientContext call;
    v1::ListAgentsResponse page;
    const grpc::Status status = stub->ListAgents(&call, request, &page);
    if (!status.ok()) return PrintError(status, std::cerr);
    if (options.json) {
      ShowJson(page, std::cout);
    } else {
      for (const auto& agent : page.agents()) ShowAgent(agent);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return kExitOk;
}

}  // namespace

void AddAgents(CLI::App* app, CommandContext* context) {
  CLI::App* agents =
      app->add_subcommand("agents", "Who may act for a customer");
  agents->require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto common = [&](CLI::App* command, auto run) {
    command->add_option("--as", options->as, "Registration to ask as")
        ->capture_default_str();
    command->add_option("--person", options->person,
                        "Opaque id of who does it");
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run] {
      context->exit_code = run(context->folder, *options);
    });
  };
  CLI::App* add = agents->add_subcommand(
      "add", "Records that an agent may act, on signed permission");
  add->add_option("customer", options->customer, "Whom the agent acts for")
      ->required();
  add->add_option("--name", options->name, "Name of the agent")->required();
  add->add_option("--kind", options->kinds, "What the agent may ask for");
  add->add_option("--choice", options->choices,
                  "What the agent may choose: give, refuse, withdraw");
  add->add_option("--permission", options->permission,
                  "SHA-256 of the signed permission")
      ->required();
  add->add_option("--until", options->until, "When the power ends");
  add->add_flag("--guardian", options->guardian,
                "Holds parental responsibility");
  common(add, RunAdd);
  CLI::App* revoke =
      agents->add_subcommand("revoke", "Ends an agent's power at once");
  revoke->add_option("agent", options->id, "agt_...")->required();
  common(revoke, RunRevoke);
  CLI::App* list = agents->add_subcommand("list", "Agents of one customer");
  list->add_option("customer", options->customer, "Whom they act for")
      ->required();
  common(list, RunList);
}

}  // namespace consentry::tools
