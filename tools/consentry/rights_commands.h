#ifndef CONSENTRY_TOOLS_CONSENTRY_RIGHTS_COMMANDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_RIGHTS_COMMANDS_H_

#include <iosfwd>

#include "consentry/v1/rights_service.pb.h"

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

// Under `rights`: `preview` and `certificate` of erasures, and
// `verify-certificate`, which needs no gateway.
void AddErasure(CLI::App* rights, CommandContext* context);

// One line for each outcome.
void ShowOutcome(const v1::RightsOutcome& outcome, std::ostream& out);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_RIGHTS_COMMANDS_H_
