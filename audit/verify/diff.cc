#include "audit/verify/diff.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

namespace consentry::audit {
namespace {

// A run where the two disagree: where it starts in each, and how long it is.
struct Run {
  size_t standing = 0;
  size_t standing_count = 0;
  size_t reference = 0;
  size_t reference_count = 0;
};

// Where each hash stands in a sequence, from `begin` on.
class Places {
 public:
  Places(std::span<const Hash> hashes, size_t begin)
      : hashes_(hashes), places_(hashes.size() - begin) {
    std::iota(places_.begin(), places_.end(), begin);
    std::sort(places_.begin(), places_.end(), [&](size_t a, size_t b) {
      return hashes_[a] != hashes_[b] ? hashes_[a] < hashes_[b] : a < b;
    });
  }

  // The first place of `hash` at or behind `from`.
  std::optional<size_t> Next(const Hash& hash, size_t from) const {
    const auto it = std::lower_bound(
        places_.begin(), places_.end(), from, [&](size_t place, size_t at) {
          return hashes_[place] != hash ? hashes_[place] < hash : place < at;
        });
    if (it == places_.end() || hashes_[*it] != hash) return std::nullopt;
    return *it;
  }

 private:
  const std::span<const Hash> hashes_;
  std::vector<size_t> places_;
};

std::vector<Run> RunsOf(std::span<const Hash> standing,
                        std::span<const Hash> reference, bool open_end) {
  std::vector<Run> runs;
  const auto start = std::mismatch(standing.begin(), standing.end(),
                                   reference.begin(), reference.end());
  size_t i = static_cast<size_t>(start.first - standing.begin());
  size_t j = i;
  if (i == standing.size() && j == reference.size()) return runs;
  const Places places(reference, j);
  const auto skew = [](size_t a, size_t b) { return a > b ? a - b : b - a; };
  while (i < standing.size() || j < reference.size()) {
    if (open_end && j == reference.size()) break;
    if (i < standing.size() && j < reference.size() &&
        standing[i] == reference[j]) {
      ++i, ++j;
      continue;
    }
    Run run{i, standing.size() - i, j, reference.size() - j};
    bool found = false;
    for (size_t a = 0; i + a < standing.size(); ++a) {
      if (found && a > run.standing_count + run.reference_count) break;
      const auto at = places.Next(standing[i + a], j);
      if (!at.has_value()) continue;
      const size_t b = *at - j;
      const size_t best = run.standing_count + run.reference_count;
      if (!found || a + b < best ||
          (a + b == best &&
           skew(a, b) < skew(run.standing_count, run.reference_count))) {
        found = true;
        run.standing_count = a;
        run.reference_count = b;
      }
    }
    if (open_end && !found) {
      run.standing_count = std::min(run.standing_count, run.reference_count);
    }
    runs.push_back(run);
    i += run.standing_count;
    j += run.reference_count;
  }
  return runs;
}

}  // namespace

std::vector<Finding> CompareLeaves(std::span<const Hash> standing,
                                   std::span<const Hash> reference,
                                   bool open_end) {
  std::vector<Finding> findings;
  const std::vector<Run> runs = RunsOf(standing, reference, open_end);
  if (runs.empty()) return findings;

  std::multiset<Hash> too_many;
  std::multiset<Hash> missing;
  for (const Run& run : runs) {
    const auto s = standing.subspan(run.standing, run.standing_count);
    const auto r = reference.subspan(run.reference, run.reference_count);
    too_many.insert(s.begin(), s.end());
    missing.insert(r.begin(), r.end());
  }
  if (too_many == missing) {
    findings.push_back(
        {Fault::kReordered, runs.front().standing, too_many.size(), ""});
    return findings;
  }
  std::set<Hash> signed_ones;
  for (const Hash& hash : reference) {
    if (too_many.contains(hash)) signed_ones.insert(hash);
  }

  for (const Run& run : runs) {
    const size_t both = std::min(run.standing_count, run.reference_count);
    const uint64_t behind = run.standing + both;
    if (both > 0) findings.push_back({Fault::kChanged, run.standing, both, ""});
    if (run.reference_count > both) {
      const bool at_end = behind == standing.size();
      findings.push_back({at_end ? Fault::kTailCut : Fault::kRemoved, behind,
                          run.reference_count - both, ""});
    } else if (run.standing_count > both) {
      const auto extra = standing.subspan(behind, run.standing_count - both);
      const bool all_signed = std::all_of(
          extra.begin(), extra.end(),
          [&](const Hash& hash) { return signed_ones.contains(hash); });
      findings.push_back({all_signed ? Fault::kDuplicated : Fault::kInserted,
                          behind, extra.size(), ""});
    }
  }
  return findings;
}

}  // namespace consentry::audit
