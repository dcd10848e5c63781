#include "policy/fairness/figure_words.h"

#include "absl/strings/str_replace.h"

namespace consentry::policy::fairness {

std::string FigureTitle(const std::string& metric) {
  return absl::StrReplaceAll(metric, {{"_group_minus_", ", minus "},
                                      {"_group_over_", ", over "},
                                      {"_within_strata", ", within strata"},
                                      {"_", " "}});
}

}  // namespace consentry::policy::fairness
