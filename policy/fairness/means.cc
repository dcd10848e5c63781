#include "policy/fairness/means.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "policy/fairness/distributions.h"
#include "policy/fairness/intervals.h"

namespace consentry::policy::fairness {
namespace {

using Atoms = std::vector<RangedSample::Atom>;

constexpr int kHalvings = 60;
constexpr int kSteps = 100;
// Rounding alone makes equal values vary by some 1e-16.
constexpr double kNoError = 1e-12;

// Chance that the mean of `atoms` and of one value at `end`, weighted by
// independent exponentials, lies above `t`, which is above what it is on
// average: the sign of a sum of exponentials times distances, by its saddle
// point (Barndorff-Nielsen 1986).
double ChanceAbove(const Atoms& atoms, double end, double t) {
  // theta = s / (end - t), 0 < s < 1; distances in units of end - t.
  const double unit = end - t;
  const auto slope = [&](double s, double* log, double* curve) {
    double sum = 1 / (1 - s);
    *log = -std::log1p(-s);
    *curve = sum * sum;
    for (const auto& atom : atoms) {
      const double d = (atom.value - t) / unit;
      const double factor = d / (1 - s * d);
      sum += atom.count * factor;
      *log -= atom.count * std::log1p(-s * d);
      *curve += atom.count * factor * factor;
    }
    return sum;
  };
  double log = 0;
  double curve = 0;
  double low = 0;
  double high = 1;
  double s = 0.5;
  for (int i = 0; i < kSteps; ++i) {
    const double value = slope(s, &log, &curve);
    (value < 0 ? low : high) = s;
    const double step = s - value / curve;
    const double next = step > low && step < high ? step : (low + high) / 2;
    if (std::fabs(next - s) <= 1e-10 * s) break;
    s = next;
  }
  if (!(log < 0)) return 0.5;
  const double w = std::sqrt(-2 * log);
  const double u = s * std::sqrt(curve);
  return NormalUpperTail(w + std::log(u / w) / w);
}

// The upper end of MeanBounds, of a sample in a range up to `end`.
double UpperEnd(const Atoms& atoms, double end, double tail) {
  double sum = end;
  double count = 1;
  for (const auto& atom : atoms) {
    sum += atom.count * atom.value;
    count += atom.count;
  }
  double low = sum / count;
  double high = end;
  if (!(high > low)) return end;
  for (int i = 0; i < kHalvings && high - low > 1e-9 * (end - low); ++i) {
    const double middle = (low + high) / 2;
    (ChanceAbove(atoms, end, middle) > tail ? low : high) = middle;
  }
  return high;
}

double Real(int64_t count) { return static_cast<double>(count); }

double Square(double x) { return x * x; }

// Of either group, that nobody was met of a share.
double ChanceUnseen(double share, int64_t cases) {
  if (share <= 0) return 1;
  if (share >= 1) return 0;
  return std::min(1.0, 2 * std::exp(Real(cases) * std::log1p(-share)));
}

}  // namespace

RangedSample RangedSampleOf(std::span<const double> values, double lower,
                            double upper) {
  RangedSample sample;
  sample.moments = MomentsOf(values);
  sample.lower = lower;
  sample.upper = upper;
  if (values.empty()) return sample;
  const auto [least, greatest] =
      std::minmax_element(values.begin(), values.end());
  sample.lower = std::min(lower, *least);
  sample.upper = std::max(upper, *greatest);
  const double width = *greatest - *least;
  Atoms bins(RangedSample::kAtoms);
  for (const double value : values) {
    const double place =
        width > 0 ? (value - *least) / width * Real(RangedSample::kAtoms) : 0;
    RangedSample::Atom& bin =
        bins[std::min(RangedSample::kAtoms - 1, static_cast<size_t>(place))];
    bin.count += 1;
    bin.value += (value - bin.value) / bin.count;
  }
  for (const RangedSample::Atom& bin : bins) {
    if (bin.count > 0) sample.atoms.push_back(bin);
  }
  return sample;
}

std::optional<Interval> MeanBounds(const RangedSample& sample, double level) {
  if (sample.atoms.empty()) return std::nullopt;
  const double tail = (1 - level) / 2;
  Atoms mirrored = sample.atoms;
  for (auto& atom : mirrored) atom.value = -atom.value;
  return Interval{-UpperEnd(mirrored, -sample.lower, tail),
                  UpperEnd(sample.atoms, sample.upper, tail)};
}

std::optional<RangedComparison> CompareRangedMeans(
    std::span<const MeanStratum> strata, double level) {
  RangedComparison result;
  double weights = 0;
  double weighted = 0;
  double variance = 0;
  double by_degrees = 0;
  double plain_degrees = 0;
  double below = 0;  // Squared distances to the ends of MeanBounds.
  double above = 0;
  // The farthest that values can lie apart, as they weigh.
  double most = 0;
  for (const MeanStratum& stratum : strata) {
    const Moments& p = stratum.group.moments;
    const Moments& q = stratum.reference.moments;
    if (!p.variance || !q.variance) continue;
    const double n = Real(p.count);
    const double m = Real(q.count);
    const double weight = n * m / (n + m);
    ++result.strata;
    result.group_cases += p.count;
    result.reference_cases += q.count;
    weights += weight;
    weighted += weight * (p.mean - q.mean);
    const double u = weight * weight * *p.variance / n;
    const double v = weight * weight * *q.variance / m;
    variance += u + v;
    by_degrees += u * u / (n - 1) + v * v / (m - 1);
    plain_degrees += n + m - 2;
    const Interval of_p = *MeanBounds(stratum.group, level);
    const Interval of_q = *MeanBounds(stratum.reference, level);
    below += Square(weight) *
             (Square(p.mean - of_p.lower) + Square(of_q.upper - q.mean));
    above += Square(weight) *
             (Square(of_p.upper - p.mean) + Square(q.mean - of_q.lower));
    most = std::max(
        {most, weight * (stratum.group.upper - stratum.group.lower),
         weight * (stratum.reference.upper - stratum.reference.lower)});
  }
  if (weights == 0) return std::nullopt;
  result.difference = weighted / weights;
  const double error = std::sqrt(variance) / weights;
  const int64_t cases = std::min(result.group_cases, result.reference_cases);
  const double unseen =
      ChanceUnseen(std::fabs(result.difference) * weights / (2 * most), cases);
  if (error < kNoError) {
    result.interval = {result.difference, result.difference};
    result.p_value = std::fabs(result.difference) < kNoError ? 1 : unseen;
  } else {
    const double degrees = variance * variance / by_degrees;
    const double half = StudentQuantile((1 + level) / 2, degrees) * error;
    result.interval = {result.difference - half, result.difference + half};
    result.p_value =
        std::max(unseen, StudentTwoSided(result.difference / error, degrees));
  }
  result.bounds = WiderOf(result.interval,
                          {result.difference - std::sqrt(below) / weights,
                           result.difference + std::sqrt(above) / weights});
  return result;
}

std::optional<RangedRatio> CompareRangedRatio(const RangedSample& group,
                                              const RangedSample& reference,
                                              double level) {
  const Moments& p = group.moments;
  const Moments& q = reference.moments;
  if (!p.variance || !q.variance || !(q.mean > 0) || group.lower < 0 ||
      reference.lower < 0) {
    return std::nullopt;
  }
  RangedRatio result;
  result.ratio = p.mean / q.mean;
  result.bounds = RatioOfBounds(p.mean, *MeanBounds(group, level), q.mean,
                                *MeanBounds(reference, level));
  if (!(p.mean > 0)) return result;
  const double u = *p.variance / (Real(p.count) * p.mean * p.mean);
  const double v = *q.variance / (Real(q.count) * q.mean * q.mean);
  double factor = 1;
  if (u + v > kNoError * kNoError) {
    const double degrees =
        (u + v) * (u + v) /
        (u * u / Real(p.count - 1) + v * v / Real(q.count - 1));
    factor =
        std::exp(StudentQuantile((1 + level) / 2, degrees) * std::sqrt(u + v));
  }
  result.interval = Interval{result.ratio / factor, result.ratio * factor};
  result.bounds = WiderOf(result.bounds, *result.interval);
  return result;
}

}  // namespace consentry::policy::fairness
