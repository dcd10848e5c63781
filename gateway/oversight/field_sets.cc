#include "gateway/oversight/field_sets.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace consentry::oversight {

FieldSets::FieldSets() { NumberOf({}); }

uint16_t FieldSets::NameNumber(const std::string& name) {
  const auto [entry, added] =
      numbers_.try_emplace(name, static_cast<uint16_t>(names_.size()));
  if (added) names_.push_back(entry->first);
  return entry->second;
}

uint32_t FieldSets::NumberOf(Members members) {
  const auto [entry, added] = by_members_.try_emplace(
      std::move(members), static_cast<uint32_t>(sets_.size()));
  if (added) sets_.push_back(&entry->first);
  return entry->second;
}

uint32_t FieldSets::ReleasedIn(const store::v1::Leaf& leaf,
                               const store::v1::LeafSubject& item) {
  if (item.released() == 0) return 0;
  Members members;
  for (int field = 0; field < leaf.fields_size() && field < 64; ++field) {
    if (item.released() >> field & 1) {
      members.push_back(NameNumber(leaf.fields(field)));
    }
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return NumberOf(std::move(members));
}

uint32_t FieldSets::Union(uint32_t a, uint32_t b) {
  if (a == b || b == 0) return a;
  if (a == 0) return b;
  const uint64_t key = uint64_t{std::min(a, b)} << 32 | std::max(a, b);
  const auto known = unions_.find(key);
  if (known != unions_.end()) return known->second;
  Members members;
  std::set_union(sets_[a]->begin(), sets_[a]->end(), sets_[b]->begin(),
                 sets_[b]->end(), std::back_inserter(members));
  return unions_[key] = NumberOf(std::move(members));
}

std::vector<std::string_view> FieldSets::Names(uint32_t set) const {
  std::vector<std::string_view> names;
  for (const uint16_t member : *sets_[set]) names.push_back(names_[member]);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace consentry::oversight
