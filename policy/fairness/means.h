#ifndef CONSENTRY_POLICY_FAIRNESS_MEANS_H_
#define CONSENTRY_POLICY_FAIRNESS_MEANS_H_

#include <optional>
#include <span>
#include <vector>

#include "policy/fairness/proportion.h"
#include "policy/fairness/two_sample_tests.h"

// Means of values that lie in a known range, of persons of whom those seen are
// a sample. Pure; any thread.
namespace consentry::policy::fairness {

// A sample, condensed: kAtoms bins at most, each at the mean of what is in it.
struct RangedSample {
  static constexpr size_t kAtoms = 128;
  struct Atom {
    double value = 0;
    double count = 0;
  };

  Moments moments;
  // Where values can lie; never narrower than those seen.
  double lower = 0;
  double upper = 1;
  // Rising.
  std::vector<Atom> atoms;
};
// Values must be finite.
RangedSample RangedSampleOf(std::span<const double> values, double lower,
                            double upper);

// Where the mean of all can lie, at this level, whatever the distribution over
// the range: the values seen and an end of the range, weighted by chance as in
// Gaffke 2005. Of outcomes of 0 and 1 it is the exact (Clopper-Pearson)
// interval, of n equal values as far as 1 - ((1 - level) / 2)^(1 / n) of the
// others could move it. Absent of nothing.
std::optional<Interval> MeanBounds(const RangedSample& sample, double level);

struct MeanStratum {
  RangedSample group;
  RangedSample reference;
};

// Two means compared, within strata only.
struct RangedComparison {
  // Group minus reference; strata weigh n m / (n + m).
  double difference = 0;
  // Welch.
  Interval interval;
  // What a finding rests on: the wider, at each end, of that interval and of
  // MeanBounds put together.
  Interval bounds;
  // Of equal means, two-sided: Welch, and no less than the chance that so many
  // went unseen as make up the difference.
  double p_value = 1;
  // Values in strata with two or more of both groups.
  int64_t group_cases = 0;
  int64_t reference_cases = 0;
  int64_t strata = 0;
};
// Absent where nothing can be compared.
std::optional<RangedComparison> CompareRangedMeans(
    std::span<const MeanStratum> strata, double level);

// Group over reference, of values that are not below zero.
struct RangedRatio {
  double ratio = 1;
  // On the logarithm, with the quantile of Welch. Absent where a mean is zero.
  std::optional<Interval> interval;
  // As in RangedComparison. Its upper end may be infinite.
  Interval bounds;
};
// Absent under two values on either side, where the reference's mean is zero
// and where a value can be below zero.
std::optional<RangedRatio> CompareRangedRatio(const RangedSample& group,
                                              const RangedSample& reference,
                                              double level);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_MEANS_H_
