#include "audit/verify/segment_walk.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "audit/log/bytes.h"
#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "audit/log/segment.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

class Walker {
 public:
  Walker(FileSystem* fs, const Hash& origin_hash, uint64_t signed_size,
         absl::FunctionRef<void(std::string_view entry)> on_entry)
      : fs_(fs),
        origin_hash_(origin_hash),
        signed_size_(signed_size),
        on_entry_(on_entry),
        last_digest_(origin_hash) {}

  absl::Status WalkSegment(const std::string& path) {
    path_ = path;
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs_->Open(path, FileSystem::Mode::kRead));
    CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               file->ReadAt(0, kSegmentHeaderBytes));
    const absl::StatusOr<SegmentHeader> header = ParseSegmentHeader(bytes);
    std::string salt;
    if (header.ok()) {
      salt = header->salt;
      if (header->origin_hash != origin_hash_ && !other_log_) {
        other_log_ = true;
        Add(Fault::kOtherLog, 0, 0);
      }
    } else if (absl::IsFailedPrecondition(header.status())) {
      return header.status();
    } else {
      Add(Fault::kBadFrame, entries_, 0);
      if (bytes.size() < kSegmentHeaderBytes) return absl::OkStatus();
      salt = bytes.substr(64, kSaltBytes);
    }
    return WalkFrames(*file, salt, size);
  }

  SegmentWalk Finish() {
    if (doubtful_.has_value()) {
      if (entries_ < signed_size_) {
        Settle();
      } else {
        walk_.unfinished_bytes = doubtful_->bytes;
      }
    }
    for (Finding& gap : gaps_) walk_.findings.push_back(std::move(gap));
    std::stable_sort(
        walk_.findings.begin(), walk_.findings.end(),
        [](const Finding& a, const Finding& b) { return a.index < b.index; });
    walk_.entries = entries_;
    return std::move(walk_);
  }

 private:
  // A stretch that is damage if anything good follows, and else the end.
  struct Doubtful {
    Finding finding;
    std::vector<std::string> entries;
    uint64_t bytes = 0;
  };

  void Add(Fault fault, uint64_t index, uint64_t count) {
    walk_.findings.push_back({fault, index, count, path_});
  }

  void Settle() {
    if (!doubtful_.has_value()) return;
    for (const std::string& entry : doubtful_->entries) on_entry_(entry);
    entries_ += doubtful_->entries.size();
    walk_.findings.push_back(std::move(doubtful_->finding));
    doubtful_.reset();
  }

  void Doubt(Fault fault, uint64_t count, uint64_t bytes) {
    Settle();
    doubtful_ = Doubtful{{fault, entries_, count, path_}, {}, bytes};
    chained_ = false;
  }

  absl::Status WalkFrames(const File& file, const std::string& salt,
                          uint64_t size) {
    FrameCursor cursor(&file, salt, kSegmentHeaderBytes, size);
    for (;;) {
      const uint64_t offset = cursor.offset();
      Frame frame;
      CONSENTRY_ASSIGN_OR_RETURN(const FrameState state, cursor.Next(&frame));
      switch (state) {
        case FrameState::kGood:
          OnGoodFrame(frame);
          continue;
        case FrameState::kBadDigest:
          Doubt(Fault::kChanged, 0, frame.size);
          ForEachEntry(frame.payload, [&](std::string_view entry) {
            doubtful_->entries.emplace_back(entry);
            return true;
          });
          doubtful_->finding.count = doubtful_->entries.size();
          next_index_ += doubtful_->entries.size();
          cursor.Seek(offset + frame.size);
          continue;
        case FrameState::kBlank:
        case FrameState::kBad:
          break;
      }
      CONSENTRY_ASSIGN_OR_RETURN(const TailScan scan,
                                 ScanTail(file, salt, offset, size));
      if (scan.frame_offset.has_value()) {
        // Later frames are whole: what was here is lost.
        const uint64_t lost = scan.frame_first_index > next_index_
                                  ? scan.frame_first_index - next_index_
                                  : 0;
        Doubt(state == FrameState::kBlank ? Fault::kRemoved : Fault::kBadFrame,
              lost, *scan.frame_offset - offset);
        next_index_ = std::max(next_index_, scan.frame_first_index);
        cursor.Seek(*scan.frame_offset);
        continue;
      }
      if (scan.used_end > offset) {
        Doubt(Fault::kBadFrame, 0, scan.used_end - offset);
      }
      return absl::OkStatus();
    }
  }

  void OnGoodFrame(const Frame& frame) {
    Settle();
    const uint64_t end = frame.first_index + frame.count;
    const std::pair<uint64_t, uint64_t> frame_id = {
        frame.first_index, GetInt<uint64_t>(AsView(frame.digest), 0)};
    if (frame.first_index == next_index_) {
      if (chained_ && frame.previous != last_digest_) {
        Add(Fault::kChanged, entries_ - last_count_, last_count_);
      }
    } else if (frame.first_index > next_index_) {
      gaps_.push_back(
          {Fault::kRemoved, entries_, frame.first_index - next_index_, path_});
      gap_begins_.push_back(next_index_);
    } else if (std::find(seen_.begin(), seen_.end(), frame_id) != seen_.end()) {
      Add(Fault::kDuplicated, entries_, frame.count);
    } else if (const size_t gap = GapWith(frame.first_index);
               gap < gaps_.size()) {
      gaps_[gap].fault = Fault::kReordered;
    } else {
      Add(Fault::kInserted, entries_, frame.count);
    }
    seen_.push_back(frame_id);
    // Behind a frame that is out of its place the chain says nothing.
    chained_ = frame.first_index >= next_index_;
    next_index_ = std::max(next_index_, end);
    last_digest_ = frame.digest;
    last_count_ = frame.count;
    ForEachEntry(frame.payload, [&](std::string_view entry) {
      on_entry_(entry);
      ++entries_;
      return true;
    });
  }

  size_t GapWith(uint64_t index) const {
    for (size_t i = 0; i < gaps_.size(); ++i) {
      if (index >= gap_begins_[i] && index < gap_begins_[i] + gaps_[i].count) {
        return i;
      }
    }
    return gaps_.size();
  }

  FileSystem* const fs_;
  const Hash origin_hash_;
  const uint64_t signed_size_;
  const absl::FunctionRef<void(std::string_view entry)> on_entry_;

  SegmentWalk walk_;
  std::string path_;
  bool other_log_ = false;
  uint64_t entries_ = 0;     // Handed on.
  uint64_t next_index_ = 0;  // That the next frame should begin with.
  Hash last_digest_;
  uint64_t last_count_ = 0;
  bool chained_ = true;  // The last frame is good and in its place.
  // First index and start of the digest of each good frame.
  std::vector<std::pair<uint64_t, uint64_t>> seen_;
  std::vector<Finding> gaps_;
  std::vector<uint64_t> gap_begins_;
  std::optional<Doubtful> doubtful_;
};

}  // namespace

absl::StatusOr<SegmentWalk> WalkSegments(
    FileSystem* fs, std::string_view log_folder, const Hash& origin_hash,
    uint64_t signed_size,
    absl::FunctionRef<void(std::string_view entry)> on_entry) {
  const std::string folder = SegmentFolderOf(log_folder);
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs->List(folder));
  Walker walker(fs, origin_hash, signed_size, on_entry);
  for (const std::string& name : names) {
    if (!NumberOfSegment(name).has_value()) continue;
    CONSENTRY_RETURN_IF_ERROR(walker.WalkSegment(folder + "/" + name));
  }
  return walker.Finish();
}

}  // namespace consentry::audit
