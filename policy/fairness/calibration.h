#ifndef CONSENTRY_POLICY_FAIRNESS_CALIBRATION_H_
#define CONSENTRY_POLICY_FAIRNESS_CALIBRATION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/fairness/proportion.h"

// Whether a score means the same for everybody: of those with the same score,
// as many in each group come true. Pure; any thread.
namespace consentry::policy::fairness {

// Cases with a score in [lower, upper); the last bin holds its upper end.
struct CalibrationBin {
  double lower = 0;
  double upper = 0;
  // Came true, of the cases.
  Proportion outcome;
  double mean_score = 0;
};

// Splits into the bins between `edges`, which are finite and rise; scores
// outside do not count. `scores` and `labels` are as long.
std::vector<CalibrationBin> CalibrationBins(std::span<const double> scores,
                                            std::span<const bool> labels,
                                            std::span<const double> edges);

// For scores that are probabilities: mean over cases of |rate that came true -
// mean score| of the bin. Absent without cases.
std::optional<double> ExpectedCalibrationError(
    std::span<const CalibrationBin> bins);

// Between two groups with the same bins, over bins where both have at least
// `least` cases: the mean of the differences of outcome rates, group minus
// reference, weighted as Mantel and Haenszel do, and the greatest of them by
// size, with its sign. Absent where no bin has them.
struct CalibrationGap {
  double mean = 0;
  double greatest = 0;
  size_t greatest_bin = 0;
  size_t compared_bins = 0;
};
std::optional<CalibrationGap> CompareCalibration(
    std::span<const CalibrationBin> group,
    std::span<const CalibrationBin> reference, int64_t least);

// Edges that split sorted finite values into at most `bins` parts of about the
// same size; equal values are never parted. At least two edges, or none for no
// values.
std::vector<double> QuantileEdges(std::span<const double> sorted, size_t bins);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_CALIBRATION_H_
