#ifndef CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_COMMAND_H_

#include <optional>
#include <ostream>
#include <string>

#include "tools/consentry/fairness_audit.h"

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

struct FairnessExplainOptions {
  // A consentry.config.v1.FairnessProfile as protobuf text.
  std::string file;
  // A catalog to look the fields up in. Empty: they are not looked up.
  std::string catalog;
  // Instead of what the profile expects.
  std::optional<double> units_per_day;
  bool json = false;
};

// What a profile will test, how many comparisons it makes, and what it can and
// cannot see at that traffic. Works on files alone. kExitNo, and all faults,
// for a profile that is not whole.
int FairnessExplain(const FairnessExplainOptions& options, std::ostream& out,
                    std::ostream& err);

// `fairness` with what works on files, and `audit --run` where `run` is given.
CLI::App* AddFairness(CLI::App* app, CommandContext* context, FairnessRun run);

// Under `fairness`.
void AddFairnessProfiles(CLI::App* fairness, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_COMMAND_H_
