#include "gateway/store/recent_changes.h"

namespace consentry::store {

void RecentChanges::Note(int64_t change, std::span<const int64_t> subjects) {
  taken_ = change;
  for (const int64_t subject : subjects) {
    order_.push_back({change, subject});
    versions_[subject] = change;
  }
  while (order_.size() > capacity_) {
    const Entry oldest = order_.front();
    order_.pop_front();
    const auto it = versions_.find(oldest.subject);
    if (it != versions_.end() && it->second == oldest.change) {
      versions_.erase(it);
    }
    floor_ = oldest.change;
  }
}

RecentChanges::Verdict RecentChanges::Check(
    std::span<const SubjectVersion> subjects, int64_t as_of) const {
  if (as_of < floor_) return Verdict::kStale;
  bool ahead = false;
  for (const SubjectVersion& seen : subjects) {
    if (seen.version > taken_) {
      ahead = true;
      continue;
    }
    // Not in the map: not changed above the floor, which the read had seen.
    const auto it = versions_.find(seen.subject);
    if (it != versions_.end() ? seen.version != it->second
                              : seen.version > floor_) {
      return Verdict::kStale;
    }
  }
  return ahead ? Verdict::kAhead : Verdict::kCurrent;
}

}  // namespace consentry::store
