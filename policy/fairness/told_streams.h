#ifndef CONSENTRY_POLICY_FAIRNESS_TOLD_STREAMS_H_
#define CONSENTRY_POLICY_FAIRNESS_TOLD_STREAMS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/fairness/profile.h"

namespace consentry::policy::fairness {

// Which streams of a profile may be told beside each other: what small_cells.h
// is to audits. Each stream tells of two groups, how many they are and what
// they got; others follow by subtraction. MONITORS.md says the rule. Immutable;
// any thread; some ten microseconds for a hundred streams.
class ToldStreams {
 public:
  // Units of the two sides of one stream.
  struct Counts {
    int64_t group = 0;
    int64_t reference = 0;
  };

  // Of `profile` nothing is kept.
  explicit ToldStreams(const Profile& profile);

  // One for each stream, true: not to be told. `counts` are those of one
  // version and one time, `withheld` what is not told anyhow. Streams of one
  // metric are weighed against each other.
  std::vector<bool> Withhold(std::span<const Counts> counts,
                             std::vector<bool> withheld) const;

  // One for each stream, true: beside what is told, the share of `all` units
  // that its groups hold would tell about fewer. `known`: how many they hold.
  std::vector<bool> WithholdShares(std::span<const Counts> counts,
                                   const std::vector<bool>& withheld,
                                   std::span<const int64_t> known,
                                   int64_t all) const;

  // How many units of its metric the groups of a stream hold together, those
  // that nothing is known of left out.
  int64_t Known(size_t stream, std::span<const Counts> counts) const;

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  struct Cell {
    // One group of each attribute.
    std::vector<int> codes;
    // The stream of which it is the group. kNone: it is the reference of all.
    size_t stream = kNone;

    bool unknown() const { return codes[0] == kUnknownGroup; }
  };
  // The groups of one attribute, or of several, by one metric.
  struct Grouping {
    size_t metric = 0;
    std::vector<int> attributes;
    // Each group is compared with all others together.
    bool rest = false;
    std::vector<Cell> cells;
    std::vector<size_t> streams;
  };
  // A group that groups of more attributes are parts of.
  struct Whole {
    size_t grouping = 0;
    size_t cell = 0;
    size_t parts_grouping = 0;
    std::vector<size_t> parts;
  };
  class Table;

  int64_t least_;
  std::vector<Grouping> groupings_;
  std::vector<Whole> wholes_;
  // By stream.
  std::vector<size_t> grouping_of_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_TOLD_STREAMS_H_
