#include "policy/fairness/differential.h"

#include <cmath>

namespace consentry::policy::fairness {

std::optional<DifferentialFairness> MeasureDifferentialFairness(
    std::span<const Proportion> groups, double concentration) {
  if (!(concentration >= 0) || std::isinf(concentration)) return std::nullopt;
  size_t seen = 0;
  size_t high = 0;
  size_t low = 0;
  double highest = 0;
  double lowest = 0;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].cases <= 0) continue;
    const double rate =
        (static_cast<double>(groups[i].hits) + concentration / 2) /
        (static_cast<double>(groups[i].cases) + concentration);
    if (seen == 0 || rate > highest) {
      highest = rate;
      high = i;
    }
    if (seen == 0 || rate < lowest) {
      lowest = rate;
      low = i;
    }
    ++seen;
  }
  if (seen < 2) return std::nullopt;
  const double of_hits = std::log(highest) - std::log(lowest);
  const double of_misses = std::log1p(-lowest) - std::log1p(-highest);
  if (!std::isfinite(of_hits) || !std::isfinite(of_misses)) return std::nullopt;
  if (of_misses > of_hits)
    return DifferentialFairness{of_misses, low, high, true};
  return DifferentialFairness{of_hits, high, low, false};
}

}  // namespace consentry::policy::fairness
