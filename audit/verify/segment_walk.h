#ifndef CONSENTRY_AUDIT_VERIFY_SEGMENT_WALK_H_
#define CONSENTRY_AUDIT_VERIFY_SEGMENT_WALK_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/merkle/hash.h"
#include "audit/verify/findings.h"

namespace consentry::audit {

// What the segments of a log say by themselves, without a checkpoint.
struct SegmentWalk {
  uint64_t entries = 0;
  // From frames that are damaged, missing, too many or out of order. A fault
  // that only a signature can show, since every digest was made to fit, is not
  // among them.
  std::vector<Finding> findings;
  uint64_t unfinished_bytes = 0;
};

// Reads the segments in `log_folder` in order and hands on every entry that can
// still be read, also out of damaged frames: which of them are what was signed,
// is judged later. A last batch that is not whole counts as unfinished unless
// an entry of it is below `signed_size`.
//
// Errors only where nothing can be read, or the format is newer.
absl::StatusOr<SegmentWalk> WalkSegments(
    FileSystem* fs, std::string_view log_folder, const Hash& origin_hash,
    uint64_t signed_size,
    absl::FunctionRef<void(std::string_view entry)> on_entry);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_VERIFY_SEGMENT_WALK_H_
