#include "tools/consentry/countries.h"

#include <map>
#include <set>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "proto/support/embedded.h"
#include "tools/consentry/fold.h"

namespace consentry::tools {

absl::Span<const EmbeddedFile> EmbeddedGeography();

namespace {

struct Calling {
  std::string code;
  std::string trunk;
};

struct Tables {
  // By folded code or name.
  std::map<std::string, std::string> countries;
  // By country, then folded code or name.
  std::map<std::string, std::map<std::string, std::string>> regions;
  // By alpha-2.
  std::map<std::string, Calling, std::less<>> calling;
  // Countries by calling code; several share +1.
  std::map<std::string, std::string> trunk_of_code;
};

std::vector<std::string> Lines(std::string_view name) {
  for (const EmbeddedFile& file : EmbeddedGeography()) {
    if (file.name == name) {
      return absl::StrSplit(
          absl::string_view(file.content.data(), file.content.size()), '\n',
          absl::SkipEmpty());
    }
  }
  return {};
}

Tables* MakeTables() {
  auto* tables = new Tables();
  // A key that two share names neither.
  std::set<std::string> ambiguous;
  const auto add = [&](const std::string& key, const std::string& value) {
    const auto [it, inserted] = tables->countries.emplace(key, value);
    if (!inserted && it->second != value) ambiguous.insert(key);
  };
  for (const std::string& line : Lines("countries.txt")) {
    if (line[0] == '#') continue;
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 4));
    add(Fold(parts[0]), parts[0]);
    add(Fold(parts[1]), parts[0]);
    for (const absl::string_view name : absl::StrSplit(parts[4], '|')) {
      add(Fold(std::string(name)), parts[0]);
    }
    if (parts[2] == "-") continue;
    const std::string trunk = parts[3] == "-" ? "" : parts[3];
    tables->calling[parts[0]] = {parts[2], trunk};
    tables->trunk_of_code[parts[2]] = trunk;
  }
  for (const std::string& key : ambiguous) tables->countries.erase(key);
  for (const std::string& line : Lines("regions.txt")) {
    if (line[0] == '#') continue;
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    auto& names = tables->regions[parts[0].substr(0, 2)];
    names[Fold(parts[0])] = parts[0];
    names[Fold(parts[0].substr(3))] = parts[0];
    for (const absl::string_view name : absl::StrSplit(parts[1], '|')) {
      names[Fold(std::string(name))] = parts[0];
    }
  }
  return tables;
}

const Tables& Facts() {
  static const Tables* const tables = MakeTables();
  return *tables;
}

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> FindCountry(std::string_view text) {
  // "US-CA", but not "Guinea-Bissau".
  if (text.size() >= 4 && text.size() <= 6 && text[2] == '-') {
    text = text.substr(0, 2);
  }
  const auto found = Facts().countries.find(Fold(text));
  if (found == Facts().countries.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> FindRegion(std::string_view country,
                                      std::string_view text) {
  const auto regions = Facts().regions.find(std::string(country));
  if (regions == Facts().regions.end()) return std::nullopt;
  const auto found = regions->second.find(Fold(text));
  if (found == regions->second.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> FindResidence(std::string_view country,
                                         std::string_view region) {
  const std::optional<std::string> code = FindCountry(country);
  if (!code.has_value()) return std::nullopt;
  // The country's cell may hold both: "US-CA".
  if (country.size() > 3) {
    if (auto both = FindRegion(*code, country); both.has_value()) return both;
  }
  if (const auto found = FindRegion(*code, region); found.has_value()) {
    return found;
  }
  return code;
}

std::string InternationalPhone(std::string_view number,
                               std::string_view country) {
  std::string digits;
  bool plus = false;
  for (size_t i = 0; i < number.size(); ++i) {
    const char c = number[i];
    if (c == '+' && digits.empty() && !plus) {
      plus = true;
    } else if (absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      digits.push_back(c);
    } else if (std::string_view(" -./()").find(c) == std::string_view::npos &&
               c != '\xC2' && c != '\xA0') {  // A space that does not break.
      return std::string(number);
    }
  }
  const std::string original(number);
  if (!IsDigits(digits)) return original;
  if (!plus && absl::string_view(digits).substr(0, 2) == "00") {
    plus = true;
    digits.erase(0, 2);
  }
  if (plus) {
    // Calling codes are prefix-free: at most one matches.
    for (size_t length = 1; length <= 3 && length < digits.size(); ++length) {
      const auto found = Facts().trunk_of_code.find(digits.substr(0, length));
      if (found == Facts().trunk_of_code.end()) continue;
      const std::string& trunk = found->second;
      // A number never starts with its own trunk prefix; +7 and +1 do.
      if (trunk == "0" && digits.size() > length && digits[length] == '0') {
        digits.erase(length, 1);
      }
      break;
    }
    return "+" + digits;
  }
  const auto calling = Facts().calling.find(country);
  if (calling == Facts().calling.end()) return original;
  const std::string& trunk = calling->second.trunk;
  if (!trunk.empty() && absl::string_view(digits).substr(0, trunk.size()) ==
                            absl::string_view(trunk)) {
    digits.erase(0, trunk.size());
  }
  return absl::StrCat("+", calling->second.code, digits);
}

}  // namespace consentry::tools
