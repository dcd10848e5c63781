#include "tests/promises/canaries.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>

#include "absl/strings/escaping.h"

namespace consentry::testing {
namespace {

// A form that has letters in either case is looked for in lower case.
constexpr std::string_view kExactForms[] = {"base64", "base64url", "number"};

bool IsExact(std::string_view form) {
  return std::any_of(std::begin(kExactForms), std::end(kExactForms),
                     [&](std::string_view exact) {
                       return form.substr(0, exact.size()) == exact;
                     });
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return Lower(c); });
  return lower;
}
std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return upper;
}

std::string Hex(std::string_view bytes, const char* prefix) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += prefix;
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

// The characters that `bytes` alone decides when it stands `shift` bytes into a
// group of three.
std::string Base64(std::string_view bytes, size_t shift, bool url) {
  std::string padded(shift, '\0');
  padded += bytes;
  const absl::string_view view(padded.data(), padded.size());
  const std::string text =
      url ? absl::WebSafeBase64Escape(view) : absl::Base64Escape(view);
  const size_t first = (shift * 8 + 5) / 6;
  const size_t last = padded.size() * 8 / 6;
  return text.substr(first, last - first);
}

std::string LittleEndian(uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<char>(number >> (8 * i)));
  }
  return bytes;
}

std::string Varint(uint64_t number) {
  std::string bytes;
  for (; number >= 0x80; number >>= 7) {
    bytes.push_back(static_cast<char>(number | 0x80));
  }
  bytes.push_back(static_cast<char>(number));
  return bytes;
}

uint32_t FirstFour(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

std::string Canaries::NewCore() {
  static std::random_device device;
  static std::mt19937_64 random(uint64_t{device()} << 32 | device());
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string core = "qz";
  while (core.size() < 16) core.push_back(kLetters[random() % kLetters.size()]);
  return core;
}

std::map<std::string, std::string> Canaries::FormsOf(std::string_view core) {
  std::map<std::string, std::string> forms;
  forms["clear"] = core;
  forms["reverse"] = std::string(core.rbegin(), core.rend());
  for (const auto& [letters, text] :
       {std::pair<std::string, std::string>{"", std::string(core)},
        {" of upper case", Upper(core)},
        {" of lower case", Lower(core)}}) {
    forms["hexadecimal" + letters] = Hex(text, "");
    forms["percent" + letters] = Hex(text, "%");
    for (size_t shift = 0; shift < 3; ++shift) {
      const std::string at = letters + " at " + std::to_string(shift);
      forms["base64" + at] = Base64(text, shift, false);
      forms["base64url" + at] = Base64(text, shift, true);
    }
  }
  std::string wide;
  for (const char c : core) {
    wide.push_back(c);
    wide.push_back('\0');
  }
  forms["UTF-16"] = wide.substr(0, wide.size() - 1);
  return forms;
}

std::map<std::string, std::string> Canaries::FormsOfNumber(
    std::string_view digits) {
  std::map<std::string, std::string> forms = FormsOf(digits);
  uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const std::string little = LittleEndian(number);
  forms["number, little-endian"] = little;
  forms["number, big-endian"] = std::string(little.rbegin(), little.rend());
  forms["number, varint"] = Varint(number);
  return forms;
}

void Canaries::Add(const std::string& name, std::string_view core) {
  AddForms(name, FormsOf(core));
}

void Canaries::AddNumber(const std::string& name, std::string_view digits) {
  AddForms(name, FormsOfNumber(digits));
}

void Canaries::AddForms(const std::string& name,
                        const std::map<std::string, std::string>& forms) {
  for (const auto& [form, bytes] : forms) {
    if (IsExact(form)) {
      exact_.Add({name + " in " + form, bytes});
    } else {
      folded_.Add({name + " in " + form, Lower(bytes)});
    }
  }
}

void Canaries::Index::Add(Pattern pattern) {
  if (pattern.bytes.size() < 5) std::abort();  // Would be found anywhere.
  const uint32_t key = FirstFour(pattern.bytes);
  sieve[key >> 16] = true;
  patterns[key].push_back(std::move(pattern));
}

void Canaries::Index::Search(std::string_view bytes, const std::string& where,
                             std::vector<Hit>* hits) const {
  for (size_t i = 0; i + 4 <= bytes.size(); ++i) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const auto second = static_cast<unsigned char>(bytes[i + 1]);
    if (!sieve[static_cast<size_t>(first << 8 | second)]) continue;
    const auto found = patterns.find(FirstFour(bytes.substr(i, 4)));
    if (found == patterns.end()) continue;
    for (const Pattern& pattern : found->second) {
      if (bytes.substr(i, pattern.bytes.size()) == pattern.bytes) {
        hits->push_back({pattern.name, where, i});
      }
    }
  }
}

std::vector<Canaries::Hit> Canaries::Search(std::string_view bytes,
                                            const std::string& where) const {
  std::vector<Hit> hits;
  exact_.Search(bytes, where, &hits);
  folded_.Search(Lower(bytes), where, &hits);
  return hits;
}

std::vector<Canaries::Hit> Canaries::SearchFolder(
    const std::string& folder) const {
  namespace fs = std::filesystem;
  looked_ = {};
  std::vector<Hit> hits;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator();
       at.increment(error)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    std::ifstream file(at->path(), std::ios::binary);
    if (!file) continue;
    std::ostringstream content;
    content << file.rdbuf();
    const std::string bytes = std::move(content).str();
    ++looked_.files;
    looked_.bytes += bytes.size();
    for (const std::string& text : {bytes, at->path().filename().string()}) {
      const auto found = Search(text, at->path().string());
      hits.insert(hits.end(), found.begin(), found.end());
    }
  }
  return hits;
}

}  // namespace consentry::testing
