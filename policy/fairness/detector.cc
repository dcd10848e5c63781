#include "policy/fairness/detector.h"

#include <algorithm>
#include <cmath>

namespace consentry::policy::fairness {
namespace {

constexpr std::array<double, 3> kBetSizes = {0.1, 0.25, 0.5};
// So that one bet alone can raise the alarm, and not for ever.
constexpr double kCeiling = 2.0 * Detector::kBets;

}  // namespace

Detector::Detector(const Tolerance& tolerance, double alarm_pairs)
    : tolerance_(tolerance), alarm_pairs_(alarm_pairs) {}

void Detector::Add(double group, double reference) {
  const double gaps[] = {GapBelow(tolerance_, group, reference),
                         GapAbove(tolerance_, group, reference)};
  for (size_t i = 0; i < kBets; ++i) {
    const double factor = 1 - kBetSizes[i % 3] * gaps[i / 3];
    state_[i] =
        std::min(factor * std::max(state_[i], 1.0), kCeiling * alarm_pairs_);
  }
}

double Detector::statistic() const {
  double sum = 0;
  for (const double one : state_) sum += one;
  return sum / kBets;
}

void Detector::set_state(const State& state) {
  for (size_t i = 0; i < kBets; ++i) {
    state_[i] = std::isfinite(state[i]) && state[i] > 0
                    ? std::min(state[i], kCeiling * alarm_pairs_)
                    : 0;
  }
}

}  // namespace consentry::policy::fairness
