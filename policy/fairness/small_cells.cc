#include "policy/fairness/small_cells.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace consentry::policy::fairness {
namespace {

constexpr Rate kTableRates[] = {
    Rate::kTruePositive,  Rate::kFalsePositive,
    Rate::kFalseNegative, Rate::kPositivePredictiveValue,
    Rate::kAccuracy,      Rate::kNegativePredictiveValue};

// The counts that may not be small, one below the other; zeros are none.
using Counts = std::array<int64_t, 5>;

constexpr std::array<Told, kTold> kAll = {
    Told::kCases, Told::kPredicted, Told::kOutcome, Told::kTable,
    Told::kScore, Told::kPrice,     Told::kExposure};

Counts CountsOf(const GroupCells& cells, Told what) {
  const Confusion& table = cells.confusion;
  switch (what) {
    case Told::kCases:
      return {cells.cases};
    case Told::kPredicted:
      return {cells.predicted.cases};
    case Told::kOutcome:
      return {table.cases()};
    case Told::kTable:
      return {table.true_positives + table.false_negatives,
              table.true_negatives + table.false_positives,
              table.true_positives + table.false_positives,
              table.true_negatives + table.false_negatives,
              // Predictions without an outcome, by the rate of all.
              cells.predicted.cases - table.cases()};
    case Told::kScore:
      return {cells.score.count};
    case Told::kPrice:
      return {cells.price.count};
    case Told::kExposure:
      return {cells.exposure.count};
  }
  return {};
}

Counts Minus(Counts counts, const Counts& others) {
  for (size_t i = 0; i < counts.size(); ++i) counts[i] -= others[i];
  return counts;
}

bool HasSmall(const Counts& counts, int64_t least) {
  return std::any_of(counts.begin(), counts.end(), [least](int64_t count) {
    return count != 0 && std::abs(count) < least;
  });
}

bool IsZero(const Counts& counts) { return counts == Counts{}; }

using Group = CountedGroups::Group;

// A group, or all cases, with parts of it that do not overlap.
struct Whole {
  // Absent: all cases of the variant.
  const Group* group = nullptr;
  size_t variant = 0;
  GroupCells cells;
  std::vector<Group*> parts;
};

void Add(const GroupCells& cells, GroupCells* sum) {
  sum->cases += cells.cases;
  sum->predicted.cases += cells.predicted.cases;
  sum->predicted.hits += cells.predicted.hits;
  sum->confusion = sum->confusion + cells.confusion;
  sum->score.count += cells.score.count;
  sum->price.count += cells.price.count;
  sum->exposure.count += cells.exposure.count;
}

// Whether the attributes of `whole` are among those of `part`, and where.
std::optional<std::vector<size_t>> PlacesIn(const CountedGroups& whole,
                                            const CountedGroups& part) {
  std::vector<size_t> places;
  for (const size_t attribute : whole.attributes) {
    const auto found =
        std::find(part.attributes.begin(), part.attributes.end(), attribute);
    if (found == part.attributes.end()) return std::nullopt;
    places.push_back(static_cast<size_t>(found - part.attributes.begin()));
  }
  return places;
}

// The groups of `whole` as parts of `parts`, and all cases.
void AddWholes(CountedGroups* whole, const std::vector<CountedGroups*>& parts,
               std::vector<Whole>* wholes) {
  Whole everybody;
  everybody.variant = whole->variant;
  for (const Group& group : whole->groups) Add(group.cells, &everybody.cells);
  std::map<std::vector<uint32_t>, Whole> by_codes;
  for (const Group& group : whole->groups) {
    if (group.codes.empty()) continue;
    Whole& one = by_codes[group.codes];
    one.group = &group;
    one.cells = group.cells;
  }
  for (CountedGroups* part : parts) {
    const auto places = PlacesIn(*whole, *part);
    for (Group& group : part->groups) {
      everybody.parts.push_back(&group);
      if (part == whole || !places || group.codes.empty()) continue;
      std::vector<uint32_t> codes;
      for (const size_t place : *places) codes.push_back(group.codes[place]);
      const auto found = by_codes.find(codes);
      if (found != by_codes.end()) found->second.parts.push_back(&group);
    }
  }
  wholes->push_back(std::move(everybody));
  for (auto& [codes, one] : by_codes) {
    if (!one.parts.empty()) wholes->push_back(std::move(one));
  }
}

// Few enough that what stands beside it is as good as known.
bool IsLittle(const Counts& counts, int64_t least) {
  return std::all_of(counts.begin(), counts.end(), [least](int64_t count) {
    return std::abs(count) < least;
  });
}

// Whether a grouping tells all cases of the variant. How many there are every
// report says.
bool TellsAll(int64_t least, Told what, size_t variant,
              const std::vector<CountedGroups>& all) {
  if (what == Told::kCases) return true;
  return std::any_of(all.begin(), all.end(), [&](const CountedGroups& one) {
    if (one.variant != variant) return false;
    Counts left = {};
    for (const Group& group : one.groups) {
      if (!group.withheld.of(what)) continue;
      const Counts counts = CountsOf(group.cells, what);
      for (size_t i = 0; i < left.size(); ++i) left[i] += counts[i];
    }
    return IsLittle(left, least);
  });
}

// Whether more of the parts has to be withheld.
bool TellsTooMuch(int64_t least, Told what, const Whole& whole,
                  const std::vector<CountedGroups>& all, const Counts& left) {
  if (whole.group == nullptr && !TellsAll(least, what, whole.variant, all)) {
    return false;
  }
  // It follows from its parts.
  if (whole.group != nullptr && whole.group->withheld.of(what)) {
    return IsLittle(left, least);
  }
  if (HasSmall(left, least)) return true;
  // A part that was withheld for the sake of another follows from the whole.
  const Group* only = nullptr;
  for (const Group* part : whole.parts) {
    if (!part->withheld.of(what) || IsZero(CountsOf(part->cells, what))) {
      continue;
    }
    if (only != nullptr) return false;
    only = part;
  }
  return only != nullptr && left == CountsOf(only->cells, what);
}

// True: something was withheld.
bool Tighten(int64_t least, Told what, const std::vector<CountedGroups>& all,
             Whole* whole) {
  Counts left = CountsOf(whole->cells, what);
  for (const Group* part : whole->parts) {
    if (!part->withheld.of(what)) {
      left = Minus(left, CountsOf(part->cells, what));
    }
  }
  bool changed = false;
  while (TellsTooMuch(least, what, *whole, all, left)) {
    Group* smallest = nullptr;
    for (Group* part : whole->parts) {
      if (part->withheld.of(what) || IsZero(CountsOf(part->cells, what))) {
        continue;
      }
      if (smallest == nullptr || part->cells.cases < smallest->cells.cases) {
        smallest = part;
      }
    }
    if (smallest == nullptr) break;
    smallest->withheld.Set(what);
    const Counts counts = CountsOf(smallest->cells, what);
    for (size_t i = 0; i < left.size(); ++i) left[i] += counts[i];
    changed = true;
  }
  return changed;
}

bool Same(double one, double other) {
  return std::fabs(one - other) <=
         1e-9 * std::max(std::fabs(one), std::fabs(other));
}
bool Same(const CountedSum& one, const CountedSum& other) {
  return Same(one.sum, other.sum);
}

}  // namespace

bool Withheld::any() const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [](bool one) { return one; });
}

void Withheld::Add(const Withheld& other) {
  for (size_t i = 0; i < flags_.size(); ++i) flags_[i] |= other.flags_[i];
}

void Withheld::Set(Told what) {
  if (what == Told::kCases) {
    flags_.fill(true);
    return;
  }
  flags_[static_cast<size_t>(what)] = true;
  // The table tells both.
  if (what == Told::kPredicted || what == Told::kOutcome) {
    flags_[static_cast<size_t>(Told::kTable)] = true;
  }
}

void WithholdSmallCells(int64_t least, std::vector<CountedGroups>* all) {
  if (least <= 1) return;
  for (CountedGroups& one : *all) {
    for (Group& group : one.groups) {
      for (const Told what : kAll) {
        if (HasSmall(CountsOf(group.cells, what), least)) {
          group.withheld.Set(what);
        }
      }
    }
  }
  std::vector<Whole> wholes;
  for (CountedGroups& whole : *all) {
    for (CountedGroups& part : *all) {
      if (part.variant == whole.variant) AddWholes(&whole, {&part}, &wholes);
    }
    if (whole.variant != 0) continue;
    // The same attributes in each variant, by every grouping.
    std::map<std::vector<size_t>, std::vector<CountedGroups*>> variants;
    for (CountedGroups& part : *all) {
      if (part.variant != 0) variants[part.attributes].push_back(&part);
    }
    for (const auto& [attributes, parts] : variants) {
      AddWholes(&whole, parts, &wholes);
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Told what : kAll) {
      for (Whole& whole : wholes) {
        if (Tighten(least, what, *all, &whole)) changed = true;
      }
    }
  }
}

ToldCells CellsToldOf(const v1::FairnessReport& report,
                      std::string_view attribute, std::string_view group,
                      std::string_view variant) {
  ToldCells told;
  for (const auto& one : report.groups()) {
    if (one.attribute() == attribute && one.group() == group &&
        one.variant() == variant && !one.suppressed()) {
      told.cases = one.count();
    }
  }
  if (!told.cases) return told;
  std::optional<Proportion> true_positives;
  std::optional<Proportion> false_positives;
  for (const auto& figure : report.figures()) {
    if (figure.attribute() != attribute || figure.group() != group ||
        figure.variant() != variant || !figure.reference().empty()) {
      continue;
    }
    const std::string& metric = figure.metric();
    if (figure.has_hits()) {
      const Proportion rate{figure.hits(), figure.count()};
      if (metric == NameOf(Rate::kSelection)) told.predicted = rate;
      if (metric == NameOf(Rate::kBase)) told.outcome = rate;
      if (metric == NameOf(Rate::kTruePositive)) true_positives = rate;
      if (metric == NameOf(Rate::kFalsePositive)) false_positives = rate;
      for (const Rate one : kTableRates) {
        if (metric == NameOf(one)) told.rates.emplace_back(one, rate);
      }
    } else if (figure.has_value()) {
      const CountedSum sum{
          figure.count(), figure.value() * static_cast<double>(figure.count())};
      if (metric == "mean_score") told.score = sum;
      if (metric == "mean_price") told.price = sum;
      if (metric == "mean_exposure") told.exposure = sum;
      size_t column = 0;
      if (absl::StartsWith(metric, "mean_exposure_") &&
          absl::SimpleAtoi(metric.substr(14), &column) && column > 1) {
        told.more_exposures.emplace_back(column - 1, sum);
      }
    }
  }
  if (true_positives && false_positives) {
    told.confusion = Confusion{
        .true_positives = true_positives->hits,
        .false_positives = false_positives->hits,
        .true_negatives = false_positives->cases - false_positives->hits,
        .false_negatives = true_positives->cases - true_positives->hits};
  }
  return told;
}

Withheld WithheldBeside(const ToldCells& told, const GroupCells& cells,
                        const GroupCells& both, int64_t least) {
  Withheld withheld;
  // As if it were a group of the table.
  GroupCells earlier;
  earlier.cases = told.cases.value_or(0);
  earlier.predicted = told.predicted.value_or(Proportion());
  earlier.confusion = told.confusion.value_or(Confusion());
  earlier.score = told.score.value_or(CountedSum());
  earlier.price = told.price.value_or(CountedSum());
  earlier.exposure = told.exposure.value_or(CountedSum());
  const auto compare = [&](Told what, bool is_told, bool same) {
    if (!is_told) return;
    const Counts here = Minus(CountsOf(cells, what), CountsOf(both, what));
    const Counts there = Minus(CountsOf(earlier, what), CountsOf(both, what));
    if (HasSmall(here, least) || HasSmall(there, least) ||
        (IsZero(here) && IsZero(there) && !same && least > 1)) {
      withheld.Set(what);
    }
  };
  compare(Told::kCases, told.cases.has_value(), true);
  compare(Told::kPredicted, told.predicted.has_value(),
          earlier.predicted.hits == both.predicted.hits);
  compare(Told::kTable, told.confusion.has_value() && told.predicted,
          earlier.confusion == both.confusion);
  compare(Told::kScore, told.score.has_value(),
          Same(earlier.score, both.score));
  compare(Told::kPrice, told.price.has_value(),
          Same(earlier.price, both.price));
  bool same_exposures = Same(earlier.exposure, both.exposure);
  for (const auto& [column, sum] : told.more_exposures) {
    if (column <= both.more_exposures.size()) {
      same_exposures =
          same_exposures && Same(sum.sum, both.more_exposures[column - 1]);
    }
  }
  compare(Told::kExposure, told.exposure.has_value(), same_exposures);
  const auto compare_rate = [&](Told what, Rate rate, const Proportion& one) {
    const Proportion shared = ProportionOf(rate, both.confusion);
    const int64_t here =
        ProportionOf(rate, cells.confusion).cases - shared.cases;
    const int64_t there = one.cases - shared.cases;
    if (HasSmall({here, there}, least) ||
        (here == 0 && there == 0 && one.hits != shared.hits && least > 1)) {
      withheld.Set(what);
    }
  };
  if (told.outcome) compare_rate(Told::kOutcome, Rate::kBase, *told.outcome);
  for (const auto& [rate, one] : told.rates) {
    compare_rate(Told::kTable, rate, one);
  }
  return withheld;
}

Withheld WithheldUnseen(const GroupCells& cells, const GroupCells& both,
                        const GroupCells& kept, int64_t least) {
  Withheld withheld;
  if (least <= 1) return withheld;
  for (const Told what : kAll) {
    const Counts shared = CountsOf(both, what);
    const Counts here = Minus(CountsOf(cells, what), shared);
    const Counts there = CountsOf(kept, what);
    for (size_t i = 0; i < shared.size(); ++i) {
      if (shared[i] == 0) continue;
      if (there[i] < least || (here[i] != 0 && here[i] < least)) {
        withheld.Set(what);
      }
    }
  }
  return withheld;
}

}  // namespace consentry::policy::fairness
