#include <CLI/CLI.hpp>

#include <cstdio>

#include "gateway/server/server.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_commands.h"

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
  AddImport(&app, &context);
  AddRead(&app, &context);
  AddWrite(&app, &context);
  AddExplain(&app, &context);
  AddConsent(&app, &context);
  AddMerge(&app, &context);
  AddPolicy(app);
  AddPolicyApply(app.get_subcommand("policy"), &context);
  AddAudit(&app, &context);
  AddProtos(&app, &context);
  AddBench(&app, &context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& ended) {
    return ended.get_exit_code();
  } catch (const CLI::ParseError& error) {
    // 0 for --help and --version.
    return app.exit(error) == 0 ? kExitOk : kExitNo;
  }
  return context.exit_code;
}
