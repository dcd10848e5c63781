#include "gateway/rights/report_rows.h"
#include "gateway/access/rights_grant.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

constexpr int64_t kUsPerHour = int64_t{3600} * 1'000'000;
constexpr size_t kPartBytes = size_t{1} << 20;
constexpr uint32_t kSchema = 1;

crypto::FieldContext ContextOf(const CaseRow& row, uint32_t part) {
  return {crypto::FieldTable::kRightsReport, row.id, "part", kSchema, part};
}

absl::Status NoReport() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "the case has no report, or it is too old");
}

}  // namespace

absl::Status SaveReport(store::Connection* connection,
                        const crypto::SubjectKeys& keys,
                        const store::v1::AccessReport& report, int64_t now_us,
                        CaseRow* row) {
  const std::string bytes = report.SerializeAsString();
  const int64_t expire_us = now_us + kReportLifetimeUs;
  uint32_t part = 0;
  for (size_t at = 0; at == 0 || at < bytes.size(); at += kPartBytes) {
    const std::string_view piece =
        std::string_view(bytes).substr(at, kPartBytes);
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string sealed,
        crypto::Sealer::Seal(keys, ContextOf(*row, part), piece));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("INSERT INTO rights_reports (case_no, part, "
                            "subject, expire_hour, body) "
                            "VALUES ($1, $2, $3, $4, $5)"));
    query.Bind(row->case_no, part, static_cast<int64_t>(row->subject),
               expire_us / kUsPerHour + 1, sealed);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    ++part;
  }
  store::v1::CaseReport* kept = row->doc.mutable_report();
  kept->set_made_us(now_us);
  kept->set_expire_us(expire_us);
  kept->set_parts(part);
  return absl::OkStatus();
}

absl::StatusOr<store::v1::AccessReport> OpenReport(
    store::Connection* connection, const crypto::SlotFile& slots,
    const crypto::Grant& grant, const CaseRow& row, int64_t now_us) {
  if (!row.doc.has_report() || row.doc.report().expire_us() <= now_us ||
      row.subject == 0) {
    return NoReport();
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto keys, slots.Load(row.subject));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("SELECT part, body FROM rights_reports "
                                      "WHERE case_no = $1 ORDER BY part"));
  query.Bind(row.case_no);
  std::string bytes;
  uint32_t parts = 0;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) break;
    const auto piece = access::OpenOfCase(
        grant, keys, ContextOf(row, static_cast<uint32_t>(query.Int64(0))),
        query.Blob(1));
    if (!piece.ok()) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a stored report does not open");
    }
    bytes.append(piece->view());
    ++parts;
  }
  store::v1::AccessReport report;
  if (parts == 0) return NoReport();
  if (parts != row.doc.report().parts() || !report.ParseFromString(bytes)) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a stored report is not whole");
  }
  return report;
}

absl::Status RemoveOldReports(store::Connection* connection, int64_t now_us) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("DELETE FROM rights_reports WHERE expire_hour < $1"));
  query.Bind(now_us / kUsPerHour);
  return query.Run();
}

}  // namespace consentry::rights
