#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_ANSWER_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_ANSWER_H_

#include <string>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::policy::fairness {

// The first screen of a report's page: whether anybody is treated worse, how
// sure that is, since when, and what is not claimed; then all that was found
// outside of tolerance. Pure; any thread. Internal to the page.
std::string AnswerHtml(const v1::FairnessReport& report);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_ANSWER_H_
