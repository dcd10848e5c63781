#include "gateway/store/outbox.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/store/schema.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

constexpr base::LogEvent kRecovered{base::LogLevel::kWarn, 2010,
                                    "store.outbox_recovered"};

constexpr std::string_view kLastChange = "last_change";
constexpr std::string_view kLastTime = "last_time_us";
constexpr std::string_view kConfigurationEpoch = "configuration_epoch";
constexpr std::string_view kLogSize = "log_size";
constexpr std::string_view kLogRoot = "log_root";
constexpr std::string_view kLogLastChange = "log_last_change";

constexpr size_t kRecoveryBatch = 256;

absl::Status CheckLog(const LogSink::Head& remembered, LogSink* log) {
  if (remembered.size == 0) return absl::OkStatus();
  if (log->size() < remembered.size) {
    return absl::DataLossError(
        "the audit log is shorter than the store remembers");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string root,
                             log->RootAt(remembered.size));
  if (root != remembered.root) {
    return absl::DataLossError("the audit log is not the one of this store");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CommitterState> ReadCommitterState(Connection* connection) {
  CommitterState state;
  CONSENTRY_ASSIGN_OR_RETURN(state.last_change,
                             GetMetaInt64(connection, kLastChange));
  CONSENTRY_ASSIGN_OR_RETURN(state.last_time_us,
                             GetMetaInt64(connection, kLastTime));
  CONSENTRY_ASSIGN_OR_RETURN(state.configuration_epoch,
                             GetMetaInt64(connection, kConfigurationEpoch));
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t size,
                             GetMetaInt64(connection, kLogSize));
  state.log.size = static_cast<uint64_t>(size);
  CONSENTRY_ASSIGN_OR_RETURN(state.log.root, GetMeta(connection, kLogRoot));
  CONSENTRY_ASSIGN_OR_RETURN(state.log_last_change,
                             GetMetaInt64(connection, kLogLastChange));
  return state;
}

absl::Status WriteCommitterState(Connection* writer,
                                 const CommitterState& state) {
  CONSENTRY_RETURN_IF_ERROR(
      PutMetaInt64(writer, kLastChange, state.last_change));
  CONSENTRY_RETURN_IF_ERROR(
      PutMetaInt64(writer, kLastTime, state.last_time_us));
  CONSENTRY_RETURN_IF_ERROR(
      PutMetaInt64(writer, kConfigurationEpoch, state.configuration_epoch));
  CONSENTRY_RETURN_IF_ERROR(
      PutMetaInt64(writer, kLogSize, static_cast<int64_t>(state.log.size)));
  CONSENTRY_RETURN_IF_ERROR(
      PutMetaInt64(writer, kLogLastChange, state.log_last_change));
  return PutMeta(writer, kLogRoot, state.log.root);
}

absl::Status AddToOutbox(Connection* writer, int64_t change,
                         std::string_view entry) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, writer->Prepare("INSERT INTO outbox (change_number, entry)"
                                   " VALUES ($1, $2)"));
  return query.Bind(change, entry).Run();
}

absl::Status TrimOutbox(Connection* writer, int64_t logged) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      writer->Prepare("DELETE FROM outbox WHERE change_number <= $1"));
  return query.Bind(logged).Run();
}

absl::StatusOr<CommitterState> RecoverOutbox(Connection* writer,
                                             CommitterState state,
                                             LogSink* log) {
  CONSENTRY_RETURN_IF_ERROR(CheckLog(state.log, log));
  CONSENTRY_ASSIGN_OR_RETURN(LogTail tail, log->TailFrom(state.log.size));
  tail.last_change = std::max(tail.last_change, state.log_last_change);
  state.last_time_us = std::max(state.last_time_us, tail.last_time_us);
  if (state.last_change < tail.last_change) {
    return absl::DataLossError("the store is older than the audit log");
  }
  int64_t next = tail.last_change + 1;
  while (next <= state.last_change) {
    std::vector<std::string> entries;
    size_t bytes = 0;
    {
      CONSENTRY_ASSIGN_OR_RETURN(
          Query query, writer->Prepare("SELECT change_number, entry FROM outbox"
                                       " WHERE change_number >= $1"
                                       " ORDER BY change_number LIMIT $2"));
      query.Bind(next, kRecoveryBatch);
      for (;;) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
        if (!row) break;
        if (query.Int64(0) != next + static_cast<int64_t>(entries.size())) {
          break;
        }
        bytes += query.Blob(1).size();
        if (!entries.empty() && bytes > log->max_batch_bytes()) break;
        entries.emplace_back(query.Blob(1));
      }
    }
    if (entries.empty()) {
      return absl::DataLossError("the outbox lacks change " +
                                 std::to_string(next));
    }
    const std::vector<std::string_view> views(entries.begin(), entries.end());
    CONSENTRY_RETURN_IF_ERROR(log->Append(views).status());
    next += static_cast<int64_t>(entries.size());
  }
  if (state.last_change > tail.last_change) {
    base::Log(kRecovered, {{"changes", state.last_change - tail.last_change}});
  }
  return state;
}

}  // namespace consentry::store
