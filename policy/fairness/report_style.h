#ifndef CONSENTRY_POLICY_FAIRNESS_REPORT_STYLE_H_
#define CONSENTRY_POLICY_FAIRNESS_REPORT_STYLE_H_

namespace consentry::policy::fairness {

// CSS of the page of a report, but for its plots: for a phone, a screen and A4
// in grey.
extern const char kReportStyle[];

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_REPORT_STYLE_H_
