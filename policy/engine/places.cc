#include "policy/engine/places.h"

#include <algorithm>

namespace consentry::policy {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsUpperOrDigit(char c) { return IsUpper(c) || (c >= '0' && c <= '9'); }

}  // namespace

bool IsPlaceCode(std::string_view code) {
  if (code.size() < 2 || !IsUpper(code[0]) || !IsUpper(code[1])) return false;
  if (code.substr(0, 2) == "UK" || code.substr(0, 2) == "EL") return false;
  if (code.size() == 2) return true;
  if (code[2] != '-' || code.size() < 4 || code.size() > 6) return false;
  return std::all_of(code.begin() + 3, code.end(), IsUpperOrDigit);
}

bool Covers(std::string_view outer, std::string_view inner) {
  if (outer == inner) return true;
  return outer.size() == 2 && inner.size() > 2 && inner[2] == '-' &&
         inner.substr(0, 2) == outer;
}

bool Matches(std::string_view a, std::string_view b) {
  return Covers(a, b) || Covers(b, a);
}

PlaceTable::PlaceTable(const std::set<std::string, std::less<>>& named) {
  std::set<std::string> codes;
  for (const std::string& code : named) {
    const std::string country = code.substr(0, 2);
    codes.insert(code);
    codes.insert(country);
    codes.insert(country + "-*");
  }
  codes_.insert(codes_.end(), codes.begin(), codes.end());
  for (size_t i = 1; i < codes_.size(); ++i) {
    by_code_[codes_[i]] = JurisdictionId{static_cast<uint16_t>(i)};
  }
}

std::string PlaceTable::Code(JurisdictionId id) const {
  std::string code = codes_[Index(id)];
  if (code.empty()) return "ZZ";
  if (code.back() == '*') code.replace(code.size() - 1, 1, "ZZ");
  return code;
}

std::optional<JurisdictionId> PlaceTable::Find(std::string_view code) const {
  if (!IsPlaceCode(code)) return std::nullopt;
  if (auto it = by_code_.find(code); it != by_code_.end()) return it->second;
  if (code.size() > 2) {
    const std::string rest = std::string(code.substr(0, 2)) + "-*";
    if (auto it = by_code_.find(rest); it != by_code_.end()) return it->second;
  }
  return kElsewhere;
}

PlaceSet PlaceTable::Matching(const std::vector<std::string>& codes) const {
  PlaceSet set(codes_.size());
  for (size_t i = 1; i < codes_.size(); ++i) {
    for (const std::string& code : codes) {
      if (Matches(code, codes_[i])) {
        set.Add(JurisdictionId{static_cast<uint16_t>(i)});
      }
    }
  }
  return set;
}

PlaceSet PlaceTable::Covered(const std::vector<std::string>& codes) const {
  PlaceSet set(codes_.size());
  for (size_t i = 1; i < codes_.size(); ++i) {
    for (const std::string& code : codes) {
      if (Covers(code, codes_[i])) {
        set.Add(JurisdictionId{static_cast<uint16_t>(i)});
      }
    }
  }
  return set;
}

}  // namespace consentry::policy
