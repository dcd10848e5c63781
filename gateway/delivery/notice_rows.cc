#include "gateway/delivery/notice_rows.h"

#include <algorithm>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::delivery {
namespace {

constexpr uint32_t kSchema = 1;
// Notices of one change: their numbers follow from its own.
constexpr int64_t kPerChange = 1 << 16;
constexpr char kSelect[] =
    "SELECT notice_no, notice_id, client, channel, state, attempts, subject, "
    "due_hour, doc FROM recipient_notices ";
constexpr char kNoticeField[] = "notice";
constexpr char kEventField[] = "event";

NoticeRow RowOf(const store::Query& query) {
  NoticeRow row;
  row.number = query.Int64(0);
  const std::string_view id = query.Blob(1);
  if (id.size() == row.id.size())
    std::copy(id.begin(), id.end(), row.id.begin());
  row.client_id = std::string(query.Blob(2));
  row.channel = static_cast<NoticeChannel>(query.Int64(3));
  row.state = static_cast<NoticeState>(query.Int64(4));
  row.attempts = query.Int64(5);
  row.subject = static_cast<uint64_t>(query.Int64(6));
  row.due_hour = query.Int64(7);
  row.doc = std::string(query.Blob(8));
  return row;
}

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

template <class Table>
crypto::Context<Table> ContextOf(Table table, int64_t number,
                                 std::string_view field) {
  return {.table = table,
          .row = static_cast<uint64_t>(number),
          .field = field,
          .schema = kSchema,
          .row_generation = 0};
}

absl::StatusOr<std::vector<NoticeRow>> AllOf(store::Query query) {
  std::vector<NoticeRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    rows.push_back(RowOf(query));
  }
}

absl::StatusOr<std::string> SealFact(const crypto::SlotFile& slots,
                                     uint64_t subject, int64_t number,
                                     std::string_view field,
                                     const std::string& bytes) {
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys,
                             slots.Load(subject));
  return crypto::Sealer::Seal(
      keys, ContextOf(crypto::FactTable::kNotice, number, field), bytes);
}

absl::StatusOr<crypto::Plaintext> OpenFact(const crypto::SlotFile& slots,
                                           uint64_t subject, int64_t number,
                                           std::string_view field,
                                           std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::SubjectKeys keys,
                             slots.Load(subject));
  return crypto::FactOpener::Open(
      keys, ContextOf(crypto::FactTable::kNotice, number, field), sealed);
}

template <class Document>
absl::StatusOr<Document> Parsed(const crypto::Plaintext& plain) {
  Document document;
  if (document.ParseFromArray(plain.view().data(),
                              static_cast<int>(plain.size()))) {
    return document;
  }
  return absl::DataLossError("a notice does not verify");
}

}  // namespace

absl::StatusOr<std::string> NoticeKeys::Seal(
    const NoticeRow& row, const store::v1::RecipientNotice& notice) const {
  const std::string bytes = notice.SerializeAsString();
  if (row.subject != 0) {
    return SealFact(*slots, row.subject, row.number, kNoticeField, bytes);
  }
  return crypto::SystemSeal::Seal(
      *epochs->keys(),
      ContextOf(crypto::SystemTable::kRecipientNotice, row.number,
                kNoticeField),
      bytes);
}

absl::StatusOr<store::v1::RecipientNotice> NoticeKeys::Open(
    const NoticeRow& row) const {
  crypto::Plaintext plain;
  if (row.subject != 0) {
    CONSENTRY_ASSIGN_OR_RETURN(plain, OpenFact(*slots, row.subject, row.number,
                                               kNoticeField, row.doc));
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(
        plain, crypto::SystemSeal::Open(
                   *epochs->keys(),
                   ContextOf(crypto::SystemTable::kRecipientNotice, row.number,
                             kNoticeField),
                   row.doc));
  }
  return Parsed<store::v1::RecipientNotice>(plain);
}

absl::StatusOr<std::string> NoticeKeys::SealEvent(
    int64_t number, uint64_t subject,
    const store::v1::RecipientEvent& event) const {
  return SealFact(*slots, subject, number, kEventField,
                  event.SerializeAsString());
}

absl::StatusOr<store::v1::RecipientEvent> NoticeKeys::OpenEvent(
    int64_t number, uint64_t subject, std::string_view sealed) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::Plaintext plain,
      OpenFact(*slots, subject, number, kEventField, sealed));
  return Parsed<store::v1::RecipientEvent>(plain);
}

absl::StatusOr<crypto::ObjectId> AddNotice(
    store::ChangeContext& context, const NoticeKeys& keys, NoticeRow row,
    const store::v1::RecipientNotice& notice) {
  const int64_t first = context.number() * kPerChange;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, context.connection()->Prepare(
                        "SELECT MAX(notice_no) FROM recipient_notices WHERE "
                        "notice_no >= $1 AND notice_no < $2"));
    query.Bind(first, first + kPerChange);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    row.number = found && !query.IsNull(0) ? query.Int64(0) + 1 : first;
  }
  if (row.number >= first + kPerChange) {
    return MakeError(v1::ERROR_REASON_TOO_LARGE,
                     "more notices than one change may have");
  }
  row.id = crypto::NewObjectId();
  CONSENTRY_ASSIGN_OR_RETURN(row.doc, keys.Seal(row, notice));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, context.connection()->Prepare(
                      "INSERT INTO recipient_notices (notice_no, notice_id, "
                      "client, channel, state, "
                      "attempts, subject, due_hour, doc) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"));
  query.Bind(row.number, BytesOf(row.id), std::string_view(row.client_id),
             static_cast<int64_t>(row.channel), static_cast<int64_t>(row.state),
             row.attempts, static_cast<int64_t>(row.subject), row.due_hour,
             std::string_view(row.doc));
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return row.id;
}

absl::StatusOr<std::vector<NoticeRow>> NoticesIn(store::Connection* reader,
                                                 NoticeChannel channel,
                                                 NoticeState state,
                                                 int64_t after, size_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      reader->Prepare(std::string(kSelect) +
                      "WHERE channel = $1 AND state = $2 AND notice_no > $3 "
                      "ORDER BY notice_no LIMIT $4"));
  query.Bind(static_cast<int64_t>(channel), static_cast<int64_t>(state), after,
             static_cast<int64_t>(limit));
  return AllOf(std::move(query));
}

absl::StatusOr<std::vector<NoticeRow>> NoticesOf(store::Connection* reader,
                                                 std::string_view client_id,
                                                 NoticeChannel channel,
                                                 int64_t after, size_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      reader->Prepare(std::string(kSelect) +
                      "WHERE client = $1 AND channel = $2 AND notice_no > $3 "
                      "ORDER BY notice_no LIMIT $4"));
  query.Bind(client_id, static_cast<int64_t>(channel), after,
             static_cast<int64_t>(limit));
  return AllOf(std::move(query));
}

absl::StatusOr<std::optional<NoticeRow>> FindNotice(
    store::Connection* connection, const crypto::ObjectId& id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kSelect) + "WHERE notice_id = $1"));
  query.Bind(BytesOf(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::nullopt;
  return RowOf(query);
}

absl::StatusOr<int64_t> LastNotice(store::Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT MAX(notice_no) FROM recipient_notices"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Int64(0) : 0;
}

absl::Status UpdateNotice(store::Connection* writer, const NoticeRow& row) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      writer->Prepare("UPDATE recipient_notices SET channel = $2, state = $3, "
                      "attempts = $4, due_hour = $5, doc = $6 "
                      "WHERE notice_no = $1"));
  query.Bind(row.number, static_cast<int64_t>(row.channel),
             static_cast<int64_t>(row.state), row.attempts, row.due_hour,
             std::string_view(row.doc));
  return query.Run();
}

absl::StatusOr<bool> AnyPast(store::Connection* reader, NoticeChannel channel,
                             NoticeState state, int64_t hour) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      reader->Prepare(
          "SELECT notice_no FROM recipient_notices WHERE channel = $1 AND "
          "state = $2 AND due_hour < $3 LIMIT 1"));
  query.Bind(static_cast<int64_t>(channel), static_cast<int64_t>(state), hour);
  return query.Step();
}

absl::StatusOr<int64_t> DropPast(store::Connection* writer,
                                 NoticeChannel channel, NoticeState state,
                                 int64_t hour, int64_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      writer->Prepare(
          "DELETE FROM recipient_notices WHERE notice_no IN (SELECT "
          "notice_no FROM recipient_notices WHERE channel = $1 AND "
          "state = $2 AND due_hour < $3 LIMIT $4)"));
  query.Bind(static_cast<int64_t>(channel), static_cast<int64_t>(state), hour,
             limit);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return writer->Changes();
}

}  // namespace consentry::delivery
