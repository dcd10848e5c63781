#ifndef CONSENTRY_POLICY_FAIRNESS_BENEFIT_INDICES_H_
#define CONSENTRY_POLICY_FAIRNESS_BENEFIT_INDICES_H_

#include <cstdint>
#include <optional>
#include <span>

#include "policy/fairness/confusion.h"

// How unequally a benefit is spread over persons (Speicher et al. 2018). A
// benefit is not negative; 0 everywhere: all have the same. Absent where there
// is nobody, the mean is zero, a benefit is negative or not finite. Pure; any
// thread.
namespace consentry::policy::fairness {

// So many persons have this benefit.
struct BenefitCount {
  double benefit = 0;
  int64_t persons = 0;
};

// Generalized entropy: mean of ((b/mean)^alpha - 1) / (alpha (alpha - 1)); for
// alpha 1 mean of (b/mean) ln(b/mean), for alpha 0 mean of -ln(b/mean). For
// alpha of 0 or below a benefit of zero makes it infinite, so absent.
std::optional<double> GeneralizedEntropy(std::span<const BenefitCount> benefits,
                                         double alpha);
inline std::optional<double> Theil(std::span<const BenefitCount> benefits) {
  return GeneralizedEntropy(benefits, 1);
}
// Standard deviation over mean, of the whole: the root of twice the
// generalized entropy of alpha 2.
std::optional<double> CoefficientOfVariation(
    std::span<const BenefitCount> benefits);
// Atkinson's index, 0 to 1, for an aversion of 0 or more. With an aversion of
// 1 or more a benefit of zero makes it 1.
std::optional<double> Atkinson(std::span<const BenefitCount> benefits,
                               double aversion);

// The benefit of a prediction in the sense of the article: 1 + predicted -
// true, so 2 for a positive that was not deserved, 0 for a negative that was
// not.
struct PredictionBenefits {
  BenefitCount counts[3];
};
PredictionBenefits BenefitsOf(const Confusion& table);

// Generalized entropy between groups: everybody has the mean benefit of the
// own group. An empty group does not count.
std::optional<double> BetweenGroupEntropy(std::span<const Confusion> groups,
                                          double alpha);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_BENEFIT_INDICES_H_
