#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_STATS_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_STATS_H_

#include <cstdint>
#include <random>
#include <vector>

namespace consentry::tools {

// The arithmetic of `consentry bench`.

// Of a set of samples, in their own unit. All 0 where there are none.
struct Summary {
  uint64_t count = 0;
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
};

// The smallest sample that at least `share` of all samples do not exceed
// (nearest rank); `share` from 0 to 1. `sorted` is ascending and not empty.
double Percentile(const std::vector<double>& sorted, double share);

Summary Summarise(std::vector<double> samples);

// Of an even number the mean of the two in the middle; 0 where there are none.
double Median(std::vector<double> values);

// Draws from [0, count) with a probability that falls with the rank r, from 1,
// as 1 / r^exponent, by rejection-inversion (W. Hörmann and G. Derflinger, ACM
// TOMACS 6(3), 1996). Ranks are then spread over the numbers, so that the ones
// that are drawn often are no neighbours. Exponent 0 is uniform. The same for
// the same seed on every machine.
class Zipf {
 public:
  // `count` from 1 to 2^31; `exponent` from 0 to 4, not 1.
  Zipf(uint64_t count, double exponent, uint64_t seed);

  uint64_t Next();
  // Before it is spread: 0 is drawn most often.
  uint64_t NextRank();
  // Where a rank lies: a permutation of [0, count).
  uint64_t NumberOf(uint64_t rank) const;

 private:
  double H(double x) const;
  double HInverse(double y) const;

  const uint64_t count_;
  const double exponent_;
  uint64_t stride_;
  double h_first_;
  double h_last_;
  double shortcut_;
  std::mt19937_64 random_;
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_STATS_H_
