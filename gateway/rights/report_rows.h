#ifndef CONSENTRY_GATEWAY_RIGHTS_REPORT_ROWS_H_
#define CONSENTRY_GATEWAY_RIGHTS_REPORT_ROWS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/report.pb.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/rights/case_rows.h"
#include "gateway/store/engine.h"

namespace consentry::rights {

// How long a report is kept.
inline constexpr int64_t kReportLifetimeUs =
    int64_t{30} * 24 * 3600 * 1'000'000;

// Writes the report of a case, sealed in pieces under the key of its subject,
// and says so in the case. Inside of a change, on the committer's connection.
absl::Status SaveReport(store::Connection* connection,
                        const crypto::SubjectKeys& keys,
                        const store::v1::AccessReport& report, int64_t now_us,
                        CaseRow* row);

// NOT_FOUND when there is none, or its time is over.
absl::StatusOr<store::v1::AccessReport> OpenReport(
    store::Connection* connection, const crypto::SlotFile& slots,
    const crypto::Grant& grant, const CaseRow& row, int64_t now_us);

// Removes reports whose time is over. Inside of a change.
absl::Status RemoveOldReports(store::Connection* connection, int64_t now_us);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_REPORT_ROWS_H_
