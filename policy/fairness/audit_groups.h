#ifndef CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_
#define CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/confusion.h"
#include "policy/fairness/figure_sheet.h"

// Internal to the audit: the cases of each group, and the figures made of them.
namespace consentry::policy::fairness {

// One group with its cases.
struct AuditGroup {
  std::string name;
  // Rows of the table.
  std::vector<size_t> rows;
  bool unknown = false;
  bool suppressed = false;
  // Groups that were put together into this one.
  std::vector<std::string> pooled;

  // Predicted positive, of the cases whose prediction is known.
  Proportion predicted;
  // Of those whose prediction and outcome are known.
  Confusion confusion;

  // Told, and compared with others.
  bool compared() const { return !unknown && !suppressed; }
};

struct GroupedCases {
  std::string attribute;
  std::string variant;
  // In the order in which a report tells them, "unknown" last.
  std::vector<AuditGroup> groups;
  // Place in `groups`; absent where it has no cases or may not be told.
  std::optional<size_t> reference;
};

// Groups `rows`. InvalidArgument for too many groups.
absl::StatusOr<GroupedCases> GroupCases(const AuditPlan& plan,
                                        const AuditGrouping& grouping,
                                        const AuditTable& table,
                                        std::span<const size_t> rows,
                                        const std::string& variant);

// "12 of 30 cases needed", or empty where both have enough.
std::string LackOfCases(const AuditPlan& plan, int64_t group,
                        int64_t reference);

// Rates, and what compares them.
void AddRateFigures(const AuditPlan& plan, const AuditTable& table,
                    const GroupedCases& cases, FigureSheet* sheet);

// Scores and prices, calibration, and how they are spread.
void AddValueFigures(const AuditPlan& plan, const AuditTable& table,
                     const GroupedCases& cases, FigureSheet* sheet,
                     v1::FairnessReport* report);

// Places in ranked lists.
void AddRankingFigures(const AuditPlan& plan, const AuditTable& table,
                       const GroupedCases& cases, FigureSheet* sheet);

// Declared inputs against each single attribute.
void AddProxies(const AuditPlan& plan, const AuditTable& table,
                v1::FairnessReport* report);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_
