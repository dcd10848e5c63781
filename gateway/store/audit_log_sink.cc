#include "gateway/store/audit_log_sink.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "audit/log/format.h"
#include "consentry/store/v1/leaf.pb.h"
#include "proto/support/status_macros.h"

namespace consentry::store {

absl::StatusOr<uint64_t> AuditLogSink::Append(
    std::span<const std::string_view> entries) {
  return log_->Append(entries);
}

size_t AuditLogSink::max_entry_bytes() const { return audit::kMaxEntryBytes; }

size_t AuditLogSink::max_batch_bytes() const {
  const size_t lengths = max_batch_entries() * audit::kEntryLengthBytes;
  const size_t most = log_->writer().max_batch_bytes();
  return std::min(LogSink::max_batch_bytes(),
                  most > lengths ? most - lengths : 0);
}

LogSink::Head AuditLogSink::GetHead(bool settled) {
  for (int i = 0; settled && i < 1000; ++i) {
    if (log_->tree().size() == log_->size()) break;
    if (!log_->healthy() || !log_->integrator().status().ok()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const uint64_t size = log_->tree().size();
  const absl::StatusOr<audit::Hash> root = log_->tree().Root(size);
  if (!root.ok()) return {};
  return {.size = size, .root = std::string(audit::AsView(*root))};
}

absl::StatusOr<std::string> AuditLogSink::RootAt(uint64_t size) {
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Hash root, log_->tree().Root(size));
  return std::string(audit::AsView(root));
}

absl::StatusOr<LogTail> AuditLogSink::TailFrom(uint64_t from) {
  LogTail tail;
  bool whole = true;
  v1::Leaf leaf;
  CONSENTRY_RETURN_IF_ERROR(log_->reader().Scan(
      from, log_->size(), [&](uint64_t, std::string_view entry) {
        whole =
            leaf.ParseFromArray(entry.data(), static_cast<int>(entry.size()));
        if (!whole) return false;
        tail.last_change = std::max(tail.last_change,
                                    static_cast<int64_t>(leaf.change_number()));
        tail.last_time_us = std::max(tail.last_time_us, leaf.time_us());
        return true;
      }));
  if (!whole) return absl::DataLossError("an entry of the log is no leaf");
  return tail;
}

}  // namespace consentry::store
