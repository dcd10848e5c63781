#ifndef CONSENTRY_AUDIT_VERIFY_VERIFY_H_
#define CONSENTRY_AUDIT_VERIFY_VERIFY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/note.h"
#include "audit/verify/findings.h"

namespace consentry::audit {

struct VerifyOptions {
  // The public key of the log; its name is the log's origin.
  NoteVerifier key;
  // A checkpoint of this log kept elsewhere, as the note's bytes: what it
  // covers cannot be taken back by whoever holds the log.
  std::optional<std::string> checkpoint;
  // Called now and then with the number of entries read.
  std::function<void(uint64_t entries)> progress;
};

// Verifies the log in `folder`: a live one by its segments, or an exported one
// (C2SP tlog-tiles). Trusts nothing that it can recompute: all roots and tiles
// are made from the entries, and hashes that lie there serve only, once a
// signed root vouches for them, to tell which entry was touched and how.
//
// It proves, to who holds the key, that the entries below `signed_size` are
// those that were signed. It does not bind whoever holds the private key: that
// takes a checkpoint from outside that person's hands.
//
// Errors only where the folder is no log, cannot be read, or has a newer
// format; everything wrong with it is a finding. Reads each entry once, twice
// where something is wrong. Changes nothing.
absl::StatusOr<VerifyReport> Verify(FileSystem* fs, std::string_view folder,
                                    const VerifyOptions& options);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_VERIFY_H_
