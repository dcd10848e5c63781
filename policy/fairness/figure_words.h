#ifndef CONSENTRY_POLICY_FAIRNESS_FIGURE_WORDS_H_
#define CONSENTRY_POLICY_FAIRNESS_FIGURE_WORDS_H_

#include <string>

namespace consentry::policy::fairness {

// A figure as people read it: "selection rate, minus reference" for
// "selection_rate_group_minus_reference".
std::string FigureTitle(const std::string& metric);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_FIGURE_WORDS_H_
