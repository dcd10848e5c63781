#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_TRENDS_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_TRENDS_H_

#include <string>

#include "consentry/v1/screening_service.pb.h"

// What the page of a report says of time. Pure; any thread. Internal to the
// page.
namespace consentry::policy::fairness {

// Rates of single periods and confidence sequences of monitors. Empty where
// there are none.
std::string TrendsHtml(const v1::FairnessReport& report);

// Since when: as monitors saw it, or that one look cannot say. Empty where
// neither monitors nor, as `found` says, the audit found anything.
std::string SinceHtml(const v1::FairnessReport& report, bool found);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_TRENDS_H_
