#ifndef CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_
#define CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_

#include <optional>

#include "policy/fairness/proportion.h"

// Intervals of a fixed sample that is looked at once. `level` is the coverage
// wished for, 0 < level < 1. Absent where there are no cases. Pure; any thread.
namespace consentry::policy::fairness {

// Wilson's score interval of one rate (Wilson 1927). Never leaves [0, 1].
std::optional<Interval> WilsonInterval(const Proportion& rate, double level);

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

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_INTERVALS_H_
