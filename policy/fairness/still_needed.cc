#include "policy/fairness/still_needed.h"

#include <algorithm>
#include <cmath>

#include "policy/fairness/distributions.h"
#include "policy/fairness/groups.h"

namespace consentry::policy::fairness {
namespace {

constexpr double kTooMany = 1000;
constexpr double kMost = 1e15;

int64_t TwoDigitsUp(double number) {
  const double unit =
      std::pow(10, std::max(0.0, std::floor(std::log10(number)) - 1));
  return static_cast<int64_t>(std::ceil(number / unit - 1e-6) * unit);
}

}  // namespace

std::optional<int64_t> StillNeeded(const v1::FairnessFigure& figure,
                                   double alpha, int tests) {
  if (figure.finding() != v1::FAIRNESS_FINDING_INSUFFICIENT ||
      !figure.has_value() || !figure.has_lower() || !figure.has_upper() ||
      figure.remark() == kTooManyBeyond || !figure.has_tolerance_lower() ||
      !(alpha > 0 && alpha < 1)) {
    return std::nullopt;
  }
  // A tolerance from above zero is one of a ratio, told on the log scale.
  const bool ratio = figure.tolerance_lower() > 0;
  const auto place = [ratio](double value) {
    return ratio ? std::log(value) : value;
  };
  const double value = place(figure.value());
  const double below = value - place(figure.lower());
  const double above = place(figure.upper()) - value;
  const double low = place(figure.tolerance_lower());
  const double high = place(figure.tolerance_upper());
  // How much shorter a half has to become: both inside, or one behind the end
  // that it reaches over.
  double shorter = 0;
  if (value < low) {
    shorter = above / (low - value);
  } else if (value > high) {
    shorter = below / (value - high);
  } else {
    shorter = std::max(below / (value - low), above / (high - value));
  }
  // The interval told covers 1 - alpha; a finding takes one that allows for all
  // tests.
  shorter *= NormalQuantile(1 - alpha / (2.0 * std::max(1, tests))) /
             NormalQuantile(1 - alpha / 2);
  const double times = shorter * shorter;
  if (!std::isfinite(times) || times > kTooMany) return std::nullopt;
  const double more =
      (times - 1) * (static_cast<double>(figure.count()) +
                     static_cast<double>(figure.reference_count()));
  if (more > kMost) return std::nullopt;
  return TwoDigitsUp(std::max(1.0, more));
}

}  // namespace consentry::policy::fairness
