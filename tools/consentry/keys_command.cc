#include <grpcpp/grpcpp.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "gateway/server/recovery.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

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

struct KeysOptions {
  std::string as = "operator";
  bool json = false;
};

int Show(const grpc::Status& status, const v1::KeyStatus& keys,
         const KeysOptions& options) {
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(keys, std::cout);
    return kExitOk;
  }
  std::cout << "epoch " << keys.epoch() << ", since " << Text(keys.epoch_time())
            << "\n";
  if (keys.remaining() > 0) {
    std::cout << "a rotation is under way: " << keys.remaining()
              << " customers left\n";
  }
  if (keys.has_backup_expire_time()) {
    std::cout << "the last key backup expires "
              << Text(keys.backup_expire_time()) << "\n";
  }
  std::cout << (keys.recovery_confirmed()
                    ? "the recovery key was typed back\n"
                    : "nobody has typed the recovery key back: consentry keys "
                      "confirm\n");
  return kExitOk;
}

int WithAdmin(const std::string& folder, const KeysOptions& options,
              const std::function<int(v1::AdminService::Stub*)>& run) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  return run(v1::AdminService::NewStub((*session)->channel()).get());
}

int RunStatus(const std::string& folder, const KeysOptions& options) {
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    grpc::ClientContext call;
    v1::KeyStatus keys;
    return Show(admin->GetKeyStatus(&call, {}, &keys), keys, options);
  });
}

// Waits for the end: a gateway that this command itself started would stop with
// it.
int RunRotate(const std::string& folder, const KeysOptions& options,
              bool wait) {
  return WithAdmin(folder, options, [&](v1::AdminService::Stub* admin) {
    v1::KeyStatus keys;
    {
      grpc::ClientContext call;
      const grpc::Status status = admin->RotateKeys(&call, {}, &keys);
      if (!status.ok()) return PrintError(status, std::cerr);
    }
    while (wait && keys.remaining() > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      grpc::ClientContext call;
      const grpc::Status status = admin->GetKeyStatus(&call, {}, &keys);
      if (!status.ok()) return PrintError(status, std::cerr);
    }
    return Show(grpc::Status::OK, keys, options);
  });
}

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
  auto options = std::make_shared<KeysOptions>();
  const auto sub = [&](const char* name, const char* text) {
    CLI::App* command = keys->add_subcommand(name, text);
    command->add_option("--as", options->as, "Administrator to call as")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
    return command;
  };
  sub("status", "Epochs, and how far a rotation is")
      ->callback([context, options] {
        context->exit_code = RunStatus(context->folder, *options);
      });
  auto at_once = std::make_shared<bool>(false);
  CLI::App* rotate =
      sub("rotate",
          "Make a new epoch, wrap all keys anew, destroy the old epoch's");
  rotate->add_flag("--no-wait", *at_once,
                   "Return once it is decided; a running gateway goes on");
  rotate->callback([context, options, at_once] {
    context->exit_code = RunRotate(context->folder, *options, !*at_once);
  });
}

}  // namespace consentry::tools
