#ifndef CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TEXT_H_
#define CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TEXT_H_

#include <ostream>
#include <string>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::tools {

// A report as tables for a terminal: for each attribute its groups with cases,
// rates and intervals, what compares them, findings, and what the report does
// not claim. A dash: there is nothing to tell.
void ShowFairnessReport(const v1::FairnessReport& report, std::ostream& out);

// One paragraph in lines of at most 80 columns; further lines are indented by
// as many spaces as `indent` has characters.
void ShowWrapped(const std::string& text, const std::string& indent,
                 std::ostream& out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FAIRNESS_TEXT_H_
