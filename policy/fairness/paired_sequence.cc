#include "policy/fairness/paired_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace consentry::policy::fairness {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Large bets find great differences early, small ones small differences late.
constexpr std::array<double, TableBets::kBets> kBetSizes = {
    0.8, 0.5, 0.3, 0.2, 0.13, 0.08, 0.05, 0.03, 0.02, 0.012, 0.007, 0.004};
const double kLogBets = std::log(static_cast<double>(TableBets::kBets));

double Psi(double weight) { return -std::log1p(-weight) - weight; }

// Where a monotone test of the comparison turns: ratios are searched as
// r / (1 + r), differences as (d + 1) / 2, both in (0, 1).
double ValueAt(Comparison comparison, double place) {
  return comparison == Comparison::kRatio ? place / (1 - place) : 2 * place - 1;
}

constexpr double kEdge = 1e-12;
constexpr int kSteps = 60;

double UpperEnd(const PairTable& table, Comparison comparison, double bound) {
  const auto rejected = [&](double place) {
    return TableBets(comparison, ValueAt(comparison, place),
                     TableBets::Side::kBelow)
        .Reaches(table, bound);
  };
  double in = kEdge;
  double out = 1 - kEdge;
  if (!rejected(out)) return comparison == Comparison::kRatio ? kInfinity : 1;
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (in + out) / 2;
    (rejected(middle) ? out : in) = middle;
  }
  return ValueAt(comparison, out);
}

double LowerEnd(const PairTable& table, Comparison comparison, double bound) {
  const auto rejected = [&](double place) {
    return TableBets(comparison, ValueAt(comparison, place),
                     TableBets::Side::kAbove)
        .Reaches(table, bound);
  };
  double out = kEdge;
  double in = 1 - kEdge;
  if (!rejected(out)) return comparison == Comparison::kRatio ? 0 : -1;
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (in + out) / 2;
    (rejected(middle) ? out : in) = middle;
  }
  return ValueAt(comparison, out);
}

// A test of ratios by moments: c + p s - v s^2 with s = 1 / (1 + ratio).
struct Quadratic {
  double c = 0;
  double p = 0;
  double v = 0;

  double At(double s) const { return c + s * (p - s * v); }
};

Quadratic RatioBelow(const MomentSequence::State& m) {
  const double w = m.spread_product + m.spread_reference;
  return {m.weighted_reference - m.spread_reference,
          2 * w - m.weighted_group - m.weighted_reference,
          m.spread_group + 2 * m.spread_product + m.spread_reference};
}

Quadratic RatioAbove(const MomentSequence::State& m) {
  const double w = m.spread_product + m.spread_reference;
  return {-m.weighted_reference - m.spread_reference,
          2 * w + m.weighted_group + m.weighted_reference,
          m.spread_group + 2 * m.spread_product + m.spread_reference};
}

double RatioUpper(const MomentSequence::State& m, double bound) {
  const Quadratic q = RatioBelow(m);
  const double r = q.c - bound;
  // No ratio is too large to be true.
  if (r < 0) return kInfinity;
  if (q.At(1) >= bound) return 0;
  const double root = std::sqrt(q.p * q.p + 4 * q.v * r);
  const double s = q.p < 0 ? 2 * r / (root - q.p) : (q.p + root) / (2 * q.v);
  return s > 0 ? (1 - s) / s : kInfinity;
}

double RatioLower(const MomentSequence::State& m, double bound) {
  const Quadratic q = RatioAbove(m);
  if (q.At(1) < bound) return 0;
  if (q.c >= bound) return kInfinity;
  const double c = bound - q.c;
  const double root = std::sqrt(std::max(0.0, q.p * q.p - 4 * q.v * c));
  const double s = 2 * c / (q.p + root);
  return std::max(0.0, (1 - s) / s);
}

std::optional<double> Compared(Comparison comparison, double group,
                               double reference) {
  return comparison == Comparison::kRatio ? Ratio(group, reference)
                                          : Difference(group, reference);
}

Interval DifferenceEnds(const MomentSequence::State& m, double bound) {
  const double middle = (m.weighted_group - m.weighted_reference) / m.weight;
  const double half =
      (2 * bound +
       (m.spread_group - 2 * m.spread_product + m.spread_reference) / 2) /
      m.weight;
  return {std::max(-1.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace

void PairTable::Add(bool group, bool reference) {
  if (group) {
    ++(reference ? both : group_only);
  } else {
    ++(reference ? reference_only : neither);
  }
}

TableBets::TableBets(Comparison comparison, double value, Side side) {
  const double sign = side == Side::kBelow ? -1 : 1;
  for (size_t i = 0; i < kBets; ++i) {
    const auto log = [&](double group, double reference) {
      const double gap =
          comparison == Comparison::kRatio
              ? (group - value * reference) / std::max(1.0, value)
              : (group - reference - value) / (1 + sign * value);
      return std::log1p(sign * kBetSizes[i] * gap);
    };
    logs_[i] = {log(1, 1), log(1, 0), log(0, 1), log(0, 0)};
  }
}

double TableBets::LogWealth(const PairTable& table) const {
  std::array<double, kBets> sums;
  double most = -kInfinity;
  for (size_t i = 0; i < kBets; ++i) {
    sums[i] = static_cast<double>(table.both) * logs_[i][0] +
              static_cast<double>(table.group_only) * logs_[i][1] +
              static_cast<double>(table.reference_only) * logs_[i][2] +
              static_cast<double>(table.neither) * logs_[i][3];
    most = std::max(most, sums[i]);
  }
  double total = 0;
  for (const double sum : sums) total += std::exp(sum - most);
  return most + std::log(total) - kLogBets;
}

bool TableBets::Reaches(const PairTable& table, double bound) const {
  double most = -kInfinity;
  for (size_t i = 0; i < kBets; ++i) {
    const double sum = static_cast<double>(table.both) * logs_[i][0] +
                       static_cast<double>(table.group_only) * logs_[i][1] +
                       static_cast<double>(table.reference_only) * logs_[i][2] +
                       static_cast<double>(table.neither) * logs_[i][3];
    most = std::max(most, sum);
  }
  // A mean is no more than its greatest part.
  if (most < bound) return false;
  return LogWealth(table) >= bound;
}

std::optional<double> TableBets::PairsUntil(double both, double group_only,
                                            double reference_only,
                                            double bound) const {
  const double neither = std::max(0.0, 1 - both - group_only - reference_only);
  double growth = 0;
  for (const auto& logs : logs_) {
    growth = std::max(growth, both * logs[0] + group_only * logs[1] +
                                  reference_only * logs[2] + neither * logs[3]);
  }
  if (growth <= 0) return std::nullopt;
  return std::ceil((bound + kLogBets) / growth);
}

std::optional<double> TableEstimate(const PairTable& table,
                                    Comparison comparison) {
  const uint64_t pairs = table.pairs();
  if (pairs == 0) return std::nullopt;
  const auto rate = [pairs](uint64_t hits) {
    return static_cast<double>(hits) / static_cast<double>(pairs);
  };
  return Compared(comparison, rate(table.both + table.group_only),
                  rate(table.both + table.reference_only));
}

Interval TableSequence(const PairTable& table, Comparison comparison,
                       double alpha) {
  const double bound = std::log(2 / alpha);
  return {LowerEnd(table, comparison, bound),
          UpperEnd(table, comparison, bound)};
}

void MomentSequence::Add(double group, double reference) {
  State& m = state_;
  const auto n = static_cast<double>(m.pairs);
  // From what was there before this pair, so that the pair cannot choose.
  const double group_mean = (m.sum_group + 0.5) / (n + 1);
  const double reference_mean = (m.sum_reference + 0.5) / (n + 1);
  const double variance = (m.sum_squares + 0.25) / (n + 1);
  const double t = n + 1;
  const double weight = std::min(
      0.5,
      std::sqrt(2 * std::log(2 / alpha_) / (variance * t * std::log1p(t))));
  const double psi = Psi(weight);
  const double dg = group - group_mean;
  const double dr = reference - reference_mean;
  m.weight += weight;
  m.weighted_group += weight * group;
  m.weighted_reference += weight * reference;
  m.spread_group += psi * dg * dg;
  m.spread_product += psi * dg * dr;
  m.spread_reference += psi * dr * dr;
  m.sum_group += group;
  m.sum_reference += reference;
  m.sum_squares += (dg - dr) * (dg - dr) / 4;
  ++m.pairs;
}

std::optional<double> MomentSequence::Estimate(Comparison comparison) const {
  if (state_.weight <= 0) return std::nullopt;
  return Compared(comparison, state_.weighted_group / state_.weight,
                  state_.weighted_reference / state_.weight);
}

Interval MomentSequence::Sequence(Comparison comparison) const {
  const double bound = std::log(2 / alpha_);
  if (comparison == Comparison::kRatio) {
    return {RatioLower(state_, bound), RatioUpper(state_, bound)};
  }
  if (state_.weight <= 0) return {-1, 1};
  return DifferenceEnds(state_, bound);
}

bool MomentSequence::AllBelow(Comparison comparison, double value) const {
  const double bound = std::log(2 / alpha_);
  if (comparison == Comparison::kRatio) {
    // Concave in s: what both ends reach all between them reaches.
    const Quadratic q = RatioBelow(state_);
    return q.At(0) >= bound && q.At(1 / (1 + value)) >= bound;
  }
  return state_.weight > 0 && DifferenceEnds(state_, bound).upper < value;
}

bool MomentSequence::AllAbove(Comparison comparison, double value) const {
  const double bound = std::log(2 / alpha_);
  if (comparison == Comparison::kRatio) {
    const Quadratic q = RatioAbove(state_);
    return q.At(1) >= bound && q.At(1 / (1 + value)) >= bound;
  }
  return state_.weight > 0 && DifferenceEnds(state_, bound).lower > value;
}

std::optional<double> MomentSequence::PairsUntil(Comparison comparison,
                                                 double value) const {
  if (state_.pairs < 2) return std::nullopt;
  const auto pairs = static_cast<double>(state_.pairs);
  const double group = state_.sum_group / pairs;
  const double reference = state_.sum_reference / pairs;
  const bool ratio = comparison == Comparison::kRatio;
  const double gap = std::abs(ratio ? (group - value * reference) / (1 + value)
                                    : (group - reference - value) / 2);
  const double variance = (state_.sum_squares + 0.25) / (pairs + 1);
  const double bound = std::log(2 / alpha_);
  const auto half = [&](double n) {
    const double logs = std::log1p(n);
    const double weight =
        std::min(n / 2, 2 * std::sqrt(2 * bound * n / (variance * logs)));
    return bound * (2 + std::max(0.0, std::log(logs))) / weight;
  };
  constexpr double kMost = 1e12;
  if (half(kMost) > gap) return std::nullopt;
  double few = 2;
  double many = kMost;
  while (many / few > 1.01) {
    const double middle = std::sqrt(few * many);
    (half(middle) <= gap ? many : few) = middle;
  }
  return std::ceil(many);
}

}  // namespace consentry::policy::fairness
