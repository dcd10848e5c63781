#include "policy/fairness/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "policy/fairness/distributions.h"

namespace consentry::policy::fairness {
namespace {

// Half-width of a two-sided interval in standard deviations.
double Deviations(double level) { return NormalQuantile((1 + level) / 2); }

double Square(double x) { return x * x; }

Interval AroundLog(double log_ratio, double variance, double level) {
  const double half = Deviations(level) * std::sqrt(std::max(0.0, variance));
  return {std::exp(log_ratio - half), std::exp(log_ratio + half)};
}

}  // namespace

std::optional<Interval> WilsonInterval(const Proportion& rate, double level) {
  const auto p = rate.rate();
  if (!p) return std::nullopt;
  const double n = static_cast<double>(rate.cases);
  const double z = Deviations(level);
  const double scale = 1 + z * z / n;
  const double center = (*p + z * z / (2 * n)) / scale;
  const double half =
      z / scale * std::sqrt(*p * (1 - *p) / n + z * z / (4 * n * n));
  // Rounding must not make a rate of 0 or 1 fall out of its own interval.
  return Interval{rate.hits == 0 ? 0 : std::max(0.0, center - half),
                  rate.hits == rate.cases ? 1 : std::min(1.0, center + half)};
}

std::optional<Interval> NewcombeInterval(const Proportion& group,
                                         const Proportion& reference,
                                         double level) {
  const auto of_group = WilsonInterval(group, level);
  const auto of_reference = WilsonInterval(reference, level);
  if (!of_group || !of_reference) return std::nullopt;
  const double p = *group.rate();
  const double q = *reference.rate();
  return Interval{p - q -
                      std::sqrt(Square(p - of_group->lower) +
                                Square(of_reference->upper - q)),
                  p - q +
                      std::sqrt(Square(of_group->upper - p) +
                                Square(q - of_reference->lower))};
}

std::optional<Interval> KatzInterval(const Proportion& group,
                                     const Proportion& reference,
                                     double level) {
  if (group.hits <= 0 || reference.hits <= 0) return std::nullopt;
  const double x = static_cast<double>(group.hits);
  const double n = static_cast<double>(group.cases);
  const double y = static_cast<double>(reference.hits);
  const double m = static_cast<double>(reference.cases);
  return AroundLog(std::log((x / n) / (y / m)), 1 / x - 1 / n + 1 / y - 1 / m,
                   level);
}

std::optional<Interval> WalterInterval(const Proportion& group,
                                       const Proportion& reference,
                                       double level) {
  if (group.cases <= 0 || reference.cases <= 0) return std::nullopt;
  const double x = static_cast<double>(group.hits) + 0.5;
  const double n = static_cast<double>(group.cases) + 0.5;
  const double y = static_cast<double>(reference.hits) + 0.5;
  const double m = static_cast<double>(reference.cases) + 0.5;
  Interval interval = AroundLog(std::log((x / n) / (y / m)),
                                1 / x - 1 / n + 1 / y - 1 / m, level);
  if (group.hits == 0) interval.lower = 0;
  if (reference.hits == 0) {
    interval.upper = std::numeric_limits<double>::infinity();
  }
  return interval;
}

}  // namespace consentry::policy::fairness
