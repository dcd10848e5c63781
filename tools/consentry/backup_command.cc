#include <grpcpp/grpcpp.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "gateway/server/restore.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct BackupOptions {
  std::string as = "operator";
  std::string part = "all";
  bool list = false;
  bool json = false;
};

constexpr std::chrono::milliseconds kPoll(500);

std::string_view PartWord(v1::BackupPart part) {
  switch (part) {
    case v1::BACKUP_PART_DATA:
      return "data";
    case v1::BACKUP_PART_KEYS:
      return "keys";
    case v1::BACKUP_PART_LOG:
      return "log";
    default:
      return "all";
  }
}

void ShowBackup(const v1::Backup& backup) {
  std::cout << backup.id() << "  " << PartWord(backup.part()) << "  "
            << Text(backup.create_time()) << "  " << backup.bytes()
            << " bytes  "
            << (backup.verified() ? "read back and whole" : "NOT VERIFIED");
  if (backup.has_expire_time()) {
    std::cout << "  until " << Text(backup.expire_time());
  }
  std::cout << "\n";
}

grpc::Status List(v1::AdminService::Stub* admin,
                  std::vector<v1::Backup>* backups) {
  v1::ListBackupsRequest request;
  request.set_page_size(1000);
  while (true) {
    grpc::ClientContext call;
    v1::ListBackupsResponse page;
    const grpc::Status status = admin->ListBackups(&call, request, &page);
    if (!status.ok()) return status;
    backups->insert(backups->end(), page.backups().begin(),
                    page.backups().end());
    if (page.next_page_token().empty()) return status;
    request.set_page_token(page.next_page_token());
  }
}

// Prints, and says whether all are whole.
bool Print(const std::vector<v1::Backup>& backups,
           const BackupOptions& options) {
  bool whole = true;
  for (const v1::Backup& backup : backups) {
    whole &= backup.verified();
    if (options.json) {
      ShowJson(backup, std::cout);
    } else {
      ShowBackup(backup);
    }
  }
  return whole;
}

int RunBackup(const std::string& folder, const BackupOptions& options) {
  v1::CreateBackupRequest request;
  if (options.part == "data") {
    request.set_part(v1::BACKUP_PART_DATA);
  } else if (options.part == "keys") {
    request.set_part(v1::BACKUP_PART_KEYS);
  } else if (options.part == "log") {
    request.set_part(v1::BACKUP_PART_LOG);
  } else if (options.part != "all") {
    return Fail(
        absl::InvalidArgumentError("the part is data, keys, log or all"));
  }
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto admin = v1::AdminService::NewStub((*session)->channel());
  std::vector<v1::Backup> backups;
  if (options.list) {
    const grpc::Status status = List(admin.get(), &backups);
    if (!status.ok()) return PrintError(status, std::cerr);
    Print(backups, options);
    if (backups.empty() && !options.json) std::cout << "no backups\n";
    return kExitOk;
  }
  v1::Backup made;
  {
    grpc::ClientContext call;
    const grpc::Status status = admin->CreateBackup(&call, request, &made);
    if (!status.ok()) return PrintError(status, std::cerr);
  }
  // All that were begun together, until none has changed for a while.
  for (size_t done = 0, still = 0; still < 20;) {
    backups.clear();
    const grpc::Status status = List(admin.get(), &backups);
    if (!status.ok()) return PrintError(status, std::cerr);
    backups.erase(std::remove_if(backups.begin(), backups.end(),
                                 [&](const v1::Backup& backup) {
                                   return backup.create_time().seconds() !=
                                              made.create_time().seconds() ||
                                          backup.create_time().nanos() !=
                                              made.create_time().nanos();
                                 }),
                  backups.end());
    const auto verified = static_cast<size_t>(
        std::count_if(backups.begin(), backups.end(),
                      [](const v1::Backup& each) { return each.verified(); }));
    if (!backups.empty() && verified == backups.size()) break;
    still = verified == done ? still + 1 : 0;
    done = verified;
    std::this_thread::sleep_for(kPoll);
  }
  return Print(backups, options) ? kExitOk : kExitNo;
}

// Not shown while it is typed.
std::string ReadRecoveryKey() {
  termios before{};
  const bool silent = tcgetattr(STDIN_FILENO, &before) == 0;
  if (silent) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    std::cout << "The recovery key (not shown): " << std::flush;
  }
  std::string typed;
  std::getline(std::cin, typed);
  if (silent) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cout << "\n";
  }
  return typed;
}

int RunRestore(server::RestoreOptions options) {
  if (!options.keys_file.empty()) options.recovery_key = ReadRecoveryKey();
  const auto report = server::Restore(options);
  std::fill(options.recovery_key.begin(), options.recovery_key.end(), '\0');
  if (!report.ok()) return Fail(report.status());
  std::cout << "restored " << report->customers << " customers ("
            << report->rows << " rows); the log has " << report->log_size
            << " entries\n"
            << "done again: " << report->replayed
            << " entries that took something away; " << report->erased
            << " erasures\n";
  std::cout << "releases of outputs are signed by a new key: give "
               "release-verifier.txt to whoever verifies them\n";
  if (report->dropped_rows > 0) {
    std::cout << "left out: " << report->dropped_rows
              << " rows of customers whose keys are gone\n";
  }
  if (report->unreadable > 0) {
    std::cout << "left out: " << report->unreadable
              << " customers whose keys were renewed since the backup\n";
  }
  if (report->erasures_open > 0) {
    std::cout << "enter again: " << report->erasures_open
              << " erasures that were decided and not begun; nothing of these "
                 "customers is read until then\n";
  }
  const auto& configuration = report->configuration;
  if (configuration.revoked + configuration.suspended + configuration.purposes >
      0) {
    std::cout << "look at and lift: " << configuration.revoked
              << " registrations revoked, " << configuration.suspended
              << " suspended, " << configuration.purposes
              << " purposes suspended\n";
  }
  if (configuration.policy_lost) {
    std::cout << "another policy was in force than the one restored: put it in "
                 "force again, then lift the purposes\n";
  }
  if (configuration.left > 0) {
    std::cout << "the last administrator was changed or renewed since, and is "
                 "as before: change it again\n";
  }
  if (report->unknown > 0) {
    std::cout << "restricted: customers of " << report->unknown
              << " lines of the log that this program does not know\n";
  }
  if (report->about_nobody > 0) {
    std::cout << "the log speaks of customers who are not here, "
              << report->about_nobody << " times\n";
  }
  if (report->lost_audits > 0) {
    std::cout << "audits of fairness made or registered since: "
              << report->lost_audits
              << "; what they spent and their dates stand, their files are "
                 "where they were downloaded\n";
  }
  for (const std::string& profile : report->older_profiles) {
    std::cout << "fairness profile " << profile
              << " was changed since: look at it, and put it again\n";
  }
  if (report->uncertain) {
    std::cout << "every consent is uncertain until it is renewed\n";
  }
  return kExitOk;
}

}  // namespace

void AddBackup(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* backup = app->add_subcommand(
      "backup",
      "Write backups of data, keys and log, each to its own place, and read "
      "them back");
  backup->add_option("--part", options->part, "data, keys, log or all")
      ->capture_default_str();
  backup->add_flag("--list", options->list, "Show those there are");
  backup->add_option("--as", options->as, "Administrator to call as")
      ->capture_default_str();
  backup->add_flag("--json", options->json, "Print JSON");
  backup->callback([context, options] {
    context->exit_code = RunBackup(context->folder, *options);
  });

  auto restoring = std::make_shared<server::RestoreOptions>();
  CLI::App* restore = app->add_subcommand(
      "restore",
      "Make the data directory anew from backups, while no gateway runs");
  restore->add_option("--data", restoring->data_file, "A backup of the data")
      ->required();
  restore->add_option("--keys", restoring->keys_file,
                      "A backup of the keys; asks for the recovery key. "
                      "Default: the keys that are here");
  restore->add_option("--log", restoring->log_folder,
                      "A copy of the log, where the log is lost too");
  restore->add_option("--checkpoint", restoring->checkpoint_file,
                      "The newest checkpoint that was kept outside");
  restore->add_flag("--accept-loss", restoring->accept_loss,
                    "Go on without certainty that the log is whole: every "
                    "consent is uncertain until it is renewed");
  restore->callback([context, restoring] {
    restoring->config = context->folder;
    context->exit_code = RunRestore(*restoring);
  });
}

}  // namespace consentry::tools
