#include "policy/fairness/benefit_indices.h"

#include <cmath>
#include <vector>

#include "policy/fairness/proportion.h"

namespace consentry::policy::fairness {
namespace {

double Real(int64_t count) { return static_cast<double>(count); }

struct Whole {
  double persons;
  double mean;
};

std::optional<Whole> WholeOf(std::span<const BenefitCount> benefits) {
  double persons = 0;
  double sum = 0;
  for (const BenefitCount& one : benefits) {
    if (one.persons == 0) continue;
    if (one.persons < 0 || !(one.benefit >= 0)) return std::nullopt;
    persons += Real(one.persons);
    sum += one.benefit * Real(one.persons);
  }
  if (persons == 0 || !(sum > 0) || std::isinf(sum)) return std::nullopt;
  return Whole{persons, sum / persons};
}

}  // namespace

std::optional<double> GeneralizedEntropy(std::span<const BenefitCount> benefits,
                                         double alpha) {
  const auto whole = WholeOf(benefits);
  if (!whole || !std::isfinite(alpha)) return std::nullopt;
  double sum = 0;
  for (const BenefitCount& one : benefits) {
    if (one.persons == 0) continue;
    const double share = one.benefit / whole->mean;
    double term = 0;
    if (share == 0 && alpha <= 0) return std::nullopt;
    if (alpha == 0) {
      term = -std::log(share);
    } else if (alpha == 1) {
      term = share == 0 ? 0 : share * std::log(share);
    } else {
      term = (std::pow(share, alpha) - 1) / (alpha * (alpha - 1));
    }
    sum += term * Real(one.persons);
  }
  if (!std::isfinite(sum)) return std::nullopt;
  return sum / whole->persons;
}

std::optional<double> CoefficientOfVariation(
    std::span<const BenefitCount> benefits) {
  const auto entropy = GeneralizedEntropy(benefits, 2);
  if (!entropy) return std::nullopt;
  return std::sqrt(2 * std::fmax(0.0, *entropy));
}

std::optional<double> Atkinson(std::span<const BenefitCount> benefits,
                               double aversion) {
  const auto whole = WholeOf(benefits);
  if (!whole || !(aversion >= 0) || std::isinf(aversion)) return std::nullopt;
  double sum = 0;
  for (const BenefitCount& one : benefits) {
    if (one.persons == 0) continue;
    const double share = one.benefit / whole->mean;
    if (share == 0 && aversion >= 1) return 1;
    sum += Real(one.persons) *
           (aversion == 1 ? std::log(share) : std::pow(share, 1 - aversion));
  }
  const double mean = sum / whole->persons;
  return 1 -
         (aversion == 1 ? std::exp(mean) : std::pow(mean, 1 / (1 - aversion)));
}

PredictionBenefits BenefitsOf(const Confusion& table) {
  return {{{0, table.false_negatives},
           {1, table.true_positives + table.true_negatives},
           {2, table.false_positives}}};
}

std::optional<double> BetweenGroupEntropy(std::span<const Confusion> groups,
                                          double alpha) {
  std::vector<BenefitCount> means;
  for (const Confusion& group : groups) {
    const int64_t persons = group.cases();
    if (persons == 0) continue;
    means.push_back({1 + Real(group.false_positives - group.false_negatives) /
                             Real(persons),
                     persons});
  }
  return GeneralizedEntropy(means, alpha);
}

}  // namespace consentry::policy::fairness
