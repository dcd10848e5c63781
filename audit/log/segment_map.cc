#include "audit/log/segment_map.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr uint64_t kPointDistance = uint64_t{64} << 10;

}  // namespace

void SegmentMap::AddPoint(uint64_t first_index, uint64_t offset,
                          std::vector<Point>* points) {
  if (points->empty() || offset - points->back().offset >= kPointDistance) {
    points->push_back({first_index, offset});
  }
}

void SegmentMap::AddSegment(const SegmentFile& segment, uint64_t first_index,
                            bool indexed) {
  MutexLock lock(&mu_);
  segments_.push_back({segment, first_index, indexed, {}});
}

void SegmentMap::AddFrame(uint64_t first_index, uint64_t offset) {
  MutexLock lock(&mu_);
  AddPoint(first_index, offset, &segments_.back().points);
}

void SegmentMap::Publish(uint64_t size) {
  MutexLock lock(&mu_);
  size_ = size;
  grown_.SignalAll();
}

uint64_t SegmentMap::size() const {
  MutexLock lock(&mu_);
  return size_;
}

bool SegmentMap::WaitForMore(uint64_t size, std::chrono::nanoseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(&mu_);
  while (size_ <= size && !woken_) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    grown_.WaitFor(&mu_, deadline - now);
  }
  return size_ > size;
}

void SegmentMap::Wake() {
  MutexLock lock(&mu_);
  woken_ = true;
  grown_.SignalAll();
}

absl::StatusOr<SegmentMap::Place> SegmentMap::Find(uint64_t index) {
  SegmentFile to_index;
  uint64_t end_index = 0;
  for (;;) {
    {
      MutexLock lock(&mu_);
      if (index >= size_) {
        return absl::OutOfRangeError("no entry " + std::to_string(index) +
                                     " in a log of " + std::to_string(size_));
      }
      const auto after = std::upper_bound(
          segments_.begin(), segments_.end(), index,
          [](uint64_t i, const Segment& s) { return i < s.first_index; });
      if (after == segments_.begin()) {
        return absl::DataLossError("entry " + std::to_string(index) +
                                   " stands in no segment");
      }
      const Segment& segment = *(after - 1);
      if (segment.indexed) {
        const auto point = std::upper_bound(
            segment.points.begin(), segment.points.end(), index,
            [](uint64_t i, const Point& p) { return i < p.first_index; });
        Place place{segment.file.path, segment.file.header.salt,
                    kSegmentHeaderBytes, segment.file.header.segment_bytes,
                    segment.first_index};
        if (point != segment.points.begin()) {
          place.offset = (point - 1)->offset;
          place.first_index = (point - 1)->first_index;
        }
        return place;
      }
      to_index = segment.file;
      end_index = after == segments_.end() ? size_ : after->first_index;
    }
    // Reading a segment takes long: without the lock. Two threads may do it
    // at once and find the same.
    CONSENTRY_ASSIGN_OR_RETURN(std::vector<Point> points,
                               Index(to_index, end_index));
    MutexLock lock(&mu_);
    for (Segment& segment : segments_) {
      if (segment.file.header.number == to_index.header.number) {
        segment.points = std::move(points);
        segment.indexed = true;
        break;
      }
    }
  }
}

absl::StatusOr<std::vector<SegmentMap::Point>> SegmentMap::Index(
    const SegmentFile& segment, uint64_t end_index) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs_->Open(segment.path, FileSystem::Mode::kRead));
  std::vector<Point> points;
  FrameCursor cursor(file.get(), segment.header.salt, kSegmentHeaderBytes,
                     segment.header.segment_bytes);
  Frame frame;
  for (uint64_t next = 0; next < end_index;
       next = frame.first_index + frame.count) {
    const uint64_t offset = cursor.offset();
    CONSENTRY_ASSIGN_OR_RETURN(const FrameState state, cursor.Next(&frame));
    if (state != FrameState::kGood) {
      return absl::DataLossError(segment.path + " is damaged at byte " +
                                 std::to_string(offset));
    }
    AddPoint(frame.first_index, offset, &points);
  }
  return points;
}

}  // namespace consentry::audit
