#ifndef CONSENTRY_TOOLS_CONSENTRY_CATALOG_TEXT_H_
#define CONSENTRY_TOOLS_CONSENTRY_CATALOG_TEXT_H_

#include <string>
#include <string_view>

namespace consentry::tools {

// Puts `fields` (protobuf text, whole lines) at the end of the kind `key` of a
// catalog's text; appends a new kind where there is none. Everything else, its
// comments included, stays as it is. `text` must parse.
std::string InsertIntoKind(std::string_view text, std::string_view key,
                           std::string_view fields);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_CATALOG_TEXT_H_
