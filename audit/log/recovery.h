#ifndef CONSENTRY_AUDIT_LOG_RECOVERY_H_
#define CONSENTRY_AUDIT_LOG_RECOVERY_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/segment.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// Where a log ends, and what of a last batch was left unfinished.
struct LogEnd {
  std::vector<SegmentFile> segments;    // Also those without an entry yet.
  size_t used = 0;                      // The first so many have entries.
  std::vector<uint64_t> first_indexes;  // Of the used segments.

  uint64_t size = 0;
  Hash digest{};  // Of the last frame; of the origin where there is none.
  // Where the next frame goes: in segments[used - 1], in segments[0] where none
  // is used.
  uint64_t offset = 0;
  // The last frame, in segments[used - 1]; 0 bytes where there is none.
  uint64_t last_frame_offset = 0;
  uint64_t last_frame_bytes = 0;

  // Bytes of a batch that never became whole, to be overwritten with zeros
  // before the next is written: it was not acknowledged.
  size_t cut_segment = 0;
  uint64_t cut_begin = 0;
  uint64_t cut_end = 0;
};

// Reads the last two used segments whole, and of the others the start. Changes
// nothing. DataLoss, naming the entry, where a batch is damaged that is
// followed by another, since that one had been acknowledged; else as
// ListSegments.
absl::StatusOr<LogEnd> FindLogEnd(FileSystem* fs, std::string_view log_folder,
                                  const std::optional<Hash>& origin_hash);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_RECOVERY_H_
