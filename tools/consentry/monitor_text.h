#ifndef CONSENTRY_TOOLS_CONSENTRY_MONITOR_TEXT_H_
#define CONSENTRY_TOOLS_CONSENTRY_MONITOR_TEXT_H_

#include <ostream>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::tools {

// A monitor for a terminal: its verdict always, figures where they are told,
// and what they leave out.
void ShowFairnessMonitor(const v1::FairnessMonitor& one, std::ostream& out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_MONITOR_TEXT_H_
