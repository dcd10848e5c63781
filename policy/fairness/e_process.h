#ifndef CONSENTRY_POLICY_FAIRNESS_E_PROCESS_H_
#define CONSENTRY_POLICY_FAIRNESS_E_PROCESS_H_

#include <cstdint>

// Evidence by betting: wealth that starts at 1 and, while the hypothesis holds,
// does not grow on average, whoever looks and however often. The chance that it
// ever reaches 1/alpha is at most alpha (Ville). Kept as logarithms. Pure; one
// thread at a time.
namespace consentry::policy::fairness {

// E1: the group's outcome and the reference's are equally likely to be the good
// one of a pair in which they differ. `discordant` pairs so far, of them
// `group_only` in which it was the group's; the log of
// 2^n B(s + 1, n - s + 1).
double LogSignWealth(uint64_t discordant, uint64_t group_only);

// E2 and E3: the gap of a pair, in [-1, 1], is 0 on average (E2), or not below
// 0 (E3). Bets by an online Newton step (Cutkosky and Orabona 2018; Chugg et
// al. 2023), the first bet is nothing.
class BettingWealth {
 public:
  // From -1/2 to 1/2: against a mean of 0.
  static BettingWealth Equality() { return BettingWealth(-0.5, 0.5); }
  // From 0 to 1/2: against a mean of at least 0.
  static BettingWealth AtLeastZero() { return BettingWealth(0, 0.5); }

  // `gap` of group minus reference; with AtLeastZero and a tolerance t of the
  // ratio, group minus t times reference. Finite, in [-1, 1].
  void Add(double gap);

  double log_wealth() const { return state_.log_wealth; }

  struct State {
    uint64_t count = 0;
    double bet = 0;
    double log_wealth = 0;
    double sum_squares = 0;

    friend bool operator==(const State&, const State&) = default;
  };
  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }

 private:
  BettingWealth(double least, double most) : least_(least), most_(most) {}

  double least_;
  double most_;
  State state_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_E_PROCESS_H_
