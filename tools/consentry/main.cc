#include <CLI/CLI.hpp>

#include <iostream>
#include <string>
#include <vector>

#include "gateway/server/server.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_commands.h"

namespace {

// The innermost command that was named, with its own name after those around
// it.
const CLI::App* Innermost(const CLI::App& app, std::string* name) {
  const CLI::App* command = &app;
  *name = app.get_name();
  for (;;) {
    const std::vector<CLI::App*> inner = command->get_subcommands();
    if (inner.empty()) return command;
    command = inner.front();
    *name += " " + command->get_name();
  }
}

// What is wrong with a command line, and where help is; help where only a
// command is missing.
int Explain(const CLI::App& app, const CLI::ParseError& error) {
  using namespace consentry::tools;  // NOLINT(google-build-using-namespace)
  // --help and --version.
  if (error.get_exit_code() == 0) {
    app.exit(error);
    return kExitOk;
  }
  std::string name;
  const CLI::App* const command = Innermost(app, &name);
  const std::vector<std::string> rest = app.remaining(/*recurse=*/true);
  const bool no_command =
      !command->get_subcommands([](const CLI::App*) { return true; }).empty();
  if (no_command && rest.empty()) {
    std::string around =
        name.substr(0, name.size() - command->get_name().size());
    if (!around.empty()) around.pop_back();
    std::cerr << command->help(around);
    return kExitNo;
  }
  std::cerr << "consentry: ";
  if (no_command) {
    std::cerr << "no such command: " << name << " " << rest.front() << "\n";
  } else {
    std::cerr << error.what() << "\n";
  }
  std::cerr << "`" << name << " --help` says how it is used.\n";
  return kExitNo;
}

}  // namespace

// The one program that a person types.
int main(int argc, char** argv) {
  using namespace consentry::tools;
  consentry::server::PrepareProcess();

  CLI::App app(
      "Consentry, a privacy and consent gateway: data for a reason, with "
      "consent, and with proof",
      "consentry");
  app.set_version_flag("--version", CONSENTRY_VERSION);
  app.require_subcommand(1);
  app.fallthrough();

  CommandContext context;
  context.folder = "consentry-data";
  app.add_option("-c,--config", context.folder,
                 "Folder that `consentry init` made")
      ->envname("CONSENTRY_CONFIG")
      ->capture_default_str();

  AddInit(&app, &context);
  AddServe(&app, &context);
  AddDoctor(&app, &context);
  AddKeys(&app, &context);
  AddDemo(&app, &context);
  AddClient(&app, &context);
  AddRenew(&app, &context);
  AddBackup(&app, &context);
  AddRetention(&app, &context);
  AddImport(&app, &context);
  AddRead(&app, &context);
  AddWrite(&app, &context);
  AddExplain(&app, &context);
  AddConsent(&app, &context);
  AddMerge(&app, &context);
  AddHolds(&app, &context);
  AddProposals(&app, &context);
  AddStaff(&app, &context);
  AddTasks(&app, &context);
  AddPolicy(app);
  AddPolicyApply(app.get_subcommand("policy"), &context);
  AddPolicyDiff(app.get_subcommand("policy"), &context);
  AddConduct(&app, &context);
  AddScreen(&app, &context);
  AddFairnessOfGateway(&app, &context);
  AddAudit(&app, &context);
  AddTransparency(&app, &context);
  AddRights(&app, &context);
  AddReview(&app, &context);
  AddAgents(&app, &context);
  AddBreach(&app, &context);
  AddSuspend(&app, &context);
  AddProtos(&app, &context);
  AddBench(&app, &context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    return Explain(app, error);
  }
  return context.exit_code;
}
