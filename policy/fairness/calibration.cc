#include "policy/fairness/calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace consentry::policy::fairness {

std::vector<CalibrationBin> CalibrationBins(std::span<const double> scores,
                                            std::span<const bool> labels,
                                            std::span<const double> edges) {
  std::vector<CalibrationBin> bins;
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    bins.push_back({edges[i], edges[i + 1], {}, 0});
  }
  if (bins.empty()) return bins;
  for (size_t i = 0; i < scores.size(); ++i) {
    const double score = scores[i];
    if (!(score >= edges.front() && score <= edges.back())) continue;
    const auto above = std::upper_bound(edges.begin(), edges.end(), score);
    const auto place = static_cast<size_t>(above - edges.begin());
    CalibrationBin& bin = bins[std::min(place, bins.size()) - 1];
    ++bin.outcome.cases;
    bin.outcome.hits += labels[i] ? 1 : 0;
    bin.mean_score +=
        (score - bin.mean_score) / static_cast<double>(bin.outcome.cases);
  }
  return bins;
}

std::optional<double> ExpectedCalibrationError(
    std::span<const CalibrationBin> bins) {
  double error = 0;
  int64_t cases = 0;
  for (const CalibrationBin& bin : bins) {
    const auto rate = bin.outcome.rate();
    if (!rate) continue;
    error += static_cast<double>(bin.outcome.cases) *
             std::fabs(*rate - bin.mean_score);
    cases += bin.outcome.cases;
  }
  return Quotient(error, static_cast<double>(cases));
}

std::optional<CalibrationGap> CompareCalibration(
    std::span<const CalibrationBin> group,
    std::span<const CalibrationBin> reference, int64_t least) {
  CalibrationGap gap;
  double weights = 0;
  double weighted = 0;
  for (size_t i = 0; i < std::min(group.size(), reference.size()); ++i) {
    const Proportion& a = group[i].outcome;
    const Proportion& b = reference[i].outcome;
    const auto difference = Difference(a.rate(), b.rate());
    if (!difference || a.cases < least || b.cases < least) continue;
    const double n = static_cast<double>(a.cases);
    const double m = static_cast<double>(b.cases);
    weights += n * m / (n + m);
    weighted += n * m / (n + m) * *difference;
    if (std::fabs(*difference) > std::fabs(gap.greatest)) {
      gap.greatest = *difference;
      gap.greatest_bin = i;
    }
    ++gap.compared_bins;
  }
  if (gap.compared_bins == 0) return std::nullopt;
  gap.mean = weighted / weights;
  return gap;
}

std::vector<double> QuantileEdges(std::span<const double> sorted, size_t bins) {
  std::vector<double> edges;
  if (sorted.empty() || bins == 0) return edges;
  edges.push_back(sorted.front());
  for (size_t i = 1; i < bins; ++i) {
    const double edge = sorted[i * sorted.size() / bins];
    if (edge > edges.back()) edges.push_back(edge);
  }
  if (sorted.back() > edges.back()) {
    edges.push_back(sorted.back());
  } else if (edges.size() == 1) {
    edges.push_back(edges.front());
  } else {
    // The last bin begins at the greatest value: it holds that alone.
    edges.push_back(edges.back());
  }
  return edges;
}

}  // namespace consentry::policy::fairness
