#ifndef CONSENTRY_AUDIT_LOG_WRITER_H_
#define CONSENTRY_AUDIT_LOG_WRITER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/format.h"
#include "audit/log/reader.h"
#include "audit/log/recovery.h"
#include "audit/log/segment.h"
#include "audit/log/segment_map.h"
#include "audit/merkle/hash.h"
#include "proto/support/mutex.h"

namespace consentry::audit {

// What LogWriter::Open found. Where `clean` is false, the caller tells the log
// of it: an entry with `size` and `bytes_cut`.
struct RecoveryReport {
  bool created = false;  // There was no log; then clean is true.
  bool clean = false;    // Closed by Close(), and as it was then.
  uint64_t size = 0;     // Entries found.
  // Bytes of a last batch that was never whole, hence never acknowledged.
  uint64_t bytes_cut = 0;
};

// Appends batches of entries to a log on disk: append-only segments, a batch as
// the frame, one write and one sync a batch. An entry is any bytes up to
// kMaxEntryBytes; its index is its place from 0, without a gap, and is never
// given twice.
//
// Promise: when Append() returned an index, the whole batch survives a crash.
// When it failed, the batch is there in whole or not at all, after the next
// Open() for good. Nothing here makes tampering evident: that is for Tree and
// checkpoints, which follow behind and never hold up Append().
//
// Append() is safe for many threads, one at a time; all else is as well. A
// folder takes one writer at a time, by a lock.
class LogWriter {
 public:
  struct Options {
    // The name of this log in its checkpoints, such as
    // "consentry.example/7f3a". Bound into every segment; never changes.
    std::string origin;
    // Of new segments: a multiple of 8 from 4096 to kMaxSegmentBytes. A batch
    // must fit one.
    uint64_t segment_bytes = kDefaultSegmentBytes;
    // Write the next segment's zeros ahead on a thread of its own. Without it,
    // the batch that needs the next segment waits for it.
    bool prepare_in_background = true;
    // `n` random bytes for the salt of a segment; libsodium's where empty.
    std::function<std::string(size_t n)> random;
  };

  // Opens the log in `folder`, or makes it; the folder above must exist. Cuts
  // off whole what was left of an unfinished last batch.
  // Errors: FailedPrecondition when another writer has it open, or the format
  // is newer or older; DataLoss, naming the first bad entry, when a batch is
  // damaged that another follows, or when there are fewer entries than at the
  // last Close(); InvalidArgument for options; those of FileSystem.
  static absl::StatusOr<std::unique_ptr<LogWriter>> Open(
      FileSystem* fs, std::string_view folder, const Options& options,
      RecoveryReport* report);

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  // Without Close() the next Open() reports an unclean start.
  ~LogWriter();

  // Appends `entries` as one batch and returns the index of the first, when
  // all are on stable storage. InvalidArgument, with nothing written, for an
  // empty batch or one beyond a bound. Any other failure closes the log for
  // ever: this and every later call answers it, healthy() is false, and only
  // a new Open() finds out what was kept.
  absl::StatusOr<uint64_t> Append(std::span<const std::string_view> entries);

  // Entries that are on stable storage.
  uint64_t size() const { return map_->size(); }

  // False once a write or sync failed, or after Close(). Never waits for a
  // sync.
  bool healthy() const { return healthy_.load(std::memory_order_acquire); }
  // Why it is not healthy.
  absl::Status status() const;

  // Bytes that can still be appended without asking the disk for more.
  uint64_t prepared_bytes() const;

  // The largest sum of entry sizes, 2 bytes more for each, that fits a batch.
  uint64_t max_batch_bytes() const { return max_batch_bytes_; }

  // Marks the log as closed in good order. Append() fails from here on; the
  // lock on the folder is held until the end of this object.
  absl::Status Close();

  // Reads beside this writer; may outlive it.
  std::unique_ptr<LogReader> NewReader() const {
    return std::make_unique<LogReader>(map_);
  }

 private:
  LogWriter(FileSystem* fs, std::string_view folder, const Options& options);

  absl::Status Start(RecoveryReport* report);
  absl::Status CheckClosedMark(const LogEnd& end, RecoveryReport* report);
  absl::Status Repair(const LogEnd& end, bool clean);
  // Makes the next segment the one that is written to.
  absl::Status Roll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  absl::StatusOr<SegmentFile> TakeSpare();
  absl::StatusOr<SegmentFile> MakeSegment(uint64_t number);
  absl::Status Fail(const absl::Status& cause)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(append_mu_);
  void Prepare();
  void StopPreparing();

  FileSystem* const fs_;
  const std::string folder_;
  const Options options_;
  const Hash origin_hash_;
  uint64_t max_batch_bytes_ = 0;  // Constant once open.
  const std::shared_ptr<SegmentMap> map_;
  std::unique_ptr<File> lock_;
  std::atomic<bool> healthy_ = false;

  Mutex append_mu_;
  std::unique_ptr<File> file_ ABSL_GUARDED_BY(append_mu_);
  SegmentFile segment_ ABSL_GUARDED_BY(append_mu_);
  bool segment_used_ ABSL_GUARDED_BY(append_mu_) = false;
  uint64_t offset_ ABSL_GUARDED_BY(append_mu_) = 0;
  uint64_t size_ ABSL_GUARDED_BY(append_mu_) = 0;
  Hash digest_ ABSL_GUARDED_BY(append_mu_){};
  std::string buffer_ ABSL_GUARDED_BY(append_mu_);

  // Taken after append_mu_, never around a write.
  mutable Mutex state_mu_;
  CondVar state_changed_;
  absl::Status status_ ABSL_GUARDED_BY(state_mu_);
  uint64_t room_ ABSL_GUARDED_BY(state_mu_) = 0;  // In the current segment.
  uint64_t next_number_ ABSL_GUARDED_BY(state_mu_) = 1;
  std::deque<SegmentFile> spares_ ABSL_GUARDED_BY(state_mu_);
  absl::Status prepare_status_ ABSL_GUARDED_BY(state_mu_);
  bool stop_ ABSL_GUARDED_BY(state_mu_) = false;
  std::thread preparer_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_WRITER_H_
