#ifndef CONSENTRY_GATEWAY_OVERSIGHT_FIELD_SETS_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_FIELD_SETS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "consentry/store/v1/leaf.pb.h"

namespace consentry::oversight {

// Sets of field names as numbers, so that what was released about a million
// customers costs four bytes each: there are few different sets. 0 is the empty
// one. Not for several threads.
class FieldSets {
 public:
  FieldSets();
  FieldSets(const FieldSets&) = delete;
  FieldSets& operator=(const FieldSets&) = delete;
  FieldSets(FieldSets&&) = default;
  FieldSets& operator=(FieldSets&&) = default;

  // The set of what `leaf` released about its item.
  uint32_t ReleasedIn(const store::v1::Leaf& leaf,
                      const store::v1::LeafSubject& item);
  uint32_t Union(uint32_t a, uint32_t b);

  // Sorted. Views live as long as the object.
  std::vector<std::string_view> Names(uint32_t set) const;

 private:
  using Members = std::vector<uint16_t>;

  uint32_t NumberOf(Members members);
  uint16_t NameNumber(const std::string& name);

  std::map<std::string, uint16_t, std::less<>> numbers_;
  std::vector<std::string_view> names_;
  std::map<Members, uint32_t> by_members_;
  std::vector<const Members*> sets_;
  std::unordered_map<uint64_t, uint32_t> unions_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_FIELD_SETS_H_
