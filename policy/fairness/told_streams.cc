#include "policy/fairness/told_streams.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

namespace consentry::policy::fairness {
namespace {

// Where the attributes of a whole stand among those of its parts. Empty: not
// all of them do.
std::vector<size_t> PlacesIn(const std::vector<int>& whole,
                             const std::vector<int>& part) {
  std::vector<size_t> places;
  if (part.size() <= whole.size()) return places;
  for (const int attribute : whole) {
    const auto found = std::find(part.begin(), part.end(), attribute);
    if (found == part.end()) return {};
    places.push_back(static_cast<size_t>(found - part.begin()));
  }
  return places;
}

}  // namespace

// What is told while it is found out what may be.
class ToldStreams::Table {
 public:
  Table(const ToldStreams& all, std::span<const Counts> counts,
        std::vector<bool> withheld)
      : all_(all), counts_(counts), withheld_(std::move(withheld)) {}

  // Until nothing small follows.
  void Tighten() {
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (IsSmall(counts_[i].group) || IsSmall(counts_[i].reference)) {
        withheld_[i] = true;
      }
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (const Whole& whole : all_.wholes_) changed |= TightenWhole(whole);
      for (const Grouping& whole : all_.groupings_) {
        for (const Grouping& part : all_.groupings_) {
          if (part.metric == whole.metric) changed |= TightenAll(whole, part);
        }
      }
    }
  }

  // Whether beside what is told it would tell too much that so many units are
  // those of which something is known, or are all.
  bool TellsTooMuch(int64_t units) const {
    return std::any_of(all_.groupings_.begin(), all_.groupings_.end(),
                       [&](const Grouping& one) {
                         const Sums sums = SumsOf(one);
                         return DiffersFromTold(units, sums) ||
                                DiffersFromKnown(units, one, sums);
                       });
  }

  bool IsSmall(int64_t count) const {
    return count != 0 && std::abs(count) < all_.least_;
  }

  // Those of whom the group is known; of an intersection, those that one of its
  // groups holds.
  int64_t KnownOf(const Grouping& one) const {
    int64_t known = 0;
    for (const Cell& cell : one.cells) {
      if (cell.unknown()) continue;
      if (one.rest) {
        const Counts& both = counts_[cell.stream];
        known = std::max(known, both.group + both.reference);
      } else {
        known += CountOf(one, cell);
      }
    }
    return known;
  }

  bool AnyHidden(const Grouping& one) const { return !SumsOf(one).all_told; }

  const std::vector<bool>& withheld() const { return withheld_; }

 private:
  // Sums of the groups that are told; with those of whom nothing is known where
  // these are.
  struct Sums {
    int64_t told = 0;
    int64_t unknown = 0;
    bool all_told = true;
    // How many are not told, and if it is one, its units.
    int hidden = 0;
    int64_t hidden_units = 0;
  };

  int64_t CountOf(const Grouping& one, const Cell& cell) const {
    if (cell.stream != kNone) return counts_[cell.stream].group;
    int64_t count = 0;
    for (const size_t stream : one.streams) {
      count = std::max(count, counts_[stream].reference);
    }
    return count;
  }

  bool IsTold(const Grouping& one, const Cell& cell) const {
    if (cell.stream != kNone) return !withheld_[cell.stream];
    return AnyTold(one);
  }

  bool AnyTold(const Grouping& one) const {
    return std::any_of(one.streams.begin(), one.streams.end(),
                       [&](size_t stream) { return !withheld_[stream]; });
  }

  Sums SumsOf(const Grouping& one) const {
    Sums sums;
    for (const Cell& cell : one.cells) {
      const int64_t count = CountOf(one, cell);
      if (count == 0) continue;
      const bool told = IsTold(one, cell);
      if (cell.unknown()) {
        if (told) sums.unknown = count;
      } else if (told) {
        sums.told += count;
      } else {
        sums.all_told = false;
        ++sums.hidden;
        sums.hidden_units = count;
      }
    }
    return sums;
  }

  // How many are known altogether, where that is told.
  std::optional<int64_t> ToldKnown(const Grouping& one,
                                   const Sums& sums) const {
    if (one.rest) {
      if (!AnyTold(one)) return std::nullopt;
      return KnownOf(one);
    }
    if (!sums.all_told || sums.told == 0) return std::nullopt;
    return sums.told;
  }

  // Whether `units` less groups of `one` that are told are few, or a single one
  // that is not told.
  bool DiffersFromTold(int64_t units, const Sums& sums) const {
    return Differs(units, sums.told) ||
           Differs(units, sums.told + sums.unknown) ||
           (sums.told != 0 && sums.hidden == 1 &&
            units - sums.told == sums.hidden_units);
  }
  // The same of all that it knows, where that is told.
  bool DiffersFromKnown(int64_t units, const Grouping& one,
                        const Sums& sums) const {
    const auto known = ToldKnown(one, sums);
    return known &&
           (Differs(units, *known) || Differs(units, *known + sums.unknown));
  }
  bool Differs(int64_t units, int64_t other) const {
    return other != 0 && IsSmall(units - other);
  }

  // The smallest that is told goes, the reference last. False: none is.
  bool WithholdSmallest(const Grouping& one, const std::vector<size_t>& cells) {
    const Cell* smallest = nullptr;
    const auto rank = [&](const Cell& cell) {
      return std::pair(cell.stream == kNone, CountOf(one, cell));
    };
    for (const size_t i : cells) {
      const Cell& cell = one.cells[i];
      if (CountOf(one, cell) == 0 || !IsTold(one, cell)) continue;
      if (smallest == nullptr || rank(cell) < rank(*smallest)) smallest = &cell;
    }
    if (smallest == nullptr) return false;
    if (smallest->stream == kNone) return WithholdAll(one);
    withheld_[smallest->stream] = true;
    return true;
  }

  bool WithholdAll(const Grouping& one) {
    const bool any = AnyTold(one);
    for (const size_t stream : one.streams) withheld_[stream] = true;
    return any;
  }

  // What is left of a group after its parts, in groups of more attributes.
  bool TightenWhole(const Whole& whole) {
    const Grouping& grouping = all_.groupings_[whole.grouping];
    const Grouping& parts = all_.groupings_[whole.parts_grouping];
    const Cell& cell = grouping.cells[whole.cell];
    const int64_t units = CountOf(grouping, cell);
    if (units == 0) return false;
    bool changed = false;
    for (;;) {
      int64_t left = units;
      int hidden = 0;
      int64_t hidden_units = 0;
      for (const size_t i : whole.parts) {
        const int64_t count = CountOf(parts, parts.cells[i]);
        if (count == 0) continue;
        if (IsTold(parts, parts.cells[i])) {
          left -= count;
        } else {
          ++hidden;
          hidden_units = count;
        }
      }
      const bool too_much =
          IsTold(grouping, cell)
              ? IsSmall(left) || (hidden == 1 && left == hidden_units)
              : std::abs(left) < all_.least_;
      if (!too_much || !WithholdSmallest(parts, whole.parts)) return changed;
      changed = true;
    }
  }

  // What is left of all who are known by one grouping after the groups of
  // another, or of the same.
  bool TightenAll(const Grouping& whole, const Grouping& part) {
    bool changed = false;
    for (;;) {
      const Sums sums = SumsOf(whole);
      const auto known = ToldKnown(whole, sums);
      if (!known || *known == 0) return changed;
      if (&whole == &part) {
        const int64_t left = *known - sums.told;
        const bool too_much =
            IsSmall(left) || (sums.hidden == 1 && left == sums.hidden_units);
        if (!too_much || !WithholdSmallest(whole, CellsOf(whole, false))) {
          return changed;
        }
        changed = true;
        continue;
      }
      const Sums others = SumsOf(part);
      const auto is = [&](const auto& differs) {
        return differs(*known) ||
               (sums.unknown != 0 && differs(*known + sums.unknown));
      };
      if (is([&](int64_t units) {
            return DiffersFromKnown(units, part, others);
          })) {
        // The one that knows fewer.
        const Grouping& one = *ToldKnown(part, others) > *known ? whole : part;
        // Each stream tells how many are known where all others are compared.
        if (one.rest ? !WithholdAll(one)
                     : !WithholdSmallest(one, CellsOf(one, true))) {
          return changed;
        }
      } else if (!is([&](int64_t units) {
                   return DiffersFromTold(units, others);
                 }) ||
                 !WithholdSmallest(part, CellsOf(part, true))) {
        return changed;
      }
      changed = true;
    }
  }

  static std::vector<size_t> CellsOf(const Grouping& one, bool unknown) {
    std::vector<size_t> cells;
    for (size_t i = 0; i < one.cells.size(); ++i) {
      if (unknown || !one.cells[i].unknown()) cells.push_back(i);
    }
    return cells;
  }

  const ToldStreams& all_;
  std::span<const Counts> counts_;
  std::vector<bool> withheld_;
};

ToldStreams::ToldStreams(const Profile& profile)
    : least_(profile.suppress_below()), grouping_of_(profile.streams().size()) {
  std::map<std::pair<size_t, std::vector<int>>, size_t> known;
  for (size_t i = 0; i < profile.streams().size(); ++i) {
    const Profile::Stream& stream = profile.streams()[i];
    const auto [at, added] = known.try_emplace(
        {stream.metric, stream.attributes}, groupings_.size());
    if (added) {
      Grouping& one = groupings_.emplace_back();
      one.metric = stream.metric;
      one.attributes = stream.attributes;
      one.rest = stream.reference.empty();
      if (!one.rest) one.cells.push_back({stream.reference, kNone});
    }
    Grouping& one = groupings_[at->second];
    one.cells.push_back({stream.group, i});
    one.streams.push_back(i);
    grouping_of_[i] = at->second;
  }
  for (size_t w = 0; w < groupings_.size(); ++w) {
    const Grouping& whole = groupings_[w];
    for (size_t p = 0; p < groupings_.size(); ++p) {
      const Grouping& part = groupings_[p];
      if (part.metric != whole.metric) continue;
      const auto places = PlacesIn(whole.attributes, part.attributes);
      if (places.empty()) continue;
      for (size_t c = 0; c < whole.cells.size(); ++c) {
        Whole one{w, c, p, {}};
        for (size_t i = 0; i < part.cells.size(); ++i) {
          bool in = true;
          for (size_t k = 0; k < places.size(); ++k) {
            in =
                in && part.cells[i].codes[places[k]] == whole.cells[c].codes[k];
          }
          if (in) one.parts.push_back(i);
        }
        if (!one.parts.empty()) wholes_.push_back(std::move(one));
      }
    }
  }
}

std::vector<bool> ToldStreams::Withhold(std::span<const Counts> counts,
                                        std::vector<bool> withheld) const {
  if (least_ <= 1) return withheld;
  Table table(*this, counts, std::move(withheld));
  table.Tighten();
  return table.withheld();
}

std::vector<bool> ToldStreams::WithholdShares(std::span<const Counts> counts,
                                              const std::vector<bool>& withheld,
                                              std::span<const int64_t> known,
                                              int64_t all) const {
  std::vector<bool> not_told(counts.size());
  if (least_ <= 1) return not_told;
  const Table table(*this, counts, withheld);
  const bool none = table.IsSmall(all) || table.TellsTooMuch(all);
  // The same share stands beside each metric.
  std::map<std::vector<int>, bool> by_attributes;
  for (const Grouping& one : groupings_) {
    const int64_t units = known[one.streams.front()];
    by_attributes[one.attributes] |= none || table.IsSmall(units) ||
                                     table.IsSmall(all - units) ||
                                     (units != 0 && table.TellsTooMuch(units));
  }
  for (size_t i = 0; i < counts.size(); ++i) {
    not_told[i] = by_attributes[groupings_[grouping_of_[i]].attributes];
  }
  return not_told;
}

int64_t ToldStreams::Known(size_t stream,
                           std::span<const Counts> counts) const {
  return Table(*this, counts, {}).KnownOf(groupings_[grouping_of_[stream]]);
}

}  // namespace consentry::policy::fairness
