#include "policy/fairness/confidence_sequence.h"

#include <cmath>
#include <limits>

namespace consentry::policy::fairness {
namespace {

// Without the global that std::lgamma writes.
double LogGamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

// x * log(y), 0 for x = 0.
double XLogY(double x, double y) { return x == 0 ? 0 : x * std::log(y); }

}  // namespace

Interval RateSequence(const Proportion& rate, double alpha) {
  if (rate.cases <= 0) return {0, 1};
  const auto n = static_cast<double>(rate.cases);
  const auto s = static_cast<double>(rate.hits);
  const double bound =
      -std::log(alpha) -
      (LogGamma(s + 1) + LogGamma(n - s + 1) - LogGamma(n + 2));
  // Convex, least at s/n, where it is below the bound.
  const auto excluded = [&](double p) {
    return -XLogY(s, p) - XLogY(n - s, 1 - p) >= bound;
  };
  // `out` is excluded or an end of [0, 1], `in` is not.
  const auto search = [&](double out, double in) {
    for (int i = 0; i < 200; ++i) {
      const double middle = out + (in - out) / 2;
      if (middle == out || middle == in) break;
      (excluded(middle) ? out : in) = middle;
    }
    return out;
  };
  const double peak = s / n;
  return {rate.hits == 0 ? 0 : search(0, peak),
          rate.hits == rate.cases ? 1 : search(1, peak)};
}

Interval DifferenceSequence(const Proportion& group,
                            const Proportion& reference, double alpha) {
  const Interval g = RateSequence(group, alpha / 2);
  const Interval r = RateSequence(reference, alpha / 2);
  return {g.lower - r.upper, g.upper - r.lower};
}

Interval RatioSequence(const Proportion& group, const Proportion& reference,
                       double alpha) {
  const Interval g = RateSequence(group, alpha / 2);
  const Interval r = RateSequence(reference, alpha / 2);
  return {r.upper > 0 ? g.lower / r.upper : 0,
          r.lower > 0 ? g.upper / r.lower
                      : std::numeric_limits<double>::infinity()};
}

}  // namespace consentry::policy::fairness
