#ifndef CONSENTRY_AUDIT_LOG_CHECKPOINT_H_
#define CONSENTRY_AUDIT_LOG_CHECKPOINT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/log/note.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// C2SP tlog-checkpoint v1: the text of a signed note that says which entries a
// log had.
struct Checkpoint {
  std::string origin;
  uint64_t size = 0;
  Hash root{};
  std::vector<std::string> extensions;  // We write none and accept any.

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

std::string FormatCheckpoint(const Checkpoint& checkpoint);
// InvalidArgument for anything that FormatCheckpoint would not have written.
absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text);

// A checkpoint and the whole note it came in.
struct SignedCheckpoint {
  Checkpoint checkpoint;
  std::string note;
};

// Parses a note with a checkpoint without looking at its signatures.
struct ParsedCheckpoint {
  Note note;
  Checkpoint checkpoint;
};
absl::StatusOr<ParsedCheckpoint> ParseCheckpointNote(std::string_view bytes);

// A decimal number without sign or leading zero, as these formats write it.
std::optional<uint64_t> ParseDecimal(std::string_view text);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_CHECKPOINT_H_
