#include "tools/consentry/fold.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/ascii.h"

namespace consentry::tools {
namespace {

// Base letters of U+00C0 to U+017F; '.': none of its own.
constexpr char kBase[] =
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy.."   // U+00C0
    "aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"   // U+00E0
    "aaaaaaccccccccddddeeeeeeeeeegggg"   // U+0100
    "gggghhhhiiiiiiiiii..jjkk.lllllll"   // U+0120
    "lllnnnnnnn..oooooo..rrrrrrssssss"   // U+0140
    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";  // U+0160

std::string FoldText(std::string_view text, bool keep_signs) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      if (keep_signs || absl::ascii_isalnum(byte)) {
        out.push_back(absl::ascii_tolower(byte));
      }
      continue;
    }
    if (byte >= 0xC3 && byte <= 0xC5 && i + 1 < text.size()) {
      const uint32_t code = ((byte & 0x1Fu) << 6) |
                            (static_cast<unsigned char>(text[i + 1]) & 0x3Fu);
      ++i;
      if (code == 0x152 || code == 0x153) {
        out += "oe";
      } else if (code == 0xDF) {
        out += "ss";
      } else if (code == 0xC6 || code == 0xE6) {
        out += "ae";
      } else {
        const char base = kBase[code - 0xC0];
        if (base != '.') {
          out.push_back(base);
        } else if (keep_signs) {
          out += text.substr(i - 1, 2);
        }
      }
      continue;
    }
    // Typographic quotes and dashes are no letters.
    if (!keep_signs && byte == 0xE2 && i + 2 < text.size() &&
        static_cast<unsigned char>(text[i + 1]) == 0x80) {
      i += 2;
      continue;
    }
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace

std::string Fold(std::string_view text) { return FoldText(text, false); }

std::string FoldWord(std::string_view text) { return FoldText(text, true); }

}  // namespace consentry::tools
