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

// Difference of two rates out of an interval of each.
Interval DifferenceOf(double p, const Interval& of_p, double q,
                      const Interval& of_q) {
  return {p - q - std::sqrt(Square(p - of_p.lower) + Square(of_q.upper - q)),
          p - q + std::sqrt(Square(of_p.upper - p) + Square(q - of_q.lower))};
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

std::optional<Interval> ExactInterval(const Proportion& rate, double level) {
  if (rate.cases <= 0) return std::nullopt;
  const double x = static_cast<double>(rate.hits);
  const double n = static_cast<double>(rate.cases);
  const double tail = (1 - level) / 2;
  return Interval{
      rate.hits == 0 ? 0 : BetaQuantile(tail, x, n - x + 1),
      rate.hits == rate.cases ? 1 : BetaQuantile(1 - tail, x + 1, n - x)};
}

Interval WiderOf(const Interval& a, const Interval& b) {
  return {std::min(a.lower, b.lower), std::max(a.upper, b.upper)};
}

std::optional<Interval> NewcombeInterval(const Proportion& group,
                                         const Proportion& reference,
                                         double level) {
  const auto of_group = WilsonInterval(group, level);
  const auto of_reference = WilsonInterval(reference, level);
  if (!of_group || !of_reference) return std::nullopt;
  return DifferenceOf(*group.rate(), *of_group, *reference.rate(),
                      *of_reference);
}

std::optional<Interval> DifferenceBounds(const Proportion& group,
                                         const Proportion& reference,
                                         double level) {
  const auto told = NewcombeInterval(group, reference, level);
  if (!told) return std::nullopt;
  return WiderOf(*told, ExactDifference(group, reference, level));
}

Interval ExactDifference(const Proportion& group, const Proportion& reference,
                         double level) {
  return DifferenceOf(*group.rate(), *ExactInterval(group, level),
                      *reference.rate(), *ExactInterval(reference, level));
}

std::optional<Interval> RatioBounds(const Proportion& group,
                                    const Proportion& reference, double level) {
  const auto of_group = ExactInterval(group, level);
  const auto of_reference = ExactInterval(reference, level);
  const auto told = RatioInterval(group, reference, level);
  if (!told || !of_group || !of_reference) return std::nullopt;
  return WiderOf(*told, RatioOfBounds(*group.rate(), *of_group,
                                      *reference.rate(), *of_reference));
}

Interval RatioOfBounds(double p, const Interval& of_p, double q,
                       const Interval& of_q) {
  const auto root = [&](double end_p, double end_q) {
    return std::sqrt(std::max(
        0.0,
        Square(p * q) - end_p * end_q * (2 * p - end_p) * (2 * q - end_q)));
  };
  const double lower = of_q.upper * (2 * q - of_q.upper);
  const double upper = of_q.lower * (2 * q - of_q.lower);
  return {lower != 0
              ? std::max(0.0, (p * q - root(of_p.lower, of_q.upper)) / lower)
              : 0,
          upper > 0 ? (p * q + root(of_p.upper, of_q.lower)) / upper
                    : std::numeric_limits<double>::infinity()};
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

std::optional<Interval> DonnerZouInterval(const Proportion& group,
                                          const Proportion& reference,
                                          double level) {
  const auto of_group = WilsonInterval(group, level);
  const auto of_reference = WilsonInterval(reference, level);
  if (!of_group || !of_reference || reference.hits <= 0) return std::nullopt;
  return RatioOfBounds(*group.rate(), *of_group, *reference.rate(),
                       *of_reference);
}

std::string_view RatioMethod(const Proportion& group,
                             const Proportion& reference) {
  if (group.hits <= 0 || reference.hits <= 0) return "Walter";
  const bool all =
      group.hits == group.cases && reference.hits == reference.cases;
  return all ? "Donner and Zou" : "Katz";
}

std::optional<Interval> RatioInterval(const Proportion& group,
                                      const Proportion& reference,
                                      double level) {
  const std::string_view method = RatioMethod(group, reference);
  if (method == "Walter") return WalterInterval(group, reference, level);
  if (method == "Katz") return KatzInterval(group, reference, level);
  return DonnerZouInterval(group, reference, level);
}

}  // namespace consentry::policy::fairness
