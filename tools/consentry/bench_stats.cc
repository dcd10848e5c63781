#include "tools/consentry/bench_stats.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace consentry::tools {

double Percentile(const std::vector<double>& sorted, double share) {
  const auto count = static_cast<double>(sorted.size());
  const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * count);
  const size_t at = rank < 1 ? 0 : static_cast<size_t>(rank) - 1;
  return sorted[std::min(at, sorted.size() - 1)];
}

Summary Summarise(std::vector<double> samples) {
  Summary summary;
  if (samples.empty()) return summary;
  std::sort(samples.begin(), samples.end());
  summary.count = samples.size();
  summary.mean = std::accumulate(samples.begin(), samples.end(), 0.0) /
                 static_cast<double>(samples.size());
  summary.p50 = Percentile(samples, 0.50);
  summary.p95 = Percentile(samples, 0.95);
  summary.p99 = Percentile(samples, 0.99);
  summary.max = samples.back();
  return summary;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

// The method draws a point under the hat (x + 1)^-exponent, whose integral H
// can be inverted, and rounds to the nearest rank.
Zipf::Zipf(uint64_t count, double exponent, uint64_t seed)
    : count_(count),
      exponent_(exponent),
      stride_(static_cast<uint64_t>(0.6180339887498949 *
                                    static_cast<double>(count)) |
              1),
      random_(seed) {
  while (std::gcd(stride_, count_) != 1) ++stride_;
  h_first_ = H(1.5) - 1;
  h_last_ = H(static_cast<double>(count_) + 0.5);
  shortcut_ = 2 - HInverse(H(2.5) - std::pow(2.0, -exponent_));
}

double Zipf::H(double x) const {
  return std::pow(x, 1 - exponent_) / (1 - exponent_);
}

double Zipf::HInverse(double y) const {
  return std::pow(y * (1 - exponent_), 1 / (1 - exponent_));
}

uint64_t Zipf::NextRank() {
  std::uniform_real_distribution<double> unit(0, 1);
  for (;;) {
    const double u = h_last_ + unit(random_) * (h_first_ - h_last_);
    const double x = HInverse(u);
    const double rank =
        std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(count_));
    if (rank - x <= shortcut_ ||
        u >= H(rank + 0.5) - std::pow(rank, -exponent_)) {
      return static_cast<uint64_t>(rank) - 1;
    }
  }
}

uint64_t Zipf::NumberOf(uint64_t rank) const { return rank * stride_ % count_; }

uint64_t Zipf::Next() { return NumberOf(NextRank()); }

}  // namespace consentry::tools
