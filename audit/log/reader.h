#ifndef CONSENTRY_AUDIT_LOG_READER_H_
#define CONSENTRY_AUDIT_LOG_READER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/segment_map.h"

namespace consentry::audit {

// Reads the entries of a log. Beside a writer (LogWriter::NewReader) it sees
// exactly what was synced; a log at rest it opens alone. Checks the digest of
// every batch that it reads: damage is DataLoss, never an entry. Whether the
// log is the one that was once signed, only audit/verify says.
//
// Safe for many threads. Every call opens what it reads, and holds nothing
// between calls but the map.
class LogReader {
 public:
  // Opens a log that nobody writes to, or sees it as it is now: takes no lock
  // and changes nothing. An unfinished last batch is not seen. Reads the last
  // segment whole. Errors as LogWriter::Open.
  static absl::StatusOr<std::unique_ptr<LogReader>> Open(
      FileSystem* fs, std::string_view folder);

  explicit LogReader(std::shared_ptr<SegmentMap> map) : map_(std::move(map)) {}

  // Entries 0 .. size() - 1 can be read.
  uint64_t size() const { return map_->size(); }

  // OutOfRange when `index` is not below size().
  absl::StatusOr<std::string> Read(uint64_t index) const;

  // Calls `f` with the entries of [begin, end) in order, until it answers
  // false. `end` is cut to size(). The view holds during the call only.
  absl::Status Scan(
      uint64_t begin, uint64_t end,
      absl::FunctionRef<bool(uint64_t index, std::string_view entry)> f) const;

  // Waits until size() > `size`. False when `timeout` passed, or the writer
  // was closed, before that.
  bool WaitForMore(uint64_t size, std::chrono::nanoseconds timeout) const {
    return map_->WaitForMore(size, timeout);
  }

 private:
  const std::shared_ptr<SegmentMap> map_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_READER_H_
