#ifndef CONSENTRY_POLICY_FAIRNESS_CONFIDENCE_SEQUENCE_H_
#define CONSENTRY_POLICY_FAIRNESS_CONFIDENCE_SEQUENCE_H_

#include "policy/fairness/proportion.h"

// Confidence sequences: intervals that may be looked at after every case and
// still miss the truth with a chance of at most `alpha` over all looks
// together. 0 < alpha < 1. Pure; any thread.
namespace consentry::policy::fairness {

// The rate behind equal and independent cases: all p of which the uniform
// mixture of the likelihood is less than 1/alpha times the likelihood at p
// (Robbins 1970). [0, 1] without cases; about twice as wide as an interval of
// one look.
Interval RateSequence(const Proportion& rate, double alpha);

// Group minus reference out of two sequences at alpha/2 each.
Interval DifferenceSequence(const Proportion& group,
                            const Proportion& reference, double alpha);

// Group over reference, alike. The upper end is infinite while the reference's
// rate may be 0.
Interval RatioSequence(const Proportion& group, const Proportion& reference,
                       double alpha);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_CONFIDENCE_SEQUENCE_H_
