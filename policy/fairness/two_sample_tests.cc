#include "policy/fairness/two_sample_tests.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "policy/fairness/distributions.h"
#include "policy/fairness/intervals.h"

namespace consentry::policy::fairness {
namespace {

// Tables that differ in rounding alone are equally likely.
constexpr double kSameLikelihood = 1e-7;
constexpr double kLeastExpected = 5;

double Real(int64_t count) { return static_cast<double>(count); }

}  // namespace

std::optional<TestResult> PooledZTest(const Proportion& group,
                                      const Proportion& reference) {
  const auto p = group.rate();
  const auto q = reference.rate();
  if (!p || !q) return std::nullopt;
  const Proportion both = {group.hits + reference.hits,
                           group.cases + reference.cases};
  const double pooled = *both.rate();
  const double error =
      std::sqrt(pooled * (1 - pooled) *
                (1 / Real(group.cases) + 1 / Real(reference.cases)));
  if (error == 0) return std::nullopt;
  const double z = (*p - *q) / error;
  return TestResult{z, NormalTwoSided(z)};
}

std::optional<double> FisherExactP(const Proportion& group,
                                   const Proportion& reference) {
  if (group.cases <= 0 || reference.cases <= 0) return std::nullopt;
  const int64_t n = group.cases;
  const int64_t m = reference.cases;
  const int64_t hits = group.hits + reference.hits;
  const auto log_likelihood = [&](int64_t x) {
    return LogChoose(Real(n), Real(x)) + LogChoose(Real(m), Real(hits - x));
  };
  const double whole = LogChoose(Real(n + m), Real(hits));
  const double bound = log_likelihood(group.hits) + std::log1p(kSameLikelihood);
  double p = 0;
  const int64_t first = std::max<int64_t>(0, hits - m);
  const int64_t last = std::min(n, hits);
  for (int64_t x = first; x <= last; ++x) {
    const double log = log_likelihood(x);
    if (log <= bound) p += std::exp(log - whole);
  }
  return std::min(1.0, p);
}

double SmallestExpectedCount(const Proportion& group,
                             const Proportion& reference) {
  const double all = Real(group.cases + reference.cases);
  if (all == 0) return 0;
  const double hits = Real(group.hits + reference.hits);
  return std::min(hits, all - hits) *
         Real(std::min(group.cases, reference.cases)) / all;
}

std::optional<RateTest> TestRates(const Proportion& group,
                                  const Proportion& reference) {
  if (SmallestExpectedCount(group, reference) < kLeastExpected) {
    const auto p = FisherExactP(group, reference);
    if (!p) return std::nullopt;
    return RateTest{*p, true};
  }
  const auto z = PooledZTest(group, reference);
  if (!z) return std::nullopt;
  return RateTest{z->p_value, false};
}

std::optional<StratifiedResult> CompareWithinStrata(
    std::span<const StratumRates> strata, double level) {
  StratifiedResult result;
  double surplus = 0;   // Hits of the group over those expected.
  double variance = 0;  // Hypergeometric.
  double ad = 0;
  double bc = 0;
  double p_r = 0;
  double ps_qr = 0;
  double q_s = 0;
  double weights = 0;
  double weighted = 0;
  double difference_variance = 0;
  double sato_p = 0;
  double sato_q = 0;
  double below = 0;  // Squared distances to the ends, of exact intervals.
  double above = 0;
  for (const StratumRates& stratum : strata) {
    const double n = Real(stratum.group.cases);
    const double m = Real(stratum.reference.cases);
    const double all = n + m;
    if (n == 0 || m == 0) {
      result.uncompared_cases += stratum.group.cases + stratum.reference.cases;
      continue;
    }
    result.compared_cases += stratum.group.cases + stratum.reference.cases;
    const double a = Real(stratum.group.hits);
    const double b = n - a;
    const double c = Real(stratum.reference.hits);
    const double d = m - c;
    surplus += a - n * (a + c) / all;
    if (all > 1) {
      variance += n * m * (a + c) * (b + d) / (all * all * (all - 1));
    }
    const double r = a * d / all;
    const double s = b * c / all;
    const double p = (a + d) / all;
    const double q = (b + c) / all;
    ad += r;
    bc += s;
    p_r += p * r;
    ps_qr += p * s + q * r;
    q_s += q * s;
    const double weight = n * m / all;
    weights += weight;
    weighted += weight * (a / n - c / m);
    difference_variance +=
        (a * b * m * m * m + c * d * n * n * n) / (n * m * all * all);
    sato_p += (n * n * c - m * m * a + n * m * (m - n) / 2) / (all * all);
    sato_q += (a * d + c * b) / (2 * all);
    const double plain = a / n - c / m;
    const auto exact = ExactDifference(stratum.group, stratum.reference, level);
    below += weight * weight * (plain - exact.lower) * (plain - exact.lower);
    above += weight * weight * (exact.upper - plain) * (exact.upper - plain);
  }
  if (variance == 0 || weights == 0) return std::nullopt;
  result.chi_square = surplus * surplus / variance;
  result.p_value = ChiSquareUpperTail(result.chi_square, 1);
  const double z = NormalQuantile((1 + level) / 2);
  if (ad > 0 && bc > 0) {
    result.odds_ratio = ad / bc;
    const double error = std::sqrt(p_r / (2 * ad * ad) + ps_qr / (2 * ad * bc) +
                                   q_s / (2 * bc * bc));
    result.odds_ratio_interval =
        Interval{*result.odds_ratio * std::exp(-z * error),
                 *result.odds_ratio * std::exp(z * error)};
  }
  result.rate_difference = weighted / weights;
  const double half = z * std::sqrt(difference_variance) / weights;
  result.rate_difference_interval = {result.rate_difference - half,
                                     result.rate_difference + half};
  const double spread = z * z / (weights * weights);
  const double center = result.rate_difference + spread * sato_p / 2;
  const double reach = std::sqrt(std::max(
      0.0, center * center - result.rate_difference * result.rate_difference +
               spread * sato_q));
  result.rate_difference_bounds =
      WiderOf(WiderOf(result.rate_difference_interval,
                      {center - reach, center + reach}),
              {result.rate_difference - std::sqrt(below) / weights,
               result.rate_difference + std::sqrt(above) / weights});
  return result;
}

double UnseenShare(int64_t n, double level) {
  if (n <= 0) return 1;
  return -std::expm1(std::log((1 - level) / 2) / Real(n));
}

std::vector<double> BenjaminiHochberg(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return p_values[a] > p_values[b];
  });
  std::vector<double> corrected(p_values.size());
  const double count = static_cast<double>(p_values.size());
  double least = 1;
  for (size_t i = 0; i < order.size(); ++i) {
    const double rank = count - static_cast<double>(i);
    least = std::min(least, p_values[order[i]] * count / rank);
    corrected[order[i]] = least;
  }
  return corrected;
}

Moments MomentsOf(std::span<const double> values) {
  // Welford: stable where values are great and alike.
  Moments moments;
  double squares = 0;
  for (const double value : values) {
    ++moments.count;
    const double step = value - moments.mean;
    moments.mean += step / Real(moments.count);
    squares += step * (value - moments.mean);
  }
  if (moments.count > 1) moments.variance = squares / Real(moments.count - 1);
  return moments;
}

std::optional<MeanComparison> CompareMeans(const Moments& group,
                                           const Moments& reference,
                                           double level) {
  if (!group.variance || !reference.variance) return std::nullopt;
  MeanComparison result;
  result.difference = group.mean - reference.mean;
  const double u = *group.variance / Real(group.count);
  const double v = *reference.variance / Real(reference.count);
  result.standard_error = std::sqrt(u + v);
  if (result.standard_error == 0) {
    result.interval = {result.difference, result.difference};
    result.p_value = result.difference == 0 ? 1 : 0;
    result.degrees = Real(group.count + reference.count - 2);
    return result;
  }
  result.degrees =
      (u + v) * (u + v) /
      (u * u / Real(group.count - 1) + v * v / Real(reference.count - 1));
  const double half =
      StudentQuantile((1 + level) / 2, result.degrees) * result.standard_error;
  result.interval = {result.difference - half, result.difference + half};
  result.p_value = StudentTwoSided(result.difference / result.standard_error,
                                   result.degrees);
  return result;
}

}  // namespace consentry::policy::fairness
