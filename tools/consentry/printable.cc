#include "tools/consentry/printable.h"

#include <cstddef>

namespace consentry::tools {

std::string Printable(std::string_view text) {
  constexpr std::string_view kReplacement = "\xef\xbf\xbd";
  std::string shown;
  shown.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) {
      shown += kReplacement;
      continue;
    }
    // C1: 0xC2 and 0x80 to 0x9F.
    if (byte == 0xc2 && i + 1 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      shown += kReplacement;
      ++i;
      continue;
    }
    shown.push_back(text[i]);
  }
  return shown;
}

}  // namespace consentry::tools
