#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct MergeOptions {
  std::string as = "operator";
  std::string state = "candidate";
  std::vector<std::string> customers;
  std::string id;
  std::string note;
  std::string person;
  bool json = false;
};

// "MERGE_STATE_JOINED" -> "joined".
template <class Name>
std::string Lower(const Name& name, size_t prefix) {
  std::string word(name, prefix);
  for (char& c : word) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

std::string StateWord(v1::MergeState state) {
  return Lower(v1::MergeState_Name(state), sizeof("MERGE_STATE_") - 1);
}

void ShowMerge(const v1::Merge& merge) {
  std::cout << merge.id() << "  " << StateWord(merge.state()) << "  "
            << Text(merge.create_time()) << "\n";
  for (const std::string& id : merge.subject_ids()) {
    std::cout << "  customer  " << id << "\n";
  }
  std::cout << "  because   " << merge.ground();
  for (int i = 0; i < merge.identifier_types_size(); ++i) {
    const auto type = merge.identifier_types(i);
    std::cout << (i == 0 ? ": " : ", ")
              << Lower(v1::IdentifierType_Name(
                           static_cast<v1::IdentifierType>(type)),
                       sizeof("IDENTIFIER_TYPE_") - 1);
  }
  std::cout << "\n";
  if (!merge.decided_by().empty()) {
    std::cout << "  decided   by " << merge.decided_by() << "\n";
  }
  if (merge.has_undo_time()) {
    std::cout << "  undone    " << Text(merge.undo_time()) << "\n";
  }
}

int WithAdmin(const std::string& folder, const MergeOptions& options,
              const std::function<int(v1::AdminService::Stub*)>& run) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  return run(v1::AdminService::NewStub((*session)->channel()).get());
}

int Print(const grpc::Status& status, const v1::Merge& merge,
          const MergeOptions& options) {
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(merge, std::cout);
  } else {
    ShowMerge(merge);
  }
  return kExitOk;
}

int RunList(const std::string& folder, const MergeOptions& options) {
  v1::ListMergesRequest request;
  std::string name = "MERGE_STATE_" + options.state;
  for (char& c : name) {
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  v1::MergeState state;
  if (!v1::MergeState_Parse(name, &state)) {
    return Fail(absl::InvalidArgumentError(
        "the state is candidate, joined, undone or dismissed"));
  }
  request.set_state(state);
  request.set_page_size(1000);
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    return ShowList<v1::ListMergesResponse>(
        request, options.json, "none " + StateWord(state),
        std::bind_front(&v1::AdminService::Stub::ListMerges, admin),
        [](const auto& page) -> auto& { return page.merges(); },
        [&](const v1::Merge& merge) {
          Print(grpc::Status::OK, merge, options);
        });
  });
}

int RunJoin(const std::string& folder, const MergeOptions& options) {
  v1::MergeSubjectsRequest request;
  request.mutable_subject_ids()->Assign(options.customers.begin(),
                                        options.customers.end());
  request.set_note(options.note);
  request.mutable_context()->set_acting_person(options.person);
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    grpc::ClientContext call;
    v1::Merge merge;
    return Print(admin->MergeSubjects(&call, request, &merge), merge, options);
  });
}

int RunUndo(const std::string& folder, const MergeOptions& options) {
  v1::UndoMergeRequest request;
  request.set_id(options.id);
  request.mutable_context()->set_acting_person(options.person);
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    grpc::ClientContext call;
    v1::Merge merge;
    return Print(admin->UndoMerge(&call, request, &merge), merge, options);
  });
}

int RunDismiss(const std::string& folder, const MergeOptions& options) {
  v1::DismissMergeRequest request;
  request.set_id(options.id);
  request.set_note(options.note);
  request.mutable_context()->set_acting_person(options.person);
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    grpc::ClientContext call;
    v1::Merge merge;
    return Print(admin->DismissMerge(&call, request, &merge), merge, options);
  });
}

}  // namespace

void AddMerge(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* merge = app->add_subcommand(
      "merge", "Customers who are, or might be, one person");
  merge->require_subcommand(1);
  const auto sub = [&](const char* name, const char* text,
                       int (*run)(const std::string&, const MergeOptions&)) {
    CLI::App* command = merge->add_subcommand(name, text);
    command->add_option("--as", options->as, "Administrator to call as")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run] {
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };
  const auto decides = [&](CLI::App* command, bool with_note) {
    command->add_option("--person", options->person,
                        "Opaque id of whoever decided; default: the "
                        "registration");
    if (with_note) {
      command->add_option("--note", options->note,
                          "Why, without data about a customer");
    }
  };

  sub("list", "What waits for a decision, or was decided", RunList)
      ->add_option("--state", options->state,
                   "candidate, joined, undone, dismissed")
      ->capture_default_str();
  CLI::App* join = sub("join", "They are one person; no record moves", RunJoin);
  join->add_option("customers", options->customers, "Two ids, cus_...")
      ->required()
      ->expected(2);
  decides(join, true);
  CLI::App* undo = sub("undo", "Take a join apart again", RunUndo);
  undo->add_option("id", options->id, "mrg_...")->required();
  decides(undo, false);
  CLI::App* dismiss = sub("dismiss", "They are two people", RunDismiss);
  dismiss->add_option("id", options->id, "mrg_...")->required();
  decides(dismiss, true);
}

}  // namespace consentry::tools
