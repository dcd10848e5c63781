#include "gateway/rights/case_rows.h"
#include "gateway/access/rights_grant.h"

#include <algorithm>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "gateway/crypto/system_seal.h"
#include "gateway/rights/case_law.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr uint32_t kSchema = 1;
// Words are written once.
constexpr uint32_t kWordsGeneration = 1;
constexpr std::string_view kWords = "words";
constexpr size_t kRowsAtOnce = 64;

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored case does not open");
}

std::string_view BytesOf(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

crypto::FactContext DocContext(const CaseRow& row) {
  return {crypto::FactTable::kRightsCase, row.id, "", kSchema,
          row.row_generation};
}
crypto::SystemContext SystemContextOf(const CaseRow& row,
                                      std::string_view field) {
  return {crypto::SystemTable::kRightsCase, row.id, field, kSchema,
          field.empty() ? row.row_generation : kWordsGeneration};
}
crypto::FieldContext WordsContext(const CaseRow& row) {
  return {crypto::FieldTable::kRightsWords, row.id, kWords, kSchema,
          kWordsGeneration};
}

bool IsOpen(const CaseRow& row) {
  return policy::IsOpen(static_cast<v1::RightsState>(row.doc.state()));
}

// In clear, rounded to the hour: duties need it.
int64_t DueHourOf(const CaseRow& row) {
  const int64_t due = DueOf(row.doc);
  return (due == 0 ? row.doc.received_us() : due) / kUsPerHour;
}

constexpr char kColumns[] =
    "SELECT case_no, case_id, subject, row_gen, doc, words, open, due_hour, "
    "by_system "
    "FROM rights_cases ";

}  // namespace

absl::StatusOr<std::string> CaseRows::SealDoc(const CaseRow& row) const {
  const std::string bytes = row.doc.SerializeAsString();
  if (row.by_system) {
    return crypto::SystemSeal::Seal(*epochs_->keys(), SystemContextOf(row, ""),
                                    bytes);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
  return crypto::Sealer::Seal(keys, DocContext(row), bytes);
}

absl::Status CaseRows::OpenDoc(std::string_view sealed, CaseRow* row) const {
  const auto parse = [row](std::string_view bytes) {
    return row->doc.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()));
  };
  if (row->by_system) {
    const auto opened = crypto::SystemSeal::Open(
        *epochs_->keys(), SystemContextOf(*row, ""), sealed);
    return opened.ok() && parse(opened->view()) ? absl::OkStatus() : Corrupt();
  }
  const auto keys = slots_->Load(row->subject);
  // Destroyed: an erased subject's case leads to nobody.
  if (absl::IsFailedPrecondition(keys.status())) {
    return absl::NotFoundError("the case's keys are destroyed");
  }
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  const auto opened = crypto::FactOpener::Open(*keys, DocContext(*row), sealed);
  if (absl::IsNotFound(opened.status())) return opened.status();
  return opened.ok() && parse(opened->view()) ? absl::OkStatus() : Corrupt();
}

absl::Status CaseRows::Insert(store::Connection* connection, CaseRow* row,
                              const store::v1::CaseWords* words) const {
  row->by_system = row->by_system || row->subject == 0;
  row->doc.set_has_words(words != nullptr);
  row->words.clear();
  if (words != nullptr) {
    const std::string bytes = words->SerializeAsString();
    if (row->subject == 0) {
      CONSENTRY_ASSIGN_OR_RETURN(
          row->words,
          crypto::SystemSeal::Seal(*epochs_->keys(),
                                   SystemContextOf(*row, kWords), bytes));
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row->subject));
      CONSENTRY_ASSIGN_OR_RETURN(
          row->words, crypto::Sealer::Seal(keys, WordsContext(*row), bytes));
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed, SealDoc(*row));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "INSERT INTO rights_cases (case_no, case_id, subject, "
                      "by_system, kind, state, "
                      "open, due_hour, row_gen, doc, words) "
                      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"));
  query.Bind(row->case_no, BytesOf(row->id), static_cast<int64_t>(row->subject),
             row->by_system ? 1 : 0, row->doc.kind(), row->doc.state(),
             IsOpen(*row) ? 1 : 0, DueHourOf(*row), row->row_generation, sealed,
             row->words);
  return query.Run();
}

absl::Status CaseRows::Update(store::Connection* connection,
                              CaseRow* row) const {
  ++row->row_generation;
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed, SealDoc(*row));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("UPDATE rights_cases SET state = $2, open = $3, "
                          "due_hour = $4, row_gen = $5, doc = $6, "
                          "subject = $7, by_system = $8, words = $9 "
                          "WHERE case_no = $1"));
  query.Bind(row->case_no, row->doc.state(), IsOpen(*row) ? 1 : 0,
             DueHourOf(*row), row->row_generation, sealed,
             static_cast<int64_t>(row->subject), row->by_system ? 1 : 0,
             row->words);
  return query.Run();
}

absl::StatusOr<CaseRow> CaseRows::Read(store::Connection* connection,
                                       const crypto::ObjectId& id) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE case_id = $1"));
  query.Bind(BytesOf(id));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  const absl::Status unknown =
      MakeError(v1::ERROR_REASON_NOT_FOUND, "no case has this id");
  if (!found) return unknown;
  CaseRow row;
  row.case_no = query.Int64(0);
  row.id = id;
  row.subject = static_cast<uint64_t>(query.Int64(2));
  row.row_generation = static_cast<uint32_t>(query.Int64(3));
  row.words = std::string(query.Blob(5));
  row.by_system = query.Int64(8) == 1;
  const std::string sealed(query.Blob(4));
  const absl::Status opened = OpenDoc(sealed, &row);
  if (absl::IsNotFound(opened)) return unknown;
  CONSENTRY_RETURN_IF_ERROR(opened);
  return row;
}

absl::StatusOr<std::vector<CaseRow>> CaseRows::List(
    store::Connection* connection, const CaseFilter& filter,
    const CasePlace& after, size_t limit, CasePlace* last) const {
  // Open ones first: `open` descends while the others ascend.
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      std::string(kColumns) +
                      "WHERE (open < $1 OR (open = $1 AND (due_hour > $2 OR "
                      "(due_hour = $2 AND case_no > $3)))) "
                      "AND ($4 < 0 OR subject = $4) AND ($5 = 0 OR kind = $5) "
                      "AND ($6 = 0 OR state = $6) "
                      "AND ($7 < 0 OR (open = 1 AND due_hour < $7)) "
                      "ORDER BY open DESC, due_hour, case_no LIMIT $8"));
  query.Bind(after.open ? 1 : 0, after.due_hour, after.case_no,
             filter.subject ? static_cast<int64_t>(*filter.subject) : -1,
             filter.kind, filter.state,
             filter.due_before_hour ? *filter.due_before_hour : -1,
             static_cast<int64_t>(limit));
  std::vector<CaseRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    CaseRow row;
    row.case_no = query.Int64(0);
    const std::string_view id = query.Blob(1);
    if (id.size() != row.id.size()) return Corrupt();
    std::copy(id.begin(), id.end(), row.id.begin());
    row.subject = static_cast<uint64_t>(query.Int64(2));
    row.row_generation = static_cast<uint32_t>(query.Int64(3));
    row.words = std::string(query.Blob(5));
    row.by_system = query.Int64(8) == 1;
    *last = {query.Int64(6) == 1, query.Int64(7), row.case_no};
    const std::string sealed(query.Blob(4));
    const absl::Status opened = OpenDoc(sealed, &row);
    if (absl::IsNotFound(opened)) continue;
    CONSENTRY_RETURN_IF_ERROR(opened);
    rows.push_back(std::move(row));
  }
}

absl::Status CaseRows::Remove(store::Connection* connection,
                              int64_t case_no) const {
  for (const char* sql : {"DELETE FROM rights_reports WHERE case_no = $1",
                          "DELETE FROM rights_cases WHERE case_no = $1"}) {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
    CONSENTRY_RETURN_IF_ERROR(query.Bind(case_no).Run());
  }
  return absl::OkStatus();
}

absl::Status CaseRows::KeepBeyondKeys(store::Connection* connection,
                                      uint64_t subject) const {
  CaseFilter filter;
  filter.subject = subject;
  CasePlace place;
  for (;;) {
    const CasePlace before = place;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto rows, List(connection, filter, place, kRowsAtOnce, &place));
    for (CaseRow& row : rows) {
      if (row.by_system) continue;
      row.by_system = true;
      CONSENTRY_RETURN_IF_ERROR(Update(connection, &row));
    }
    if (place.case_no == before.case_no) return absl::OkStatus();
  }
}

absl::StatusOr<int64_t> CaseRows::Forget(store::Connection* connection,
                                         uint64_t subject,
                                         int64_t limit) const {
  int64_t touched = 0;
  // Those that nothing was kept of in time do not open any more.
  for (const char* sql :
       {"DELETE FROM rights_reports WHERE case_no IN (SELECT case_no FROM "
        "rights_reports WHERE subject = $1 LIMIT $2)",
        "DELETE FROM rights_agents WHERE agent_no IN (SELECT agent_no FROM "
        "rights_agents WHERE subject = $1 LIMIT $2)",
        "DELETE FROM rights_cases WHERE case_no IN (SELECT case_no FROM "
        "rights_cases WHERE subject = $1 AND by_system = 0 LIMIT $2)"}) {
    if (touched >= limit) return touched;
    CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
    query.Bind(static_cast<int64_t>(subject), limit - touched);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    touched += connection->Changes();
  }
  while (touched < limit) {
    CaseFilter filter;
    filter.subject = subject;
    CasePlace place;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto rows, List(connection, filter, {}, kRowsAtOnce, &place));
    if (rows.empty()) break;
    for (CaseRow& row : rows) {
      row.subject = 0;
      row.words.clear();
      row.doc.clear_subject_id();
      row.doc.clear_residences();
      row.doc.clear_decision_id();
      row.doc.clear_decision_subject();
      row.doc.clear_review_id();
      row.doc.clear_agent_id();
      row.doc.clear_report();
      row.doc.set_has_words(false);
      CONSENTRY_RETURN_IF_ERROR(Update(connection, &row));
      ++touched;
    }
  }
  return touched;
}

absl::StatusOr<store::v1::CaseWords> CaseRows::OpenWords(
    const crypto::Grant& grant, const CaseRow& row) const {
  store::v1::CaseWords words;
  if (row.words.empty()) return words;
  const auto parse = [&words](std::string_view bytes) {
    return words.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  };
  if (row.subject == 0) {
    const auto opened = crypto::SystemSeal::Open(
        *epochs_->keys(), SystemContextOf(row, kWords), row.words);
    if (!opened.ok() || !parse(opened->view())) return Corrupt();
    return words;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots_->Load(row.subject));
  const auto opened =
      access::OpenOfCase(grant, keys, WordsContext(row), row.words);
  if (!opened.ok() || !parse(opened->view())) return Corrupt();
  return words;
}

}  // namespace consentry::rights
