#ifndef CONSENTRY_POLICY_FAIRNESS_AUDIT_SCHEDULE_H_
#define CONSENTRY_POLICY_FAIRNESS_AUDIT_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "consentry/config/v1/fairness.pb.h"

// When audits are due, and what each may spend. Pure: time comes in as an
// argument; all of it is UTC. Any thread.
namespace consentry::policy::fairness {

using AuditCalendar = config::v1::FairnessAudits::Calendar;

// A whole month, quarter or year.
struct AuditSpan {
  // Inclusive and exclusive.
  int64_t from_us = 0;
  int64_t to_us = 0;
  // "2026-03", "2026-Q1", "2026". Names the audit of that span: there is one.
  std::string name;
};

// The span that `now_us` lies in. Absent without a calendar.
std::optional<AuditSpan> SpanAt(AuditCalendar calendar, int64_t now_us);

// The longest span has so many days; 0: there is no calendar.
int MostDaysOfSpan(AuditCalendar calendar);

// Alpha that was spent.
struct SpentAlpha {
  // When its audit was registered.
  int64_t time_us = 0;
  double alpha = 0;
  // By an audit of the calendar.
  bool scheduled = false;
};

// What an audit that is registered at `now_us` may spend. All that are
// registered in one calendar year together never spend more than `yearly`: half
// of it is divided evenly over the spans that begin in a year, the other half,
// or all of it without a calendar, is for audits that somebody asks for, each
// of which gets half of what is left. 0: nothing is left, and the audit
// describes.
double AlphaForAudit(AuditCalendar calendar, double yearly,
                     std::span<const SpentAlpha> spent, bool scheduled,
                     int64_t now_us);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_AUDIT_SCHEDULE_H_
