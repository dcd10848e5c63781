#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "gateway/server/renew.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

int RunRenew(const std::string& folder, const server::RenewOptions& options) {
  const auto renewed = server::RenewOwn(folder, options);
  if (!renewed.ok()) return Fail(renewed.status());
  for (const server::Renewed& one : *renewed) {
    std::cout << (one.client_id.empty() ? "the server's certificate"
                                        : "client " + one.client_id)
              << ": until "
              << absl::FormatTime("%Y-%m-%d", absl::FromUnixMicros(one.end_us),
                                  absl::UTCTimeZone())
              << ", " << one.file << "\n";
  }
  if (renewed->empty()) {
    std::cout << "nothing to renew: all of them are good for another "
              << absl::ToInt64Hours(absl::Microseconds(options.within_us)) / 24
              << " days\n";
  }
  return kExitOk;
}

}  // namespace

void AddRenew(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<server::RenewOptions>();
  CLI::App* renew = app->add_subcommand(
      "renew",
      "Renew the gateway's own certificates that end within 60 days: the "
      "server's, administrators' and compliance officers'. Here, while the "
      "gateway does not run");
  renew->add_option("--host-name", options->host_names,
                    "Name or address in the server's certificate, in place of "
                    "those that it has; repeat");
  renew->callback([context, options] {
    context->exit_code = RunRenew(context->folder, *options);
  });
}

}  // namespace consentry::tools
