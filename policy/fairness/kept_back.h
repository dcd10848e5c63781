#ifndef CONSENTRY_POLICY_FAIRNESS_KEPT_BACK_H_
#define CONSENTRY_POLICY_FAIRNESS_KEPT_BACK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "policy/fairness/audit.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/small_cells.h"

// How an audit is told beside another whose figures are not at hand: one that
// is registered and has yet to be made, or one that was lost. It leaves one in
// five people out wherever both are about the same time, always the same ones.
// Then whatever the other tells, and however many audits are made beside it,
// what it counts and they do not are those people at least. Pure; any thread.
namespace consentry::policy::fairness {

// Whether somebody, by her number, is one of those who are kept back.
bool IsKeptBack(uint64_t person);

// One of those audits.
struct SharedAudit {
  // Of the table, and of those kept back, whether it counts each.
  std::vector<bool> counted;
  std::vector<bool> kept;
};

struct KeptBack {
  // Whom the audit leaves out for the others' sake. With the same columns and,
  // of attributes, the same values; outlives the audit.
  const AuditTable* table = nullptr;
  std::vector<SharedAudit> audits;
};

// For each of `cases`, groups of `table`, what may not be told of it beside
// them: where one of them counts any of those that the group counts, and of
// those kept back fewer than `plan.suppress_below`, or where fewer than that of
// the group are none of its cases.
std::vector<Withheld> WithheldBesideUnseen(const AuditPlan& plan,
                                           const AuditGrouping& grouping,
                                           const AuditTable& table,
                                           const GroupedCases& cases,
                                           const KeptBack& beside);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_KEPT_BACK_H_
