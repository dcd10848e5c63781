#ifndef CONSENTRY_POLICY_FAIRNESS_DIFFERENTIAL_H_
#define CONSENTRY_POLICY_FAIRNESS_DIFFERENTIAL_H_

#include <cstddef>
#include <optional>
#include <span>

#include "policy/fairness/proportion.h"

// Pure; any thread.
namespace consentry::policy::fairness {

// Smoothed empirical differential fairness (Foulds et al. 2020): the greatest
// |ln| of the ratio of two groups' rates, or of their complements, where the
// rate is (hits + concentration/2) / (cases + concentration). 0: all alike;
// ln 1.25 is about four fifths. It is not smaller for a group seen rarely, so
// it is shown with the groups that it comes from.
struct DifferentialFairness {
  double epsilon = 0;
  // Places in `groups`.
  size_t highest = 0;
  size_t lowest = 0;
  // From the rates of the missed, not of the hits.
  bool of_misses = false;
};
// Groups without cases do not count. Absent for fewer than two others, and
// where a rate is 0 because `concentration` is.
std::optional<DifferentialFairness> MeasureDifferentialFairness(
    std::span<const Proportion> groups, double concentration = 1);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_DIFFERENTIAL_H_
