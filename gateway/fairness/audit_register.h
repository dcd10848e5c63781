#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_REGISTER_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_REGISTER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/audit_parts.h"
#include "gateway/fairness/report_rows.h"
#include "gateway/store/change.h"

namespace consentry::fairness {

// Writes down what audits will ask, by which text of a profile and for how much
// alpha, before there is anything to see: what spends alpha looks at outputs
// that come after its registration, on dates, when somebody asks, and after an
// alarm. What describes the past spends nothing.
class AuditRegister {
 public:
  // `parts` outlives the object; of them it wants answers, readers, watch,
  // profiles, rows, keep_days and tell.
  explicit AuditRegister(const AuditParts* parts) : parts_(parts) {}

  // Audits of one profile that somebody asked for and that are not made yet.
  static constexpr size_t kMostAsked = 8;
  // How far ahead a confirmatory audit may end.
  static constexpr int64_t kMostDaysAhead = 366;

  // An audit that somebody asks for: sets `row`, and writes it. Inside of a
  // change. NOT_FOUND; FIELD_INVALID that names the time which is wrong;
  // BUDGET_EXHAUSTED for more than kMostAsked.
  absl::Status Ask(store::ChangeContext& context,
                   const v1::RunFairnessAuditRequest& request,
                   const std::string& requester, ReportRow* row) const;

  // For each profile with a calendar the span that runs, from now on where it
  // began before, unless it has its audit. A change each; waits. The first
  // error; the others are registered all the same.
  absl::Status AddDue() const;

  // For each version of a model with an alarm, where the profile in force wants
  // it, the audit of the days to come: one that is open, and one for each time
  // that an alarm begins. Paid as if somebody asked for it; where nothing is
  // left of the year's alpha it is refused, and staff are told. As AddDue.
  absl::Status AddForAlarms() const;

 private:
  absl::Status AddForAlarm(store::ChangeContext& context, ReportRow row) const;
  // Sets aside what the profile still has, and writes the row.
  absl::Status Add(store::ChangeContext& context, bool confirmatory,
                   ReportRow* row) const;

  const AuditParts* const parts_;
};

// Details of the entry of a registration: "report=", "profile=credit/3",
// "from=", "to=", "alpha=", and where there are any "span=", "version=" (of the
// model) and "alarm_since=". A restore reads them (lost_audits.h).
void TellRegistration(const store::v1::FairnessReportDoc& doc,
                      store::v1::Leaf* leaf);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_REGISTER_H_
