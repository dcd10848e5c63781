#ifndef CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_
#define CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_

#include <optional>
#include <string_view>

#include "policy/fairness/proportion.h"

// Intervals of a fixed sample that is looked at once. `level` is the coverage
// wished for, 0 < level < 1. Absent where there are no cases. Pure; any thread.
namespace consentry::policy::fairness {

// Wilson's score interval of one rate (Wilson 1927). Never leaves [0, 1].
std::optional<Interval> WilsonInterval(const Proportion& rate, double level);

// The exact interval of one rate (Clopper and Pearson 1934): covers at least
// with `level`, whatever the rate and however few the cases.
std::optional<Interval> ExactInterval(const Proportion& rate, double level);

// Difference of two independent rates, group minus reference, out of Wilson
// intervals (Newcombe 1998, method 10). Within [-1, 1].
std::optional<Interval> NewcombeInterval(const Proportion& group,
                                         const Proportion& reference,
                                         double level);

// Ratio of two independent rates, group over reference, on the log scale (Katz
// et al. 1978). Absent where either has no hits.
std::optional<Interval> KatzInterval(const Proportion& group,
                                     const Proportion& reference, double level);

// The same with half a hit and half a case added to each (Walter 1975), for
// samples without a hit; where the group has none the lower end is 0, where
// the reference has none the upper end is infinite.
std::optional<Interval> WalterInterval(const Proportion& group,
                                       const Proportion& reference,
                                       double level);

// The same out of Wilson intervals (Donner and Zou 2012), for samples of hits
// alone, of which Katz's has no width. Absent where the reference has no hits.
std::optional<Interval> DonnerZouInterval(const Proportion& group,
                                          const Proportion& reference,
                                          double level);

// The interval of the ratio that is told: Katz's, or Walter's where a sample
// has no hit, or Donner and Zou's where neither has anything else.
std::optional<Interval> RatioInterval(const Proportion& group,
                                      const Proportion& reference,
                                      double level);
// Whose that is: "Katz".
std::string_view RatioMethod(const Proportion& group,
                             const Proportion& reference);

// What a finding rests on: the interval that is told, Newcombe's, or that of
// the two exact intervals put together in the same way (Donner and Zou 2012),
// whichever reaches farther at each end. The told one alone gives a wrong
// finding far more often than it promises where cases are few, rates are near 0
// or 1, or `level` is near 1.
std::optional<Interval> DifferenceBounds(const Proportion& group,
                                         const Proportion& reference,
                                         double level);
// The exact one alone. Both have cases.
Interval ExactDifference(const Proportion& group, const Proportion& reference,
                         double level);
// As DifferenceBounds, of the ratio.
// The upper end is infinite where the reference may be zero.
std::optional<Interval> RatioBounds(const Proportion& group,
                                    const Proportion& reference, double level);

// Of a ratio p over q out of an interval of each (Donner and Zou 2012). The
// upper end is infinite where q may be zero.
Interval RatioOfBounds(double p, const Interval& of_p, double q,
                       const Interval& of_q);

// Whichever reaches farther at each end.
Interval WiderOf(const Interval& a, const Interval& b);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_
