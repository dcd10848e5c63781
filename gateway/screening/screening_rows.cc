#include "gateway/screening/screening_rows.h"

#include <algorithm>
#include <utility>

#include "gateway/access/output_decision.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;
constexpr std::string_view kOutputField = "output";

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

crypto::FactContext DocContext(const ScreeningRow& row) {
  return {crypto::FactTable::kScreening, row.id, "", kSchema,
          row.row_generation};
}
crypto::FieldContext OutputContext(const crypto::ObjectId& id,
                                   uint32_t generation) {
  return {crypto::FieldTable::kScreenedOutput, id, kOutputField, kSchema,
          generation};
}
crypto::SystemContext NobodyContext(const crypto::ObjectId& id,
                                    std::string_view field,
                                    uint32_t generation) {
  return {crypto::SystemTable::kScreening, id, field, kSchema, generation};
}

constexpr char kColumns[] =
    "SELECT screening_no, screening_id, output_key, request_hash, subject, "
    "row_gen, doc, output FROM screenings ";
constexpr char kListColumns[] =
    "SELECT screening_no, screening_id, output_key, request_hash, subject, "
    "row_gen, doc FROM screenings ";
constexpr int kOutputColumn = 7;

int64_t CountedDay(const store::v1::ScreeningDoc& doc) {
  int64_t day = 0;
  for (const store::v1::CountedPrice& one : doc.counted()) {
    day = std::max(day, one.time_us() / kUsPerDay);
  }
  return day;
}

absl::Status NoScreening() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no screening has this id");
}

}  // namespace

absl::Status CorruptScreening() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored screening does not open");
}

std::string ScreeningKeys::Of(
    std::string_view what,
    std::initializer_list<std::string_view> parts) const {
  // Lengths part them: no two lists give the same bytes.
  std::string bytes = "screening/";
  bytes.append(what);
  for (const std::string_view part : parts) {
    bytes.push_back('\0');
    bytes.append(std::to_string(part.size()));
    bytes.push_back(':');
    bytes.append(part);
  }
  return digests_->Of(bytes);
}

int64_t ScreeningKeys::NumberOf(
    std::string_view what,
    std::initializer_list<std::string_view> parts) const {
  const std::string digest = Of(what, parts);
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) {
    number = number << 8 | static_cast<unsigned char>(digest[i]);
  }
  return static_cast<int64_t>(number);
}

std::string ScreeningKeys::Output(std::string_view client_id,
                                  std::string_view output_id) const {
  return Of("output", {client_id, output_id});
}

std::string ScreeningKeys::Request(
    uint64_t subject, const v1::ScreenOutputRequest& request) const {
  return Of("request", {std::to_string(subject), request.purpose(),
                        std::to_string(request.channel()),
                        clients::CanonicalBytes(request.output())});
}

std::string ScreeningKeys::Outcome(std::string_view output_key,
                                   const v1::Outcome& outcome) const {
  v1::Outcome told = outcome;
  told.clear_output();
  return Of("outcome", {output_key, clients::CanonicalBytes(told)});
}

int64_t ScreeningKeys::Model(std::string_view model) const {
  return NumberOf("model", {model});
}
int64_t ScreeningKeys::Item(std::string_view item) const {
  return item.empty() ? 0 : NumberOf("item", {item});
}
int64_t ScreeningKeys::Place(std::string_view place) const {
  return NumberOf("place", {place});
}
int64_t ScreeningKeys::Way(std::string_view purpose, int channel) const {
  return NumberOf("way", {purpose, std::to_string(channel)});
}

absl::StatusOr<std::string> ScreeningRows::SealOutput(
    const crypto::SubjectKeys* keys, const crypto::ObjectId& id,
    uint32_t row_generation, const store::v1::ScreenedOutput& output) const {
  const std::string bytes = output.SerializeAsString();
  if (keys == nullptr) {
    return crypto::SystemSeal::Seal(
        *epochs_->keys(), NobodyContext(id, kOutputField, row_generation),
        bytes);
  }
  return crypto::Sealer::Seal(*keys, OutputContext(id, row_generation), bytes);
}

absl::StatusOr<std::string> ScreeningRows::SealDoc(
    const crypto::SubjectKeys* keys, const ScreeningRow& row) const {
  const std::string bytes = row.doc.SerializeAsString();
  if (keys == nullptr) {
    return crypto::SystemSeal::Seal(
        *epochs_->keys(), NobodyContext(row.id, "", row.row_generation), bytes);
  }
  return crypto::Sealer::Seal(*keys, DocContext(row), bytes);
}

absl::Status ScreeningRows::OpenDoc(std::string_view sealed,
                                    ScreeningRow* row) const {
  const auto parse = [row](std::string_view bytes) {
    return row->doc.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()));
  };
  if (row->subject == 0) {
    const auto opened = crypto::SystemSeal::Open(
        *epochs_->keys(), NobodyContext(row->id, "", row->row_generation),
        sealed);
    return opened.ok() && parse(opened->view()) ? absl::OkStatus()
                                                : CorruptScreening();
  }
  const auto keys = slots_->Load(row->subject);
  // Destroyed: what was sent to an erased customer leads to nobody.
  if (absl::IsFailedPrecondition(keys.status())) return NoScreening();
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  const auto opened = crypto::FactOpener::Open(*keys, DocContext(*row), sealed);
  if (absl::IsNotFound(opened.status())) return NoScreening();
  return opened.ok() && parse(opened->view()) ? absl::OkStatus()
                                              : CorruptScreening();
}

absl::Status ScreeningRows::Insert(store::Connection* connection,
                                   const crypto::SubjectKeys* keys,
                                   const ScreeningRow& row) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc, SealDoc(keys, row));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO screenings (screening_no, screening_id, output_key, "
          "request_hash, subject, model_key, item_key, counted_day, verdict, "
          "hour, row_gen, doc, output) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"));
  query.Bind(row.no, BytesOf(row.id), row.output_key, row.request_hash,
             static_cast<int64_t>(row.subject), keys_->Model(row.doc.model()),
             keys_->Item(row.doc.item()), CountedDay(row.doc),
             row.doc.verdict(), row.doc.time_us() / kUsPerHour,
             row.row_generation, doc, row.output);
  return query.Run();
}

absl::Status ScreeningRows::Update(
    store::Connection* connection, ScreeningRow* row,
    const store::v1::ScreenedOutput& output) const {
  ++row->row_generation;
  std::optional<crypto::SubjectKeys> keys;
  if (row->subject != 0) {
    CONSENTRY_ASSIGN_OR_RETURN(keys, slots_->Load(row->subject));
  }
  const crypto::SubjectKeys* const under = keys ? &*keys : nullptr;
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc, SealDoc(under, *row));
  CONSENTRY_ASSIGN_OR_RETURN(
      row->output, SealOutput(under, row->id, row->row_generation, output));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("UPDATE screenings SET verdict = $2, row_gen = $3, "
                          "doc = $4, output = $5, counted_day = $6 WHERE "
                          "screening_no = $1"));
  query.Bind(row->no, row->doc.verdict(), row->row_generation, doc, row->output,
             CountedDay(row->doc));
  return query.Run();
}

absl::Status ScreeningRows::Take(const store::Query& query,
                                 ScreeningRow* row) const {
  row->no = query.Int64(0);
  const std::string_view id = query.Blob(1);
  if (id.size() != row->id.size()) return CorruptScreening();
  std::copy(id.begin(), id.end(), row->id.begin());
  row->output_key = std::string(query.Blob(2));
  row->request_hash = std::string(query.Blob(3));
  row->subject = static_cast<uint64_t>(query.Int64(4));
  row->row_generation = static_cast<uint32_t>(query.Int64(5));
  const std::string sealed(query.Blob(6));
  return OpenDoc(sealed, row);
}

absl::StatusOr<ScreeningRow> ScreeningRows::Read(
    store::Connection* connection, const crypto::ObjectId& id) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE screening_id = $1"));
  query.Bind(BytesOf(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoScreening();
  ScreeningRow row;
  row.output = std::string(query.Blob(kOutputColumn));
  CONSENTRY_RETURN_IF_ERROR(Take(query, &row));
  return row;
}

absl::StatusOr<ScreeningRow> ScreeningRows::ReadByNumber(
    store::Connection* connection, int64_t no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE screening_no = $1"));
  query.Bind(no);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoScreening();
  ScreeningRow row;
  row.output = std::string(query.Blob(kOutputColumn));
  CONSENTRY_RETURN_IF_ERROR(Take(query, &row));
  return row;
}

absl::StatusOr<std::optional<ScreeningRow>> ScreeningRows::FindByOutput(
    store::Connection* connection, std::string_view output_key) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE output_key = $1"));
  query.Bind(output_key);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<ScreeningRow>();
  std::optional<ScreeningRow> row(std::in_place);
  row->output = std::string(query.Blob(kOutputColumn));
  const absl::Status taken = Take(query, &*row);
  // Of an erased customer: the id is free no more, and leads to nobody.
  if (ReasonOf(taken) == v1::ERROR_REASON_NOT_FOUND) {
    row->doc.Clear();
    row->doc.set_id(crypto::FormatId(crypto::IdKind::kScreening, row->id));
    row->doc.set_verdict(v1::VERDICT_BLOCKED);
    row->doc.set_verdict_class(v1::VERDICT_CLASS_NOT_PERMITTED);
    row->doc.set_reason(v1::ERROR_REASON_SUBJECT_ERASED);
    return row;
  }
  CONSENTRY_RETURN_IF_ERROR(taken);
  return row;
}

absl::StatusOr<std::vector<ScreeningRow>> ScreeningRows::List(
    store::Connection* connection, const ScreeningFilter& filter,
    int64_t before, size_t limit, int64_t* last) const {
  *last = 0;
  // One statement for each way in, so that each has its index.
  std::string sql = kListColumns;
  const int64_t item =
      filter.subject && !filter.item.empty() ? keys_->Item(filter.item) : 0;
  const int64_t counted_day = item == 0 ? 0 : filter.counted_day;
  // As each index says which rows it holds.
  if (counted_day != 0) {
    sql +=
        "WHERE subject = $1 AND item_key = $8 AND counted_day >= $9 AND "
        "counted_day <> 0 AND +screening_no < $2 ";
  } else if (item != 0) {
    sql +=
        "WHERE subject = $1 AND item_key = $8 AND item_key <> 0 AND "
        "screening_no < $2 ";
  } else if (filter.subject) {
    sql += "WHERE subject = $1 AND screening_no < $2 ";
  } else if (!filter.model.empty()) {
    sql += "WHERE model_key = $1 AND screening_no < $2 ";
  } else {
    sql += "WHERE $1 = 0 AND screening_no < $2 ";
  }
  sql +=
      "AND ($3 = 0 OR model_key = $3) AND ($4 = 0 OR verdict = $4) "
      "AND hour >= $5 AND hour < $6 ORDER BY ";
  // With the sign a plan by order has no use: it would read all of her outputs
  // to find the few that were counted.
  sql += counted_day != 0 ? "+screening_no" : "screening_no";
  sql += " DESC LIMIT $7";
  CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
  const int64_t model = filter.model.empty() ? 0 : keys_->Model(filter.model);
  const int64_t first =
      filter.subject ? static_cast<int64_t>(*filter.subject) : model;
  const int64_t below = before == 0 ? INT64_MAX : before;
  const int64_t end_hour = filter.end_hour == 0 ? INT64_MAX : filter.end_hour;
  const auto most = static_cast<int64_t>(limit);
  if (counted_day != 0) {
    query.Bind(first, below, model, filter.verdict, filter.first_hour, end_hour,
               most, item, counted_day);
  } else if (item != 0) {
    query.Bind(first, below, model, filter.verdict, filter.first_hour, end_hour,
               most, item);
  } else {
    query.Bind(first, below, model, filter.verdict, filter.first_hour, end_hour,
               most);
  }
  std::vector<ScreeningRow> rows;
  for (size_t seen = 0;; ++seen) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) {
      if (seen < limit) *last = 0;
      return rows;
    }
    *last = query.Int64(0);
    ScreeningRow row;
    const absl::Status taken = Take(query, &row);
    if (ReasonOf(taken) == v1::ERROR_REASON_NOT_FOUND) continue;
    CONSENTRY_RETURN_IF_ERROR(taken);
    rows.push_back(std::move(row));
  }
}

absl::StatusOr<std::vector<ScreeningRow>> ScreeningRows::Walk(
    store::Connection* connection, std::string_view model, int64_t first_hour,
    int64_t end_hour, int64_t after, size_t limit, int64_t* last,
    NotWalked* not_walked) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) +
                          "WHERE model_key = $1 AND screening_no > $2 AND hour "
                          ">= $3 AND hour < $4 ORDER BY screening_no LIMIT "
                          "$5"));
  query.Bind(keys_->Model(model), after, first_hour, end_hour,
             static_cast<int64_t>(limit));
  std::vector<ScreeningRow> rows;
  for (size_t seen = 0;; ++seen) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) {
      if (seen < limit) *last = 0;
      return rows;
    }
    *last = query.Int64(0);
    ScreeningRow row;
    row.output = std::string(query.Blob(kOutputColumn));
    const absl::Status taken = Take(query, &row);
    if (ReasonOf(taken) == v1::ERROR_REASON_NOT_FOUND) {
      ++not_walked->erased;
      continue;
    }
    if (ReasonOf(taken) == v1::ERROR_REASON_DATA_CORRUPT) {
      ++not_walked->corrupt;
      continue;
    }
    CONSENTRY_RETURN_IF_ERROR(taken);
    rows.push_back(std::move(row));
  }
}

absl::StatusOr<store::v1::ScreenedOutput> ScreeningRows::OpenOutput(
    const crypto::Grant& grant, const ScreeningRow& row) const {
  if (row.subject == 0) return NoScreening();
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
  const auto opened = access::OpenOfOutput(
      grant, keys, OutputContext(row.id, row.row_generation), row.output);
  store::v1::ScreenedOutput output;
  if (!opened.ok() ||
      !output.ParseFromArray(opened->view().data(),
                             static_cast<int>(opened->size()))) {
    return CorruptScreening();
  }
  return output;
}

}  // namespace consentry::screening
