#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_HTML_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_HTML_H_

#include <string>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::policy::fairness {

// A report as one self-contained page, for reading and for printing: what was
// found, plots of rates and of what compares them, spread of scores and prices,
// trends, proxies, every figure with its counts, formula and method, and what
// the report does not claim. No script, nothing from elsewhere. Pure: equal
// reports give equal bytes; any thread.
std::string FairnessReportHtml(const v1::FairnessReport& report);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_HTML_H_
