#ifndef CONSENTRY_POLICY_FAIRNESS_SMALL_CELLS_H_
#define CONSENTRY_POLICY_FAIRNESS_SMALL_CELLS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/confusion.h"
#include "policy/fairness/proportion.h"

// Which figures of an audit would tell about fewer people than may be told of,
// by themselves or by subtraction. Pure; any thread. SPEC.md says the rule.
namespace consentry::policy::fairness {

// Figures that rest on the same counts are told or withheld together.
enum class Told : uint8_t {
  kCases,      // The group at all.
  kPredicted,  // Rates of predictions.
  kOutcome,    // Rates of what came true.
  kTable,      // Rates of predictions against what came true.
  kScore,
  kPrice,
  kExposure,  // By cases, or by places in lists.
};
inline constexpr size_t kTold = 7;

// Values of a group and their sum.
struct CountedSum {
  int64_t count = 0;
  double sum = 0;
};

// All that figures count of one group.
struct GroupCells {
  int64_t cases = 0;
  // Predicted positive, of the cases whose prediction is known.
  Proportion predicted;
  // Of those whose prediction and outcome are known.
  Confusion confusion;
  CountedSum score;
  CountedSum price;
  CountedSum exposure;
  // Sums of further columns of exposures, known of the same cases.
  std::vector<double> more_exposures;
};

// One true: too few to be told, or it would tell what is too few.
class Withheld {
 public:
  bool of(Told what) const { return flags_[static_cast<size_t>(what)]; }
  bool any() const;
  // And what cannot be told without it.
  void Set(Told what);
  void Add(const Withheld& other);

 private:
  std::array<bool, kTold> flags_{};
};

// The groups of one grouping, in all cases or in one variant.
struct CountedGroups {
  struct Group {
    // One for each attribute; empty for those put together, and for unknown
    // ones of several attributes.
    std::vector<uint32_t> codes;
    GroupCells cells;
    Withheld withheld;
  };

  // 0: all cases.
  size_t variant = 0;
  std::vector<size_t> attributes;
  std::vector<Group> groups;
};

// Withholds what counts 1 to `least` - 1 cases, and as much of the rest as is
// needed that it does not follow: what is left of a told group, or of all
// cases where another grouping tells all of them, after its told parts (groups
// of further attributes, and the same in each variant) is nobody, or enough in
// each denominator, and not one withheld part alone; and no withheld group is
// the sum of told parts. The smallest go first. What follows from more of them
// at once is not sought.
void WithholdSmallCells(int64_t least, std::vector<CountedGroups>* all);

// What a report tells of one group. Absent: it does not.
struct ToldCells {
  std::optional<int64_t> cases;
  std::optional<Proportion> predicted;
  std::optional<Proportion> outcome;
  // Of both predictions and outcomes, those that were told.
  std::vector<std::pair<Rate, Proportion>> rates;
  // Where they tell all four counts.
  std::optional<Confusion> confusion;
  std::optional<CountedSum> score;
  std::optional<CountedSum> price;
  std::optional<CountedSum> exposure;
  // By the number of the column, from 0.
  std::vector<std::pair<size_t, CountedSum>> more_exposures;
};
ToldCells CellsToldOf(const v1::FairnessReport& report,
                      std::string_view attribute, std::string_view group,
                      std::string_view variant);

// What `cells` may not tell beside an earlier report that told `told`, of which
// `both` are those of `cells` that it counted too: where either counts 1 to
// `least` - 1 cases that the other does not, or both count the same cases and
// something became of one of them.
Withheld WithheldBeside(const ToldCells& told, const GroupCells& cells,
                        const GroupCells& both, int64_t least);

// The same beside an audit of which no figure is at hand. `both` are those of
// `cells` that it may count too; `kept` those that it counts and that nothing
// told beside it does. Where the two share any, they must differ by `least` on
// its side, and on this side by none or `least`.
Withheld WithheldUnseen(const GroupCells& cells, const GroupCells& both,
                        const GroupCells& kept, int64_t least);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_SMALL_CELLS_H_
