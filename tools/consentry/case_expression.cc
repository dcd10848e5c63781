#include "tools/consentry/case_expression.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace consentry::tools {
namespace {

using Operator = CaseExpression::Operator;

std::string Trimmed(std::string_view text) {
  return std::string(
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

struct Symbol {
  std::string_view text;
  Operator op;
};
// The longer of two that begin alike stands first.
constexpr std::array<Symbol, 7> kSymbols = {{{"==", Operator::kEqual},
                                             {"!=", Operator::kUnequal},
                                             {"<=", Operator::kAtMost},
                                             {">=", Operator::kAtLeast},
                                             {"=", Operator::kEqual},
                                             {"<", Operator::kBelow},
                                             {">", Operator::kAbove}}};

// Text in double quotes stands for itself.
absl::StatusOr<std::string> Unquoted(const std::string& text) {
  if (text.empty() || text.front() != '"') return text;
  if (text.size() < 2 || text.back() != '"') {
    return absl::InvalidArgumentError(
        absl::StrCat("a quote ends nowhere in ", text));
  }
  return text.substr(1, text.size() - 2);
}

bool Same(const std::string& a, std::string_view b) {
  if (a == b) return true;
  const auto x = NumberOf(a);
  const auto y = NumberOf(b);
  return x && y && *x == *y;
}

}  // namespace

std::optional<double> NumberOf(std::string_view text) {
  double number = 0;
  const std::string trimmed = Trimmed(text);
  // No hexadecimal, no "nan".
  if (trimmed.find_first_not_of("+-.0123456789eE") != std::string::npos) {
    return std::nullopt;
  }
  if (!absl::SimpleAtod(trimmed, &number) || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

absl::StatusOr<CaseExpression> CaseExpression::Parse(std::string_view text) {
  CaseExpression expression;
  expression.text_ = Trimmed(text);
  const std::string& whole = expression.text_;
  size_t from = 0;
  if (!whole.empty() && whole.front() == '"') {
    from = whole.find('"', 1);
    if (from == std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("a quote ends nowhere in ", whole));
    }
    ++from;
  }
  size_t at = whole.find_first_of("=!<>", from);
  size_t length = 0;
  if (at != std::string::npos) {
    for (const Symbol& symbol : kSymbols) {
      if (whole.compare(at, symbol.text.size(), symbol.text) == 0) {
        expression.op_ = symbol.op;
        length = symbol.text.size();
        break;
      }
    }
    if (length == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("no operator that is known in ", whole));
    }
  } else if (at = whole.find(" in ", from); at != std::string::npos) {
    expression.op_ = Operator::kIn;
    length = 4;
  }
  auto column = Unquoted(Trimmed(whole.substr(0, at)));
  if (!column.ok()) return column.status();
  expression.column_ = *std::move(column);
  if (expression.column_.empty()) {
    return absl::InvalidArgumentError("an expression begins with a column");
  }
  if (expression.op_ == Operator::kNone) return expression;

  const std::string rest = Trimmed(whole.substr(at + length));
  std::vector<std::string> parts = {rest};
  if (expression.op_ == Operator::kIn) parts = absl::StrSplit(rest, ',');
  for (const std::string& part : parts) {
    auto value = Unquoted(Trimmed(part));
    if (!value.ok()) return value.status();
    if (value->empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a value is missing in ", whole));
    }
    expression.values_.push_back(*std::move(value));
  }
  switch (expression.op_) {
    case Operator::kBelow:
    case Operator::kAtMost:
    case Operator::kAbove:
    case Operator::kAtLeast: {
      const auto number = NumberOf(expression.values_[0]);
      if (!number) {
        return absl::InvalidArgumentError(
            absl::StrCat("only numbers are smaller or greater: ", whole));
      }
      expression.number_ = *number;
      break;
    }
    default:
      break;
  }
  return expression;
}

bool IsNotKnown(std::string_view cell) {
  const std::string word = absl::AsciiStrToLower(Trimmed(cell));
  return word.empty() || word == "unknown" || word == "nan";
}

void CaseExpression::SetValue(std::string_view value) {
  op_ = Operator::kEqual;
  values_ = {std::string(value)};
  text_ = absl::StrCat(column_, " = ", values_[0]);
}

std::optional<bool> CaseExpression::Holds(std::string_view cell) const {
  const std::string trimmed = Trimmed(cell);
  if (trimmed.empty()) return std::nullopt;
  const auto number = [&trimmed](auto compare) -> std::optional<bool> {
    const auto value = NumberOf(trimmed);
    if (!value) return std::nullopt;
    return compare(*value);
  };
  const auto any = [&] {
    return std::any_of(
        values_.begin(), values_.end(),
        [&](const std::string& value) { return Same(value, trimmed); });
  };
  switch (op_) {
    case Operator::kNone: {
      const std::string word = absl::AsciiStrToLower(trimmed);
      for (const char* yes : {"1", "true", "yes", "t", "y"}) {
        if (word == yes) return true;
      }
      for (const char* no : {"0", "false", "no", "f", "n"}) {
        if (word == no) return false;
      }
      return std::nullopt;
    }
    case Operator::kEqual:
    case Operator::kIn:
      if (any()) return true;
      if (IsNotKnown(trimmed)) return std::nullopt;
      return false;
    case Operator::kUnequal:
      if (any()) return false;
      if (IsNotKnown(trimmed)) return std::nullopt;
      return true;
    case Operator::kBelow:
      return number([this](double value) { return value < number_; });
    case Operator::kAtMost:
      return number([this](double value) { return value <= number_; });
    case Operator::kAbove:
      return number([this](double value) { return value > number_; });
    case Operator::kAtLeast:
      return number([this](double value) { return value >= number_; });
  }
  return std::nullopt;
}

}  // namespace consentry::tools
