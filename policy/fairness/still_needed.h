#ifndef CONSENTRY_POLICY_FAIRNESS_STILL_NEEDED_H_
#define CONSENTRY_POLICY_FAIRNESS_STILL_NEEDED_H_

#include <cstdint>
#include <optional>

#include "consentry/v1/screening_service.pb.h"

namespace consentry::policy::fairness {

// Cases of both sides that a figure still lacks for a finding, were all to stay
// as it is: its value, the shares of both sides, and the number of tests that
// alpha is divided by. Half an interval shrinks with the root of the cases. Two
// digits, rounded up. Absent for a figure that has a finding, or no interval to
// go by, and where more than a thousand times as many would be needed: its
// value stands on an end of the tolerance. Pure; any thread.
std::optional<int64_t> StillNeeded(const v1::FairnessFigure& figure,
                                   double alpha, int tests);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_STILL_NEEDED_H_
