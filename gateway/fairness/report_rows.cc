#include "gateway/fairness/report_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

using crypto::SystemTable;

constexpr uint32_t kSchema = 1;
// The two sealed columns of a report.
constexpr char kDoc[] = "doc";
constexpr char kFile[] = "report";
constexpr char kColumns[] =
    "SELECT report_no, profile_key, state, row_gen, doc FROM fairness_reports ";
constexpr char kWithFile[] =
    "SELECT report_no, profile_key, state, row_gen, doc, report FROM "
    "fairness_reports ";

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored report of fairness does not open");
}

absl::Status NoReport() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no report of fairness has this id");
}

crypto::SystemContext ReportContext(int64_t no, std::string_view column,
                                    int64_t generation) {
  return {SystemTable::kFairnessReport, static_cast<uint64_t>(no), column,
          kSchema, static_cast<uint32_t>(generation)};
}

crypto::SystemContext PointContext(int64_t version_no, std::string_view point) {
  return {SystemTable::kFairnessHistory, static_cast<uint64_t>(version_no),
          point, kSchema, 1};
}

absl::StatusOr<std::string> IdBytes(std::string_view id) {
  const auto parsed = crypto::ParseId(crypto::IdKind::kFairnessReport, id);
  if (!parsed.ok()) return NoReport();
  return std::string(reinterpret_cast<const char*>(parsed->data()),
                     parsed->size());
}

}  // namespace

absl::Status ReportRows::Insert(store::Connection* connection,
                                ReportRow* row) const {
  row->generation = 1;
  CONSENTRY_ASSIGN_OR_RETURN(const std::string id, IdBytes(row->doc.id()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string doc,
      crypto::SystemSeal::Seal(*epochs_->keys(),
                               ReportContext(row->no, kDoc, row->generation),
                               row->doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO fairness_reports (report_no, report_id, profile_key, "
          "year, state, row_gen, doc, report) VALUES ($1, $2, $3, $4, $5, $6, "
          "$7, $8)"));
  query.Bind(row->no, id, row->profile_key, YearOf(row->doc.register_us()),
             static_cast<int64_t>(row->state), row->generation, doc,
             std::string());
  return query.Run();
}

absl::Status ReportRows::Update(store::Connection* connection,
                                ReportRow* row) const {
  ++row->generation;
  const auto seal = [&](const char* column, std::string_view bytes) {
    return crypto::SystemSeal::Seal(
        *epochs_->keys(), ReportContext(row->no, column, row->generation),
        bytes);
  };
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc,
                             seal(kDoc, row->doc.SerializeAsString()));
  std::string file;
  if (!row->file.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(file, seal(kFile, row->file));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("UPDATE fairness_reports SET state = $2, row_gen = "
                          "$3, doc = $4, report = $5 WHERE report_no = $1"));
  query.Bind(row->no, static_cast<int64_t>(row->state), row->generation, doc,
             file);
  return query.Run();
}

absl::StatusOr<ReportRow> ReportRows::Take(const store::Query& query,
                                           bool with_file) const {
  ReportRow row;
  row.no = query.Int64(0);
  row.profile_key = std::string(query.Blob(1));
  row.state = static_cast<ReportState>(query.Int64(2));
  row.generation = query.Int64(3);
  const auto doc = crypto::SystemSeal::Open(
      *epochs_->keys(), ReportContext(row.no, kDoc, row.generation),
      query.Blob(4));
  if (!doc.ok() || !row.doc.ParseFromArray(doc->view().data(),
                                           static_cast<int>(doc->size()))) {
    return Corrupt();
  }
  if (with_file && !query.Blob(5).empty()) {
    const auto file = crypto::SystemSeal::Open(
        *epochs_->keys(), ReportContext(row.no, kFile, row.generation),
        query.Blob(5));
    if (!file.ok()) return Corrupt();
    row.file = std::string(file->view());
  }
  return row;
}

absl::StatusOr<std::vector<ReportRow>> ReportRows::TakeAll(
    store::Query* query) const {
  std::vector<ReportRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query->Step());
    if (!more) return rows;
    CONSENTRY_ASSIGN_OR_RETURN(ReportRow row, Take(*query, false));
    rows.push_back(std::move(row));
  }
}

absl::StatusOr<ReportRow> ReportRows::Read(store::Connection* connection,
                                           std::string_view id) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes, IdBytes(id));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kWithFile) + "WHERE report_id = $1"));
  query.Bind(bytes);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoReport();
  return Take(query, /*with_file=*/true);
}

absl::StatusOr<std::vector<ReportRow>> ReportRows::List(
    store::Connection* connection, std::string_view profile_key, int64_t before,
    size_t limit) const {
  const int64_t below = before == 0 ? INT64_MAX : before;
  const auto most = static_cast<int64_t>(limit);
  if (profile_key.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare(std::string(kColumns) +
                            "WHERE report_no < $1 ORDER BY report_no DESC "
                            "LIMIT $2"));
    query.Bind(below, most);
    return TakeAll(&query);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) +
                          "WHERE profile_key = $1 AND report_no < $2 ORDER BY "
                          "report_no DESC LIMIT $3"));
  query.Bind(profile_key, below, most);
  return TakeAll(&query);
}

absl::StatusOr<std::vector<ReportRow>> ReportRows::OfYear(
    store::Connection* connection, std::string_view profile_key,
    int64_t year) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) +
                          "WHERE profile_key = $1 AND year = $2 ORDER BY "
                          "report_no"));
  query.Bind(profile_key, year);
  return TakeAll(&query);
}

absl::StatusOr<std::vector<ReportRow>> ReportRows::Registered(
    store::Connection* connection, std::string_view profile_key) const {
  const auto state = static_cast<int64_t>(ReportState::kRegistered);
  if (profile_key.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, connection->Prepare(std::string(kColumns) +
                                        "WHERE state = $1 ORDER BY report_no"));
    query.Bind(state);
    return TakeAll(&query);
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          std::string(kColumns) +
          "WHERE profile_key = $1 AND state = $2 ORDER BY report_no"));
  query.Bind(profile_key, state);
  return TakeAll(&query);
}

absl::Status ReportRows::Add(store::Connection* connection, int64_t version_no,
                             const HistoryRow& row) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(
          *epochs_->keys(), PointContext(version_no, std::to_string(row.point)),
          row.doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("INSERT INTO fairness_history (version_no, point, "
                          "doc) VALUES ($1, $2, $3)"));
  query.Bind(version_no, row.point, sealed);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto old, connection->Prepare("DELETE FROM fairness_history WHERE "
                                    "version_no = $1 AND point <= $2"));
  old.Bind(version_no, row.point - kMostPoints);
  return old.Run();
}

absl::StatusOr<HistoryRow> ReportRows::TakePoint(const store::Query& query,
                                                 int64_t version_no) const {
  HistoryRow row;
  row.point = query.Int64(0);
  const auto doc = crypto::SystemSeal::Open(
      *epochs_->keys(), PointContext(version_no, std::to_string(row.point)),
      query.Blob(1));
  if (!doc.ok() || !row.doc.ParseFromArray(doc->view().data(),
                                           static_cast<int>(doc->size()))) {
    return Corrupt();
  }
  return row;
}

absl::StatusOr<std::vector<HistoryRow>> ReportRows::History(
    store::Connection* connection, int64_t version_no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT point, doc FROM fairness_history WHERE "
                          "version_no = $1 ORDER BY point"));
  query.Bind(version_no);
  std::vector<HistoryRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    CONSENTRY_ASSIGN_OR_RETURN(HistoryRow row, TakePoint(query, version_no));
    rows.push_back(std::move(row));
  }
}

absl::StatusOr<HistoryRow> ReportRows::LastPoint(store::Connection* connection,
                                                 int64_t version_no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT point, doc FROM fairness_history WHERE "
                          "version_no = $1 ORDER BY point DESC LIMIT 1"));
  query.Bind(version_no);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return HistoryRow();
  return TakePoint(query, version_no);
}

int64_t YearOf(int64_t time_us) {
  return absl::ToCivilYear(absl::FromUnixMicros(time_us), absl::UTCTimeZone())
      .year();
}

}  // namespace consentry::fairness
