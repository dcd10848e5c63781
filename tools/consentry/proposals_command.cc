#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct ProposalOptions {
  std::string as = "operator";
  std::string id;
  std::string state = "open";
  std::string reason;
  bool json = false;
};

constexpr char kPrefix[] = "PROPOSAL_STATE_";

std::string StateWord(v1::ProposalState state) {
  std::string word = v1::ProposalState_Name(state).substr(sizeof(kPrefix) - 1);
  for (char& c : word) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return word;
}

std::string Whom(const std::string& client, const std::string& person) {
  return person.empty() ? client : client + ", " + person;
}

void Show(const v1::Proposal& proposal) {
  std::cout << proposal.id() << "  " << StateWord(proposal.state()) << "  "
            << Printable(proposal.target()) << "\n";
  for (const std::string& line : proposal.changes()) {
    std::cout << "  " << Printable(line) << "\n";
  }
  std::cout << "  proposed  " << Text(proposal.create_time()) << " by "
            << (proposal.proposed_by().empty()
                    ? "changed files"
                    : Whom(proposal.proposed_by(), proposal.proposer()))
            << "\n";
  if (proposal.state() == v1::PROPOSAL_STATE_OPEN) {
    if (proposal.has_effective_time()) {
      std::cout << "  in force  from " << Text(proposal.effective_time())
                << ", unless it is rejected\n";
    } else {
      std::cout << "  waits     for another person\n";
    }
  } else if (proposal.has_decide_time()) {
    std::cout << "  decided   " << Text(proposal.decide_time());
    if (!proposal.decided_by().empty()) {
      std::cout << " by " << Whom(proposal.decided_by(), proposal.decider());
    }
    std::cout << "\n";
  }
}

int Print(const v1::Proposal& proposal, const ProposalOptions& options) {
  if (options.json) {
    ShowJson(proposal, std::cout);
  } else {
    Show(proposal);
  }
  return kExitOk;
}

int WithAdmin(const std::string& folder, const ProposalOptions& options,
              const std::function<int(v1::AdminService::Stub*)>& run) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  return run(v1::AdminService::NewStub((*session)->channel()).get());
}

int RunList(const std::string& folder, const ProposalOptions& options) {
  std::string name = kPrefix + options.state;
  for (char& c : name) {
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  v1::ProposalState state;
  if (!v1::ProposalState_Parse(name, &state)) {
    return Fail(absl::InvalidArgumentError(
        "the state is open, approved, rejected, withdrawn, expired or failed"));
  }
  v1::ListProposalsRequest request;
  request.set_state(state);
  request.set_page_size(1000);
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    return ShowList<v1::ListProposalsResponse>(
        request, options.json, "none " + StateWord(state),
        std::bind_front(&v1::AdminService::Stub::ListProposals, admin),
        [](const auto& page) -> auto& { return page.proposals(); },
        [&](const v1::Proposal& proposal) { Print(proposal, options); });
  });
}

int RunApprove(const std::string& folder, const ProposalOptions& options) {
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    v1::ApproveProposalRequest request;
    request.set_id(options.id);
    grpc::ClientContext call;
    v1::ApproveProposalResponse response;
    const grpc::Status status =
        admin->ApproveProposal(&call, request, &response);
    if (!status.ok()) return PrintError(status, std::cerr);
    return Print(response.proposal(), options);
  });
}

int RunReject(const std::string& folder, const ProposalOptions& options) {
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    v1::RejectProposalRequest request;
    request.set_id(options.id);
    request.set_reason_code(options.reason);
    grpc::ClientContext call;
    v1::Proposal proposal;
    const grpc::Status status =
        admin->RejectProposal(&call, request, &proposal);
    if (!status.ok()) return PrintError(status, std::cerr);
    return Print(proposal, options);
  });
}

}  // namespace

void AddProposals(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ProposalOptions>();
  CLI::App* proposals = app->add_subcommand(
      "proposals", "Approve or reject what gives power and waits");
  proposals->require_subcommand(1);
  const auto sub = [&](const char* name, const char* text, bool with_id,
                       int (*run)(const std::string&, const ProposalOptions&)) {
    CLI::App* command = proposals->add_subcommand(name, text);
    if (with_id) {
      command->add_option("id", options->id, "prp_...")->required();
    }
    command
        ->add_option("--as", options->as,
                     "Administrator or data protection officer to call as; "
                     "whoever approves is not who proposed")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run] {
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };
  sub("list", "What waits, newest first", false, RunList)
      ->add_option("--state", options->state,
                   "open, approved, rejected, withdrawn, expired, failed")
      ->capture_default_str();
  sub("approve", "Put a proposal into force", true, RunApprove);
  sub("reject", "End a proposal; take back one's own", true, RunReject)
      ->add_option("--reason", options->reason, "A word of your own");
}

}  // namespace consentry::tools
