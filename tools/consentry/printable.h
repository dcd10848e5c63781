#ifndef CONSENTRY_TOOLS_CONSENTRY_PRINTABLE_H_
#define CONSENTRY_TOOLS_CONSENTRY_PRINTABLE_H_

#include <string>
#include <string_view>

namespace consentry::tools {

// `text` (UTF-8) for one place on a terminal: every control character, U+0000
// to U+001F and U+007F to U+009F, line ends included, shows as U+FFFD. Values
// come from customers; one could otherwise steer the terminal of whoever reads
// it, or look like lines of ours.
std::string Printable(std::string_view text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_PRINTABLE_H_
