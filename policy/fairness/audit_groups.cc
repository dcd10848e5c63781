#include "policy/fairness/audit_groups.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/fairness/groups.h"

namespace consentry::policy::fairness {
namespace {

std::string NameOfCell(const AuditGrouping& grouping, const AuditTable& table,
                       const std::vector<uint32_t>& codes) {
  if (codes.size() == 1) {
    return table.attributes[grouping.attributes[0]].values[codes[0]];
  }
  std::vector<std::string_view> parts;
  for (size_t i = 0; i < codes.size(); ++i) {
    parts.push_back(table.attributes[grouping.attributes[i]].values[codes[i]]);
  }
  return JoinGroups(parts);
}

// Puts sparse groups together, into one before "unknown".
void Pool(int64_t minimum, std::vector<AuditGroup>* groups) {
  std::vector<int64_t> sizes;
  for (const AuditGroup& group : *groups) {
    sizes.push_back(group.unknown ? 0
                                  : static_cast<int64_t>(group.rows.size()));
  }
  const std::vector<bool> sparse = SparseGroups(sizes, minimum);
  std::vector<AuditGroup> kept;
  AuditGroup pooled;
  pooled.name = std::string(kPooledGroupName);
  std::vector<AuditGroup> unknown;
  for (size_t i = 0; i < groups->size(); ++i) {
    AuditGroup& group = (*groups)[i];
    if (group.unknown) {
      unknown.push_back(std::move(group));
    } else if (sparse[i]) {
      pooled.pooled.push_back(group.name);
      pooled.rows.insert(pooled.rows.end(), group.rows.begin(),
                         group.rows.end());
    } else {
      kept.push_back(std::move(group));
    }
  }
  if (!pooled.pooled.empty()) kept.push_back(std::move(pooled));
  for (AuditGroup& group : unknown) kept.push_back(std::move(group));
  *groups = std::move(kept);
}

}  // namespace

std::vector<size_t> RowsThatCount(std::span<const size_t> rows,
                                  const std::vector<bool>& counted) {
  std::vector<size_t> those;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(those),
               [&counted](size_t row) { return counted[row]; });
  return those;
}

std::vector<uint32_t> CodesOf(const AuditGrouping& grouping,
                              const AuditTable& table, size_t row) {
  std::vector<uint32_t> codes;
  codes.reserve(grouping.attributes.size());
  for (const size_t attribute : grouping.attributes) {
    const uint32_t code = table.attributes[attribute].codes[row];
    if (code == kNoCode) return {};
    codes.push_back(code);
  }
  return codes;
}

absl::StatusOr<GroupedCases> GroupCases(const AuditPlan& plan,
                                        const AuditGrouping& grouping,
                                        const AuditTable& table,
                                        std::span<const size_t> rows,
                                        const std::string& variant) {
  GroupedCases cases;
  cases.variant = variant;
  std::vector<std::string_view> names;
  for (const size_t attribute : grouping.attributes) {
    names.push_back(table.attributes[attribute].name);
  }
  cases.attribute =
      names.size() == 1 ? std::string(names[0]) : JoinGroups(names);

  std::map<std::vector<uint32_t>, AuditGroup> cells;
  AuditGroup unknown;
  unknown.name = std::string(kUnknownGroupName);
  unknown.unknown = true;
  if (grouping.attributes.size() == 1) unknown.codes = {kNoCode};
  for (const size_t row : rows) {
    std::vector<uint32_t> codes = CodesOf(grouping, table, row);
    if (codes.empty()) {
      unknown.rows.push_back(row);
      continue;
    }
    const auto [cell, added] = cells.try_emplace(std::move(codes));
    if (added && cells.size() > kMaxAuditGroups) {
      return absl::InvalidArgumentError(absl::StrCat(
          cases.attribute, " has more than ", kMaxAuditGroups,
          " groups; put its values together into fewer, such as bands"));
    }
    cell->second.rows.push_back(row);
  }
  for (auto& [codes, group] : cells) {
    group.name = NameOfCell(grouping, table, codes);
    group.codes = codes;
    group.other = codes.size() == 1 &&
                  table.attributes[grouping.attributes[0]].other == codes[0];
    cases.groups.push_back(std::move(group));
  }
  if (!unknown.rows.empty()) cases.groups.push_back(std::move(unknown));
  if (grouping.attributes.size() > 1) Pool(plan.pool_below, &cases.groups);

  for (AuditGroup& group : cases.groups) CountGroup(plan, table, &group);
  return cases;
}

std::vector<bool> LeftOutOfGroups(const AuditPlan& plan,
                                  const AuditTable& table) {
  std::vector<bool> left_out(table.cases);
  if (plan.suppress_below <= 1) return left_out;
  std::set<size_t> single;
  for (const AuditGrouping& grouping : plan.groupings) {
    if (grouping.attributes.size() == 1) single.insert(grouping.attributes[0]);
  }
  // Those whom a grouping does not know, by the group of an attribute of it.
  using Key = std::tuple<size_t, size_t, uint32_t>;
  const auto visit = [&](size_t row, const auto& take) {
    for (size_t i = 0; i < plan.groupings.size(); ++i) {
      const auto& attributes = plan.groupings[i].attributes;
      const bool known =
          std::all_of(attributes.begin(), attributes.end(), [&](size_t one) {
            return table.attributes[one].codes[row] != kNoCode;
          });
      if (known) continue;
      for (const size_t one : attributes) {
        const uint32_t code = table.attributes[one].codes[row];
        if (!single.contains(one)) continue;
        // Of several attributes, parts of a group that is known.
        if (attributes.size() > 1 && code == kNoCode) continue;
        take(Key(i, one, code));
      }
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    std::map<Key, int64_t> counts;
    for (size_t row = 0; row < table.cases; ++row) {
      if (left_out[row]) continue;
      visit(row, [&](const Key& key) { ++counts[key]; });
    }
    for (size_t row = 0; row < table.cases && !counts.empty(); ++row) {
      if (left_out[row]) continue;
      bool few = false;
      visit(row, [&](const Key& key) {
        few = few || counts[key] < plan.suppress_below;
      });
      if (!few) continue;
      left_out[row] = true;
      changed = true;
    }
  }
  return left_out;
}

void CountGroup(const AuditPlan& plan, const AuditTable& table,
                AuditGroup* group) {
  group->cells = CountCells(table, group->rows, false);
  const int64_t outcomes = group->cells.confusion.cases();
  const int64_t without = group->cells.predicted.cases - outcomes;
  if (without <= 0 || without >= plan.suppress_below ||
      outcomes < plan.suppress_below) {
    return;
  }
  group->outcomes_only = true;
  group->cells = CountCells(table, group->rows, true);
}

void ChooseReference(const AuditGrouping& grouping, GroupedCases* cases) {
  cases->rest = grouping.rest;
  if (grouping.rest) return;
  size_t largest = 0;
  for (size_t i = 0; i < cases->groups.size(); ++i) {
    const AuditGroup& group = cases->groups[i];
    if (!group.compared()) continue;
    if (grouping.reference.empty()) {
      // What is pooled is no group that anybody belongs to.
      if (group.rows.size() <= largest || !group.pooled.empty()) continue;
      largest = group.rows.size();
      cases->reference = i;
    } else if (group.name == grouping.reference) {
      cases->reference = i;
    }
  }
}

bool IsScore(double value) { return std::fabs(value) <= kMostValue; }

bool IsPrice(double value) {
  return value >= 1 / kMostValue && value <= kMostValue;
}

AuditGroup RestOf(const GroupedCases& cases, size_t group) {
  AuditGroup rest;
  rest.name = std::string(kRestGroupName);
  std::array<bool, kTold> told{};
  for (size_t i = 0; i < cases.groups.size(); ++i) {
    const AuditGroup& other = cases.groups[i];
    if (i == group || !other.named()) continue;
    rest.parts.push_back(&other);
    const auto tells = [&](Told what) {
      if (!other.tells(what)) return false;
      told[static_cast<size_t>(what)] = true;
      return true;
    };
    if (tells(Told::kCases)) rest.cells.cases += other.cells.cases;
    if (tells(Told::kPredicted)) {
      rest.cells.predicted.cases += other.cells.predicted.cases;
      rest.cells.predicted.hits += other.cells.predicted.hits;
    }
    if (tells(Told::kTable)) {
      rest.cells.confusion = rest.cells.confusion + other.cells.confusion;
    }
    tells(Told::kOutcome);
    tells(Told::kScore);
    tells(Told::kPrice);
    tells(Told::kExposure);
  }
  for (size_t i = 0; i < kTold; ++i) {
    if (!told[i]) rest.withheld.Set(static_cast<Told>(i));
  }
  return rest;
}

bool CountsInRates(const AuditTable& table, const AuditGroup& group,
                   size_t row) {
  return table.predicted[row] != Answer::kUnknown &&
         (!group.outcomes_only || table.label[row] != Answer::kUnknown);
}

GroupCells CountCells(const AuditTable& table, std::span<const size_t> rows,
                      bool outcomes_only) {
  GroupCells cells;
  cells.cases = static_cast<int64_t>(rows.size());
  cells.more_exposures.resize(
      table.exposures.empty() ? 0 : table.exposures.size() - 1);
  const auto sum = [](const std::vector<double>& column, size_t row,
                      bool (*counts)(double), CountedSum* to) {
    if (column.empty() || !counts(column[row])) return;
    ++to->count;
    to->sum += column[row];
  };
  for (const size_t row : rows) {
    sum(table.score, row, IsScore, &cells.score);
    sum(table.price, row, IsPrice, &cells.price);
    for (size_t i = 0; i < table.exposures.size(); ++i) {
      if (i == 0) {
        sum(table.exposures[0], row, IsScore, &cells.exposure);
      } else if (IsScore(table.exposures[i][row])) {
        cells.more_exposures[i - 1] += table.exposures[i][row];
      }
    }
    if (table.list && !table.place.empty() &&
        table.list->codes[row] != kNoCode && table.place[row] >= 1 &&
        std::isfinite(table.place[row])) {
      ++cells.exposure.count;
      cells.exposure.sum += 1 / std::log2(table.place[row] + 1);
    }
    const Answer predicted =
        table.predicted.empty() ? Answer::kUnknown : table.predicted[row];
    if (predicted == Answer::kUnknown) continue;
    const Answer label =
        table.label.empty() ? Answer::kUnknown : table.label[row];
    if (outcomes_only && label == Answer::kUnknown) continue;
    const bool positive = predicted == Answer::kYes;
    ++cells.predicted.cases;
    cells.predicted.hits += positive ? 1 : 0;
    if (label == Answer::kUnknown) continue;
    cells.confusion.Add(positive, label == Answer::kYes);
  }
  return cells;
}

bool MayTellPart(const AuditPlan& plan, int64_t part, int64_t whole) {
  const int64_t rest = whole - part;
  return (part == 0 || part >= plan.suppress_below) &&
         (rest == 0 || std::abs(rest) >= plan.suppress_below);
}

std::string LackOfCases(const AuditPlan& plan, int64_t group,
                        int64_t reference) {
  if (group < plan.minimum) {
    return absl::StrCat(group, " of ", plan.minimum, " cases needed");
  }
  if (reference < plan.minimum) {
    return absl::StrCat("reference has ", reference, " of ", plan.minimum,
                        " cases needed");
  }
  return "";
}

}  // namespace consentry::policy::fairness
