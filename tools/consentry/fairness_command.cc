#include "tools/consentry/fairness_command.h"

#include <CLI/CLI.hpp>
#include <utility>

#include "tools/consentry/command.h"
#include "tools/consentry/fairness_audit.h"
#include "tools/consentry/fairness_verify.h"

namespace consentry::tools {

void AddFairness(CLI::App* app, CommandContext* context) {
  AddFairness(app, context, nullptr);
}

CLI::App* AddFairness(CLI::App* app, CommandContext* context, FairnessRun run) {
  CLI::App* const fairness = app->add_subcommand(
      "fairness", "Watch and audit how models treat groups of customers");
  fairness->require_subcommand(1);
  AddFairnessAudit(fairness, context, std::move(run));
  AddFairnessProfiles(fairness, context);
  AddFairnessVerify(fairness, context);
  return fairness;
}

}  // namespace consentry::tools
