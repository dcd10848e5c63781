#ifndef CONSENTRY_AUDIT_LOG_SEGMENT_H_
#define CONSENTRY_AUDIT_LOG_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// The first kSegmentHeaderBytes of a segment, written and synced with its zeros
// before the segment gets its name: a named segment with a bad header is
// damage, never a crash.
struct SegmentHeader {
  uint32_t version = 0;
  uint64_t number = 0;         // 1, 2, 3, ... without a gap.
  uint64_t segment_bytes = 0;  // Of the whole file.
  Hash origin_hash{};          // SHA-256 of the origin of the log.
  std::string salt;            // kSaltBytes, random, under each frame's digest.
};

std::string EncodeSegmentHeader(const SegmentHeader& header);

// DataLoss where the bytes are no header. FailedPrecondition, with the way out,
// where a newer or older program wrote it.
absl::StatusOr<SegmentHeader> ParseSegmentHeader(std::string_view bytes);

// "00000000000000000001.seg"; none where the name is not of that form.
std::string SegmentName(uint64_t number);
std::optional<uint64_t> NumberOfSegment(std::string_view name);

std::string SegmentFolderOf(std::string_view log_folder);

// A segment on disk, by its header.
struct SegmentFile {
  std::string path;
  SegmentHeader header;
};

// The segments of a log, in order. DataLoss where a number is missing between
// the first and the last, a header is bad or says another number or log, and
// FailedPrecondition as ParseSegmentHeader. `origin_hash` none: that of the
// first segment holds for all.
absl::StatusOr<std::vector<SegmentFile>> ListSegments(
    FileSystem* fs, std::string_view log_folder,
    const std::optional<Hash>& origin_hash);

// Makes segment `header.number` of zeros behind its header, durable, under its
// name. Slow: all of it is written, so that later no sync has metadata to
// commit. A part left by a crash or a failure has no segment's name.
absl::Status CreateSegment(FileSystem* fs, std::string_view log_folder,
                           const SegmentHeader& header);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_SEGMENT_H_
