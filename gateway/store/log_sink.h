#ifndef CONSENTRY_GATEWAY_STORE_LOG_SINK_H_
#define CONSENTRY_GATEWAY_STORE_LOG_SINK_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace consentry::store {

// The audit log as the committer sees it. Used by one thread at a time.
class LogSink {
 public:
  virtual ~LogSink() = default;

  // Appends `entries`, at least one, as one batch and syncs it once; the index
  // of the first. After a failure it is unknown whether the batch will be
  // found at the next start, and every further call fails.
  virtual absl::StatusOr<uint64_t> Append(
      std::span<const std::string_view> entries) = 0;

  // Entries that are on stable storage, and the RFC 6962 root over them.
  struct Head {
    uint64_t size = 0;
    std::string root;  // 32 bytes
  };
  virtual Head GetHead() = 0;

  // The root over the first `size` entries, as it was then.
  virtual absl::StatusOr<std::string> RootAt(uint64_t size) = 0;
};

// What the end of the log says about the store.
struct LogTail {
  int64_t last_change = 0;   // Highest change number in any entry; 0: none.
  int64_t last_time_us = 0;  // Latest decision time of any entry; 0: none.
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_LOG_SINK_H_
