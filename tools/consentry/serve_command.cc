#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "gateway/server/server.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

int RunServe(const std::string& folder, const server::ServerOptions& options) {
  // Before there are threads, so that none of them takes the signal.
  server::Server::BlockSignals();
  auto opened = server::Server::Open(folder, options);
  if (!opened.ok()) return Fail(opened.status());
  const auto server = *std::move(opened);
  if (options.dev) {
    std::cout << "DEV: reasons about customers are told to every caller. Never "
                 "for real data.\n";
  }
  std::cout << "Serving at " << server->address() << ". Ctrl-C ends.\n"
            << std::flush;
  server::Server::WaitForSignal();
  std::cout << "Stopping.\n" << std::flush;
  const absl::Status stopped = server->Stop();
  return stopped.ok() ? kExitOk : Fail(stopped);
}

}  // namespace

void AddServe(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<server::ServerOptions>();
  options->log = true;
  CLI::App* command = app->add_subcommand("serve", "Run the gateway");
  command->add_flag("--dev", options->dev,
                    "For demonstrations: tells every caller why a customer was "
                    "denied");
  command->add_option("--listen", options->address,
                      "Instead of the configured address");
  command->callback([context, options] {
    context->exit_code = RunServe(context->folder, *options);
  });
}

}  // namespace consentry::tools
