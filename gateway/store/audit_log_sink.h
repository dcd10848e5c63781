#ifndef CONSENTRY_GATEWAY_STORE_AUDIT_LOG_SINK_H_
#define CONSENTRY_GATEWAY_STORE_AUDIT_LOG_SINK_H_

#include "audit/log/audit_log.h"
#include "gateway/store/log_sink.h"

namespace consentry::store {

// The audit log of this gateway, for the committer. Entries are serialised
// store.v1.Leaf. Threads as LogSink.
class AuditLogSink final : public LogSink {
 public:
  // `log` outlives the sink. Its tree has caught up, as AuditLog::Open leaves
  // it.
  explicit AuditLogSink(audit::AuditLog* log) : log_(log) {}

  absl::StatusOr<uint64_t> Append(
      std::span<const std::string_view> entries) override;
  size_t max_entry_bytes() const override;
  size_t max_batch_bytes() const override;
  // Of the tree, which follows the log by moments.
  Head GetHead(bool settled) override;
  uint64_t size() override { return log_->size(); }
  absl::StatusOr<std::string> RootAt(uint64_t size) override;
  // DataLoss when an entry is no leaf.
  absl::StatusOr<LogTail> TailFrom(uint64_t from) override;

 private:
  audit::AuditLog* const log_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_AUDIT_LOG_SINK_H_
