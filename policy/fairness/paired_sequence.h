#ifndef CONSENTRY_POLICY_FAIRNESS_PAIRED_SEQUENCE_H_
#define CONSENTRY_POLICY_FAIRNESS_PAIRED_SEQUENCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "policy/fairness/contrast.h"
#include "policy/fairness/proportion.h"

// Confidence sequences of group against reference out of pairs of the same
// time and stratum. They ask for no constant rates: what they claim is true
// when the comparison holds in every pair, on average given all before it, even
// while rates and the mix of people change. `alpha` is for both ends, over all
// looks, half of it for each. Pure; one thread at a time.
namespace consentry::policy::fairness {

// Pairs of outcomes that are 0 or 1.
struct PairTable {
  uint64_t both = 0;
  uint64_t group_only = 0;
  uint64_t reference_only = 0;
  uint64_t neither = 0;

  void Add(bool group, bool reference);
  uint64_t pairs() const {
    return both + group_only + reference_only + neither;
  }

  friend bool operator==(const PairTable&, const PairTable&) = default;
};

// The test of one value of the comparison by a mixture of fixed bets, which the
// table alone decides.
class TableBets {
 public:
  static constexpr size_t kBets = 12;
  enum class Side : uint8_t {
    kBelow,  // Grows when the comparison lies below `value`.
    kAbove,
  };
  // `value` in (0, inf) for a ratio, in (-1, 1) for a difference.
  TableBets(Comparison comparison, double value, Side side);

  double LogWealth(const PairTable& table) const;
  // LogWealth(table) >= bound, mostly without a logarithm. bound > 0.
  bool Reaches(const PairTable& table, double bound) const;
  // Pairs of that kind, shares of both, group_only, reference_only, after which
  // it will have reached `bound`. Absent: never.
  std::optional<double> PairsUntil(double both, double group_only,
                                   double reference_only, double bound) const;

 private:
  // Logs of the factors of the three kinds of pair that change anything, and of
  // `neither`, which does for a difference.
  std::array<std::array<double, 4>, kBets> logs_;
};

// The comparison of the two rates, the point that TableSequence lies around.
// Absent: of nothing.
std::optional<double> TableEstimate(const PairTable& table,
                                    Comparison comparison);

// [0, inf] or [-1, 1] without pairs.
Interval TableSequence(const PairTable& table, Comparison comparison,
                       double alpha);

// Pairs of values in [0, 1], such as scores or prices over their bound: an
// empirical Bernstein sequence with predictable weights (Waudby-Smith and
// Ramdas 2024), in constant memory for all values of the comparison at once.
class MomentSequence {
 public:
  struct State {
    uint64_t pairs = 0;
    // Sums of the weights, and of weight times value.
    double weight = 0;
    double weighted_group = 0;
    double weighted_reference = 0;
    // Sums of psi(weight) times squared surprises and their product.
    double spread_group = 0;
    double spread_product = 0;
    double spread_reference = 0;
    // Plain sums: of values, and of squared surprises of half the difference.
    double sum_group = 0;
    double sum_reference = 0;
    double sum_squares = 0;

    friend bool operator==(const State&, const State&) = default;
  };

  explicit MomentSequence(double alpha) : alpha_(alpha) {}

  void Add(double group, double reference);
  // The comparison of the weighted means, the point that Sequence lies around.
  // Absent: of nothing.
  std::optional<double> Estimate(Comparison comparison) const;
  // [0, inf] or [-1, 1] without pairs. May be empty (lower above upper) where
  // the comparison changed on the way.
  Interval Sequence(Comparison comparison) const;
  // Whether all of Sequence lies below or above `value`, without computing it.
  bool AllBelow(Comparison comparison, double value) const;
  bool AllAbove(Comparison comparison, double value) const;
  // Pairs like those so far after which the end towards `value` will have
  // passed it. Absent: never, or nothing is known yet.
  std::optional<double> PairsUntil(Comparison comparison, double value) const;

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  double alpha_;
  State state_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PAIRED_SEQUENCE_H_
