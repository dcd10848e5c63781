#ifndef CONSENTRY_AUDIT_LOG_FRAME_H_
#define CONSENTRY_AUDIT_LOG_FRAME_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// One batch as it stands in a segment (FORMAT.md, "Frame").
struct Frame {
  uint64_t first_index = 0;
  uint32_t count = 0;
  Hash previous{};           // Digest of the frame before.
  Hash digest{};             // Of this one: salt, header and entries.
  std::string_view payload;  // entry*, inside the bytes that were parsed.
  size_t size = 0;           // With padding: where the next frame starts.
};

// Appends the frame of `entries` to `out` and returns its digest. Every entry
// must be at most kMaxEntryBytes, the batch within its bounds and not empty.
Hash EncodeFrame(std::string_view salt, uint64_t first_index,
                 const Hash& previous,
                 std::span<const std::string_view> entries, std::string* out);

// The size that EncodeFrame would append.
size_t EncodedFrameSize(std::span<const std::string_view> entries);

enum class FrameState {
  kGood,
  kBlank,      // Nothing was written here.
  kBadDigest,  // Built like a frame, but its digest is not that of its bytes.
  kBad,        // No frame.
};

// Parses the frame at the start of `bytes`. For kGood and kBadDigest `frame` is
// filled; nothing of the latter may be trusted.
FrameState ParseFrame(std::string_view salt, std::string_view bytes,
                      Frame* frame);

// What a frame at the start of `bytes` says its size is, within the bounds of
// the format; none where that is no frame header.
std::optional<size_t> ClaimedFrameSize(std::string_view bytes);

// Calls `f` with each entry of a payload in order, until it answers false.
// False when the payload is not a sequence of whole entries.
bool ForEachEntry(std::string_view payload,
                  absl::FunctionRef<bool(std::string_view entry)> f);

// Walks the frames of one segment from `offset`, in reads that grow to 1 MiB.
// One thread at a time.
class FrameCursor {
 public:
  // `file` must outlive the cursor. `salt` is that of the segment.
  FrameCursor(const File* file, std::string salt, uint64_t offset,
              uint64_t end);

  // Parses the frame at offset(). For kGood the cursor moves behind it; for
  // everything else it stays. The views in `frame` hold until the next call.
  absl::StatusOr<FrameState> Next(Frame* frame);

  // Goes on at `offset`.
  void Seek(uint64_t offset) { offset_ = offset; }

  uint64_t offset() const { return offset_; }

 private:
  // Makes at least `bytes` from offset_ available, fewer only at the end.
  absl::Status Fill(size_t bytes);
  std::string_view Available() const;

  const File* const file_;
  const std::string salt_;
  uint64_t offset_;
  const uint64_t end_;
  std::string buffer_;
  uint64_t buffer_offset_ = 0;
  size_t read_bytes_ = size_t{96} << 10;
};

// What lies in [offset, end) of a segment where no good frame starts at
// `offset`.
struct TailScan {
  // Where the last byte that is not zero ends; `offset` when all are zero.
  uint64_t used_end = 0;
  // The first whole, good frame in there, if any: then what is before it is
  // damage to something that had been written in full.
  std::optional<uint64_t> frame_offset;
  uint64_t frame_first_index = 0;
};
absl::StatusOr<TailScan> ScanTail(const File& file, std::string_view salt,
                                  uint64_t offset, uint64_t end);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_FRAME_H_
