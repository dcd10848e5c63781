#include "policy/fairness/kept_back.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace consentry::policy::fairness {
namespace {

constexpr uint64_t kOneIn = 5;

// Of those kept back, the rows of each group.
std::vector<std::vector<size_t>> RowsOfGroups(const AuditGrouping& grouping,
                                              const GroupedCases& cases,
                                              const AuditTable& kept) {
  std::map<std::vector<uint32_t>, size_t> by_codes;
  std::optional<size_t> unknown;
  std::optional<size_t> pooled;
  for (size_t i = 0; i < cases.groups.size(); ++i) {
    const AuditGroup& group = cases.groups[i];
    if (group.unknown) {
      unknown = i;
    } else if (!group.pooled.empty()) {
      pooled = i;
    } else {
      by_codes.emplace(group.codes, i);
    }
  }
  // Absent: all cases. Beyond all values: an arm that nobody here came under.
  std::optional<uint32_t> arm;
  if (!cases.variant.empty() && kept.variant) {
    const auto& names = kept.variant->values;
    arm = static_cast<uint32_t>(
        std::find(names.begin(), names.end(), cases.variant) - names.begin());
  }
  std::vector<std::vector<size_t>> rows(cases.groups.size());
  for (size_t row = 0; row < kept.cases; ++row) {
    if (arm && kept.variant->codes[row] != *arm) continue;
    const std::vector<uint32_t> codes = CodesOf(grouping, kept, row);
    if (codes.empty()) {
      if (unknown) rows[*unknown].push_back(row);
      continue;
    }
    const auto found = by_codes.find(codes);
    if (found != by_codes.end()) {
      rows[found->second].push_back(row);
    } else if (pooled) {
      rows[*pooled].push_back(row);
    }
  }
  return rows;
}

}  // namespace

bool IsKeptBack(uint64_t person) {
  // The finalizer of SplitMix64: numbers that follow each other are as good as
  // drawn.
  uint64_t mixed = person + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  return mixed % kOneIn == 0;
}

std::vector<Withheld> WithheldBesideUnseen(const AuditPlan& plan,
                                           const AuditGrouping& grouping,
                                           const AuditTable& table,
                                           const GroupedCases& cases,
                                           const KeptBack& beside) {
  std::vector<Withheld> withheld(cases.groups.size());
  const auto kept_rows = RowsOfGroups(grouping, cases, *beside.table);
  for (const SharedAudit& audit : beside.audits) {
    for (size_t i = 0; i < cases.groups.size(); ++i) {
      const AuditGroup& group = cases.groups[i];
      withheld[i].Add(WithheldUnseen(
          group.cells,
          CountCells(table, RowsThatCount(group.rows, audit.counted),
                     group.outcomes_only),
          CountCells(*beside.table, RowsThatCount(kept_rows[i], audit.kept),
                     group.outcomes_only),
          plan.suppress_below));
    }
  }
  return withheld;
}

}  // namespace consentry::policy::fairness
