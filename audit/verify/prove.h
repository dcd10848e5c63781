#ifndef CONSENTRY_AUDIT_VERIFY_PROVE_H_
#define CONSENTRY_AUDIT_VERIFY_PROVE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/checkpoint.h"
#include "audit/log/tlog_proof.h"

namespace consentry::audit {

// Makes a proof file for entry `index` from the folder of a log at rest, live
// or exported, under the newest checkpoint that lies there. Uses stored hashes
// where they lead to that checkpoint, and else makes them all from the entries;
// reads few kilobytes in the first case. The checkpoint's signature is not
// checked here, since that takes a key; the path to its root is.
//
// NotFound where there is no log or no checkpoint; OutOfRange for an index that
// the checkpoint does not cover; DataLoss where the entries are not those of
// the checkpoint. Changes nothing.
absl::StatusOr<TlogProof> ProveFromFolder(FileSystem* fs,
                                          std::string_view folder,
                                          uint64_t index);

// The newest checkpoint in the folder of a log, live or exported, unchecked.
absl::StatusOr<SignedCheckpoint> NewestCheckpoint(FileSystem* fs,
                                                  std::string_view folder);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_PROVE_H_
