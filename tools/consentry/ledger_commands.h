#ifndef CONSENTRY_TOOLS_CONSENTRY_LEDGER_COMMANDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_LEDGER_COMMANDS_H_

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

// Commands under `consent`.

// `notice add|list`: texts that customers are shown, and how.
void AddNotice(CLI::App* consent, CommandContext* context);
// `receipt`, and `verify-receipt`, which needs no gateway.
void AddReceipt(CLI::App* consent, CommandContext* context);
// `history`, `renew`, `may-ask`, `soft-opt-in`, `confirm start|complete`.
void AddLedger(CLI::App* consent, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_LEDGER_COMMANDS_H_
