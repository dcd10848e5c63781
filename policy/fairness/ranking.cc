#include "policy/fairness/ranking.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "policy/fairness/proportion.h"

namespace consentry::policy::fairness {
namespace {

constexpr double kShareSlack = 1e-9;

double Discount(size_t place) {
  return 1 / std::log2(static_cast<double>(place) + 1);
}

bool IsDistribution(std::span<const double> shares) {
  double sum = 0;
  for (const double share : shares) {
    if (!(share >= 0 && share <= 1)) return false;
    sum += share;
  }
  return std::fabs(sum - 1) <= kShareSlack;
}

// Of so many of each group from the shares desired; absent where one of them
// is not desired at all.
std::optional<double> DivergenceOf(std::span<const double> counts, double all,
                                   std::span<const double> desired) {
  double divergence = 0;
  for (size_t group = 0; group < counts.size(); ++group) {
    if (counts[group] == 0) continue;
    if (desired[group] == 0) return std::nullopt;
    const double share = counts[group] / all;
    divergence += share * std::log(share / desired[group]);
  }
  return divergence;
}

bool Fits(std::span<const uint32_t> ranking, std::span<const double> desired) {
  return !ranking.empty() && IsDistribution(desired) &&
         std::all_of(ranking.begin(), ranking.end(),
                     [&](uint32_t group) { return group < desired.size(); });
}

}  // namespace

std::optional<double> SkewAt(std::span<const uint32_t> ranking, uint32_t group,
                             std::span<const double> desired, size_t places) {
  if (!Fits(ranking, desired) || group >= desired.size() || places == 0 ||
      places > ranking.size()) {
    return std::nullopt;
  }
  const auto first = ranking.first(places);
  const auto count =
      static_cast<double>(std::count(first.begin(), first.end(), group));
  if (count == 0 || desired[group] == 0) return std::nullopt;
  return std::log(count / static_cast<double>(places) / desired[group]);
}

std::optional<double> DiscountedDivergence(std::span<const uint32_t> ranking,
                                           std::span<const double> desired) {
  if (!Fits(ranking, desired)) return std::nullopt;
  std::vector<double> counts(desired.size());
  double weighted = 0;
  double weights = 0;
  for (size_t i = 1; i <= ranking.size(); ++i) {
    counts[ranking[i - 1]] += 1;
    const auto divergence =
        DivergenceOf(counts, static_cast<double>(i), desired);
    if (!divergence) return std::nullopt;
    weighted += *divergence * Discount(i);
    weights += Discount(i);
  }
  return weighted / weights;
}

std::optional<double> DiscountedDivergenceOfCounts(
    std::span<const std::vector<int64_t>> counts,
    std::span<const double> desired) {
  if (!IsDistribution(desired)) return std::nullopt;
  std::vector<double> first(desired.size());
  double all = 0;
  double weighted = 0;
  double weights = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].size() != desired.size()) return std::nullopt;
    for (size_t group = 0; group < desired.size(); ++group) {
      if (counts[i][group] < 0) return std::nullopt;
      first[group] += static_cast<double>(counts[i][group]);
      all += static_cast<double>(counts[i][group]);
    }
    if (all == 0) continue;
    const auto divergence = DivergenceOf(first, all, desired);
    if (!divergence) return std::nullopt;
    weighted += *divergence * Discount(i + 1);
    weights += Discount(i + 1);
  }
  return Quotient(weighted, weights);
}

std::optional<std::vector<size_t>> InfeasiblePlaces(
    std::span<const uint32_t> ranking, std::span<const double> desired) {
  if (!Fits(ranking, desired)) return std::nullopt;
  std::vector<size_t> infeasible;
  std::vector<double> counts(desired.size());
  for (size_t k = 1; k <= ranking.size(); ++k) {
    counts[ranking[k - 1]] += 1;
    for (size_t group = 0; group < counts.size(); ++group) {
      // 0.1 * 10 is a little less than 1 in some of its roundings.
      const double wanted =
          std::floor(desired[group] * static_cast<double>(k) + kShareSlack);
      if (counts[group] < wanted) {
        infeasible.push_back(k);
        break;
      }
    }
  }
  return infeasible;
}

std::optional<double> Exposure::mean() const {
  return Quotient(sum, static_cast<double>(places));
}

std::optional<std::vector<Exposure>> ExposureByGroup(
    std::span<const uint32_t> ranking, uint32_t groups) {
  std::vector<Exposure> exposures(groups);
  for (size_t i = 0; i < ranking.size(); ++i) {
    if (ranking[i] >= groups) return std::nullopt;
    Exposure& exposure = exposures[ranking[i]];
    exposure.sum += Discount(i + 1);
    ++exposure.places;
  }
  return exposures;
}

std::optional<double> DiscountedGain(std::span<const double> gains) {
  if (gains.empty()) return std::nullopt;
  double sum = 0;
  for (size_t i = 0; i < gains.size(); ++i) sum += gains[i] * Discount(i + 1);
  if (!std::isfinite(sum)) return std::nullopt;
  return sum;
}

std::optional<double> NormalizedDiscountedGain(std::span<const double> gains) {
  const auto gain = DiscountedGain(gains);
  if (!gain) return std::nullopt;
  std::vector<double> best(gains.begin(), gains.end());
  std::sort(best.begin(), best.end(), std::greater<>());
  const auto most = DiscountedGain(best);
  if (!most) return std::nullopt;
  return Quotient(*gain, *most);
}

}  // namespace consentry::policy::fairness
