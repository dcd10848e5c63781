#ifndef CONSENTRY_TOOLS_CONSENTRY_POLICY_COMMANDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_POLICY_COMMANDS_H_

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "tools/consentry/policy_files.h"

namespace CLI {
class App;
}  // namespace CLI

namespace consentry::tools {

// `consentry policy ...`: works on files alone; needs no gateway, store or
// network. Exit codes (exit_code.h): kExitNo when a case fails, coverage is too
// low, lint finds something or a decision denies; kExitError when the files
// cannot be read or compiled.

struct PolicyTestOptions {
  PolicySources sources;
  // Case files or folders of them; empty: those that come with the program. In
  // a folder, catalog.txtpb and purposes.txtpb are what the cases speak of.
  std::vector<std::string> cases;
  // Percent of cells, 0 to 100, below which the run fails.
  std::optional<double> coverage_threshold;
  // Every rule that no case determines fails the run as well.
  bool all_rules = false;
  bool json = false;
  // Passed cases are listed too.
  bool verbose = false;
};

// Decides every case and compares. Prints a table of files, what failed and
// how, and per pack which cells and rules the cases reach.
int RunPolicyTest(const PolicyTestOptions& options, std::ostream& out,
                  std::ostream& err);

struct PolicyEvalOptions {
  PolicySources sources;
  // A PolicyCase, or a PolicyCaseFile with `name`; "-" reads standard input.
  std::string file = "-";
  // The case of a PolicyCaseFile; empty: the file holds one PolicyCase, or a
  // PolicyCaseFile with a single case.
  std::string name;
  bool json = false;
};

// Decides one case and prints the decision. kExitNo for a denial; with an
// expectation in the case, for whatever differs from it, which is printed.
int RunPolicyEval(const PolicyEvalOptions& options, std::istream& in,
                  std::ostream& out, std::ostream& err);

// Decides one case and tells in words why, with the citations it rests on.
int RunPolicyExplain(const PolicyEvalOptions& options, std::istream& in,
                     std::ostream& out, std::ostream& err);

struct PolicyLintOptions {
  PolicySources sources;
  // Notes (unchecked citations, conditions) are listed too, not only counted.
  bool notes = false;
  bool json = false;
};

// Prints what LintPolicy finds; 2 with a warning or an error.
int RunPolicyLint(const PolicyLintOptions& options, std::ostream& out,
                  std::ostream& err);

// Adds `policy` and its subcommands; each ends by CLI::RuntimeError with the
// exit code, which App::exit returns. Reads std::cin, writes std::cout and
// std::cerr.
void AddPolicy(CLI::App& app);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_POLICY_COMMANDS_H_
