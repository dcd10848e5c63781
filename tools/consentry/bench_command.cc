#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tools/consentry/bench_echo.h"
#include "tools/consentry/bench_run.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

struct BenchFlags {
  bool json = false;
  bool quick = false;
  std::vector<std::string> only;
  std::string keep;
};

// Removed at the end, unless the caller keeps it.
class WorkFolder {
 public:
  explicit WorkFolder(const std::string& kept) : kept_(!kept.empty()) {
    std::error_code fault;
    if (kept_) {
      std::filesystem::create_directories(kept, fault);
      path_ = std::filesystem::absolute(kept, fault).string();
      if (!std::filesystem::is_directory(path_, fault)) path_.clear();
      return;
    }
    std::string name =
        (std::filesystem::temp_directory_path(fault) / "consentry-bench-XXXXXX")
            .string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!kept_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  // Empty: it could not be made.
  const std::string& path() const { return path_; }

 private:
  const bool kept_;
  std::string path_;
};

int RunBench(const BenchFlags& flags) {
  const WorkFolder folder(flags.keep);
  if (folder.path().empty()) {
    return Fail(absl::UnavailableError("cannot make a folder to measure in"));
  }
  BenchOptions options;
  options.quick = flags.quick;
  options.only = {flags.only.begin(), flags.only.end()};
  options.folder = folder.path();
  BenchRun run(options);
  run.Run();
  if (flags.json) {
    WriteJson(run.report(), &std::cout);
  } else {
    WriteTable(run.report(), &std::cout);
  }
  if (!run.report().failed.empty()) return kExitError;
  const auto& figures = run.report().figures;
  return std::all_of(figures.begin(), figures.end(), Met) ? kExitOk : kExitNo;
}

}  // namespace

void AddBench(CLI::App* app, CommandContext* context) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App* bench = app->add_subcommand(
      "bench", "Measure this machine: reads, log, growth, start");
  std::vector<std::string> names;
  for (const FigureSpec& spec : FigureSpecs()) names.emplace_back(spec.name);
  bench->add_flag("--json", flags->json, "One line of JSON");
  bench->add_flag("--quick", flags->quick,
                  "100 thousand where the names say 1 million, shorter spans");
  bench->add_option("--only", flags->only, "A figure's name; repeat")
      ->check(CLI::IsMember(names));
  bench->add_option("--keep", flags->keep,
                    "Measure in this folder and keep it: a later run uses its "
                    "customers again. Else a folder for temporary files, "
                    "removed at the end; a full run takes some 10 GB");
  bench->callback([context, flags] { context->exit_code = RunBench(*flags); });

  auto folder = std::make_shared<std::string>();
  CLI::App* echo = app->add_subcommand("bench-echo", "")->group("");
  echo->add_option("folder", *folder)->required();
  echo->callback([context, folder] {
    const absl::Status status = ServeEcho(*folder);
    context->exit_code = status.ok() ? kExitOk : Fail(status);
  });
}

}  // namespace consentry::tools
