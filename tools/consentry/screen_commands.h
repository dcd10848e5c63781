#ifndef CONSENTRY_TOOLS_CONSENTRY_SCREEN_COMMANDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_SCREEN_COMMANDS_H_

namespace CLI {
class App;
}

namespace consentry::tools {

struct CommandContext;

// Under `screen`: `show`, `list`, `case`, `outcome`, `revoked`, `fetch`,
// `vulnerability set|clear|list`.
void AddScreenLook(CLI::App* screen, CommandContext* context);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SCREEN_COMMANDS_H_
