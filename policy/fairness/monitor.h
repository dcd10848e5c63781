#ifndef CONSENTRY_POLICY_FAIRNESS_MONITOR_H_
#define CONSENTRY_POLICY_FAIRNESS_MONITOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/monitor_state.pb.h"
#include "policy/fairness/contrast.h"
#include "policy/fairness/detector.h"
#include "policy/fairness/e_process.h"
#include "policy/fairness/paired_sequence.h"
#include "policy/fairness/pairing.h"
#include "policy/fairness/proportion.h"

namespace consentry::policy::fairness {

// What can be said. Too little data is never "fair".
enum class Finding : uint8_t {
  kInsufficient = 1,
  kWithinTolerance = 2,
  kViolation = 3,
};

// What one stream starts with and keeps for the life of a model's version.
struct MonitorPlan {
  // Values are 0 or 1; else anything in [0, 1].
  bool binary = true;
  Tolerance tolerance;
  // The stream's share of the version's alpha, 0 < alpha < 1.
  double alpha = 0.05;
  // Units that group and reference must each have before anything is said.
  uint64_t minimum = 100;
  // Pairs between two false alarms, on average at least.
  double alarm_pairs = 20000;
  // Length of time in which two are compared.
  int64_t bucket_us = 24 * int64_t{3600} * 1000000;

  friend bool operator==(const MonitorPlan&, const MonitorPlan&) = default;
};

// One side of the comparison, of all units whether they met another or not.
struct SideTotals {
  uint64_t count = 0;
  // Of values in [0, 1].
  double sum = 0;
  double sum_squares = 0;
  // Values that lay outside the declared range.
  uint64_t clipped = 0;

  std::optional<double> mean() const;
  friend bool operator==(const SideTotals&, const SideTotals&) = default;
};

// Counts of one UTC day.
struct DayTotals {
  int64_t day = 0;
  uint64_t group_count = 0;
  double group_sum = 0;
  uint64_t reference_count = 0;
  double reference_sum = 0;

  friend bool operator==(const DayTotals&, const DayTotals&) = default;
};

// What a stream says when it is asked.
struct Reading {
  Finding finding = Finding::kInsufficient;
  // The confidence sequence of the comparison at the stream's alpha. Of a
  // violation as it stood when that was found. The upper end of a ratio may be
  // infinite.
  Interval sequence;
  // The comparison of those who met, the point that `sequence` lies around. Of
  // a violation as it is now. Absent where it is not defined, and where it has
  // left the sequence of a violation.
  std::optional<double> estimate;
  // Units still needed, of both sides together, if things go on as they are:
  // as many for each pair as it took so far, at least as many where none was
  // made. 0 with a verdict. Absent: as things are there will be none, since the
  // truth lies where the tolerance ends, nothing is known of it or too many
  // values lie beyond their range.
  std::optional<uint64_t> needed;
  // When that will be at the rate of the window. Absent without `needed` or
  // without a rate.
  std::optional<int64_t> expected_us;
  uint64_t pairs = 0;
  // Wealth of a bet against exactly equal treatment, as a logarithm. For
  // information: equality is no one's duty where a tolerance is.
  double log_equality_wealth = 0;
  bool alarm = false;
  // Units a day over the window, both sides.
  double units_per_day = 0;
};

// One group against one reference by one metric, of one version of a model.
// Deterministic; time is told, never read. One thread at a time.
class Monitor {
 public:
  // Days that the descriptive window reaches back.
  static constexpr size_t kWindowDays = 28;
  // What Save never exceeds, in bytes.
  static constexpr size_t kMaxStateBytes = 2048;
  // What a stream occupies at most while it runs: itself, and who waits.
  static constexpr size_t kMaxMemoryBytes = 12288;

  explicit Monitor(const MonitorPlan& plan);
  // InvalidArgument for a state that no monitor can have left. Nobody waits:
  // who waited when it was saved found no partner.
  static absl::StatusOr<Monitor> Restore(const store::v1::MonitorState& state);

  // One unit. `value` in [0, 1], for a binary plan 0 or 1; what is not counts
  // as the nearest end, NaN as nothing at all. `clipped`: the caller already
  // cut it to the range.
  void Count(Side side, double value, uint64_t stratum, int64_t time_us,
             bool clipped = false);

  // Looks; as often as one likes. Some microseconds.
  Reading Read(int64_t now_us) const;

  const MonitorPlan& plan() const { return plan_; }
  const SideTotals& totals(Side side) const {
    return side == Side::kGroup ? group_ : reference_;
  }
  // Oldest first.
  const std::vector<DayTotals>& days() const { return days_; }
  // Units that found no partner, and those that still wait for one.
  uint64_t unpaired() const { return pairing_.unpaired(); }
  size_t waiting() const { return pairing_.waiting().size(); }
  // 0: never. Once found it stays.
  int64_t violation_us() const { return violation_us_; }
  bool alarm() const { return alarm_since_us_ != 0; }
  int64_t alarm_since_us() const { return alarm_since_us_; }
  int64_t last_alarm_us() const { return last_alarm_us_; }
  // How often one began.
  uint64_t alarms() const { return alarms_; }

  // Aggregates alone: who waits is not in it.
  store::v1::MonitorState Save() const;

 private:
  void Meet(double group, double reference, int64_t time_us);
  uint64_t Pairs() const {
    return plan_.binary ? table_.pairs() : moments_.state().pairs;
  }
  bool OutsideTolerance() const;
  bool TooManyClipped() const;
  Interval Sequence() const;
  std::optional<double> PairsUntil(double edge, TableBets::Side side) const;
  std::optional<double> PairsNeeded() const;
  DayTotals* Today(int64_t time_us);

  MonitorPlan plan_;
  // log(2 / alpha).
  double bound_;
  TableBets below_;
  TableBets above_;
  SideTotals group_;
  SideTotals reference_;
  PairTable table_;
  MomentSequence moments_;
  BettingWealth equality_;
  Detector detector_;
  Pairing pairing_;
  std::vector<DayTotals> days_;
  uint64_t alarms_ = 0;
  int64_t alarm_since_us_ = 0;
  int64_t last_alarm_us_ = 0;
  int64_t violation_us_ = 0;
  Interval violation_;
  // To the hour, so that they lead to no entry of the log.
  int64_t first_us_ = 0;
  int64_t last_us_ = 0;
};

// Pairs needed to say of a model that treats the reference at `rate` and the
// group so that the comparison is `truth` what is true of it: that it keeps
// the tolerance or that it does not. Both rates must lie in [0, 1]. Absent:
// never, since it lies on the edge. For planning.
std::optional<double> PairsToVerdict(const Tolerance& tolerance, double alpha,
                                     double rate, double truth);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_MONITOR_H_
