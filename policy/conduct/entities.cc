#include "policy/conduct/entities.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace consentry::conduct {
namespace {

// Sorted by name. https://html.spec.whatwg.org/entities.json
constexpr std::pair<std::string_view, uint32_t> kNames[] = {
    {"AMP", 0x26},      {"Aacute", 0xC1},   {"Acirc", 0xC2},
    {"Agrave", 0xC0},   {"Alpha", 0x391},   {"Auml", 0xC4},
    {"Beta", 0x392},    {"Ccedil", 0xC7},   {"Eacute", 0xC9},
    {"Ecirc", 0xCA},    {"Egrave", 0xC8},   {"Epsilon", 0x395},
    {"Eta", 0x397},     {"GT", 0x3E},       {"Iacute", 0xCD},
    {"Iota", 0x399},    {"Kappa", 0x39A},   {"LT", 0x3C},
    {"Mu", 0x39C},      {"NewLine", 0x0A},  {"Ntilde", 0xD1},
    {"Nu", 0x39D},      {"OElig", 0x152},   {"Oacute", 0xD3},
    {"Omicron", 0x39F}, {"Ouml", 0xD6},     {"Rho", 0x3A1},
    {"Tab", 0x09},      {"Tau", 0x3A4},     {"Uacute", 0xDA},
    {"Upsilon", 0x3A5}, {"Uuml", 0xDC},     {"Zeta", 0x396},
    {"aacute", 0xE1},   {"acirc", 0xE2},    {"aelig", 0xE6},
    {"agrave", 0xE0},   {"alpha", 0x3B1},   {"amp", 0x26},
    {"apos", 0x27},     {"auml", 0xE4},     {"bdquo", 0x201E},
    {"bull", 0x2022},   {"cacute", 0x107},  {"ccedil", 0xE7},
    {"colon", 0x3A},    {"comma", 0x2C},    {"copy", 0xA9},
    {"eacute", 0xE9},   {"ecirc", 0xEA},    {"egrave", 0xE8},
    {"emsp", 0x2003},   {"ensp", 0x2002},   {"euml", 0xEB},
    {"euro", 0x20AC},   {"excl", 0x21},     {"frac12", 0xBD},
    {"gt", 0x3E},       {"hellip", 0x2026}, {"iacute", 0xED},
    {"icirc", 0xEE},    {"iexcl", 0xA1},    {"igrave", 0xEC},
    {"iota", 0x3B9},    {"iquest", 0xBF},   {"iuml", 0xEF},
    {"laquo", 0xAB},    {"ldquo", 0x201C},  {"lrm", 0x200E},
    {"lsquo", 0x2018},  {"lt", 0x3C},       {"mdash", 0x2014},
    {"middot", 0xB7},   {"nbsp", 0xA0},     {"ndash", 0x2013},
    {"ntilde", 0xF1},   {"nu", 0x3BD},      {"num", 0x23},
    {"oacute", 0xF3},   {"ocirc", 0xF4},    {"oelig", 0x153},
    {"ograve", 0xF2},   {"omicron", 0x3BF}, {"oslash", 0xF8},
    {"ouml", 0xF6},     {"percnt", 0x25},   {"period", 0x2E},
    {"pound", 0xA3},    {"quot", 0x22},     {"raquo", 0xBB},
    {"rdquo", 0x201D},  {"rho", 0x3C1},     {"rlm", 0x200F},
    {"rsquo", 0x2019},  {"shy", 0xAD},      {"szlig", 0xDF},
    {"thinsp", 0x2009}, {"uacute", 0xFA},   {"ucirc", 0xFB},
    {"ugrave", 0xF9},   {"uuml", 0xFC},     {"yen", 0xA5},
    {"zwj", 0x200D},    {"zwnj", 0x200C},
};
static_assert(std::is_sorted(std::begin(kNames), std::end(kNames)));

// Leading zeros are allowed, and hide nothing.
constexpr size_t kMaxDigits = 64;
constexpr size_t kMaxName = 8;

int DigitValue(char c, bool hex) {
  if (c >= '0' && c <= '9') return c - '0';
  if (hex && c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (hex && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Entity ReadNumber(std::string_view text) {
  size_t i = 2;
  const bool hex = i < text.size() && (text[i] == 'x' || text[i] == 'X');
  if (hex) ++i;
  const size_t first = i;
  uint64_t value = 0;
  for (; i < text.size() && i < first + kMaxDigits; ++i) {
    const int digit = DigitValue(text[i], hex);
    if (digit < 0) break;
    value = std::min<uint64_t>(
        value * (hex ? 16 : 10) + static_cast<uint64_t>(digit), 0x110000);
  }
  if (i == first) return {};
  if (i < text.size() && text[i] == ';') ++i;
  const bool scalar =
      value != 0 && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
  return {scalar ? static_cast<uint32_t>(value) : 0xFFFD, i};
}

}  // namespace

Entity ReadEntity(std::string_view text) {
  if (text.size() < 3 || text[0] != '&') return {};
  if (text[1] == '#') return ReadNumber(text);
  const size_t end = text.substr(0, kMaxName + 2).find(';');
  if (end == std::string_view::npos) return {};
  const std::string_view name = text.substr(1, end - 1);
  const auto* const found =
      std::lower_bound(std::begin(kNames), std::end(kNames), name,
                       [](const auto& entry, std::string_view key) {
                         return entry.first < key;
                       });
  if (found == std::end(kNames) || found->first != name) return {};
  return {found->second, end + 1};
}

}  // namespace consentry::conduct
