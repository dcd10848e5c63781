#ifndef CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_
#define CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/confusion.h"
#include "policy/fairness/figure_sheet.h"
#include "policy/fairness/small_cells.h"

// Internal to the audit: the cases of each group, and the figures made of them.
namespace consentry::policy::fairness {

// One group with its cases.
struct AuditGroup {
  std::string name;
  // Rows of the table.
  std::vector<size_t> rows;
  // As CountedGroups has them.
  std::vector<uint32_t> codes;
  bool unknown = false;
  // Of those whom no group names.
  bool other = false;
  // Of a rest: the groups that it is made of. Outlive it.
  std::vector<const AuditGroup*> parts;
  // Groups that were put together into this one.
  std::vector<std::string> pooled;
  // So few have no outcome that they count in no rate: what is told of all and
  // of those with an outcome would tell theirs.
  bool outcomes_only = false;
  GroupCells cells;
  Withheld withheld;

  bool suppressed() const { return withheld.of(Told::kCases); }
  bool tells(Told what) const { return !withheld.of(what); }
  // Told, and compared with others.
  bool compared() const { return !unknown && !suppressed(); }
  // Compared with the rest, and part of that of others.
  bool named() const { return compared() && !other; }
};

struct GroupedCases {
  std::string attribute;
  std::string variant;
  // In the order in which a report tells them, "unknown" last.
  std::vector<AuditGroup> groups;
  // Place in `groups`; absent where it has no cases or may not be told, and
  // with `rest`.
  std::optional<size_t> reference;
  // Each is compared with all others.
  bool rest = false;
};

// Codes of the attributes of one case; empty: one of them is not known.
std::vector<uint32_t> CodesOf(const AuditGrouping& grouping,
                              const AuditTable& table, size_t row);

// Of `rows` those that `counted` says true of, which has one for each case.
std::vector<size_t> RowsThatCount(std::span<const size_t> rows,
                                  const std::vector<bool>& counted);

// The others of one group, "rest": of each kind of figure those that are told,
// so that it tells nothing that they do not. What none of them tells is
// withheld. Without rows.
AuditGroup RestOf(const GroupedCases& cases, size_t group);

// Groups `rows` and counts what is in each; what is withheld, and the
// reference, come later. InvalidArgument for too many groups.
absl::StatusOr<GroupedCases> GroupCases(const AuditPlan& plan,
                                        const AuditGrouping& grouping,
                                        const AuditTable& table,
                                        std::span<const size_t> rows,
                                        const std::string& variant);

// For each case whether it is left out of all groups: those of whom one
// attribute is not known, where they are so few that what is told of the whole
// attribute, or of a group of another one, less what is told of its parts,
// would be about them.
std::vector<bool> LeftOutOfGroups(const AuditPlan& plan,
                                  const AuditTable& table);

// Once it is known what is withheld.
void ChooseReference(const AuditGrouping& grouping, GroupedCases* cases);

// Values that count; what is not one counts as not known.
bool IsScore(double value);
bool IsPrice(double value);

// Whether the prediction of a case counts in the rates of its group.
bool CountsInRates(const AuditTable& table, const AuditGroup& group,
                   size_t row);

// Fills `cells` and `outcomes_only` from the rows.
void CountGroup(const AuditPlan& plan, const AuditTable& table,
                AuditGroup* group);

// The cells of some rows of a group.
GroupCells CountCells(const AuditTable& table, std::span<const size_t> rows,
                      bool outcomes_only);

// Whether figures about part of what others count may be told: both it and the
// rest have cases enough, or there is no rest.
bool MayTellPart(const AuditPlan& plan, int64_t part, int64_t whole);

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

// People in the order of the best place that a watched item has for each, and
// how groups stand among the first; `exposure` is a column of the table, and
// `suffix` tells its figures from those of others.
void AddPlacesOfPeople(const AuditPlan& plan,
                       const std::vector<double>& exposure,
                       const std::string& suffix, const GroupedCases& cases,
                       FigureSheet* sheet);

// Places in ranked lists.
void AddRankingFigures(const AuditPlan& plan, const AuditTable& table,
                       const GroupedCases& cases, FigureSheet* sheet);

// Declared inputs against each single attribute, until `stop` says true.
void AddProxies(const AuditPlan& plan, const AuditTable& table,
                const std::function<bool()>& stop, v1::FairnessReport* report);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_AUDIT_GROUPS_H_
