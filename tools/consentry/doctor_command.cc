#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "gateway/server/doctor.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

struct DoctorFlags {
  bool dev = false;
  bool json = false;
};

const char* WordOf(server::Health health) {
  switch (health) {
    case server::Health::kGood:
      return "ok";
    case server::Health::kWarning:
      return "warn";
    case server::Health::kFailure:
      return "FAIL";
  }
  return "";
}

int RunDoctorCommand(const std::string& folder, const DoctorFlags& flags) {
  server::DoctorOptions options;
  options.config = folder;
  options.dev = flags.dev;
  options.now_us = std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  bool failed = false;
  bool first = true;
  if (flags.json) std::cout << "[";
  for (const server::Finding& finding : server::RunDoctor(options)) {
    failed = failed || finding.health == server::Health::kFailure;
    if (flags.json) {
      // Texts are ours: ASCII, quotes and control characters apart.
      std::cout << (first ? "" : ",") << "\n  {\"health\": \""
                << WordOf(finding.health) << "\", \"check\": \""
                << finding.check << "\", \"text\": \""
                << absl::Utf8SafeCEscape(finding.text) << "\"}";
      first = false;
    } else {
      std::cout
          << WordOf(finding.health)
          << std::string(6 - std::string(WordOf(finding.health)).size(), ' ')
          << finding.check
          << std::string(
                 finding.check.size() < 15 ? 15 - finding.check.size() : 1, ' ')
          << finding.text << "\n";
    }
  }
  if (flags.json) std::cout << "\n]\n";
  return failed ? kExitNo : kExitOk;
}

}  // namespace

void AddDoctor(CLI::App* app, CommandContext* context) {
  auto flags = std::make_shared<DoctorFlags>();
  CLI::App* command = app->add_subcommand(
      "doctor", "Look for what is unsafe, broken or about to end");
  command->add_flag("--dev", flags->dev, "Keys beside the data are no failure");
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([context, flags] {
    context->exit_code = RunDoctorCommand(context->folder, *flags);
  });
}

}  // namespace consentry::tools
