#ifndef CONSENTRY_GATEWAY_DELIVERY_NOTICE_ROWS_H_
#define CONSENTRY_GATEWAY_DELIVERY_NOTICE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/delivery.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::delivery {

// Rows of notices (store/tables_delivery.h). Numbers are stored and never
// change their meaning.
enum class NoticeChannel : int64_t {
  kWebhook = 1,
  kWatch = 2,
  kTask = 3,
};
enum class NoticeState : int64_t {
  kOpen = 1,
  kDone = 2,
};

struct NoticeRow {
  int64_t number = 0;
  crypto::ObjectId id{};
  std::string client_id;
  NoticeChannel channel = NoticeChannel::kTask;
  NoticeState state = NoticeState::kOpen;
  int64_t attempts = 0;
  // 0: in the document, under a system key.
  uint64_t subject = 0;
  int64_t due_hour = 0;
  std::string doc;
};

// Seals and opens what the rows hold. All outlive it.
struct NoticeKeys {
  const crypto::SlotFile* slots = nullptr;
  const crypto::EpochFile* epochs = nullptr;

  absl::StatusOr<std::string> Seal(
      const NoticeRow& row, const store::v1::RecipientNotice& notice) const;
  // NotFound or FailedPrecondition: she is erased since.
  absl::StatusOr<store::v1::RecipientNotice> Open(const NoticeRow& row) const;

  absl::StatusOr<std::string> SealEvent(
      int64_t number, uint64_t subject,
      const store::v1::RecipientEvent& event) const;
  absl::StatusOr<store::v1::RecipientEvent> OpenEvent(
      int64_t number, uint64_t subject, std::string_view sealed) const;
};

// Adds the notice under a number of this change; ascending within one change
// and from change to change.
// Its id. Errors as NoticeKeys::Seal.
absl::StatusOr<crypto::ObjectId> AddNotice(
    store::ChangeContext& context, const NoticeKeys& keys, NoticeRow row,
    const store::v1::RecipientNotice& notice);

// Up to `limit` rows of a channel and state above `after`, ascending.
absl::StatusOr<std::vector<NoticeRow>> NoticesIn(store::Connection* reader,
                                                 NoticeChannel channel,
                                                 NoticeState state,
                                                 int64_t after, size_t limit);
// What a watcher gets.
absl::StatusOr<std::vector<NoticeRow>> NoticesOf(store::Connection* reader,
                                                 std::string_view client_id,
                                                 NoticeChannel channel,
                                                 int64_t after, size_t limit);
absl::StatusOr<std::optional<NoticeRow>> FindNotice(
    store::Connection* connection, const crypto::ObjectId& id);
// The highest number so far; 0 when there is none.
absl::StatusOr<int64_t> LastNotice(store::Connection* connection);

// Everything of the row but its number, id, client and subject.
absl::Status UpdateNotice(store::Connection* writer, const NoticeRow& row);

// Rows of `channel` in `state` whose due_hour lies before `hour`.
absl::StatusOr<bool> AnyPast(store::Connection* reader, NoticeChannel channel,
                             NoticeState state, int64_t hour);
absl::StatusOr<int64_t> DropPast(store::Connection* writer,
                                 NoticeChannel channel, NoticeState state,
                                 int64_t hour, int64_t limit);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_NOTICE_ROWS_H_
