#include "audit/log/recovery.h"

#include <memory>
#include <string>
#include <utility>

#include "audit/log/bytes.h"
#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

absl::Status Damaged(const SegmentFile& segment, uint64_t offset,
                     uint64_t index) {
  return absl::DataLossError(
      segment.path + " is damaged at byte " + std::to_string(offset) +
      ": entry " + std::to_string(index) +
      " cannot be read, though later ones were written; restore the log, or "
      "run `consentry audit verify` to see what is left");
}

// The good frames at the start of one segment.
struct Walk {
  uint64_t frames = 0;
  uint64_t first_index = 0;
  Hash first_previous{};
  uint64_t next_index = 0;
  Hash digest{};
  uint64_t offset = kSegmentHeaderBytes;  // Behind the last good frame.
  uint64_t last_offset = 0;
};

absl::StatusOr<Walk> WalkFrames(const SegmentFile& segment, const File& file) {
  Walk walk;
  FrameCursor cursor(&file, segment.header.salt, kSegmentHeaderBytes,
                     segment.header.segment_bytes);
  for (;;) {
    const uint64_t offset = cursor.offset();
    Frame frame;
    CONSENTRY_ASSIGN_OR_RETURN(const FrameState state, cursor.Next(&frame));
    if (state != FrameState::kGood) return walk;
    if (walk.frames == 0) {
      walk.first_index = frame.first_index;
      walk.first_previous = frame.previous;
    } else if (frame.first_index != walk.next_index ||
               frame.previous != walk.digest) {
      return Damaged(segment, offset, walk.next_index);
    }
    ++walk.frames;
    walk.next_index = frame.first_index + frame.count;
    walk.digest = frame.digest;
    walk.offset = cursor.offset();
    walk.last_offset = offset;
  }
}

// Notes in `end` what of an unfinished batch lies behind `offset`.
absl::Status FindCut(const File& file, size_t number, uint64_t offset,
                     uint64_t index, LogEnd* end) {
  const SegmentFile& segment = end->segments[number];
  CONSENTRY_ASSIGN_OR_RETURN(const TailScan scan,
                             ScanTail(file, segment.header.salt, offset,
                                      segment.header.segment_bytes));
  if (scan.frame_offset.has_value()) return Damaged(segment, offset, index);
  if (scan.used_end == offset) return absl::OkStatus();
  // Two unfinished batches there cannot be: the log closes at the first.
  if (end->cut_end != 0) return Damaged(segment, offset, index);
  end->cut_segment = number;
  end->cut_begin = offset;
  end->cut_end = scan.used_end;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LogEnd> FindLogEnd(FileSystem* fs, std::string_view log_folder,
                                  const std::optional<Hash>& origin_hash) {
  LogEnd end;
  CONSENTRY_ASSIGN_OR_RETURN(end.segments,
                             ListSegments(fs, log_folder, origin_hash));
  const auto open = [&](size_t i) {
    return fs->Open(end.segments[i].path, FileSystem::Mode::kRead);
  };
  if (!end.segments.empty()) {
    end.digest = end.segments.front().header.origin_hash;
    end.offset = kSegmentHeaderBytes;
  }

  // The last segment with a good first frame; behind it only blank ones, and
  // one in which the very first batch was not finished.
  Walk last;
  std::unique_ptr<File> last_file;
  size_t used = end.segments.size();
  for (; used > 0; --used) {
    CONSENTRY_ASSIGN_OR_RETURN(last_file, open(used - 1));
    CONSENTRY_ASSIGN_OR_RETURN(last,
                               WalkFrames(end.segments[used - 1], *last_file));
    if (last.frames > 0) break;
  }
  end.used = used;
  if (used > 0) {
    end.size = last.next_index;
    end.digest = last.digest;
    end.offset = last.offset;
    end.last_frame_offset = last.last_offset;
    end.last_frame_bytes = last.offset - last.last_offset;
    CONSENTRY_RETURN_IF_ERROR(
        FindCut(*last_file, used - 1, last.offset, end.size, &end));
  }
  for (size_t i = used; i < end.segments.size(); ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, open(i));
    CONSENTRY_RETURN_IF_ERROR(
        FindCut(*file, i, kSegmentHeaderBytes, end.size, &end));
  }
  // An unfinished batch stands where the next would have gone: at the end of
  // what is used, or at the start of the segment behind it.
  if (end.cut_end != 0 && end.cut_segment > used) {
    return Damaged(end.segments[used], kSegmentHeaderBytes, end.size);
  }

  for (size_t i = 0; i + 1 < used; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, open(i));
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string header,
        file->ReadAt(kSegmentHeaderBytes, kFrameHeaderBytes));
    const uint64_t expected =
        end.first_indexes.empty() ? 0 : end.first_indexes.back() + 1;
    if (!ClaimedFrameSize(header).has_value()) {
      return Damaged(end.segments[i], kSegmentHeaderBytes, expected);
    }
    const uint64_t first_index = GetInt<uint64_t>(header, 16);
    if (first_index < expected || (i == 0 && first_index != 0)) {
      return Damaged(end.segments[i], kSegmentHeaderBytes, expected);
    }
    end.first_indexes.push_back(first_index);
  }
  if (used == 1 && last.first_index != 0) {
    return Damaged(end.segments[0], kSegmentHeaderBytes, 0);
  }
  if (used == 0) return end;
  if (used > 1) {
    // The seam to the last segment, where a crash may just have been.
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               open(used - 2));
    CONSENTRY_ASSIGN_OR_RETURN(const Walk before,
                               WalkFrames(end.segments[used - 2], *file));
    if (before.next_index != last.first_index ||
        before.digest != last.first_previous) {
      return Damaged(end.segments[used - 2], before.offset, before.next_index);
    }
  } else if (last.first_previous != end.segments[0].header.origin_hash) {
    return Damaged(end.segments[0], kSegmentHeaderBytes, 0);
  }
  end.first_indexes.push_back(last.first_index);
  return end;
}

}  // namespace consentry::audit
