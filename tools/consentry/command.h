#ifndef CONSENTRY_TOOLS_CONSENTRY_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_COMMAND_H_

#include <string>

namespace CLI {
class App;
}

namespace consentry::tools {

// What all commands share. Lives as long as the parse.
struct CommandContext {
  // The folder that `consentry init` made: --config, else $CONSENTRY_CONFIG,
  // else ./consentry-data.
  std::string folder;
  // Set by the command that ran.
  int exit_code = 0;
};

// Each adds one command, with its options, to the program. The command runs
// inside the parse and leaves its exit code in the context.
void AddRead(CLI::App* app, CommandContext* context);
void AddExplain(CLI::App* app, CommandContext* context);
void AddWrite(CLI::App* app, CommandContext* context);
void AddConsent(CLI::App* app, CommandContext* context);
void AddKeys(CLI::App* app, CommandContext* context);
void AddMerge(CLI::App* app, CommandContext* context);
void AddHolds(CLI::App* app, CommandContext* context);
void AddProposals(CLI::App* app, CommandContext* context);
void AddStaff(CLI::App* app, CommandContext* context);
void AddTasks(CLI::App* app, CommandContext* context);
void AddAudit(CLI::App* app, CommandContext* context);
void AddImport(CLI::App* app, CommandContext* context);
void AddClient(CLI::App* app, CommandContext* context);
void AddProtos(CLI::App* app, CommandContext* context);
void AddInit(CLI::App* app, CommandContext* context);
// `backup` and `restore`.
void AddBackup(CLI::App* app, CommandContext* context);
void AddRetention(CLI::App* app, CommandContext* context);
void AddRenew(CLI::App* app, CommandContext* context);
void AddServe(CLI::App* app, CommandContext* context);
void AddDoctor(CLI::App* app, CommandContext* context);
void AddConduct(CLI::App* app, CommandContext* context);
// What works on files alone.
void AddFairness(CLI::App* app, CommandContext* context);
// With what asks a gateway.
void AddFairnessOfGateway(CLI::App* app, CommandContext* context);
void AddDemo(CLI::App* app, CommandContext* context);
void AddBreach(CLI::App* app, CommandContext* context);
void AddSuspend(CLI::App* app, CommandContext* context);
void AddTransparency(CLI::App* app, CommandContext* context);
void AddScreen(CLI::App* app, CommandContext* context);
void AddRights(CLI::App* app, CommandContext* context);
void AddReview(CLI::App* app, CommandContext* context);
void AddAgents(CLI::App* app, CommandContext* context);
// Under `audit`.
void AddProcessing(CLI::App* audit, CommandContext* context);
// Under `policy`, which policy_commands.h adds.
void AddPolicyApply(CLI::App* policy, CommandContext* context);
void AddPolicyDiff(CLI::App* policy, CommandContext* context);
void AddBench(CLI::App* app, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_COMMAND_H_
