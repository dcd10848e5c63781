#ifndef CONSENTRY_TOOLS_CONSENTRY_PROTOS_H_
#define CONSENTRY_TOOLS_CONSENTRY_PROTOS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::tools {

// The .proto files of the public API and what they import beyond protobuf's own
// (google/rpc), as they were when the program was built. Java and Go options
// are set in all of them.
absl::Span<const EmbeddedFile> EmbeddedProtos();

// Writes them below `directory`, which is made if need be, and returns their
// names relative to it. A file that is there is replaced. Unavailable when a
// folder or file cannot be written; then some may have been.
absl::StatusOr<std::vector<std::string>> WriteProtos(
    const std::string& directory);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_PROTOS_H_
