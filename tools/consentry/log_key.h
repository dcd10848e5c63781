#ifndef CONSENTRY_TOOLS_CONSENTRY_LOG_KEY_H_
#define CONSENTRY_TOOLS_CONSENTRY_LOG_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "audit/log/note.h"

namespace CLI {
class App;
}

namespace consentry::tools {

// The public key of the audit log, for what is verified offline. `named` is the
// key itself or a file that holds it; empty: the file that `init` wrote into
// `folder`.
absl::StatusOr<audit::NoteVerifier> ReadLogKey(const std::string& named,
                                               const std::string& folder);

// The option --key, which fills `named`.
void AddLogKeyOption(CLI::App* command, std::string* named);

// The whole of a file. NotFound when it cannot be read.
absl::StatusOr<std::string> ReadWhole(const std::string& path);

// Writes the whole of `text`, or nothing that passes for it.
absl::Status WriteWhole(const std::string& path, const std::string& text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_LOG_KEY_H_
