#ifndef CONSENTRY_AUDIT_VERIFY_FINDINGS_H_
#define CONSENTRY_AUDIT_VERIFY_FINDINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/checkpoint.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// What was done to a log. The names (NameOf) are stable.
enum class Fault {
  kChanged,              // An entry is not the one that was signed.
  kRemoved,              // Entries are missing, later ones are there.
  kInserted,             // An entry that was never signed stands between.
  kReordered,            // The signed entries in another order.
  kDuplicated,           // A signed entry stands there once more.
  kTailCut,              // The last signed entries are missing.
  kRewound,              // A sound log, but an older state of, or another
                         // history than, the checkpoint given.
  kBadSignature,         // A checkpoint with a forged signature.
  kUnknownKey,           // A checkpoint that the known key did not sign.
  kMalformedCheckpoint,  // No checkpoint at all, though it should be one.
  kMissingCheckpoint,    // Nothing says what the entries should be.
  kRootMismatch,         // The entries are not those that were signed; which
                         // of them, nothing left over tells.
  kBadFrame,             // Batch or segment damaged, its entries as signed.
  kBadTile,              // A hash of the tree damaged, the entries as signed.
  kOtherLog,             // Segments or checkpoint of another log than the key.
};

// "changed", "removed", ..., "tail-cut", "other-log".
std::string_view NameOf(Fault fault);

struct Finding {
  Fault fault = Fault::kChanged;
  // The first entry it concerns: the place where it is missing, too many or
  // wrong. For kRootMismatch and kRewound, where trust ends.
  uint64_t index = 0;
  uint64_t count = 0;  // Of entries concerned; 0 where that is unknown.
  std::string where;   // File, or "checkpoint given".
};

// What a verification found. Sound when there is no finding, and then it holds
// for the entries below `signed_size`.
struct VerifyReport {
  uint64_t entries = 0;                  // That stand there.
  uint64_t signed_size = 0;              // Covered by a checkpoint that holds.
  Hash root{};                           // Over all that stand there.
  std::optional<Checkpoint> checkpoint;  // The newest one that holds.
  std::vector<Finding> findings;  // The first kMaxFindings, in log order.
  uint64_t finding_count = 0;
  // Of a last batch that is not whole: a crash leaves it, or a writer at work.
  uint64_t unfinished_bytes = 0;

  static constexpr size_t kMaxFindings = 100;

  bool ok() const { return findings.empty(); }
  void Add(Finding finding);
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_FINDINGS_H_
