#include "policy/signals/usp.h"

#include <algorithm>
#include <array>
#include <string>

#include "policy/signals/signal_error.h"

namespace consentry::signals {

absl::StatusOr<UspString> DecodeUsp(std::string_view text, size_t offset) {
  static constexpr std::array<std::string_view, 4> kFields = {
      "usp.Version", "usp.Notice", "usp.OptOutSale", "usp.LspaCovered"};
  for (size_t i = 0; i < kFields.size(); ++i) {
    Fault fault = Fault::kTruncated;
    if (i < text.size()) {
      const char c = text[i];
      if (i == 0 ? c == '1' : (c == 'Y' || c == 'N' || c == '-')) continue;
      fault = i == 0 ? Fault::kVersion : Fault::kBadCharacter;
    }
    return ToStatus({fault, std::string(kFields[i]), offset + i, 0});
  }
  if (text.size() > kFields.size()) {
    return ToStatus({Fault::kTrailing, "usp", offset + kFields.size(), 0});
  }
  return UspString{text[1], text[2], text[3]};
}

bool IsGpc(std::span<const std::string_view> values) {
  return std::any_of(values.begin(), values.end(),
                     [](std::string_view value) { return IsGpc(value); });
}

bool IsGpc(std::string_view value) { return value == "1"; }

}  // namespace consentry::signals
