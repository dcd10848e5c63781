#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/protos.h"

namespace consentry::tools {

void AddProtos(CLI::App* app, CommandContext* context) {
  auto folder = std::make_shared<std::string>();
  CLI::App* protos = app->add_subcommand(
      "protos", "Write the API's .proto files, for clients in any language");
  protos->add_option("folder", *folder, "Made if need be")->required();
  protos->callback([context, folder] {
    const auto written = WriteProtos(*folder);
    if (!written.ok()) {
      context->exit_code = Fail(written.status());
      return;
    }
    for (const std::string& name : *written) std::cout << name << "\n";
    context->exit_code = kExitOk;
  });
}

}  // namespace consentry::tools
