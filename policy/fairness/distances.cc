#include "policy/fairness/distances.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "policy/fairness/proportion.h"

namespace consentry::policy::fairness {
namespace {

std::vector<double> Sorted(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Calls `visit(distance of the functions, width)` for each step between two
// neighbouring values of either sample.
template <class Visit>
void WalkSteps(std::span<const double> group, std::span<const double> reference,
               const Visit& visit) {
  const std::vector<double> a = Sorted(group);
  const std::vector<double> b = Sorted(reference);
  const double n = static_cast<double>(a.size());
  const double m = static_cast<double>(b.size());
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    double value = 0;
    if (j == b.size() || (i < a.size() && a[i] <= b[j])) {
      value = a[i];
    } else {
      value = b[j];
    }
    while (i < a.size() && a[i] == value) ++i;
    while (j < b.size() && b[j] == value) ++j;
    double next = value;
    if (i < a.size()) next = a[i];
    if (j < b.size() && (i == a.size() || b[j] < next)) next = b[j];
    visit(std::fabs(static_cast<double>(i) / n - static_cast<double>(j) / m),
          next - value);
  }
}

std::optional<double> SumOf(std::span<const double> weights) {
  double sum = 0;
  for (const double weight : weights) {
    if (!(weight >= 0) || std::isinf(weight)) return std::nullopt;
    sum += weight;
  }
  if (sum == 0 || std::isinf(sum)) return std::nullopt;
  return sum;
}

struct Sums {
  double group;
  double reference;
};

std::optional<Sums> SumsOf(std::span<const double> group,
                           std::span<const double> reference) {
  if (group.size() != reference.size()) return std::nullopt;
  const auto of_group = SumOf(group);
  const auto of_reference = SumOf(reference);
  if (!of_group || !of_reference) return std::nullopt;
  return Sums{*of_group, *of_reference};
}

}  // namespace

std::optional<double> KolmogorovSmirnov(std::span<const double> group,
                                        std::span<const double> reference) {
  if (group.empty() || reference.empty()) return std::nullopt;
  double greatest = 0;
  WalkSteps(group, reference, [&greatest](double distance, double) {
    greatest = std::max(greatest, distance);
  });
  return greatest;
}

std::optional<double> Wasserstein1(std::span<const double> group,
                                   std::span<const double> reference) {
  if (group.empty() || reference.empty()) return std::nullopt;
  double area = 0;
  WalkSteps(group, reference, [&area](double distance, double width) {
    area += distance * width;
  });
  return area;
}

std::optional<double> Quantile(std::span<const double> sorted, double p) {
  if (sorted.empty() || !(p >= 0 && p <= 1)) return std::nullopt;
  const double place = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return sorted[below] * (1 - part) + sorted[above] * part;
}

std::optional<double> TotalVariation(std::span<const double> group,
                                     std::span<const double> reference) {
  const auto sums = SumsOf(group, reference);
  if (!sums) return std::nullopt;
  double distance = 0;
  for (size_t i = 0; i < group.size(); ++i) {
    distance +=
        std::fabs(group[i] / sums->group - reference[i] / sums->reference);
  }
  return distance / 2;
}

std::optional<double> GreatestShareDifference(
    std::span<const double> group, std::span<const double> reference) {
  const auto sums = SumsOf(group, reference);
  if (!sums) return std::nullopt;
  double greatest = 0;
  for (size_t i = 0; i < group.size(); ++i) {
    greatest = std::max(greatest, std::fabs(group[i] / sums->group -
                                            reference[i] / sums->reference));
  }
  return greatest;
}

std::optional<double> KullbackLeibler(std::span<const double> group,
                                      std::span<const double> reference,
                                      double smoothing) {
  const auto sums = SumsOf(group, reference);
  if (!sums || !(smoothing >= 0)) return std::nullopt;
  const double expected_sum =
      sums->reference + smoothing * static_cast<double>(reference.size());
  double divergence = 0;
  for (size_t i = 0; i < group.size(); ++i) {
    if (group[i] == 0) continue;
    const double expected = reference[i] + smoothing;
    if (expected == 0) return std::nullopt;
    const double share = group[i] / sums->group;
    divergence += share * std::log(share / (expected / expected_sum));
  }
  return divergence;
}

std::optional<double> JensenShannon(std::span<const double> group,
                                    std::span<const double> reference) {
  const auto sums = SumsOf(group, reference);
  if (!sums) return std::nullopt;
  std::vector<double> middle(group.size());
  for (size_t i = 0; i < group.size(); ++i) {
    middle[i] = group[i] / sums->group + reference[i] / sums->reference;
  }
  const auto a = KullbackLeibler(group, middle);
  const auto b = KullbackLeibler(reference, middle);
  if (!a || !b) return std::nullopt;
  return (*a + *b) / 2;
}

std::optional<double> Skew(std::span<const double> group,
                           std::span<const double> reference, size_t category,
                           double smoothing) {
  const auto sums = SumsOf(group, reference);
  if (!sums || category >= group.size() || !(smoothing >= 0)) {
    return std::nullopt;
  }
  const double all = smoothing * static_cast<double>(group.size());
  const double share = (group[category] + smoothing) / (sums->group + all);
  const double expected =
      (reference[category] + smoothing) / (sums->reference + all);
  if (share == 0 || expected == 0) return std::nullopt;
  return std::log(share / expected);
}

}  // namespace consentry::policy::fairness
