#ifndef CONSENTRY_TOOLS_CONSENTRY_POLICY_COVERAGE_H_
#define CONSENTRY_TOOLS_CONSENTRY_POLICY_COVERAGE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "consentry/config/v1/policy_case.pb.h"
#include "policy/engine/bundle.h"
#include "policy/engine/decision.h"
#include "policy/engine/policy_case.h"

namespace consentry::tools {

// Which parts of the legal packs the cases reach. What must be reached:
//  - a cell for each use rule and purpose class: once permitted by the rule
//    (unless it says DENY) and once denied under the pack;
//  - a cell for each sensitive row and class: once permitted and once denied by
//    it, as far as its demand can do either;
//  - a cell for each row of minors, signals, opt-outs and objections and each
//    class it lists: once denied by it;
//  - a cell for each use rule, class and basis that it lists: once permitted;
//  - every rule that decisions read: named by a decision once; an attach row: a
//    case in which it alone attaches its pack.
class PolicyCoverage {
 public:
  explicit PolicyCoverage(
      const std::vector<policy::Located<config::v1::Pack>>& packs);

  // Counts one case that came out as expected.
  void Add(const policy::Bundle& bundle, const config::v1::PolicyCase& one,
           const policy::BoundCase& bound, const policy::Decision& decision);

  struct PackCoverage {
    std::string pack;
    size_t cells = 0;
    size_t cells_reached = 0;
    size_t rules = 0;
    size_t rules_reached = 0;
    // "use.service SERVICE: no denial", sorted.
    std::vector<std::string> missing_cells;
    // "attach.fallback", sorted.
    std::vector<std::string> missing_rules;
  };
  // In the order of the packs given.
  std::vector<PackCoverage> Report() const;

  // Of all cells of all packs, 0 to 100; 100 where there are none.
  static double Percent(const std::vector<PackCoverage>& report);

 private:
  void Expect(const std::string& pack, const std::string& cell);
  void Reach(const std::string& pack, const std::string& cell);
  void AddUses(const policy::Bundle& bundle, const config::v1::Pack& pack,
               const policy::BoundCase& bound, const policy::Decision& decision,
               bool denied_here);
  void AddAttach(const policy::Bundle& bundle, const config::v1::Pack& pack,
                 const config::v1::PolicyCase& one,
                 const policy::Decision& decision);

  std::vector<config::v1::Pack> packs_;
  // Pack to cell to reached.
  std::map<std::string, std::map<std::string, bool>> cells_;
  std::map<std::string, std::map<std::string, bool>> rules_;
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_POLICY_COVERAGE_H_
