#ifndef CONSENTRY_TOOLS_CONSENTRY_CONDUCT_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_CONDUCT_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

namespace consentry::tools {

// `consentry conduct` works on files alone: no gateway, nothing recorded.

struct ConductScanOptions {
  // CSV or TSV with a header.
  std::string file;
  // The column whose texts are looked at.
  std::string column;
  // Rules of one language only: "en", "de", "fr", "es". Empty: all.
  std::string language;
  // Files or folders of rules beside those of the program.
  std::vector<std::string> rules;
  bool json = false;
};

// What the texts of a column claim. With `json` one line for each row of data,
// whatever it holds: {"row":1,"findings":[...]}. Rows are counted from 1, the
// header not among them. A finding has rule, claim, type and proof, start and
// length in bytes of the text as UTF-8, the text of that stretch, and what it
// states: quantity, percent, left_seconds, deadline, former_price. A row that
// cannot be read has "error", one that was too long to be looked at as a whole
// "complete":false.
int ConductScan(const ConductScanOptions& options, std::ostream& out,
                std::ostream& err);

// Runs the examples of the rules, the program's and `rules`, and the cases of
// the rules about outputs. kExitNo when one fails.
int ConductTest(const std::vector<std::string>& rules, bool json,
                std::ostream& out, std::ostream& err);

// Looks for faults in files of consentry.config.v1.ConductPolicy, as the
// gateway would when it loads them. kExitNo, and all faults, when there are.
int ConductCheck(const std::vector<std::string>& paths, std::ostream& out,
                 std::ostream& err);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_CONDUCT_COMMAND_H_
