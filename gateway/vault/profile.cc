#include "gateway/vault/profile.h"

#include <algorithm>
#include <numeric>

namespace consentry::vault {
namespace {

// True when `a` is to be preferred to `b`, of the same field.
bool Wins(const ProfileCandidate& a, const ProfileCandidate& b) {
  if (a.priority != b.priority) return a.priority > b.priority;
  if (a.collected_us != b.collected_us) return a.collected_us > b.collected_us;
  if (a.source != b.source) return a.source < b.source;
  if (a.record != b.record) return a.record < b.record;
  return a.subject < b.subject;
}

bool SameValueKey(const ProfileCandidate& a, const ProfileCandidate& b) {
  return a.subject == b.subject && a.digest == b.digest;
}

}  // namespace

std::vector<ProfileWinner> UnifyProfile(
    std::span<const ProfileCandidate> candidates) {
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (candidates[a].field != candidates[b].field) {
      return candidates[a].field < candidates[b].field;
    }
    return Wins(candidates[a], candidates[b]);
  });

  std::vector<ProfileWinner> winners;
  for (size_t position : order) {
    const ProfileCandidate& candidate = candidates[position];
    if (winners.empty() || winners.back().field != candidate.field) {
      ProfileWinner& added = winners.emplace_back();
      added.field = candidate.field;
      added.winner = position;
      continue;
    }
    ProfileWinner& field = winners.back();
    const ProfileCandidate& winner = candidates[field.winner];
    if (candidate.subject == winner.subject) {
      if (candidate.digest != winner.digest &&
          candidate.source != winner.source) {
        field.conflict = true;
      }
      continue;
    }
    const bool known = std::any_of(
        field.compare.begin(), field.compare.end(), [&](size_t other) {
          return SameValueKey(candidates[other], candidate);
        });
    if (!known) field.compare.push_back(position);
  }
  return winners;
}

}  // namespace consentry::vault
