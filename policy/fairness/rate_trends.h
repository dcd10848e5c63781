#ifndef CONSENTRY_POLICY_FAIRNESS_RATE_TRENDS_H_
#define CONSENTRY_POLICY_FAIRNESS_RATE_TRENDS_H_

#include <cstdint>
#include <span>

#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"

namespace consentry::policy::fairness {

// Adds to `report`, which RunAudit made of plan and table, how the rate of the
// positive prediction went over [from_us, to_us), for each group of a single
// attribute that the report tells: at most 12 periods of whole days, each with
// a Wilson interval. Periods with fewer cases than the plan shows are left out,
// and what would tell them by subtraction. `times_us` has one time for each
// case. Nothing is added for less than two days. Pure; any thread.
void AddRateTrends(const AuditPlan& plan, const AuditTable& table,
                   std::span<const int64_t> times_us, int64_t from_us,
                   int64_t to_us, v1::FairnessReport* report);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_RATE_TRENDS_H_
