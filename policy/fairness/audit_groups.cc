#include "policy/fairness/audit_groups.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/fairness/groups.h"

namespace consentry::policy::fairness {
namespace {

// Codes of the attributes of one case; empty: one of them is not known.
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

void Count(const AuditTable& table, AuditGroup* group) {
  for (const size_t row : group->rows) {
    const Answer predicted =
        table.predicted.empty() ? Answer::kUnknown : table.predicted[row];
    if (predicted == Answer::kUnknown) continue;
    const bool positive = predicted == Answer::kYes;
    ++group->predicted.cases;
    group->predicted.hits += positive ? 1 : 0;
    const Answer label =
        table.label.empty() ? Answer::kUnknown : table.label[row];
    if (label == Answer::kUnknown) continue;
    group->confusion.Add(positive, label == Answer::kYes);
  }
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
    cases.groups.push_back(std::move(group));
  }
  if (!unknown.rows.empty()) cases.groups.push_back(std::move(unknown));
  if (grouping.attributes.size() > 1) Pool(plan.pool_below, &cases.groups);

  std::vector<int64_t> sizes;
  for (AuditGroup& group : cases.groups) {
    Count(table, &group);
    sizes.push_back(static_cast<int64_t>(group.rows.size()));
  }
  const std::vector<bool> suppressed =
      SuppressedGroups(sizes, plan.suppress_below);
  int64_t largest = 0;
  for (size_t i = 0; i < cases.groups.size(); ++i) {
    AuditGroup& group = cases.groups[i];
    group.suppressed = suppressed[i];
    if (!group.compared()) continue;
    if (grouping.reference.empty()) {
      // What is pooled is no group that anybody belongs to.
      if (sizes[i] <= largest || !group.pooled.empty()) continue;
      largest = sizes[i];
      cases.reference = i;
    } else if (group.name == grouping.reference) {
      cases.reference = i;
    }
  }
  return cases;
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
