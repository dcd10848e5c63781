#ifndef CONSENTRY_POLICY_ENGINE_PLACES_H_
#define CONSENTRY_POLICY_ENGINE_PLACES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/engine/types.h"

namespace consentry::policy {

// ISO 3166-1 alpha-2 or 3166-2 by form: "DE", "US-CA". Not "UK" and "EL", which
// stand for GB and GR elsewhere: taken for some other place, they would keep
// the law of the real one from attaching.
bool IsPlaceCode(std::string_view code);

// Equal, or `outer` is the country of `inner`.
bool Covers(std::string_view outer, std::string_view inner);
// One covers the other.
bool Matches(std::string_view a, std::string_view b);

// A set of places of one table.
class PlaceSet {
 public:
  PlaceSet() = default;
  explicit PlaceSet(size_t places) : words_((places + 63) / 64) {}
  void Add(JurisdictionId id) {
    words_[Index(id) / 64] |= uint64_t{1} << (Index(id) % 64);
  }
  bool Has(JurisdictionId id) const {
    return (words_[Index(id) / 64] >> (Index(id) % 64) & 1) != 0;
  }

 private:
  std::vector<uint64_t> words_;
};

// Every place that the files of a bundle name, each of their countries, and for
// each country the rest of it ("US-*"), so that a part that no file names is
// told from a country whose part is not known. Numbered in sorted order behind
// kElsewhere.
class PlaceTable {
 public:
  PlaceTable() = default;
  // `named`: well-formed codes.
  explicit PlaceTable(const std::set<std::string, std::less<>>& named);

  size_t size() const { return codes_.size(); }
  // "ZZ" for kElsewhere, "US-ZZ" for the rest of a country: codes that ISO 3166
  // leaves to users, so that they read back as the same place.
  std::string Code(JurisdictionId id) const;
  std::optional<JurisdictionId> Find(std::string_view code) const;

  // The places that one of `codes` matches, or covers.
  PlaceSet Matching(const std::vector<std::string>& codes) const;
  PlaceSet Covered(const std::vector<std::string>& codes) const;

 private:
  // "" for kElsewhere, "US-*" for the rest.
  std::vector<std::string> codes_ = {""};
  std::map<std::string, JurisdictionId, std::less<>> by_code_;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_PLACES_H_
