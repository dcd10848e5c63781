#ifndef CONSENTRY_GATEWAY_STORE_RECENT_CHANGES_H_
#define CONSENTRY_GATEWAY_STORE_RECENT_CHANGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>

#include "gateway/store/change.h"

namespace consentry::store {

// Which subjects changed lately, and to which version: by it the log stage sees
// whether what a read was decided on still holds, without asking the store.
// One thread (the log stage's).
class RecentChanges {
 public:
  // `first` is the last change before the map began to be kept.
  RecentChanges(size_t capacity, int64_t first)
      : capacity_(capacity), floor_(first), taken_(first) {}

  // In the order of changes.
  void Note(int64_t change, std::span<const int64_t> subjects);

  enum class Verdict {
    kCurrent,
    kStale,
    kAhead,  // It saw a change that has not been noted yet.
  };
  // `as_of`: every change up to it was visible to the read.
  Verdict Check(std::span<const SubjectVersion> subjects, int64_t as_of) const;

  // Changes above it are all in the map.
  int64_t floor() const { return floor_; }
  // The last change noted.
  int64_t taken() const { return taken_; }

 private:
  struct Entry {
    int64_t change;
    int64_t subject;
  };

  const size_t capacity_;
  int64_t floor_;
  int64_t taken_;
  std::deque<Entry> order_;  // By change, ascending.
  std::unordered_map<int64_t, int64_t> versions_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_RECENT_CHANGES_H_
