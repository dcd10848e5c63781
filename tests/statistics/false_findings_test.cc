// How often an audit's finding is wrong, by adding up every sample that two
// groups can give: a rate just beyond what is tolerated is never "within
// tolerance", and one just inside never "outside", more often than was stated.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/fairness/distributions.h"
#include "policy/fairness/intervals.h"
#include "policy/fairness/means.h"
#include "policy/fairness/price_parity.h"
#include "policy/fairness/two_sample_tests.h"

namespace consentry::policy::fairness {
namespace {

// Chance of each number of hits.
std::vector<double> Binomial(int64_t n, double rate) {
  std::vector<double> chances;
  for (int64_t x = 0; x <= n; ++x) {
    const auto hits = static_cast<double>(x);
    const auto misses = static_cast<double>(n - x);
    double log = LogChoose(static_cast<double>(n), hits);
    if (x > 0) log += hits * std::log(rate);
    if (x < n) log += misses * std::log1p(-rate);
    chances.push_back(std::exp(log));
  }
  return chances;
}

// What a finding rests on, of one table; nothing where there is none.
using BoundsOf = std::function<std::optional<Interval>(const Proportion&,
                                                       const Proportion&)>;

struct Sizes {
  int64_t group;
  int64_t reference;
};

// The bounds of all tables, and the p-value of equality.
class Tables {
 public:
  Tables(const Sizes& sizes, const BoundsOf& bounds) : sizes_(sizes) {
    for (int64_t x = 0; x <= sizes.group; ++x) {
      for (int64_t y = 0; y <= sizes.reference; ++y) {
        const Proportion p{x, sizes.group};
        const Proportion q{y, sizes.reference};
        bounds_.push_back(bounds(p, q));
        const auto test = TestRates(p, q);
        p_values_.push_back(test ? test->p_value : 1);
      }
    }
  }

  struct Chances {
    double within = 0;
    double outside = 0;
  };
  Chances Of(double rate, double reference_rate, double lower, double upper,
             double alpha) const {
    const auto of_group = Binomial(sizes_.group, rate);
    const auto of_reference = Binomial(sizes_.reference, reference_rate);
    Chances chances;
    size_t at = 0;
    for (const double p : of_group) {
      for (const double q : of_reference) {
        const auto& bounds = bounds_[at];
        const double p_value = p_values_[at++];
        if (!bounds) continue;
        if (bounds->lower >= lower && bounds->upper <= upper) {
          chances.within += p * q;
        }
        if (p_value <= alpha &&
            (bounds->upper < lower || bounds->lower > upper)) {
          chances.outside += p * q;
        }
      }
    }
    return chances;
  }

 private:
  const Sizes sizes_;
  std::vector<std::optional<Interval>> bounds_;
  std::vector<double> p_values_;
};

constexpr Sizes kSizes[] = {{30, 30}, {30, 400}, {100, 100}};
constexpr double kAlphas[] = {0.05, 1e-3, 1e-4};
constexpr double kRates[] = {0.03, 0.1, 0.3, 0.6, 0.8, 0.9, 0.97, 1};
// Just beyond the tolerance, and just inside.
constexpr double kBeyond = 1e-6;

std::string Name(const Sizes& sizes, double alpha, double rate,
                 double tolerance) {
  return absl::StrCat(sizes.group, " against ", sizes.reference, ", alpha ",
                      alpha, ", rate ", rate, ", tolerance ", tolerance);
}

TEST(FalseFindingsTest, OfRatiosAreNoMoreThanStated) {
  double worst = 0;
  for (const Sizes& sizes : kSizes) {
    for (const double alpha : kAlphas) {
      const Tables tables(sizes, [alpha](const auto& p, const auto& q) {
        return RatioBounds(p, q, 1 - alpha);
      });
      for (const double tolerance : {0.8, 0.95, 0.99}) {
        for (const double rate : kRates) {
          const auto fair = tables.Of(rate * tolerance * (1 + kBeyond), rate,
                                      tolerance, 1 / tolerance, alpha);
          const auto biased = tables.Of(rate * tolerance * (1 - kBeyond), rate,
                                        tolerance, 1 / tolerance, alpha);
          EXPECT_LE(biased.within, alpha)
              << Name(sizes, alpha, rate, tolerance);
          EXPECT_LE(fair.outside, alpha) << Name(sizes, alpha, rate, tolerance);
          worst =
              std::max({worst, biased.within / alpha, fair.outside / alpha});
        }
      }
    }
  }
  std::printf("ratios: at worst %.2f of what is stated\n", worst);
}

TEST(FalseFindingsTest, OfDifferencesAreNoMoreThanStated) {
  double worst = 0;
  for (const Sizes& sizes : kSizes) {
    for (const double alpha : kAlphas) {
      const Tables plain(sizes, [alpha](const auto& p, const auto& q) {
        return DifferenceBounds(p, q, 1 - alpha);
      });
      const Tables stratified(
          sizes,
          [alpha](const auto& p, const auto& q) -> std::optional<Interval> {
            const StratumRates one{p, q};
            const auto result = CompareWithinStrata({&one, 1}, 1 - alpha);
            if (!result) return std::nullopt;
            return result->rate_difference_bounds;
          });
      for (const double tolerance : {0.02, 0.05, 0.1}) {
        for (const double rate : kRates) {
          for (const int sign : {-1, 1}) {
            const double inside = rate + sign * tolerance * (1 - kBeyond);
            const double beyond = rate + sign * tolerance * (1 + kBeyond);
            if (beyond < 0 || beyond > 1) continue;
            for (const Tables* tables : {&plain, &stratified}) {
              const double within =
                  tables->Of(beyond, rate, -tolerance, tolerance, alpha).within;
              const double outside =
                  tables->Of(inside, rate, -tolerance, tolerance, alpha)
                      .outside;
              EXPECT_LE(within, alpha) << Name(sizes, alpha, rate, tolerance);
              EXPECT_LE(outside, alpha) << Name(sizes, alpha, rate, tolerance);
              worst = std::max({worst, within / alpha, outside / alpha});
            }
          }
        }
      }
    }
  }
  std::printf("differences: at worst %.2f of what is stated\n", worst);
}

// Strata of one against one, and a few of some against many: seed 20261123.
TEST(FalseFindingsTest, OfStrataAreNoMoreThanStated) {
  constexpr double kAlpha = 0.05;
  constexpr double kTolerance = 0.1;
  constexpr int kSamples = 4000;
  std::mt19937_64 random(20261123);
  const auto hits = [&random](int64_t n, double rate) {
    return std::binomial_distribution<int64_t>(n, rate)(random);
  };
  const struct {
    int strata;
    int64_t group;
    int64_t reference;
  } shapes[] = {{200, 1, 1}, {60, 1, 4}, {4, 10, 40}, {12, 5, 5}};
  for (const auto& shape : shapes) {
    for (const double rate : {0.02, 0.4, 0.85}) {
      int within = 0;
      int outside = 0;
      for (int i = 0; i < kSamples; ++i) {
        std::vector<StratumRates> beyond;
        for (int s = 0; s < shape.strata; ++s) {
          // Rates of strata differ, by the same for both.
          const double level = rate + 0.03 * (s % 2);
          beyond.push_back(
              {{hits(shape.group, level + kTolerance), shape.group},
               {hits(shape.reference, level), shape.reference}});
        }
        const auto result = CompareWithinStrata(beyond, 1 - kAlpha);
        if (!result) continue;
        const Interval& bounds = result->rate_difference_bounds;
        within += bounds.lower >= -kTolerance && bounds.upper <= kTolerance;
        outside += bounds.lower > kTolerance || bounds.upper < -kTolerance;
      }
      // Three standard errors of the simulation.
      const double most =
          kSamples * kAlpha + 3 * std::sqrt(kSamples * kAlpha * (1 - kAlpha));
      EXPECT_LE(within, most) << shape.strata << " " << rate;
      EXPECT_LE(outside, most) << shape.strata << " " << rate;
    }
  }
}

// All customers seen paid the list price; some that were not seen pay thrice.
TEST(FalseFindingsTest, PricesThatDoNotVaryAreNoProofOfEquality) {
  constexpr double kDearer = 0.07;
  for (const int64_t n : {30, 60, 100, 1000}) {
    const std::vector<double> same(static_cast<size_t>(n), 10);
    const StratumPrices stratum{same, same};
    for (const double alpha : kAlphas) {
      const auto result = ComparePrices({&stratum, 1}, 1 - alpha, 1.05);
      ASSERT_TRUE(result);
      const Interval bounds = PriceBoundsAt(*result, 1 - alpha);
      const bool within = bounds.lower >= 1 / 1.05 && bounds.upper <= 1.05;
      const double unseen = std::pow(1 - kDearer, static_cast<double>(n));
      EXPECT_LE(within ? unseen : 0, alpha) << n << " " << alpha;
      EXPECT_GE(result->equivalence_p_value, unseen) << n;
    }
  }
}

// Values in [0, 1] of which a share differs from all others: rare extremes are
// what Welch does not see. `mean` is what they have on average.
struct Values {
  const char* name;
  std::function<double(std::mt19937_64&)> draw;
  double mean;
};

double Uniform(std::mt19937_64& random) {
  return std::uniform_real_distribution<double>(0, 1)(random);
}

// Most have `usual`, some `rare`; a little noise that averages out.
Values Mixture(const char* name, double usual, double rare, double share,
               double noise) {
  return {name,
          [=](std::mt19937_64& random) {
            return (Uniform(random) < share ? rare : usual) +
                   noise * (2 * Uniform(random) - 1);
          },
          usual + share * (rare - usual)};
}

// How often the means of two groups that differ by what is tolerated, and a
// little, are called within tolerance, and those that differ by a little less
// outside. Both end at the tolerance, so one simulation counts both. Seeds are
// stated; the slack is three standard errors of the simulation.
TEST(FalseFindingsTest, OfMeansAreNoMoreThanStated) {
  constexpr int kSamples = 400;
  std::mt19937_64 random(20261124);
  const Values all[] = {
      Mixture("rare ones", 0, 1, 0.03, 0),
      Mixture("rare zeros", 1, 0, 0.05, 0),
      Mixture("rare ones over noise", 0.3, 1, 0.05, 0.02),
      Mixture("rare ones over equal", 0.4, 1, 0.02, 0),
      Mixture("half", 0.2, 0.8, 0.5, 0.1),
      {"skewed", [](std::mt19937_64& r) { return std::pow(Uniform(r), 6); },
       1.0 / 7},
  };
  double worst = 0;
  for (const Sizes& sizes : kSizes) {
    for (const double alpha : {0.05, 0.005}) {
      for (const Values& of_group : all) {
        for (const Values& of_reference : all) {
          int below = 0;
          int above = 0;
          int ratio_below = 0;
          int ratio_above = 0;
          const double truth = of_group.mean - of_reference.mean;
          const double ratio = of_group.mean / of_reference.mean;
          for (int i = 0; i < kSamples; ++i) {
            std::vector<double> group;
            std::vector<double> reference;
            for (int64_t k = 0; k < sizes.group; ++k) {
              group.push_back(of_group.draw(random));
            }
            for (int64_t k = 0; k < sizes.reference; ++k) {
              reference.push_back(of_reference.draw(random));
            }
            const MeanStratum stratum{RangedSampleOf(group, 0, 1),
                                      RangedSampleOf(reference, 0, 1)};
            const auto means = CompareRangedMeans({&stratum, 1}, 1 - alpha);
            ASSERT_TRUE(means);
            // A finding is wrong only where the bounds leave out the truth on
            // one side.
            below += means->bounds.upper < truth;
            above += means->bounds.lower > truth;
            const auto ratios =
                CompareRangedRatio(stratum.group, stratum.reference, 1 - alpha);
            if (!ratios) continue;
            ratio_below += ratios->bounds.upper < ratio;
            ratio_above += ratios->bounds.lower > ratio;
          }
          // One side each: half of alpha.
          const double one = alpha / 2;
          const double most =
              kSamples * one + 3 * std::sqrt(kSamples * one * (1 - one));
          for (const int wrong : {below, above, ratio_below, ratio_above}) {
            EXPECT_LE(wrong, most)
                << of_group.name << " against " << of_reference.name << ", "
                << sizes.group << " against " << sizes.reference << ", alpha "
                << alpha << ": " << below << " " << above << " " << ratio_below
                << " " << ratio_above;
            worst = std::max(worst, wrong / (kSamples * alpha));
          }
        }
      }
    }
  }
  std::printf("means: at worst %.2f of what is stated\n", worst);
}

// Of outcomes of 0 and 1 the bounds of a mean are the exact interval.
TEST(FalseFindingsTest, BoundsOfAMeanOfOutcomesAreExact) {
  for (const int64_t n : {30, 100, 1000}) {
    for (const int64_t hits : {int64_t{0}, int64_t{1}, n / 3, n - 1, n}) {
      std::vector<double> values(static_cast<size_t>(n), 0);
      std::fill(values.begin(), values.begin() + hits, 1);
      for (const double alpha : kAlphas) {
        const auto bounds = MeanBounds(RangedSampleOf(values, 0, 1), 1 - alpha);
        const auto exact = ExactInterval({hits, n}, 1 - alpha);
        ASSERT_TRUE(bounds && exact);
        const double width = exact->upper - exact->lower;
        EXPECT_NEAR(bounds->lower, exact->lower, 0.01 * width)
            << hits << " of " << n << " " << alpha;
        EXPECT_NEAR(bounds->upper, exact->upper, 0.01 * width)
            << hits << " of " << n << " " << alpha;
      }
    }
  }
}

// Nobody differs among those who were met; a share that nobody met does.
TEST(FalseFindingsTest, MeansThatDoNotVaryAreNoProofOfEquality) {
  constexpr double kTolerance = 0.1;
  for (const int64_t n : {30, 60, 100, 1000}) {
    const std::vector<double> same(static_cast<size_t>(n), 0.5);
    const MeanStratum stratum{RangedSampleOf(same, 0, 1),
                              RangedSampleOf(same, 0, 1)};
    for (const double alpha : kAlphas) {
      const auto result = CompareRangedMeans({&stratum, 1}, 1 - alpha);
      ASSERT_TRUE(result);
      EXPECT_EQ(result->p_value, 1);
      const bool within = result->bounds.lower >= -kTolerance &&
                          result->bounds.upper <= kTolerance;
      // A fifth of the group at the end of the range moves its mean so far.
      const double unseen = std::pow(0.8, static_cast<double>(n));
      EXPECT_LE(within ? unseen : 0, alpha) << n << " " << alpha;
      if (n == 30) {
        EXPECT_LT(result->bounds.lower, -0.05);
        EXPECT_GT(result->bounds.upper, 0.05);
      }
    }
    // Another constant on the other side is no certainty either.
    const std::vector<double> other(static_cast<size_t>(n), 0.6);
    const MeanStratum differing{RangedSampleOf(other, 0, 1),
                                RangedSampleOf(same, 0, 1)};
    const auto result = CompareRangedMeans({&differing, 1}, 0.95);
    ASSERT_TRUE(result);
    EXPECT_GT(result->p_value, 0);
    EXPECT_GE(result->p_value, std::pow(0.8, static_cast<double>(n)));
  }
}

}  // namespace
}  // namespace consentry::policy::fairness
