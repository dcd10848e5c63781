#ifndef CONSENTRY_GATEWAY_FAIRNESS_REPORT_FILE_H_
#define CONSENTRY_GATEWAY_FAIRNESS_REPORT_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/report_rows.h"

// The forms in which a report of an audit is kept and told. Pure; any thread.
namespace consentry::fairness {

// The text that is signed (policy/fairness/report_note.h).
std::string ReportNote(const store::v1::FairnessReportDoc& doc,
                       const std::string& log_origin);

// From when the report is made: once its time is over and outcomes had theirs.
// Of a time that was over when it was registered at once.
int64_t MadeFromUs(const store::v1::FairnessReportDoc& doc);

// What of a report does not need its file. One that is not made says so in its
// limits, and from when it will be, or why it cannot.
v1::FairnessReport ReportSummary(const store::v1::FairnessReportDoc& doc);

// The JSON file that the digest is about. INTERNAL.
absl::StatusOr<std::string> ReportJson(const v1::FairnessReport& report);

// The report of a row that was read with its file, with digest and note.
absl::StatusOr<v1::FairnessReport> ReportOf(const ReportRow& row);

// Above this an answer leaves the figures to the file, and says so.
inline constexpr size_t kMaxReportAnswerBytes = size_t{3} << 20;
v1::FairnessReport FittingReport(v1::FairnessReport report);

// What staff are told.
std::vector<std::string> ReportLines(const v1::FairnessReport& report);

// A text as notices know it: [a-z0-9_.:- ], at most 120 characters.
std::string NoticeLine(std::string text);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_REPORT_FILE_H_
