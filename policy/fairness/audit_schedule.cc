#include "policy/fairness/audit_schedule.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::FairnessAudits;

// Less than this tests nothing.
constexpr double kLeastAlpha = 1e-6;

int64_t Micros(absl::CivilMonth month) {
  return absl::ToUnixMicros(absl::FromCivil(month, absl::UTCTimeZone()));
}

absl::CivilMonth MonthOf(int64_t time_us) {
  return absl::ToCivilMonth(absl::FromUnixMicros(time_us), absl::UTCTimeZone());
}

// Months of a span; 0: there is no calendar.
int MonthsOf(AuditCalendar calendar) {
  switch (calendar) {
    case FairnessAudits::MONTHLY:
      return 1;
    case FairnessAudits::QUARTERLY:
      return 3;
    case FairnessAudits::YEARLY:
      return 12;
    default:
      return 0;
  }
}

}  // namespace

std::optional<AuditSpan> SpanAt(AuditCalendar calendar, int64_t now_us) {
  const int months = MonthsOf(calendar);
  if (months == 0) return std::nullopt;
  absl::CivilMonth begin = MonthOf(now_us);
  begin -= (begin.month() - 1) % months;
  AuditSpan span = {Micros(begin), Micros(begin + months), ""};
  switch (calendar) {
    case FairnessAudits::MONTHLY:
      span.name = absl::StrFormat("%d-%02d", begin.year(), begin.month());
      break;
    case FairnessAudits::QUARTERLY:
      span.name =
          absl::StrFormat("%d-Q%d", begin.year(), (begin.month() - 1) / 3 + 1);
      break;
    default:
      span.name = absl::StrFormat("%d", begin.year());
  }
  return span;
}

int MostDaysOfSpan(AuditCalendar calendar) {
  switch (MonthsOf(calendar)) {
    case 1:
      return 31;
    case 3:
      return 92;
    case 12:
      return 366;
    default:
      return 0;
  }
}

double AlphaForAudit(AuditCalendar calendar, double yearly,
                     std::span<const SpentAlpha> spent, bool scheduled,
                     int64_t now_us) {
  const int months = MonthsOf(calendar);
  if (!(yearly > 0 && yearly < 1) || (scheduled && months == 0)) return 0;
  const absl::CivilYear year(MonthOf(now_us));
  double of_calendar = 0;
  double of_others = 0;
  for (const SpentAlpha& one : spent) {
    if (absl::CivilYear(MonthOf(one.time_us)) != year) continue;
    (one.scheduled ? of_calendar : of_others) += std::max(0.0, one.alpha);
  }
  const double for_calendar = months == 0 ? 0 : yearly / 2;
  // Whatever happened before, the year's whole is never passed.
  const double left = yearly - of_calendar - of_others;
  double alpha = 0;
  if (scheduled) {
    alpha =
        std::min(for_calendar / (12.0 / months), for_calendar - of_calendar);
  } else {
    alpha = (yearly - for_calendar - of_others) / 2;
  }
  alpha = std::min(alpha, left);
  return alpha < kLeastAlpha ? 0 : alpha;
}

}  // namespace consentry::policy::fairness
