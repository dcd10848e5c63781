#ifndef CONSENTRY_GATEWAY_FAIRNESS_MONITOR_HISTORY_H_
#define CONSENTRY_GATEWAY_FAIRNESS_MONITOR_HISTORY_H_

#include "absl/status/status.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/audit_parts.h"

// How monitors stood, as points that are kept over time. Of `parts` they want
// answers, readers, watch, profiles and rows.
namespace consentry::fairness {

// Notes a point for each version of which a quarter more was counted since the
// last one, or anything a day later. A change of its own; waits.
absl::Status NoteMonitors(const AuditParts& parts);

// Leaves an entry about each violation that has none: the queue was full when
// it was found. Does not wait.
absl::Status RecordUnlogged(const AuditParts& parts);

// Adds what was noted in the time of a report about its profile, and its
// version of the model where it names one.
absl::Status AddTrends(const AuditParts& parts,
                       const store::v1::FairnessReportDoc& doc,
                       v1::FairnessReport* report);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_MONITOR_HISTORY_H_
