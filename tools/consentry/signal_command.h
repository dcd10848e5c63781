#ifndef CONSENTRY_TOOLS_CONSENTRY_SIGNAL_COMMAND_H_
#define CONSENTRY_TOOLS_CONSENTRY_SIGNAL_COMMAND_H_

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

// Under `consent`: `signal` records a privacy signal of a customer, `link`
// makes a one-click unsubscribe link, `click` does what a click on it does.
void AddSignal(CLI::App* consent, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SIGNAL_COMMAND_H_
