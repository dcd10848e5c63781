#ifndef CONSENTRY_AUDIT_LOG_SEGMENT_MAP_H_
#define CONSENTRY_AUDIT_LOG_SEGMENT_MAP_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/segment.h"
#include "proto/support/mutex.h"

namespace consentry::audit {

// Which entries stand where: shared by the one writer of a log and its readers.
// Keeps a point about every 64 KiB of a segment (16 bytes each), made when the
// segment is first read. Safe for many threads.
class SegmentMap {
 public:
  explicit SegmentMap(FileSystem* fs) : fs_(fs) {}

  // A place where a frame starts.
  struct Place {
    std::string path;
    std::string salt;
    uint64_t offset = 0;
    uint64_t end = 0;          // Of the segment.
    uint64_t first_index = 0;  // Of the frame.
  };

  // Adds a segment behind all others, whose first frame starts at
  // `first_index`. `indexed`: AddFrame() will be called for all its frames.
  void AddSegment(const SegmentFile& segment, uint64_t first_index,
                  bool indexed);
  // Tells of a frame in the newest segment.
  void AddFrame(uint64_t first_index, uint64_t offset);

  // Lets readers see the entries below `size`.
  void Publish(uint64_t size);
  uint64_t size() const;
  // Waits until size() > `size`; false when `timeout` passed or Wake() was
  // called before that.
  bool WaitForMore(uint64_t size, std::chrono::nanoseconds timeout);
  // Ends every WaitForMore() now, and at once from here on.
  void Wake();

  // The nearest known frame at or before entry `index`. OutOfRange when index
  // is not below size(); DataLoss where the segment is damaged before it.
  absl::StatusOr<Place> Find(uint64_t index);

  FileSystem* fs() const { return fs_; }

 private:
  struct Point {
    uint64_t first_index;
    uint64_t offset;
  };
  struct Segment {
    SegmentFile file;
    uint64_t first_index;
    bool indexed;
    std::vector<Point> points;
  };

  absl::StatusOr<std::vector<Point>> Index(const SegmentFile& segment,
                                           uint64_t end_index) const;
  static void AddPoint(uint64_t first_index, uint64_t offset,
                       std::vector<Point>* points);

  FileSystem* const fs_;
  mutable Mutex mu_;
  CondVar grown_;
  std::vector<Segment> segments_ ABSL_GUARDED_BY(mu_);
  uint64_t size_ ABSL_GUARDED_BY(mu_) = 0;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_SEGMENT_MAP_H_
