#ifndef CONSENTRY_GATEWAY_STORE_OUTBOX_H_
#define CONSENTRY_GATEWAY_STORE_OUTBOX_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/store/engine.h"
#include "gateway/store/log_sink.h"

// The outbox holds the audit entry of a change from the transaction that made
// the change until the entry is known to be in the log. Store and log are two
// systems that fail apart; by the outbox the log catches up after a crash
// between the two.
namespace consentry::store {

// What the store remembers of itself and of the log, written with every turn.
struct CommitterState {
  int64_t last_change = 0;
  int64_t last_time_us = 0;
  int64_t configuration_epoch = 0;
  LogSink::Head log;
  // The last change whose entry lies below log.size.
  int64_t log_last_change = 0;
};
absl::StatusOr<CommitterState> ReadCommitterState(Connection* connection);
absl::Status WriteCommitterState(Connection* writer,
                                 const CommitterState& state);

absl::Status AddToOutbox(Connection* writer, int64_t change,
                         std::string_view entry);
// Removes the rows of changes up to `logged`, which are in the log.
absl::Status TrimOutbox(Connection* writer, int64_t logged);

// Checks that store and log belong together, and appends what the log lacks.
// DataLoss: the store is older than the log, the log shorter than remembered
// or of another root, the outbox has a gap. Reads the log from the remembered
// size on. Returns `state` with what the end of the log adds to it.
absl::StatusOr<CommitterState> RecoverOutbox(Connection* writer,
                                             CommitterState state,
                                             LogSink* log);

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_OUTBOX_H_
