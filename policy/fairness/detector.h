#ifndef CONSENTRY_POLICY_FAIRNESS_DETECTOR_H_
#define CONSENTRY_POLICY_FAIRNESS_DETECTOR_H_

#include <array>
#include <cstddef>

#include "policy/fairness/contrast.h"

namespace consentry::policy::fairness {

// Notices that a stream left its tolerance, whenever it did: the mean of six
// e-CUSUMs, one for each fixed bet (Shin, Ramdas and Rinaldo 2023). A fair past
// does not blind it, and while the tolerance is kept the mean number of pairs
// up to an alarm is at least `alarm_pairs`. Proves nothing. One thread at a
// time.
class Detector {
 public:
  static constexpr size_t kBets = 6;
  using State = std::array<double, kBets>;

  // `alarm_pairs` at least 1.
  Detector(const Tolerance& tolerance, double alarm_pairs);

  // One pair, both in [0, 1].
  void Add(double group, double reference);

  // Its statistic has reached `alarm_pairs`. It falls again when the tolerance
  // is kept again: it never stands higher than twelve times that.
  bool alarm() const { return statistic() >= alarm_pairs_; }
  // It has fallen to a tenth of that: an alarm that stood is over.
  bool calm() const { return statistic() < alarm_pairs_ / 10; }
  double statistic() const;

  // Of each bet, 0 at first: three against too little for the group, three
  // against too much.
  const State& state() const { return state_; }
  // What is not finite or below 0 counts as 0.
  void set_state(const State& state);

 private:
  Tolerance tolerance_;
  double alarm_pairs_;
  State state_{};
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_DETECTOR_H_
