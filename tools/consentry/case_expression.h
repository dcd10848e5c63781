#ifndef CONSENTRY_TOOLS_CONSENTRY_CASE_EXPRESSION_H_
#define CONSENTRY_TOOLS_CONSENTRY_CASE_EXPRESSION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace consentry::tools {

// Whether a cell says that something is not known: it is empty, "unknown", or
// "nan" as programs write a number that is none, in letters of any case.
bool IsNotKnown(std::string_view cell);

// What a person writes to say yes or no of one row:
//
//   expression = column | column operator value
//   column     = any text without an operator, or such text in double quotes
//   operator   = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | " in "
//   value      = text to the end, or in double quotes; after "in" several,
//                between commas
//
// Spaces around column and value do not count. "=", "!=" and "in" compare
// numbers where both sides are numbers, else text as it stands; the others
// compare numbers.
class CaseExpression {
 public:
  enum class Operator {
    kNone,  // The column alone.
    kEqual,
    kUnequal,
    kBelow,
    kAtMost,
    kAbove,
    kAtLeast,
    kIn,
  };

  // InvalidArgument for an empty column or value, a quote that does not end,
  // and a value that is no number where one is needed.
  static absl::StatusOr<CaseExpression> Parse(std::string_view text);

  const std::string& column() const { return column_; }
  Operator op() const { return op_; }
  // As it was written, without spaces around it.
  const std::string& text() const { return text_; }

  // Turns a column alone into `column = value`.
  void SetValue(std::string_view value);

  // What it says of a cell. Absent: the cell is not known and not what the
  // expression names, is no number where one is needed, or, for a column alone,
  // is none of 1, 0, true, false, yes, no, t, f, y, n in letters of any case.
  std::optional<bool> Holds(std::string_view cell) const;

 private:
  std::string text_;
  std::string column_;
  Operator op_ = Operator::kNone;
  std::vector<std::string> values_;
  double number_ = 0;
};

// A finite number that fills the whole text, but for spaces around it.
std::optional<double> NumberOf(std::string_view text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_CASE_EXPRESSION_H_
