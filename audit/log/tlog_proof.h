#ifndef CONSENTRY_AUDIT_LOG_TLOG_PROOF_H_
#define CONSENTRY_AUDIT_LOG_TLOG_PROOF_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/checkpoint.h"
#include "audit/log/note.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// A C2SP tlog-proof@v1 file: that an entry stands in a log, for anyone who
// holds the log's public key.
struct TlogProof {
  // Not authenticated by itself. We put the entry here, so that the file is
  // enough to check it: what is checked is then the entry.
  std::optional<std::string> extra;
  uint64_t index = 0;
  std::vector<Hash> hashes;
  std::string checkpoint;  // The signed note, verbatim.
};

// Twice an entry's base64, a path of 64 and a note.
inline constexpr size_t kMaxTlogProofBytes = size_t{2} << 20;

std::string FormatTlogProof(const TlogProof& proof);
// InvalidArgument for anything that FormatTlogProof would not have written.
absl::StatusOr<TlogProof> ParseTlogProof(std::string_view bytes);

// Checks that `entry` is what `proof` proves, by one of the known keys, for the
// log of that key's name. InvalidArgument, saying what does not hold.
absl::StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof,
                                           std::string_view entry,
                                           std::span<const NoteVerifier> known);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_TLOG_PROOF_H_
