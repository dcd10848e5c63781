#include "policy/conduct/amount_text.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"

namespace consentry::conduct {
namespace {

constexpr int64_t kMost = int64_t{1} << 50;

bool IsSeparator(char c) { return c == '.' || c == ',' || c == '\''; }

// One number with its signs: "1.299,00".
int64_t Read(std::string_view number, size_t minor_digits) {
  size_t tail = 0;
  while (tail < number.size() &&
         absl::ascii_isdigit(number[number.size() - 1 - tail])) {
    ++tail;
  }
  const bool divides = tail < number.size() && tail > 0 &&
                       (tail <= 2 || (tail == 3 && minor_digits == 3));
  int64_t value = 0;
  size_t behind = 0;
  for (size_t i = 0; i < number.size(); ++i) {
    if (!absl::ascii_isdigit(number[i])) continue;
    if (divides && i >= number.size() - tail && ++behind > minor_digits) break;
    value = value * 10 + (number[i] - '0');
    if (value > kMost) return kMost;
  }
  for (behind = std::min(behind, minor_digits); behind < minor_digits;
       ++behind) {
    value *= 10;
  }
  return std::min(value, kMost);
}

}  // namespace

size_t MinorDigits(std::string_view currency) {
  static constexpr std::string_view kNone[] = {
      "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
      "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"};
  static constexpr std::string_view kThree[] = {"BHD", "IQD", "JOD", "KWD",
                                                "LYD", "OMR", "TND"};
  if (std::find(std::begin(kNone), std::end(kNone), currency) !=
      std::end(kNone)) {
    return 0;
  }
  return std::find(std::begin(kThree), std::end(kThree), currency) !=
                 std::end(kThree)
             ? 3
             : 2;
}

std::string AmountText(int64_t minor_units, std::string_view currency) {
  const size_t digits = MinorDigits(currency);
  // INT64_MIN has no positive.
  const bool negative = minor_units < 0;
  const uint64_t amount = negative
                              ? uint64_t{0} - static_cast<uint64_t>(minor_units)
                              : static_cast<uint64_t>(minor_units);
  std::string text = std::to_string(amount);
  if (digits > 0) {
    if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
    text.insert(text.size() - digits, 1, '.');
  }
  if (negative) text.insert(0, 1, '-');
  text += ' ';
  text += currency;
  return text;
}

std::optional<int64_t> AmountIn(std::string_view text,
                                std::string_view currency) {
  const size_t minor_digits = MinorDigits(currency);
  std::optional<int64_t> greatest;
  size_t i = 0;
  while (i < text.size()) {
    if (!absl::ascii_isdigit(text[i])) {
      ++i;
      continue;
    }
    const size_t begin = i;
    while (i < text.size() && (absl::ascii_isdigit(text[i]) ||
                               (IsSeparator(text[i]) && i + 1 < text.size() &&
                                absl::ascii_isdigit(text[i + 1])))) {
      ++i;
    }
    const int64_t amount = Read(text.substr(begin, i - begin), minor_digits);
    greatest = std::max(greatest.value_or(amount), amount);
  }
  return greatest;
}

}  // namespace consentry::conduct
