#include "policy/fairness/e_process.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace consentry::policy::fairness {

double LogSignWealth(uint64_t discordant, uint64_t group_only) {
  const auto n = static_cast<double>(discordant);
  const auto s = static_cast<double>(group_only);
  int sign = 0;
  return n * std::numbers::ln2 + lgamma_r(s + 1, &sign) +
         lgamma_r(n - s + 1, &sign) - lgamma_r(n + 2, &sign);
}

void BettingWealth::Add(double gap) {
  // 2 / (2 - ln 3), of a loss whose slope is at most 2.
  constexpr double kStep = 2 / (2 - 1.0986122886681098);
  // At least 1/2.
  const double factor = 1 - state_.bet * gap;
  state_.log_wealth += std::log(factor);
  const double slope = gap / factor;
  state_.sum_squares += slope * slope;
  state_.bet = std::clamp(state_.bet - kStep * slope / (1 + state_.sum_squares),
                          least_, most_);
  ++state_.count;
}

}  // namespace consentry::policy::fairness
