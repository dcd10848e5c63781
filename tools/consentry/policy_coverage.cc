#include "tools/consentry/policy_coverage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"
#include "policy/engine/places.h"

namespace consentry::tools {
namespace {

using config::v1::AttachRule;
using config::v1::ControllerProfile;
using config::v1::LawfulBasis;
using config::v1::Mode;
using config::v1::Pack;
using config::v1::PurposeClass;
using config::v1::SensitiveRule;
using google::protobuf::RepeatedPtrField;

std::string ClassName(int value) {
  return PurposeClass::Value_Name(static_cast<PurposeClass::Value>(value));
}

std::string BasisName(int value) {
  return LawfulBasis::Value_Name(static_cast<LawfulBasis::Value>(value));
}

std::string Cell(const std::string& rule, const std::string& purpose_class,
                 std::string_view outcome) {
  return absl::StrCat(rule, " ", purpose_class, ": no ", std::string(outcome));
}

constexpr char kPermit[] = "permit";
constexpr char kDenial[] = "denial";

// f(info, purpose class name or "any") for each row whose only work is to deny.
template <class F>
void ForEachForbid(const Pack& pack, F f) {
  const auto each = [&](const auto& rows) {
    for (const auto& row : rows) {
      for (const int c : row.classes()) f(row.rule(), ClassName(c));
      if (row.classes().empty()) f(row.rule(), std::string("any"));
    }
  };
  each(pack.minors());
  each(pack.signals());
  each(pack.opt_outs());
  each(pack.objections());
}

template <class F>
void ForEachSensitive(const Pack& pack, F f) {
  for (const auto& row : pack.sensitive()) {
    for (const int c : row.classes()) f(row, ClassName(c));
    if (row.classes().empty()) f(row, std::string("any"));
  }
}

bool Named(const policy::Bundle& bundle,
           const std::vector<policy::RuleId>& rules, const std::string& id) {
  const auto rule = bundle.FindRule(id);
  return rule && std::binary_search(rules.begin(), rules.end(), *rule);
}

struct Denial {
  policy::Reason reason;
  policy::RuleId rule;
};

// What was denied: fields, or the whole where none was asked.
std::vector<Denial> DenialsOf(const policy::Decision& decision) {
  std::vector<Denial> out;
  for (const auto& field : decision.fields) {
    if (!field.permitted) out.push_back({field.reason, field.rule});
  }
  if (decision.fields.empty() && !decision.permitted) {
    out.push_back({decision.reason, decision.rule});
  }
  return out;
}

std::string RuleName(const policy::Bundle& bundle, policy::RuleId rule) {
  return rule == policy::kNoRule ? "" : std::string(bundle.rule(rule).id);
}

bool AnyMatches(const Pack& pack, const RepeatedPtrField<std::string>& row,
                const std::vector<std::string>& places) {
  for (const std::string& code : policy::ExpandPlaces(pack, row)) {
    for (const std::string& place : places) {
      if (policy::Matches(code, place)) return true;
    }
  }
  return false;
}

bool Holds(const Pack& pack, const AttachRule& row,
           const ControllerProfile& profile,
           const config::v1::CaseSubject& subject) {
  std::vector<std::string> sites(profile.establishments().begin(),
                                 profile.establishments().end());
  sites.push_back(profile.home());
  const std::vector<std::string> markets(profile.markets().begin(),
                                         profile.markets().end());
  std::vector<std::string> residences(subject.residences().begin(),
                                      subject.residences().end());
  if (residences.empty()) {
    residences = markets;
    residences.push_back(profile.home());
  }
  std::vector<std::string> places = residences;
  places.insert(places.end(), subject.location().begin(),
                subject.location().end());
  const auto holds = [&](const auto& list, const auto& with) {
    return list.empty() || AnyMatches(pack, list, with);
  };
  const auto& met = profile.thresholds();
  return !row.fallback() && holds(row.established_in(), sites) &&
         holds(row.markets(), markets) && holds(row.residence(), residences) &&
         holds(row.residence_or_location(), places) &&
         std::all_of(row.thresholds().begin(), row.thresholds().end(),
                     [&](const std::string& threshold) {
                       return std::find(met.begin(), met.end(), threshold) !=
                              met.end();
                     });
}

}  // namespace

PolicyCoverage::PolicyCoverage(
    const std::vector<policy::Located<Pack>>& packs) {
  for (const auto& located : packs) {
    const Pack& pack = located.message;
    if (pack.kind() != Pack::LEGAL) continue;
    packs_.push_back(pack);
    cells_[pack.id()];
    rules_[pack.id()];
    policy::ForEachRule(
        pack, [&](const config::v1::RuleInfo& rule, const char* rows, int) {
          if (policy::DecisionsRead(rows)) rules_[pack.id()][rule.id()] = false;
        });
    for (const auto& use : pack.uses()) {
      for (const int c : use.classes()) {
        const std::string name = ClassName(c);
        if (use.mode() != Mode::DENY) {
          Expect(pack.id(), Cell(use.rule().id(), name, kPermit));
        }
        Expect(pack.id(), Cell(use.rule().id(), name, kDenial));
        for (const auto& basis : use.bases()) {
          Expect(pack.id(),
                 Cell(use.rule().id(), name,
                      absl::StrCat("permit by ", BasisName(basis.basis()))));
        }
      }
    }
    ForEachSensitive(
        pack, [&](const SensitiveRule& row, const std::string& name) {
          if (row.demand() != SensitiveRule::DENY) {
            Expect(pack.id(), Cell(row.rule().id(), name, kPermit));
          }
          if (row.demand() != SensitiveRule::NONE) {
            Expect(pack.id(), Cell(row.rule().id(), name, kDenial));
          }
        });
    ForEachForbid(
        pack, [&](const config::v1::RuleInfo& rule, const std::string& name) {
          Expect(pack.id(), Cell(rule.id(), name, kDenial));
        });
  }
}

void PolicyCoverage::Expect(const std::string& pack, const std::string& cell) {
  cells_[pack].emplace(cell, false);
}

void PolicyCoverage::Reach(const std::string& pack, const std::string& cell) {
  const auto it = cells_[pack].find(cell);
  if (it != cells_[pack].end()) it->second = true;
}

void PolicyCoverage::Add(const policy::Bundle& bundle,
                         const config::v1::PolicyCase& one,
                         const policy::BoundCase& bound,
                         const policy::Decision& decision) {
  const std::string asked =
      ClassName(bundle.purpose(bound.request.purpose).purpose_class());
  const std::vector<Denial> denials = DenialsOf(decision);
  std::set<std::string> denying;
  for (const Denial& denial : denials) {
    denying.insert(RuleName(bundle, denial.rule));
  }
  for (const Pack& pack : packs_) {
    const auto regime = bundle.FindRegime(pack.id());
    if (!regime || !std::binary_search(decision.regimes.begin(),
                                       decision.regimes.end(), *regime)) {
      continue;
    }
    const std::string prefix = pack.id() + "/";
    for (auto& [rule, reached] : rules_[pack.id()]) {
      reached = reached || Named(bundle, decision.rules, prefix + rule);
    }
    // Denied under this pack: by a rule of it, or by none while it stands
    // alone.
    const bool denied_here =
        std::any_of(denials.begin(), denials.end(), [&](const Denial& denial) {
          if (denial.reason == v1::ERROR_REASON_FIELD_NOT_ALLOWED) return false;
          return denial.rule == policy::kNoRule
                     ? decision.regimes.size() == 1
                     : RuleName(bundle, denial.rule).rfind(prefix, 0) == 0;
        });
    AddUses(bundle, pack, bound, decision, denied_here);
    AddAttach(bundle, pack, one, decision);
    ForEachSensitive(pack,
                     [&](const SensitiveRule& row, const std::string& name) {
                       const std::string& id = row.rule().id();
                       if (name != asked && name != "any") return;
                       if (denying.contains(prefix + id)) {
                         Reach(pack.id(), Cell(id, name, kDenial));
                       } else if (decision.permitted &&
                                  Named(bundle, decision.rules, prefix + id)) {
                         Reach(pack.id(), Cell(id, name, kPermit));
                       }
                     });
    ForEachForbid(
        pack, [&](const config::v1::RuleInfo& rule, const std::string& name) {
          if ((name == asked || name == "any") &&
              denying.contains(prefix + rule.id())) {
            Reach(pack.id(), Cell(rule.id(), name, kDenial));
          }
        });
  }
}

void PolicyCoverage::AddUses(const policy::Bundle& bundle, const Pack& pack,
                             const policy::BoundCase& bound,
                             const policy::Decision& decision,
                             bool denied_here) {
  const auto asked = bundle.purpose(bound.request.purpose).purpose_class();
  const auto regime = bundle.FindRegime(pack.id());
  for (const auto& use : pack.uses()) {
    const auto has = [](const auto& values, int value) {
      return std::find(values.begin(), values.end(), value) != values.end();
    };
    const policy::Validity days = policy::ValidityOf(pack, use.rule());
    if (!has(use.classes(), asked) ||
        (!use.channels().empty() &&
         !has(use.channels(), bound.request.channel)) ||
        bound.request.time_us < days.from_us ||
        bound.request.time_us >= days.to_us) {
      continue;
    }
    const std::string& id = use.rule().id();
    const std::string name = ClassName(asked);
    if (denied_here) Reach(pack.id(), Cell(id, name, kDenial));
    if (!decision.permitted ||
        !Named(bundle, decision.rules, pack.id() + "/" + id)) {
      continue;
    }
    Reach(pack.id(), Cell(id, name, kPermit));
    for (const policy::BasisUsed& used : decision.bases) {
      if (used.regime != *regime) continue;
      Reach(pack.id(),
            Cell(id, name,
                 absl::StrCat("permit by ",
                              BasisName(bundle.basis(used.basis).basis()))));
    }
  }
}

void PolicyCoverage::AddAttach(const policy::Bundle& bundle, const Pack& pack,
                               const config::v1::PolicyCase& one,
                               const policy::Decision& decision) {
  std::vector<std::string> holding;
  std::string fallback;
  for (const AttachRule& row : pack.attach()) {
    if (row.fallback()) fallback = row.rule().id();
    if (Holds(pack, row, bundle.profile(), one.subject())) {
      holding.push_back(row.rule().id());
    }
  }
  if (holding.empty() && decision.regimes.size() == 1) {
    holding.push_back(fallback);
  }
  if (holding.size() != 1) return;
  const auto it = rules_[pack.id()].find(holding.front());
  if (it != rules_[pack.id()].end()) it->second = true;
}

std::vector<PolicyCoverage::PackCoverage> PolicyCoverage::Report() const {
  std::vector<PackCoverage> out;
  for (const Pack& pack : packs_) {
    PackCoverage one;
    one.pack = pack.id();
    for (const auto& [cell, reached] : cells_.at(pack.id())) {
      ++one.cells;
      one.cells_reached += reached ? 1 : 0;
      if (!reached) one.missing_cells.push_back(cell);
    }
    for (const auto& [rule, reached] : rules_.at(pack.id())) {
      ++one.rules;
      one.rules_reached += reached ? 1 : 0;
      if (!reached) one.missing_rules.push_back(rule);
    }
    out.push_back(std::move(one));
  }
  return out;
}

double PolicyCoverage::Percent(const std::vector<PackCoverage>& report) {
  size_t all = 0;
  size_t reached = 0;
  for (const PackCoverage& pack : report) {
    all += pack.cells;
    reached += pack.cells_reached;
  }
  if (all == 0) return 100;
  return 100.0 * static_cast<double>(reached) / static_cast<double>(all);
}

}  // namespace consentry::tools
