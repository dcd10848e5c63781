#include "gateway/rights/case_dates.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/rights/case_law.h"
#include "policy/engine/civil.h"
#include "policy/rights/case_flow.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

constexpr int64_t kSoonUs = 7 * policy::kUsPerDay;
constexpr int64_t kUrgentUs = policy::kUsPerDay;
constexpr size_t kMostCases = 1000;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

void Add(std::string_view id, std::string_view what, int64_t by_us,
         int64_t now_us, CaseDates* dates) {
  if (by_us > now_us + kSoonUs) return;
  std::string line = absl::StrCat(
      by_us < now_us ? "case_late: " : "case_due: ", std::string(id), " ",
      std::string(what), " ", policy::FormatTime(by_us).substr(0, 10));
  (by_us <= now_us + kUrgentUs ? dates->urgent : dates->due)
      .push_back(std::move(line));
}

}  // namespace

void AddDatesOf(const store::v1::RightsCaseDoc& doc, int64_t now_us,
                CaseDates* dates) {
  if (!policy::IsOpen(static_cast<v1::RightsState>(doc.state()))) return;
  std::optional<int64_t> answer;
  for (const store::v1::CaseClock& clock : doc.clocks()) {
    const policy::ClockTimes times = TimesOf(doc, clock);
    if (times.stopped_since_us) continue;
    answer = std::min(answer.value_or(INT64_MAX), times.answer_by_us);
  }
  const int64_t acknowledge = AcknowledgeByOf(doc);
  if (acknowledge != 0 && doc.acknowledged_us() == 0) {
    Add(doc.id(), "acknowledge", acknowledge, now_us, dates);
  }
  if (!answer) return;
  const bool more = *answer >= now_us && MayStillExtend(doc, now_us);
  Add(doc.id(), more ? "answer_or_extend" : "answer", *answer, now_us, dates);
}

absl::StatusOr<CaseDates> DatesOf(const CaseRows& rows,
                                  store::Connection* connection,
                                  int64_t now_us) {
  // A receipt is confirmed long before the answer is due, so every open case
  // is looked at.
  CaseFilter filter;
  filter.due_before_hour = INT64_MAX / kHourUs;
  CasePlace last;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto open, rows.List(connection, filter, {}, kMostCases, &last));
  CaseDates dates;
  for (const CaseRow& row : open) AddDatesOf(row.doc, now_us, &dates);
  return dates;
}

}  // namespace consentry::rights
