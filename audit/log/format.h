#ifndef CONSENTRY_AUDIT_LOG_FORMAT_H_
#define CONSENTRY_AUDIT_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

// The sizes and names of the log on disk, in one place for all that write and
// read it. audit/FORMAT.md holds the grammar and an example with real bytes.
// All integers are big-endian.

namespace consentry::audit {

// The format that this program writes. It reads no newer one.
inline constexpr uint32_t kLogFormatVersion = 1;

// An entry must fit the two-byte length of a C2SP tlog-tiles entry bundle.
inline constexpr size_t kMaxEntryBytes = 65535;
inline constexpr size_t kEntryLengthBytes = 2;

// A batch: far above what one sync should wait for, far below a segment.
inline constexpr size_t kMaxBatchEntries = 65536;
inline constexpr size_t kMaxBatchBytes = size_t{4} << 20;

// segment := header frame* zeros
// header  := magic(8) version(4) header_bytes(4) number(8) segment_bytes(8)
//            origin_hash(32) salt(16) zeros(16) digest(32)
inline constexpr std::string_view kSegmentMagic = "CSTSEGM\n";
inline constexpr size_t kSegmentHeaderBytes = 128;
inline constexpr size_t kSaltBytes = 16;

// frame   := magic(8) count(4) length(4) first_index(8) previous(32)
//            entry* digest(32) padding
// entry   := length(2) bytes
inline constexpr std::string_view kFrameMagic = "CSTBATC\n";
inline constexpr size_t kFrameHeaderBytes = 56;
inline constexpr size_t kFrameDigestBytes = 32;
inline constexpr size_t kFrameAlignment = 8;
inline constexpr size_t kMinFrameBytes =
    kFrameHeaderBytes + kEntryLengthBytes + kFrameDigestBytes;

// A segment must hold the largest batch.
inline constexpr uint64_t kDefaultSegmentBytes = uint64_t{32} << 20;
inline constexpr uint64_t kMaxSegmentBytes = uint64_t{1} << 30;

// Names inside the folder of a log.
inline constexpr std::string_view kLockName = "lock";
inline constexpr std::string_view kSegmentFolder = "segments";
inline constexpr std::string_view kSegmentSuffix = ".seg";
inline constexpr std::string_view kClosedName = "closed";
inline constexpr std::string_view kTreeFolder = "tree";
inline constexpr std::string_view kCheckpointName = "checkpoint";
inline constexpr std::string_view kCheckpointFolder = "checkpoints";

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_FORMAT_H_
