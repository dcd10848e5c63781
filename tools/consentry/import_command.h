#ifndef CONSENTRY_TOOLS_CONSENTRY_IMPORT_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_IMPORT_COMMAND_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "tools/consentry/importer.h"

namespace grpc {
class Channel;
}

namespace consentry::tools {

// Imports a file through a gateway, as `consentry import` does.
absl::StatusOr<ImportReport> ImportOver(
    const std::shared_ptr<grpc::Channel>& channel, const std::string& map,
    const std::string& file, const ImportOptions& options,
    std::ostream* quarantine, bool show_progress);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_IMPORT_COMMAND_H_
