#include "policy/fairness/price_parity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "policy/fairness/distributions.h"
#include "policy/fairness/intervals.h"

namespace consentry::policy::fairness {
namespace {

// By how much those differ who were not seen.
const double kUnseenFactor = std::log(2.0);
// Rounding alone makes equal prices vary by some 1e-16.
constexpr double kNoError = 1e-12;

std::optional<Moments> LogMoments(std::span<const double> prices) {
  std::vector<double> logs;
  logs.reserve(prices.size());
  for (const double price : prices) {
    if (!(price > 0) || std::isinf(price)) return std::nullopt;
    logs.push_back(std::log(price));
  }
  return MomentsOf(logs);
}

// The chance that so many went unseen as move ln ratio by `move`.
double ChanceUnseen(const PriceComparison& comparison, double move) {
  if (move <= 0) return 1;
  const double share =
      move / (comparison.unseen_of_group + comparison.unseen_of_reference);
  if (share >= 1) return 0;
  const auto cases = static_cast<double>(
      std::min(comparison.group_cases, comparison.reference_cases));
  return std::min(1.0, 2 * std::exp(cases * std::log1p(-share)));
}

}  // namespace

std::optional<PriceComparison> ComparePrices(
    std::span<const StratumPrices> strata, double level, double tolerance) {
  if (!(tolerance > 1) || std::isinf(tolerance)) return std::nullopt;
  PriceComparison result;
  double weights = 0;
  double weighted = 0;
  double variance = 0;
  double by_degrees = 0;  // Sum of squared parts over their degrees.
  double plain_degrees = 0;
  // The most that one person weighs.
  double most_of_group = 0;
  double most_of_reference = 0;
  for (const StratumPrices& stratum : strata) {
    const auto group = LogMoments(stratum.group);
    const auto reference = LogMoments(stratum.reference);
    if (!group || !reference) return std::nullopt;
    const int64_t cases = group->count + reference->count;
    if (!group->variance || !reference->variance) {
      result.uncompared_cases += cases;
      continue;
    }
    result.compared_cases += cases;
    ++result.compared_strata;
    const double n = static_cast<double>(group->count);
    const double m = static_cast<double>(reference->count);
    const double weight = n * m / (n + m);
    result.group_cases += group->count;
    result.reference_cases += reference->count;
    most_of_group = std::max(most_of_group, weight / n);
    most_of_reference = std::max(most_of_reference, weight / m);
    weights += weight;
    weighted += weight * (group->mean - reference->mean);
    const double u = weight * weight * *group->variance / n;
    const double v = weight * weight * *reference->variance / m;
    variance += u + v;
    by_degrees += u * u / (n - 1) + v * v / (m - 1);
    plain_degrees += n + m - 2;
  }
  if (weights == 0) return std::nullopt;
  const double difference = weighted / weights;
  const double bound = std::log(tolerance);
  result.ratio = std::exp(difference);
  result.unseen_of_group = kUnseenFactor * most_of_group / weights *
                           static_cast<double>(result.group_cases);
  result.unseen_of_reference = kUnseenFactor * most_of_reference / weights *
                               static_cast<double>(result.reference_cases);
  result.standard_error = std::sqrt(variance) / weights;
  if (result.standard_error < kNoError) {
    result.standard_error = 0;
    result.interval = {result.ratio, result.ratio};
    result.degrees = plain_degrees;
    result.p_value = std::fabs(difference) < kNoError
                         ? 1
                         : ChanceUnseen(result, std::fabs(difference));
    result.equivalence_p_value =
        ChanceUnseen(result, bound - std::fabs(difference));
    return result;
  }
  result.degrees = variance * variance / by_degrees;
  result.interval = PriceIntervalAt(result, level);
  result.p_value =
      StudentTwoSided(difference / result.standard_error, result.degrees);
  result.equivalence_p_value =
      std::max(StudentUpperTail((difference + bound) / result.standard_error,
                                result.degrees),
               StudentUpperTail((bound - difference) / result.standard_error,
                                result.degrees));
  return result;
}

Interval PriceIntervalAt(const PriceComparison& comparison, double level) {
  if (comparison.standard_error == 0) {
    return {comparison.ratio, comparison.ratio};
  }
  const double factor =
      std::exp(StudentQuantile((1 + level) / 2, comparison.degrees) *
               comparison.standard_error);
  return {comparison.ratio / factor, comparison.ratio * factor};
}

Interval PriceBoundsAt(const PriceComparison& comparison, double level) {
  const double move =
      comparison.unseen_of_group * UnseenShare(comparison.group_cases, level) +
      comparison.unseen_of_reference *
          UnseenShare(comparison.reference_cases, level);
  const double factor = std::exp(move);
  return WiderOf(PriceIntervalAt(comparison, level),
                 {comparison.ratio / factor, comparison.ratio * factor});
}

std::optional<double> MeanRatio(std::span<const double> group,
                                std::span<const double> reference) {
  if (group.empty() || reference.empty()) return std::nullopt;
  return Quotient(MomentsOf(group).mean, MomentsOf(reference).mean);
}

}  // namespace consentry::policy::fairness
