#ifndef CONSENTRY_TOOLS_CONSENTRY_COLUMN_NAMES_H_
#define CONSENTRY_TOOLS_CONSENTRY_COLUMN_NAMES_H_

#include <string_view>

#include "absl/types/span.h"
#include "consentry/config/v1/catalog.pb.h"
#include "tools/consentry/column_guess.h"

namespace consentry::tools {

// What exports call a column, in English, German, French and Spanish.
struct ColumnName {
  ColumnRole role;
  config::v1::FieldType::Value type;
  // A field of the usual catalog. Empty for roles without one.
  std::string_view field;
  std::string_view category;
  // Folded, parted by spaces.
  std::string_view words;
};

// The one that a folded name is (`exact`), else the one that a word of at least
// five letters of it is, else nullptr.
const ColumnName* FindColumnName(std::string_view folded, bool* exact);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_COLUMN_NAMES_H_
