#ifndef CONSENTRY_TOOLS_CONSENTRY_FOLD_H_
#define CONSENTRY_TOOLS_CONSENTRY_FOLD_H_

#include <string>
#include <string_view>

namespace consentry::tools {

// What remains of a name when spelling is put aside: lower case, without the
// accents of Western and Central European letters, "ß" as "ss", and without
// everything that is neither letter nor digit. "Straße_Nr." is "strassenr".
// Other scripts stay as they are. For comparing names of columns and countries;
// never for comparing people. `text` is UTF-8.
std::string Fold(std::string_view text);

// The same without dropping anything: "Ja?" is "ja?" and not "ja". For cells
// whose words are stated, where a sign may turn the meaning.
std::string FoldWord(std::string_view text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_FOLD_H_
