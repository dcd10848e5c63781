#ifndef CONSENTRY_GATEWAY_DELIVERY_MESSAGE_ROWS_H_
#define CONSENTRY_GATEWAY_DELIVERY_MESSAGE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/delivery.pb.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"

namespace consentry::delivery {

// Rows of messages (store/tables_delivery.h). Numbers are stored and never
// change their meaning.
enum class MessageState : int64_t {
  kQueued = 1,
  // Waits for its release; until then nothing is sent.
  kHeld = 2,
  // Given up; emptied, kept until somebody was told.
  kFailed = 3,
  // Emptied, kept so that it is not made again.
  kSent = 4,
};

struct MessageRow {
  int64_t number = 0;
  uint64_t subject = 0;
  MessageState state = MessageState::kQueued;
  int64_t attempts = 0;
  int64_t expire_hour = 0;
  std::string doc;
  std::string address;
};

// `once` is a digest, or empty. False: a message with that digest is there
// already, and nothing was written.
absl::StatusOr<bool> InsertMessage(store::Connection* writer,
                                   const MessageRow& row,
                                   std::string_view once);

// Up to `limit` rows in `state` with numbers above `after`, ascending.
absl::StatusOr<std::vector<MessageRow>> MessagesIn(store::Connection* reader,
                                                   MessageState state,
                                                   int64_t after, size_t limit);
// nullopt when it is gone.
absl::StatusOr<std::optional<MessageRow>> FindMessage(
    store::Connection* connection, int64_t number);
absl::StatusOr<std::optional<MessageRow>> FindMessageOnce(
    store::Connection* connection, std::string_view once);

absl::Status SetAttempts(store::Connection* writer, int64_t number,
                         int64_t attempts);
// Sealed documents are dropped; the row stays in `state` where it has `once` or
// `state` is kFailed, and goes otherwise.
absl::Status EndMessage(store::Connection* writer, int64_t number,
                        MessageState state);
// Rows that ended: sent or held ones that expired before `hour`, and given up
// ones two weeks after. How many went, at most `limit`.
absl::StatusOr<bool> AnyEnded(store::Connection* reader, int64_t hour);
absl::StatusOr<int64_t> DropEnded(store::Connection* writer, int64_t hour,
                                  int64_t limit);

// What a message is sealed with: the subject's keys, or system keys where it
// is about nobody who is held. The row is bound to its number.
crypto::FactContext MessageContext(int64_t number);
crypto::FieldContext AddressContext(int64_t number);
crypto::SystemContext SystemMessageContext(int64_t number);
crypto::SystemContext SystemAddressContext(int64_t number);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_MESSAGE_ROWS_H_
