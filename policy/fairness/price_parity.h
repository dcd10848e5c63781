#ifndef CONSENTRY_POLICY_FAIRNESS_PRICE_PARITY_H_
#define CONSENTRY_POLICY_FAIRNESS_PRICE_PARITY_H_

#include <cstdint>
#include <optional>
#include <span>

#include "policy/fairness/proportion.h"
#include "policy/fairness/two_sample_tests.h"

// Whether groups pay the same. Pure; any thread.
//
// A price follows from a rule and not from chance; the intervals here are about
// the persons, of whom those seen are a sample, and let each group vary by
// itself. They do not rest on errors of a regression that has none.
namespace consentry::policy::fairness {

// Prices of one stratum, all of them positive and finite; a stratum is one
// value of what may lawfully set the price (a risk class, a region, a tariff).
struct StratumPrices {
  std::span<const double> group;
  std::span<const double> reference;
};

// Two groups compared on the log scale, within strata only.
struct PriceComparison {
  // Geometric mean, group over reference: 1.05 is five percent dearer.
  double ratio = 1;
  Interval interval;
  // How much ln ratio moves if a share of one group that nobody saw pays twice
  // or half as much as the others: this times the share. In one stratum ln 2.
  double unseen_of_group = 0;
  double unseen_of_reference = 0;
  int64_t group_cases = 0;
  int64_t reference_cases = 0;
  // Of equality, two-sided.
  double p_value = 1;
  // Of prices that differ by the tolerance or more, either way (two one-sided
  // tests): small where the groups are shown to pay the same. Where prices do
  // not vary it is the chance that those who pay otherwise were not met.
  double equivalence_p_value = 1;
  double standard_error = 0;  // Of ln ratio.
  double degrees = 0;
  // Prices in strata with two or more of both groups, and in the others,
  // which say nothing.
  int64_t compared_cases = 0;
  int64_t uncompared_cases = 0;
  int64_t compared_strata = 0;
};

// `tolerance` > 1: 1.05 for five percent. Strata weigh n m / (n + m). Absent
// where none can be compared, and for a price that is not positive and finite.
std::optional<PriceComparison> ComparePrices(
    std::span<const StratumPrices> strata, double level, double tolerance);

// The interval of a comparison at another level.
Interval PriceIntervalAt(const PriceComparison& comparison, double level);

// What a finding rests on: that interval, or as far as those reach who pay
// twice or half as much and of whom, at this level, none need have been seen. A
// list price that all thirty customers paid says little about the next hundred.
Interval PriceBoundsAt(const PriceComparison& comparison, double level);

// Arithmetic mean, group over reference; absent where either is empty or the
// reference's is zero.
std::optional<double> MeanRatio(std::span<const double> group,
                                std::span<const double> reference);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PRICE_PARITY_H_
