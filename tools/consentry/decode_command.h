#ifndef CONSENTRY_TOOLS_CONSENTRY_DECODE_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_DECODE_COMMAND_H_

#include <ostream>
#include <string_view>

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

// `consentry consent decode STRING [--json]`: what a TCF, GPP, US Privacy or
// GPC signal says. Needs no gateway and records nothing. Under `consent`.
void AddDecode(CLI::App* consent, CommandContext* context);

// The command itself: an exit code. A string that the decoders refuse is
// kExitNo, with its fault, field and place on `err` (on `out` with `json`).
int DecodeSignalTo(std::string_view text, bool json, std::ostream& out,
                   std::ostream& err);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_DECODE_COMMAND_H_
