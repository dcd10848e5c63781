#include "tools/consentry/bench_stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace consentry::tools {
namespace {

TEST(BenchStats, PercentilesAreOfTheNearestRank) {
  std::vector<double> sorted;
  for (int i = 1; i <= 100; ++i) sorted.push_back(i);
  EXPECT_EQ(Percentile(sorted, 0), 1);
  EXPECT_EQ(Percentile(sorted, 0.50), 50);
  EXPECT_EQ(Percentile(sorted, 0.95), 95);
  EXPECT_EQ(Percentile(sorted, 0.991), 100);
  EXPECT_EQ(Percentile(sorted, 1), 100);
  EXPECT_EQ(Percentile({7}, 0.01), 7);
  EXPECT_EQ(Percentile({7}, 0.99), 7);
}

TEST(BenchStats, ASummaryDoesNotDependOnTheOrder) {
  const Summary summary = Summarise({5, 1, 4, 2, 3});
  EXPECT_EQ(summary.count, 5u);
  EXPECT_EQ(summary.mean, 3);
  EXPECT_EQ(summary.p50, 3);
  EXPECT_EQ(summary.p95, 5);
  EXPECT_EQ(summary.p99, 5);
  EXPECT_EQ(summary.max, 5);
}

TEST(BenchStats, NoSamplesAreZeroAndNoFault) {
  EXPECT_EQ(Summarise({}).count, 0u);
  EXPECT_EQ(Summarise({}).p99, 0);
  EXPECT_EQ(Median({}), 0);
}

TEST(BenchStats, TheMedianOfAnEvenNumberLiesBetween) {
  EXPECT_EQ(Median({3, 1, 2}), 2);
  EXPECT_EQ(Median({4, 1, 2, 3}), 2.5);
}

TEST(BenchStats, ZipfRanksComeAsOftenAsTheLawSays) {
  constexpr uint64_t kCount = 1000;
  constexpr double kExponent = 0.99;
  constexpr int kDraws = 200'000;
  double sum = 0;
  for (uint64_t r = 1; r <= kCount; ++r) {
    sum += std::pow(static_cast<double>(r), -kExponent);
  }
  Zipf zipf(kCount, kExponent, 1);
  std::vector<int> seen(kCount);
  for (int i = 0; i < kDraws; ++i) {
    const uint64_t rank = zipf.NextRank();
    ASSERT_LT(rank, kCount);
    ++seen[rank];
  }
  for (const uint64_t rank : {0u, 1u, 2u, 9u, 99u}) {
    const double expected =
        kDraws * std::pow(static_cast<double>(rank + 1), -kExponent) / sum;
    EXPECT_NEAR(seen[rank], expected, 5 * std::sqrt(expected)) << rank;
  }
}

TEST(BenchStats, ExponentZeroIsUniform) {
  constexpr int kDraws = 100'000;
  Zipf zipf(10, 0, 2);
  std::vector<int> seen(10);
  for (int i = 0; i < kDraws; ++i) ++seen[zipf.Next()];
  for (const int count : seen) EXPECT_NEAR(count, kDraws / 10, 500);
}

TEST(BenchStats, RanksAreSpreadOverAllNumbersOnce) {
  for (const uint64_t count : {1u, 2u, 10u, 4096u, 9973u}) {
    const Zipf zipf(count, 0.99, 3);
    std::set<uint64_t> numbers;
    for (uint64_t rank = 0; rank < count; ++rank) {
      const uint64_t number = zipf.NumberOf(rank);
      EXPECT_LT(number, count);
      numbers.insert(number);
    }
    EXPECT_EQ(numbers.size(), count);
  }
}

TEST(BenchStats, TheSameSeedDrawsTheSame) {
  Zipf a(1'000'000, 0.99, 4);
  Zipf b(1'000'000, 0.99, 4);
  Zipf c(1'000'000, 0.99, 5);
  int differs = 0;
  for (int i = 0; i < 100; ++i) {
    const uint64_t drawn = a.Next();
    EXPECT_EQ(drawn, b.Next());
    if (drawn != c.Next()) ++differs;
  }
  EXPECT_GT(differs, 50);
}

}  // namespace
}  // namespace consentry::tools
