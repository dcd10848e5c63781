#include "gateway/review/review_rows.h"

#include <algorithm>
#include <utility>

#include "gateway/access/output_decision.h"
#include "gateway/base/log.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "gateway/review/review_seals.h"
#include "gateway/review/review_state.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::review {
namespace {

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr uint32_t kSchema = 1;
// Words are written once.
constexpr uint32_t kWordsGeneration = 1;

constexpr base::LogEvent kBroken{base::LogLevel::kError, 5002,
                                 "review.row_broken"};

constexpr char kColumns[] =
    "SELECT review_no, review_id, subject, row_gen, doc, priority, due_hour "
    "FROM reviews ";

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored review does not open");
}

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

crypto::FactContext DocContext(const ReviewRow& row) {
  return {kReviewDocTable, row.id, "", kSchema, row.row_generation};
}
crypto::SystemContext SystemDocContext(const ReviewRow& row) {
  return {kSystemReviewDocTable, row.id, "", kSchema, row.row_generation};
}

// In clear, rounded to the hour: duties need it.
int64_t HourOf(const ReviewRow& row) {
  return (IsOpen(row.doc) ? row.doc.due_us() : row.doc.decided_us()) /
         kUsPerHour;
}

absl::StatusOr<store::Query> SelectWords(store::Connection* connection,
                                         int64_t review_no) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("SELECT piece, words FROM review_words "
                                      "WHERE review_no = $1 ORDER BY piece"));
  query.Bind(review_no);
  return query;
}

// Of a row about nobody: where the same name leads again.
int64_t NumberOfNobody(std::string_view name_key) {
  uint64_t number = 0;
  for (const char byte : name_key.substr(0, sizeof number)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return -static_cast<int64_t>(number >> 1);
}
int64_t SubjectColumn(const ReviewRow& row) {
  return row.subject != 0 ? static_cast<int64_t>(row.subject)
                          : NumberOfNobody(row.doc.name_key());
}

// Reads the columns of kColumns but for the doc.
bool ReadColumns(const store::Query& query, ReviewRow* row) {
  row->no = query.Int64(0);
  const std::string_view id = query.Blob(1);
  if (id.size() != row->id.size()) return false;
  std::copy(id.begin(), id.end(), row->id.begin());
  row->subject = static_cast<uint64_t>(std::max<int64_t>(0, query.Int64(2)));
  row->row_generation = static_cast<uint32_t>(query.Int64(3));
  return true;
}

}  // namespace

absl::StatusOr<std::string> ReviewRows::SealDoc(const ReviewRow& row) const {
  const std::string bytes = row.doc.SerializeAsString();
  if (row.subject == 0) {
    return crypto::SystemSeal::Seal(*epochs_->keys(), SystemDocContext(row),
                                    bytes);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
  return crypto::Sealer::Seal(keys, DocContext(row), bytes);
}

absl::Status ReviewRows::OpenDoc(std::string_view sealed,
                                 ReviewRow* row) const {
  const auto parse = [row](std::string_view bytes) {
    return row->doc.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()));
  };
  if (row->subject == 0) {
    const auto opened = crypto::SystemSeal::Open(
        *epochs_->keys(), SystemDocContext(*row), sealed);
    return opened.ok() && parse(opened->view()) ? absl::OkStatus() : Corrupt();
  }
  const auto keys = slots_->Load(row->subject);
  // Destroyed: an erased customer's review leads to nobody.
  if (absl::IsFailedPrecondition(keys.status())) {
    return absl::NotFoundError("the review's keys are destroyed");
  }
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  const auto opened = crypto::FactOpener::Open(*keys, DocContext(*row), sealed);
  if (absl::IsNotFound(opened.status())) return opened.status();
  return opened.ok() && parse(opened->view()) ? absl::OkStatus() : Corrupt();
}

absl::Status ReviewRows::Insert(store::Connection* connection,
                                ReviewRow* row) const {
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto last, connection->Prepare("SELECT MAX(review_no) FROM reviews"));
    CONSENTRY_RETURN_IF_ERROR(last.Step().status());
    row->no = last.Int64(0) + 1;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed, SealDoc(*row));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO reviews (review_no, review_id, subject, open, kind, "
          "priority, due_hour, row_gen, doc) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"));
  query.Bind(row->no, BytesOf(row->id), SubjectColumn(*row),
             IsOpen(row->doc) ? 1 : 0, row->doc.trigger(), row->doc.priority(),
             HourOf(*row), row->row_generation, sealed);
  return query.Run();
}

absl::Status ReviewRows::Update(store::Connection* connection,
                                ReviewRow* row) const {
  ++row->row_generation;
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed, SealDoc(*row));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("UPDATE reviews SET open = $2, "
                                      "priority = $3, due_hour = $4, "
                                      "row_gen = $5, doc = $6 "
                                      "WHERE review_no = $1"));
  query.Bind(row->no, IsOpen(row->doc) ? 1 : 0, row->doc.priority(),
             HourOf(*row), row->row_generation, sealed);
  return query.Run();
}

absl::StatusOr<std::string> ReviewRows::SealWords(
    const ReviewRow& row, std::string_view piece,
    std::string_view bytes) const {
  if (row.subject == 0) {
    return crypto::SystemSeal::Seal(
        *epochs_->keys(),
        crypto::SystemContext{kSystemReviewWordsTable, row.id, piece, kSchema,
                              kWordsGeneration},
        bytes);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
  return crypto::Sealer::Seal(
      keys,
      crypto::FieldContext{kReviewWordsTable, row.id, piece, kSchema,
                           kWordsGeneration},
      bytes);
}

absl::Status ReviewRows::AddWords(store::Connection* connection,
                                  const store::v1::ReviewWords& words,
                                  ReviewRow* row) const {
  const int32_t piece = row->doc.pieces();
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      SealWords(*row, std::to_string(piece), words.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "INSERT INTO review_words (review_no, piece, subject, "
                      "words) VALUES ($1, $2, $3, $4)"));
  query.Bind(row->no, piece, static_cast<int64_t>(row->subject), sealed);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  row->doc.set_pieces(piece + 1);
  return absl::OkStatus();
}

absl::Status ReviewRows::Adopt(store::Connection* connection, uint64_t subject,
                               ReviewRow* row) const {
  std::vector<std::pair<int64_t, std::string>> pieces;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, SelectWords(connection, row->no));
    for (;;) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
      if (!found) break;
      const std::string piece = std::to_string(query.Int64(0));
      const auto opened = crypto::SystemSeal::Open(
          *epochs_->keys(),
          crypto::SystemContext{kSystemReviewWordsTable, row->id, piece,
                                kSchema, kWordsGeneration},
          query.Blob(1));
      if (!opened.ok()) return Corrupt();
      pieces.emplace_back(query.Int64(0), std::string(opened->view()));
    }
  }
  row->subject = subject;
  row->doc.clear_name_key();
  for (const auto& [piece, bytes] : pieces) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                               SealWords(*row, std::to_string(piece), bytes));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("UPDATE review_words SET subject = $3, words = $4 "
                            "WHERE review_no = $1 AND piece = $2"));
    query.Bind(row->no, piece, static_cast<int64_t>(subject), sealed);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "UPDATE reviews SET subject = $2 WHERE review_no = $1"));
  return query.Bind(row->no, static_cast<int64_t>(subject)).Run();
}

absl::StatusOr<ReviewRow> ReviewRows::Read(store::Connection* connection,
                                           const crypto::ObjectId& id) const {
  const absl::Status unknown =
      MakeError(v1::ERROR_REASON_NOT_FOUND, "no review has this id");
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE review_id = $1"));
  query.Bind(BytesOf(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return unknown;
  ReviewRow row;
  if (!ReadColumns(query, &row)) return Corrupt();
  const absl::Status opened = OpenDoc(query.Blob(4), &row);
  if (absl::IsNotFound(opened)) return unknown;
  CONSENTRY_RETURN_IF_ERROR(opened);
  return row;
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::Take(store::Query* query,
                                                        size_t limit,
                                                        ReviewPlace* last,
                                                        bool* more) const {
  std::vector<ReviewRow> rows;
  size_t seen = 0;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query->Step());
    if (!found) break;
    ++seen;
    ReviewRow row;
    if (!ReadColumns(*query, &row)) return Corrupt();
    *last = {query->Int64(5), query->Int64(6), row.no};
    const absl::Status opened = OpenDoc(query->Blob(4), &row);
    if (absl::IsNotFound(opened)) continue;
    // One row that does not open must not keep a human from all the others.
    if (ReasonOf(opened) == v1::ERROR_REASON_DATA_CORRUPT) {
      base::Log(kBroken, {{"review_no", row.no}});
      continue;
    }
    CONSENTRY_RETURN_IF_ERROR(opened);
    rows.push_back(std::move(row));
  }
  *more = seen == limit;
  return rows;
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::Queue(
    store::Connection* connection, const ReviewPlace& after, size_t limit,
    ReviewPlace* last, bool* more) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      std::string(kColumns) +
                      "WHERE open = 1 AND (priority > $1 OR (priority = $1 AND "
                      "(due_hour > $2 OR (due_hour = $2 AND "
                      "review_no > $3)))) "
                      "ORDER BY priority, due_hour, review_no LIMIT $4"));
  query.Bind(after.priority, after.due_hour, after.no,
             static_cast<int64_t>(limit));
  return Take(&query, limit, last, more);
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::ByHour(
    store::Connection* connection, bool open, int64_t first_hour,
    int64_t end_hour, const ReviewPlace& after, size_t limit, ReviewPlace* last,
    bool* more) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          std::string(kColumns) +
          "WHERE open = $1 AND due_hour >= $2 AND due_hour < $3 AND "
          "(due_hour > $4 OR (due_hour = $4 AND review_no > $5)) "
          "ORDER BY due_hour, review_no LIMIT $6"));
  query.Bind(open ? 1 : 0, first_hour, end_hour, after.due_hour, after.no,
             static_cast<int64_t>(limit));
  return Take(&query, limit, last, more);
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::OfSubject(
    store::Connection* connection, uint64_t subject, size_t limit,
    int64_t below, int64_t* last, bool* more) const {
  return OfColumn(connection, static_cast<int64_t>(subject), limit, below, last,
                  more);
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::OfNobody(
    store::Connection* connection, const std::vector<std::string>& name_keys,
    size_t limit, int64_t below) const {
  std::vector<ReviewRow> rows;
  for (const std::string& name_key : name_keys) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto found, OfColumn(connection, NumberOfNobody(name_key), limit, below,
                             nullptr, nullptr));
    for (ReviewRow& row : found) {
      if (row.doc.name_key() == name_key) rows.push_back(std::move(row));
    }
  }
  return rows;
}

absl::StatusOr<std::vector<ReviewRow>> ReviewRows::OfColumn(
    store::Connection* connection, int64_t subject, size_t limit, int64_t below,
    int64_t* last, bool* more) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(std::string(kColumns) +
                                      "WHERE subject = $1 AND review_no < $2 "
                                      "ORDER BY review_no DESC LIMIT $3"));
  query.Bind(subject, below, static_cast<int64_t>(limit));
  ReviewPlace place;
  bool full = false;
  CONSENTRY_ASSIGN_OR_RETURN(auto rows, Take(&query, limit, &place, &full));
  if (last != nullptr) *last = place.no;
  if (more != nullptr) *more = full;
  return rows;
}

absl::StatusOr<std::vector<store::v1::ReviewWords>> ReviewRows::OpenWords(
    store::Connection* connection, const crypto::Grant& grant,
    const ReviewRow& row) const {
  std::vector<store::v1::ReviewWords> all;
  CONSENTRY_ASSIGN_OR_RETURN(auto query, SelectWords(connection, row.no));
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return all;
    const std::string field = std::to_string(query.Int64(0));
    store::v1::ReviewWords words;
    const auto parse = [&words](std::string_view bytes) {
      return words.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    };
    if (row.subject == 0) {
      const auto opened = crypto::SystemSeal::Open(
          *epochs_->keys(),
          crypto::SystemContext{kSystemReviewWordsTable, row.id, field, kSchema,
                                kWordsGeneration},
          query.Blob(1));
      if (!opened.ok() || !parse(opened->view())) return Corrupt();
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
      const auto opened = access::OpenOfOutput(
          grant, keys,
          crypto::FieldContext{kReviewWordsTable, row.id, field, kSchema,
                               kWordsGeneration},
          query.Blob(1));
      if (!opened.ok() || !parse(opened->view())) return Corrupt();
    }
    all.push_back(std::move(words));
  }
}

absl::Status ReviewRows::Remove(store::Connection* connection,
                                int64_t no) const {
  for (const char* sql : {"DELETE FROM review_words WHERE review_no = $1",
                          "DELETE FROM reviews WHERE review_no = $1"}) {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
    CONSENTRY_RETURN_IF_ERROR(query.Bind(no).Run());
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReviewRows::Forget(store::Connection* connection,
                                           uint64_t subject,
                                           int64_t limit) const {
  int64_t touched = 0;
  if (subject == 0) return touched;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto find, connection->Prepare("SELECT review_no FROM reviews WHERE "
                                     "subject = $1 LIMIT $2"));
  find.Bind(static_cast<int64_t>(subject), limit);
  std::vector<int64_t> numbers;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, find.Step());
    if (!found) break;
    numbers.push_back(find.Int64(0));
  }
  for (const int64_t no : numbers) {
    CONSENTRY_RETURN_IF_ERROR(Remove(connection, no));
    ++touched;
  }
  return touched;
}

}  // namespace consentry::review
