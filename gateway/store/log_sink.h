#ifndef CONSENTRY_GATEWAY_STORE_LOG_SINK_H_
#define CONSENTRY_GATEWAY_STORE_LOG_SINK_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace consentry::store {

// What the end of the log says about the store.
struct LogTail {
  int64_t last_change = 0;   // Highest change number in any entry; 0: none.
  int64_t last_time_us = 0;  // Latest time of any entry; 0: none.
};

// The audit log as the committer sees it. Used by one thread at a time.
class LogSink {
 public:
  virtual ~LogSink() = default;

  // Appends `entries`, at least one, as one batch and syncs it once; the index
  // of the first. After a failure it is unknown whether the batch will be
  // found at the next start, and every further call fails.
  virtual absl::StatusOr<uint64_t> Append(
      std::span<const std::string_view> entries) = 0;

  // Bounds: of an entry, of the entries of one batch, and of the sum of their
  // sizes. A batch of these sizes shares its sync among all that wait and takes
  // no more than some milliseconds.
  virtual size_t max_entry_bytes() const { return 65535; }
  virtual size_t max_batch_entries() const { return 1024; }
  virtual size_t max_batch_bytes() const { return size_t{1} << 20; }

  // Entries that are on stable storage, and the RFC 6962 root over them. May
  // lag behind the last append; where `settled`, it waits for it, a second at
  // most.
  struct Head {
    uint64_t size = 0;
    std::string root;  // 32 bytes
  };
  virtual Head GetHead(bool settled) = 0;

  // Entries on stable storage, without lag.
  virtual uint64_t size() = 0;

  // The root over the first `size` entries, as it was then.
  virtual absl::StatusOr<std::string> RootAt(uint64_t size) = 0;

  // What the entries from index `from` to the end say.
  virtual absl::StatusOr<LogTail> TailFrom(uint64_t from) = 0;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_LOG_SINK_H_
