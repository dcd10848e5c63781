#ifndef CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_VERIFY_H_
#define CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_VERIFY_H_

#include <ostream>
#include <string>

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

struct FairnessVerifyOptions {
  // The JSON file of a report, byte by byte as it was downloaded.
  std::string file;
  // The signed note over it.
  std::string note;
  // Public key of the audit log, or a file with it. Empty: of `folder`.
  std::string key;
};

// Whether the log's key signed the note, and the file is the one that it is
// about. Works on files alone. kExitNo where it is not so, kExitError where a
// file or key cannot be read.
int FairnessVerify(const std::string& folder,
                   const FairnessVerifyOptions& options, std::ostream& out,
                   std::ostream& err);

// Under `fairness`.
void AddFairnessVerify(CLI::App* fairness, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_VERIFY_H_
