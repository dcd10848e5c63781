#include "gateway/delivery/message_rows.h"

#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr uint32_t kSchema = 1;
constexpr char kSelect[] =
    "SELECT message_no, subject, state, attempts, expire_hour, doc, address "
    "FROM messages ";

// So that the daily digest tells of them.
constexpr int64_t kKeepFailedHours = 14 * 24;
constexpr char kEnded[] =
    "WHERE (state IN ($1, $2) AND expire_hour < $3) OR "
    "(state = $4 AND expire_hour < $5) ";

void BindEnded(int64_t hour, store::Query* query) {
  query->Bind(static_cast<int64_t>(MessageState::kHeld),
              static_cast<int64_t>(MessageState::kSent), hour,
              static_cast<int64_t>(MessageState::kFailed),
              hour - kKeepFailedHours);
}

MessageRow RowOf(const store::Query& query) {
  MessageRow row;
  row.number = query.Int64(0);
  row.subject = static_cast<uint64_t>(query.Int64(1));
  row.state = static_cast<MessageState>(query.Int64(2));
  row.attempts = query.Int64(3);
  row.expire_hour = query.Int64(4);
  row.doc = std::string(query.Blob(5));
  row.address = std::string(query.Blob(6));
  return row;
}

template <class... Parameters>
absl::StatusOr<std::optional<MessageRow>> FindOne(store::Connection* connection,
                                                  const std::string& where,
                                                  Parameters... parameters) {
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(kSelect + where));
  query.Bind(parameters...);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::nullopt;
  return RowOf(query);
}

template <class Table>
crypto::Context<Table> ContextOf(Table table, int64_t number) {
  return {.table = table,
          .row = static_cast<uint64_t>(number),
          .field = {},
          .schema = kSchema,
          .row_generation = 0};
}

}  // namespace

absl::StatusOr<bool> InsertMessage(store::Connection* writer,
                                   const MessageRow& row,
                                   std::string_view once) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      writer->Prepare(
          "INSERT INTO messages (message_no, subject, state, attempts, "
          "expire_hour, once, doc, address) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
          "ON CONFLICT (once) DO NOTHING"));
  if (once.empty()) {
    query.Bind(row.number, static_cast<int64_t>(row.subject),
               static_cast<int64_t>(row.state), row.attempts, row.expire_hour,
               store::Null{}, std::string_view(row.doc),
               std::string_view(row.address));
  } else {
    query.Bind(row.number, static_cast<int64_t>(row.subject),
               static_cast<int64_t>(row.state), row.attempts, row.expire_hour,
               once, std::string_view(row.doc), std::string_view(row.address));
  }
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return writer->Changes() > 0;
}

absl::StatusOr<std::vector<MessageRow>> MessagesIn(store::Connection* reader,
                                                   MessageState state,
                                                   int64_t after,
                                                   size_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, reader->Prepare(std::string(kSelect) +
                                  "WHERE state = $1 AND message_no > $2 "
                                  "ORDER BY message_no LIMIT $3"));
  query.Bind(static_cast<int64_t>(state), after, static_cast<int64_t>(limit));
  std::vector<MessageRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    rows.push_back(RowOf(query));
  }
}

absl::StatusOr<std::optional<MessageRow>> FindMessage(
    store::Connection* connection, int64_t number) {
  return FindOne(connection, "WHERE message_no = $1", number);
}

absl::StatusOr<std::optional<MessageRow>> FindMessageOnce(
    store::Connection* connection, std::string_view once) {
  return FindOne(connection, "WHERE once = $1", once);
}

absl::Status SetAttempts(store::Connection* writer, int64_t number,
                         int64_t attempts) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      writer->Prepare(
          "UPDATE messages SET attempts = $2 WHERE message_no = $1"));
  query.Bind(number, attempts);
  return query.Run();
}

absl::Status EndMessage(store::Connection* writer, int64_t number,
                        MessageState state) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto update,
      writer->Prepare("UPDATE messages SET state = $2, subject = 0, doc = $3, "
                      "address = $3 WHERE message_no = $1"));
  update.Bind(number, static_cast<int64_t>(state), std::string_view());
  CONSENTRY_RETURN_IF_ERROR(update.Run());
  if (state == MessageState::kFailed) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto remove, writer->Prepare("DELETE FROM messages WHERE "
                                   "message_no = $1 AND once IS NULL"));
  remove.Bind(number);
  return remove.Run();
}

absl::StatusOr<bool> AnyEnded(store::Connection* reader, int64_t hour) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, reader->Prepare(std::string(kSelect) + kEnded + "LIMIT 1"));
  BindEnded(hour, &query);
  return query.Step();
}

absl::StatusOr<int64_t> DropEnded(store::Connection* writer, int64_t hour,
                                  int64_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      writer->Prepare("DELETE FROM messages WHERE message_no IN (SELECT "
                      "message_no FROM messages " +
                      std::string(kEnded) + "LIMIT $6)"));
  query.Bind(static_cast<int64_t>(MessageState::kHeld),
             static_cast<int64_t>(MessageState::kSent), hour,
             static_cast<int64_t>(MessageState::kFailed),
             hour - kKeepFailedHours, limit);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return writer->Changes();
}

crypto::FactContext MessageContext(int64_t number) {
  return ContextOf(crypto::FactTable::kMessage, number);
}
crypto::FieldContext AddressContext(int64_t number) {
  return ContextOf(crypto::FieldTable::kMessageAddress, number);
}
crypto::SystemContext SystemMessageContext(int64_t number) {
  return ContextOf(crypto::SystemTable::kMessageText, number);
}
crypto::SystemContext SystemAddressContext(int64_t number) {
  return ContextOf(crypto::SystemTable::kMessageTarget, number);
}

}  // namespace consentry::delivery
