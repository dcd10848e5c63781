#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_DATES_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_DATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/rights.pb.h"
#include "gateway/rights/case_rows.h"
#include "gateway/store/engine.h"

namespace consentry::rights {

// Dates of open cases for staff: lines of an id, a date and words of ours, and
// no value of anybody's. They do not change from hour to hour.
struct CaseDates {
  // Within a week: "case_due: rgt_... answer 2026-12-01",
  // "... acknowledge 2026-11-25", "... answer_or_extend 2026-12-01".
  std::vector<std::string> due;
  // Within a day, or past: "case_due: ..." and "case_late: ...".
  std::vector<std::string> urgent;
};

// Of one case; a clock that stands still tells nothing.
void AddDatesOf(const store::v1::RightsCaseDoc& doc, int64_t now_us,
                CaseDates* dates);

// Of all open cases, the most urgent first, at most 1000 of them. Errors of the
// store.
absl::StatusOr<CaseDates> DatesOf(const CaseRows& rows,
                                  store::Connection* connection,
                                  int64_t now_us);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_DATES_H_
