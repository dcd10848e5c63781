#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct TaskOptions {
  std::string as = "compliance";
  std::string id;
  std::string evidence;
  std::string person;
  bool all = false;
  bool json = false;
};

void ShowTask(const v1::RecipientTask& task) {
  std::cout << task.id() << "  " << task.event() << "  "
            << (task.has_complete_time() ? "done" : "open") << "\n"
            << "  tell      " << task.recipient() << "\n"
            << "  customer  " << task.pseudonym() << "\n";
  for (const std::string& target : task.targets()) {
    std::cout << "  about     " << target << "\n";
  }
  if (task.has_complete_time()) {
    std::cout << "  done      " << Text(task.complete_time()) << "\n";
  } else {
    std::cout << "  by        " << Text(task.due_time()) << "\n";
  }
}

void Print(const v1::RecipientTask& task, const TaskOptions& options) {
  if (options.json) {
    ShowJson(task, std::cout);
  } else {
    ShowTask(task);
  }
}

int RunList(const std::string& folder, const TaskOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto rights = v1::RightsService::NewStub((*session)->channel());
  v1::ListRecipientTasksRequest request;
  request.set_include_completed(options.all);
  request.set_page_size(1000);
  return ShowList<v1::ListRecipientTasksResponse>(
      request, options.json, "no tasks",
      std::bind_front(&v1::RightsService::Stub::ListRecipientTasks,
                      rights.get()),
      [](const auto& page) -> auto& { return page.tasks(); },
      [&](const v1::RecipientTask& task) { Print(task, options); });
}

int RunDone(const std::string& folder, const TaskOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  v1::CompleteRecipientTaskRequest request;
  request.set_id(options.id);
  request.set_evidence(options.evidence);
  request.mutable_context()->set_acting_person(options.person);
  grpc::ClientContext call;
  v1::RecipientTask task;
  const grpc::Status status =
      v1::RightsService::NewStub((*session)->channel())
          ->CompleteRecipientTask(&call, request, &task);
  if (!status.ok()) return PrintError(status, std::cerr);
  Print(task, options);
  return kExitOk;
}

int RunKey(const std::string& folder, const TaskOptions& options) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  grpc::ClientContext call;
  v1::GatewayStatus gateway;
  const grpc::Status status =
      v1::AdminService::NewStub((*session)->channel())
          ->GetStatus(&call, v1::GetStatusRequest(), &gateway);
  if (!status.ok()) return PrintError(status, std::cerr);
  std::cout << gateway.webhook_key() << "\n";
  return kExitOk;
}

}  // namespace

void AddTasks(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<TaskOptions>();
  CLI::App* command = app->add_subcommand(
      "tasks", "What staff must tell recipients who cannot be told otherwise");
  command->require_subcommand(1);
  command->add_option("--as", options->as,
                      "Identity in the folder clients; default: compliance");
  CLI::App* list = command->add_subcommand("list", "Open tasks, oldest first");
  list->add_flag("--all", options->all, "Finished ones too");
  list->add_flag("--json", options->json, "For programs");
  list->callback([context, options] {
    context->exit_code = RunList(context->folder, *options);
  });
  CLI::App* done = command->add_subcommand("done", "Tick a task off");
  done->add_option("id", options->id, "tsk_...")->required();
  done->add_option("--evidence", options->evidence,
                   "Reference of the proof, such as a letter's number; no "
                   "personal data");
  done->add_option("--person", options->person, "Who told the recipient");
  done->add_flag("--json", options->json, "For programs");
  done->callback([context, options] {
    context->exit_code = RunDone(context->folder, *options);
  });
  CLI::App* key = command->add_subcommand(
      "key", "The key by which recipients verify webhooks");
  key->callback([context, options] {
    context->exit_code = RunKey(context->folder, *options);
  });
}

}  // namespace consentry::tools
