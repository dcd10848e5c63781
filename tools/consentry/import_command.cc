#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "tools/consentry/command.h"
#include "tools/consentry/draft_command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/grpc_import.h"
#include "tools/consentry/import_command.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"

namespace consentry::tools {
namespace {

struct ImportCommandOptions {
  std::string client;
  std::string map;
  std::string file;
  std::string quarantine;
  std::string draft;
  std::string source;
  bool dry_run = false;
  bool json = false;
};

uint64_t SizeOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  return file ? static_cast<uint64_t>(file.tellg()) : 0;
}

// Removes a list of what was held back when nothing was.
void RemoveIfEmpty(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::error_code ignored;
  if (!std::getline(file, line)) std::filesystem::remove(path, ignored);
}

int RunImport(const std::string& folder, const ImportCommandOptions& options) {
  for (const std::string& file : {options.map, options.file}) {
    if (!std::ifstream(file)) {
      return Fail(absl::NotFoundError("cannot read " + file));
    }
  }
  const std::string quarantine_path = options.quarantine.empty()
                                          ? options.file + ".quarantine.csv"
                                          : options.quarantine;
  for (const std::string& read : {options.map, options.file}) {
    std::error_code ignored;
    if (std::filesystem::equivalent(quarantine_path, read, ignored)) {
      return Fail(absl::InvalidArgumentError(
          "the list of what is held back would replace " + read));
    }
  }
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  std::ofstream quarantine(quarantine_path);
  if (!quarantine) {
    return Fail(absl::UnavailableError("cannot write " + quarantine_path));
  }
  ImportOptions import_options;
  import_options.dry_run = options.dry_run;
  const auto report = ImportOver((*session)->channel(), options.map,
                                 options.file, import_options, &quarantine,
                                 /*show_progress=*/true);
  quarantine.close();
  RemoveIfEmpty(quarantine_path);
  if (!report.ok()) return Fail(report.status());
  std::cout << (options.json ? ReportJson(*report) + "\n"
                             : ReportTable(*report));
  if (!options.json && !report->reasons.empty()) {
    std::cout << "What was held back, by row and column: " << quarantine_path
              << "\n";
  }
  return kExitOk;
}

}  // namespace

absl::StatusOr<ImportReport> ImportOver(
    const std::shared_ptr<grpc::Channel>& channel, const std::string& map,
    const std::string& file, const ImportOptions& options,
    std::ostream* quarantine, bool show_progress) {
  std::unique_ptr<Progress> progress;
  if (show_progress) {
    Progress::Options progress_options;
    progress_options.label =
        "import " + file.substr(file.find_last_of('/') + 1);
    progress_options.total = SizeOf(file);
    progress_options.unit = "bytes";
    progress_options.terminal = Progress::StderrIsTerminal();
    progress_options.now_us = Progress::SteadyNowUs;
    progress = std::make_unique<Progress>(&std::cerr, progress_options);
  }
  grpc::Status ended;
  auto report = ImportFile(
      map, file, options,
      [&]() -> absl::StatusOr<std::unique_ptr<ImportTransport>> {
        return OpenImport(channel, &ended);
      },
      quarantine, progress.get());
  const std::string reason = ReasonOf(ended);
  if (report.ok() || reason.empty()) return report;
  return absl::Status(report.status().code(),
                      reason + ": " + ended.error_message());
}

void AddImport(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ImportCommandOptions>();
  CLI::App* command = app->add_subcommand(
      "import", "Import a CSV file by a map, or draft the map");
  command->add_option("file", options->file, "CSV file");
  command->add_option("--map", options->map, "Map of its columns (txtpb)");
  command->add_option("--draft", options->draft,
                      "Write a map for this CSV file, with guesses to review");
  command->add_option("--source", options->source,
                      "With --draft: key of the system that wrote the file; "
                      "one that the catalog does not know is added to it");
  command->add_option("--as", options->client,
                      "Registration to import as; default: the only one here");
  command->add_option("--quarantine", options->quarantine,
                      "Where rows that are held back are listed; default: "
                      "FILE.quarantine.csv");
  command->add_flag("--dry-run", options->dry_run, "Apply nothing");
  command->add_flag("--json", options->json, "Print the report as JSON");
  command->callback([context, options] {
    if (!options->draft.empty()) {
      context->exit_code =
          RunDraft(context->folder, options->draft, options->source);
    } else if (options->map.empty() || options->file.empty()) {
      context->exit_code = Fail(absl::InvalidArgumentError(
          "name a map and a file: consentry import --map MAP.txtpb FILE.csv "
          "(or --draft FILE.csv to make a map)"));
    } else {
      context->exit_code = RunImport(context->folder, *options);
    }
  });
}

}  // namespace consentry::tools
