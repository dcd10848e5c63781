#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>

#include "gateway/server/recovery.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

// While it lives, the terminal does not show what is typed.
class Silence {
 public:
  Silence() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    active_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (!active_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::cout << "\n";
  }

 private:
  termios before_{};
  bool active_ = false;
};

int RunConfirm(const std::string& folder) {
  std::string typed;
  {
    const Silence silence;
    if (isatty(STDIN_FILENO) != 0) {
      std::cout << "The recovery key as you wrote it down (not shown): "
                << std::flush;
    }
    std::getline(std::cin, typed);
  }
  const absl::Status status = server::ConfirmRecoveryKey(folder, typed);
  std::fill(typed.begin(), typed.end(), '\0');
  if (!status.ok()) return Fail(status);
  std::cout << "confirmed: it is the recovery key of this gateway\n";
  return kExitOk;
}

}  // namespace

void AddKeys(CLI::App* app, CommandContext* context) {
  CLI::App* keys = app->add_subcommand("keys", "The keys of this gateway");
  keys->require_subcommand(1);
  keys->add_subcommand("confirm",
                       "Type the recovery key back, so that it is known to be "
                       "written down")
      ->callback(
          [context] { context->exit_code = RunConfirm(context->folder); });
}

}  // namespace consentry::tools
