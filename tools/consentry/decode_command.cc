#include "tools/consentry/decode_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "policy/signals/signal.h"
#include "policy/signals/signal_error.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/signal_text.h"

namespace consentry::tools {

int DecodeSignalTo(std::string_view text, bool json, std::ostream& out,
                   std::ostream& err) {
  const auto signal = signals::DecodeSignal(text);
  if (signal.ok()) {
    out << (json ? SignalJson(*signal) + "\n" : SignalWords(*signal));
    return kExitOk;
  }
  const auto error =
      signals::ErrorOf(signal.status()).value_or(signals::SignalError());
  if (json) {
    out << "{\"error\":\"" << signals::FaultName(error.fault)
        << "\",\"field\":\"" << error.field
        << "\",\"character\":" << error.character << ",\"bit\":" << error.bit
        << "}\n";
  } else {
    err << "refused: " << signals::FaultName(error.fault) << ": "
        << signal.status().message() << "\n";
  }
  return kExitNo;
}

void AddDecode(CLI::App* consent, CommandContext* context) {
  struct Options {
    std::string text;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* decode = consent->add_subcommand(
      "decode", "Show what a TCF, GPP, US Privacy or GPC signal says");
  decode->add_option("string", options->text, "The raw string")->required();
  decode->add_flag("--json", options->json, "Print JSON");
  decode->callback([context, options] {
    context->exit_code =
        DecodeSignalTo(options->text, options->json, std::cout, std::cerr);
  });
}

}  // namespace consentry::tools
