#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_SECTION_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_SECTION_H_

#include <string>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::policy::fairness {

// What a report says of one attribute, all cases or one arm of an experiment:
// its groups, their rates, what compares them, and spreads of scores and
// prices. Pure; any thread. Internal to the page.
std::string SectionHtml(const v1::FairnessReport& report,
                        const std::string& attribute,
                        const std::string& variant);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_SECTION_H_
