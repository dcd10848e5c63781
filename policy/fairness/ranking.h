#ifndef CONSENTRY_POLICY_FAIRNESS_RANKING_H_
#define CONSENTRY_POLICY_FAIRNESS_RANKING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// How groups stand in a ranked list, best place first. A ranking is given as
// the group (0, 1, ...) of each place; `desired` holds the share that each
// group ought to have, summing to 1. Absent where the ranking is empty, names a
// group that has no desired share, or the shares are no distribution. Pure; any
// thread.
namespace consentry::policy::fairness {

// ln of the group's share of the first `places` over its desired share.
// Positive: more than desired. Absent where it has none of them (the logarithm
// has no end there), and where `places` is 0 or beyond the ranking.
std::optional<double> SkewAt(std::span<const uint32_t> ranking, uint32_t group,
                             std::span<const double> desired, size_t places);

// Normalized discounted cumulative Kullback-Leibler divergence, in nats: that
// of the first i places from `desired`, averaged over i with the weights
// 1/log2(i+1) (Geyik et al. 2019). 0: in every beginning as desired.
std::optional<double> DiscountedDivergence(std::span<const uint32_t> ranking,
                                           std::span<const double> desired);

// The same where any number stand at one place: `counts[i][group]` of them at
// place i + 1. Beginnings that hold nobody count for nothing.
std::optional<double> DiscountedDivergenceOfCounts(
    std::span<const std::vector<int64_t>> counts,
    std::span<const double> desired);

// The numbers k of first places that hold fewer of some group than the whole
// number below share times k. Every k counts, the last as well.
std::optional<std::vector<size_t>> InfeasiblePlaces(
    std::span<const uint32_t> ranking, std::span<const double> desired);

// Attention of place i (from 1), 1/log2(1+i) (Singh and Joachims 2018), summed
// over the places of each group, with how many it has.
struct Exposure {
  double sum = 0;
  int64_t places = 0;

  std::optional<double> mean() const;
};
// One for each group from 0 to `groups` - 1; absent where a place names
// another.
std::optional<std::vector<Exposure>> ExposureByGroup(
    std::span<const uint32_t> ranking, uint32_t groups);

// Gains discounted by 1/log2(1+i); normalized: over what the best order of the
// same gains has. Absent for an empty list, and for gains that are all zero.
std::optional<double> DiscountedGain(std::span<const double> gains);
std::optional<double> NormalizedDiscountedGain(std::span<const double> gains);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_RANKING_H_
