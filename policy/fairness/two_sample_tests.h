#ifndef CONSENTRY_POLICY_FAIRNESS_TWO_SAMPLE_TESTS_H_
#define CONSENTRY_POLICY_FAIRNESS_TWO_SAMPLE_TESTS_H_

#include <optional>
#include <span>
#include <vector>

#include "policy/fairness/proportion.h"

// Tests of a fixed sample that is looked at once: repeated, each of them ends
// up accusing a fair model. All p-values are two-sided. Pure; any thread.
namespace consentry::policy::fairness {

struct TestResult {
  double statistic = 0;
  double p_value = 1;
};

// Two independent rates are equal; normal, pooled. The statistic has the sign
// of group minus reference. Absent without cases, and where all or none hit.
std::optional<TestResult> PooledZTest(const Proportion& group,
                                      const Proportion& reference);

// The same, exact and conditional on the margins (Fisher): the chance of a
// table that is no likelier than this one. Absent without cases. Time grows
// with the smallest margin.
std::optional<double> FisherExactP(const Proportion& group,
                                   const Proportion& reference);

// The smallest count that the margins of the two by two table lead one to
// expect. Under 5 the normal test is not to be trusted.
double SmallestExpectedCount(const Proportion& group,
                             const Proportion& reference);

// Fisher where the smallest expected count is under 5, else pooled z.
struct RateTest {
  double p_value = 1;
  bool exact = false;
};
std::optional<RateTest> TestRates(const Proportion& group,
                                  const Proportion& reference);

// One stratum of two groups.
struct StratumRates {
  Proportion group;
  Proportion reference;
};

// Two rates compared within strata only.
struct StratifiedResult {
  // Cochran-Mantel-Haenszel, one degree of freedom, without a correction for
  // continuity.
  double chi_square = 0;
  double p_value = 1;
  // Mantel-Haenszel odds ratio, group over reference; absent where a sum is
  // zero. Interval of Robins, Breslow and Greenland 1986.
  std::optional<double> odds_ratio;
  std::optional<Interval> odds_ratio_interval;
  // Mantel-Haenszel difference of rates, group minus reference, with the
  // interval of Greenland and Robins 1985.
  double rate_difference = 0;
  Interval rate_difference_interval;
  // What a finding rests on: the widest, at each end, of that interval, which
  // knows no error where nobody or everybody hits; of the score interval with
  // Sato's variance (Klingenberg 2014), for many strata of few cases; and of
  // the strata's exact intervals put together, for few strata of many.
  Interval rate_difference_bounds;
  // Cases in strata that hold both groups, and in the others, which say
  // nothing.
  int64_t compared_cases = 0;
  int64_t uncompared_cases = 0;
};
// Absent where no stratum holds both groups with hits and misses.
std::optional<StratifiedResult> CompareWithinStrata(
    std::span<const StratumRates> strata, double level);

// p-values corrected for the many (Benjamini and Hochberg 1995), in the order
// given: rejecting those at most q keeps the expected share of false ones among
// them at most q, for tests that are independent or positively dependent.
std::vector<double> BenjaminiHochberg(std::span<const double> p_values);

// Of a group of which `n` were seen, `level` says that no larger share than
// this differs from all of them: 1 - ((1 - level) / 2)^(1 / n).
double UnseenShare(int64_t n, double level);

// Values of one group. Variance is that of a sample (n - 1); absent under 2.
struct Moments {
  int64_t count = 0;
  double mean = 0;
  std::optional<double> variance;
};
// Values must be finite.
Moments MomentsOf(std::span<const double> values);

// Difference of two means, group minus reference, with unequal variances
// (Welch). Absent under two values on either side. Where neither side varies
// the interval is a point, and p is 0 or 1.
struct MeanComparison {
  double difference = 0;
  Interval interval;
  double p_value = 1;
  double standard_error = 0;
  double degrees = 0;
};
std::optional<MeanComparison> CompareMeans(const Moments& group,
                                           const Moments& reference,
                                           double level);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_TWO_SAMPLE_TESTS_H_
