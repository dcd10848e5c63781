#include <map>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/places.h"

namespace consentry::policy {
namespace {

using config::v1::Duration;
using config::v1::LawfulBasis;
using config::v1::Mode;
using config::v1::OwnerRule;
using config::v1::Pack;
using config::v1::RuleInfo;
using google::protobuf::RepeatedPtrField;

constexpr uint32_t kMaxMinorAge = 21;
constexpr uint32_t kMaxAge = 150;
constexpr uint32_t kMaxMonths = 1200;

// The checks of one pack.
class PackChecker {
 public:
  PackChecker(const Located<Pack>& located, Findings* out)
      : pack_(located.message), root_(PlaceOf(located)), out_(out) {}

  void Run() {
    CheckHead();
    std::set<std::string> ids;
    ForEachRule(pack_, [&](const RuleInfo& rule, const char* rows, int i) {
      CheckRule(rule, root_.At(rows, i).At("rule"), &ids);
    });
    if (pack_.kind() == Pack::OWNER) {
      CheckOwnerOnly();
    } else {
      CheckAttach();
      CheckUses();
      CheckSensitive();
      CheckMinors();
      CheckChoices();
      CheckDuties();
      if (pack_.owner_rules_size() > 0) {
        out_->Refuse(root_.At("owner_rules", 0),
                     "belongs in a pack of kind OWNER");
      }
    }
    if (pack_.owner_rules_size() > static_cast<int>(kMaxOwnerRules)) {
      out_->Refuse(root_.At("owner_rules"), "must be at most 256");
    }
    for (int i = 0; i < pack_.owner_rules_size(); ++i) {
      CheckOwnerRule(pack_.owner_rules(i), root_.At("owner_rules", i));
    }
  }

 private:
  std::optional<int32_t> CheckDay(const std::string& day, const Place& at) {
    if (day.empty()) return std::nullopt;
    const auto parsed = ParseDay(day);
    if (!parsed) out_->Refuse(at, "must be a day, YYYY-MM-DD");
    return parsed;
  }

  void CheckDays(const std::string& from, const std::string& to,
                 const Place& at) {
    const auto first = CheckDay(from, at.At("valid_from"));
    const auto last = CheckDay(to, at.At("valid_to"));
    if (first && last && *first >= *last) {
      out_->Refuse(at.At("valid_to"), "must be after valid_from");
    }
  }

  void CheckHead() {
    if (!IsKey(pack_.id(), "-", 32)) {
      out_->Refuse(root_.At("id"), "must be like eu-gdpr, 32 at most");
    }
    if (pack_.kind() == Pack::UNSPECIFIED) {
      out_->Refuse(root_.At("kind"), "is missing: LEGAL or OWNER");
    }
    CheckDays(pack_.valid_from(), pack_.valid_to(), root_);
    std::set<std::string> groups;
    for (int g = 0; g < pack_.groups_size(); ++g) {
      const auto& group = pack_.groups(g);
      const Place at = root_.At("groups", g);
      if (group.name().empty() || !groups.insert(group.name()).second) {
        out_->Refuse(at.At("name"), "is missing or stands twice");
      }
      if (group.members_size() == 0) {
        out_->Refuse(at.At("members"), "is missing");
      }
      for (int m = 0; m < group.members_size(); ++m) {
        if (!IsPlaceCode(group.members(m))) {
          out_->Refuse(at.At("members", m), "is no code like DE or US-CA");
        }
      }
    }
  }

  void CheckRule(const RuleInfo& rule, const Place& at,
                 std::set<std::string>* ids) {
    if (!IsKey(rule.id(), "_.-", 64)) {
      out_->Refuse(at.At("id"), "must be like use.service, 64 at most");
    }
    if (!ids->insert(rule.id()).second) {
      out_->Refuse(at.At("id"), "stands twice in its pack");
    }
    if (rule.citation().empty()) out_->Refuse(at.At("citation"), "is missing");
    CheckDays(rule.valid_from(), rule.valid_to(), at);
    const Validity validity = ValidityOf(pack_, rule);
    if (validity.from_us >= validity.to_us) {
      out_->Refuse(at, "never holds within the days of its pack");
    }
    if (pack_.kind() == Pack::LEGAL &&
        rule.evidence() == config::v1::Evidence::UNSPECIFIED) {
      out_->Refuse(at.At("evidence"),
                   "is missing: CHECKED, SECONDARY or UNCHECKED");
    }
  }

  void CheckPlaces(const RepeatedPtrField<std::string>& codes,
                   const Place& parent, std::string_view field) {
    for (int i = 0; i < codes.size(); ++i) {
      const std::string& code = codes[i];
      if (!code.empty() && code[0] == '@') {
        bool known = false;
        for (const auto& group : pack_.groups()) {
          known = known || group.name() == std::string_view(code).substr(1);
        }
        if (!known) {
          out_->Refuse(parent.At(field, i), "is no group of this pack");
        }
      } else if (!IsPlaceCode(code)) {
        out_->Refuse(parent.At(field, i), "is no code like DE or US-CA");
      }
    }
  }

  // No element may be 0, or stand twice.
  template <class Repeated>
  void CheckSet(const Repeated& values, const Place& parent,
                std::string_view field) {
    std::set<int> seen;
    for (int i = 0; i < values.size(); ++i) {
      if (values[i] == 0) {
        out_->Refuse(parent.At(field, i), "must have a value");
      } else if (!seen.insert(values[i]).second) {
        out_->Refuse(parent.At(field, i), "stands twice");
      }
    }
  }

  void CheckAttach() {
    if (pack_.attach_size() == 0) {
      out_->Refuse(root_.At("attach"), "is missing: the pack never attaches");
    }
    for (int i = 0; i < pack_.attach_size(); ++i) {
      const auto& row = pack_.attach(i);
      const Place at = root_.At("attach", i);
      CheckPlaces(row.established_in(), at, "established_in");
      CheckPlaces(row.markets(), at, "markets");
      CheckPlaces(row.residence(), at, "residence");
      CheckPlaces(row.residence_or_location(), at, "residence_or_location");
      for (int j = 0; j < row.thresholds_size(); ++j) {
        if (!IsKey(row.thresholds(j), "_.-", 64)) {
          out_->Refuse(at.At("thresholds", j), "must be like us-ca.business");
        }
      }
      const int parts = row.established_in_size() + row.markets_size() +
                        row.residence_size() +
                        row.residence_or_location_size() +
                        row.thresholds_size();
      if (row.fallback() == (parts > 0)) {
        out_->Refuse(at, "needs a condition, or fallback alone");
      }
    }
  }

  void CheckUses() {
    for (int i = 0; i < pack_.uses_size(); ++i) {
      const auto& row = pack_.uses(i);
      const Place at = root_.At("uses", i);
      if (row.classes_size() == 0) out_->Refuse(at.At("classes"), "is missing");
      CheckSet(row.classes(), at, "classes");
      CheckSet(row.channels(), at, "channels");
      if (row.mode() == Mode::UNSPECIFIED) {
        out_->Refuse(at.At("mode"), "is missing");
      }
      if (row.soft_opt_in_months() > kMaxMonths) {
        out_->Refuse(at.At("soft_opt_in_months"), "must be at most 1200");
      }
      if (row.soft_opt_in_months() > 0 && row.mode() != Mode::SOFT_OPT_IN) {
        out_->Refuse(at.At("soft_opt_in_months"), "is for SOFT_OPT_IN");
      }
      if ((row.bases_size() == 0) != (row.mode() == Mode::DENY)) {
        out_->Refuse(at.At("bases"), "must be given, except with DENY");
      }
      std::set<int> seen;
      for (int b = 0; b < row.bases_size(); ++b) {
        const Place basis_at = at.At("bases", b).At("basis");
        const LawfulBasis::Value basis = row.bases(b).basis();
        if (basis == LawfulBasis::UNSPECIFIED || !seen.insert(basis).second) {
          out_->Refuse(basis_at, "is missing or stands twice");
        }
        const bool opt_in =
            row.mode() == Mode::OPT_IN || row.mode() == Mode::OPT_IN_EXPLICIT;
        const bool soft = row.mode() == Mode::SOFT_OPT_IN;
        if ((opt_in && !IsConsent(basis)) ||
            (soft && !IsConsent(basis) &&
             basis != LawfulBasis::LEGITIMATE_INTEREST)) {
          out_->Refuse(basis_at, "cannot stand with this mode");
        }
      }
    }
  }

  void CheckCategory(const std::string& category, const Place& at) {
    if (!IsKey(category, "_.", 100) || category.back() == '.') {
      out_->Refuse(at, "must be a data category such as user.biometric");
    }
  }

  void CheckSensitive() {
    for (int i = 0; i < pack_.sensitive_categories_size(); ++i) {
      CheckCategory(pack_.sensitive_categories(i),
                    root_.At("sensitive_categories", i));
    }
    for (int i = 0; i < pack_.sensitive_size(); ++i) {
      const auto& row = pack_.sensitive(i);
      const Place at = root_.At("sensitive", i);
      CheckSet(row.classes(), at, "classes");
      CheckSet(row.gates(), at, "gates");
      for (int c = 0; c < row.categories_size(); ++c) {
        CheckCategory(row.categories(c), at.At("categories", c));
      }
      if (row.demand() == config::v1::SensitiveRule::UNSPECIFIED) {
        out_->Refuse(at.At("demand"), "is missing");
      }
      if ((row.gates_size() > 0) !=
          (row.demand() == config::v1::SensitiveRule::GATE)) {
        out_->Refuse(at.At("gates"), "is for GATE, and needed there");
      }
      if (row.consent_months() > 0 &&
          ((row.demand() != config::v1::SensitiveRule::OPT_IN &&
            row.demand() != config::v1::SensitiveRule::OPT_IN_EXPLICIT) ||
           row.consent_months() > kMaxMonths)) {
        out_->Refuse(at.At("consent_months"),
                     "is for OPT_IN and OPT_IN_EXPLICIT, at most 1200");
      }
    }
  }

  void CheckMinors() {
    for (int i = 0; i < pack_.minors_size(); ++i) {
      const auto& row = pack_.minors(i);
      const Place at = root_.At("minors", i);
      CheckSet(row.classes(), at, "classes");
      CheckSet(row.bases(), at, "bases");
      if (row.below_age() < 1 || row.below_age() > kMaxMinorAge ||
          row.from_age() >= row.below_age()) {
        out_->Refuse(at.At("below_age"), "must be 1 to 21, above from_age");
      }
      if (row.action() == config::v1::MinorRule::UNSPECIFIED) {
        out_->Refuse(at.At("action"), "is missing");
      }
      for (int j = 0; j < row.below_age_in_size(); ++j) {
        const Place age_at = at.At("below_age_in", j);
        CheckPlaces(row.below_age_in(j).jurisdictions(), age_at,
                    "jurisdictions");
        if (row.below_age_in(j).jurisdictions_size() == 0) {
          out_->Refuse(age_at.At("jurisdictions"), "is missing");
        }
        if (row.below_age_in(j).below_age() < 1 ||
            row.below_age_in(j).below_age() > kMaxMinorAge) {
          out_->Refuse(age_at.At("below_age"), "must be 1 to 21");
        }
      }
    }
  }

  void CheckChoices() {
    for (int i = 0; i < pack_.signals_size(); ++i) {
      const auto& row = pack_.signals(i);
      const Place at = root_.At("signals", i);
      CheckSet(row.classes(), at, "classes");
      if (row.signal() == config::v1::Signal::UNSPECIFIED) {
        out_->Refuse(at.At("signal"), "is missing");
      }
      if (row.classes_size() == 0) out_->Refuse(at.At("classes"), "is missing");
    }
    for (int i = 0; i < pack_.opt_outs_size(); ++i) {
      const auto& row = pack_.opt_outs(i);
      const Place at = root_.At("opt_outs", i);
      CheckSet(row.classes(), at, "classes");
      CheckSet(row.channels(), at, "channels");
      if (row.opt_out() == config::v1::OptOut::UNSPECIFIED) {
        out_->Refuse(at.At("opt_out"), "is missing");
      }
      if (row.classes_size() == 0) out_->Refuse(at.At("classes"), "is missing");
    }
    for (int i = 0; i < pack_.objections_size(); ++i) {
      const auto& row = pack_.objections(i);
      const Place at = root_.At("objections", i);
      CheckSet(row.classes(), at, "classes");
      CheckSet(row.bases(), at, "bases");
      if (row.kind() == config::v1::ObjectionRule::UNSPECIFIED) {
        out_->Refuse(at.At("kind"), "is missing");
      }
    }
    for (int i = 0; i < pack_.restrictions_size(); ++i) {
      CheckSet(pack_.restrictions(i).still_permitted(),
               root_.At("restrictions", i), "still_permitted");
    }
  }

  void CheckDuration(bool present, const Duration& duration, bool required,
                     const Place& at) {
    if (!present) {
      if (required) out_->Refuse(at, "is missing");
      return;
    }
    if (duration.unit() == Duration::UNSPECIFIED || duration.count() > 100000) {
      out_->Refuse(at, "needs a unit and a count of at most 100000");
    }
  }

  void CheckDuties() {
    for (int i = 0; i < pack_.transfers_size(); ++i) {
      const auto& row = pack_.transfers(i);
      const Place at = root_.At("transfers", i);
      CheckPlaces(row.area(), at, "area");
      CheckPlaces(row.adequate(), at, "adequate");
      CheckPlaces(row.established_in(), at, "established_in");
      CheckSet(row.safeguards(), at, "safeguards");
      if (row.area_size() == 0) out_->Refuse(at.At("area"), "is missing");
    }
    for (int i = 0; i < pack_.automated_decisions_size(); ++i) {
      const auto& row = pack_.automated_decisions(i);
      const Place at = root_.At("automated_decisions", i);
      CheckSet(row.bases(), at, "bases");
      CheckSet(row.sensitive_gates(), at, "sensitive_gates");
      if (row.human() == config::v1::AutomatedDecisionRule::UNSPECIFIED) {
        out_->Refuse(at.At("human"), "is missing; write NONE for none");
      }
    }
    for (int i = 0; i < pack_.clocks_size(); ++i) {
      const auto& row = pack_.clocks(i);
      const Place at = root_.At("clocks", i);
      if (row.right() == config::v1::Right::UNSPECIFIED) {
        out_->Refuse(at.At("right"), "is missing");
      }
      CheckDuration(row.has_acknowledge(), row.acknowledge(), false,
                    at.At("acknowledge"));
      CheckDuration(row.has_respond(), row.respond(), true, at.At("respond"));
      CheckDuration(row.has_extension(), row.extension(), false,
                    at.At("extension"));
      CheckDuration(row.has_appeal(), row.appeal(), false, at.At("appeal"));
      CheckDuration(row.has_appeal_extension(), row.appeal_extension(), false,
                    at.At("appeal_extension"));
      CheckDuration(row.has_appeal_within(), row.appeal_within(), false,
                    at.At("appeal_within"));
    }
    for (int i = 0; i < pack_.reasks_size(); ++i) {
      CheckSet(pack_.reasks(i).classes(), root_.At("reasks", i), "classes");
      CheckDuration(pack_.reasks(i).has_wait(), pack_.reasks(i).wait(), true,
                    root_.At("reasks", i).At("wait"));
    }
    for (int i = 0; i < pack_.breaches_size(); ++i) {
      const auto& row = pack_.breaches(i);
      CheckDuration(row.has_authority(), row.authority(), false,
                    root_.At("breaches", i).At("authority"));
      CheckDuration(row.has_supplement(), row.supplement(), false,
                    root_.At("breaches", i).At("supplement"));
    }
    for (int i = 0; i < pack_.proofs_size(); ++i) {
      CheckDuration(pack_.proofs(i).has_keep(), pack_.proofs(i).keep(), true,
                    root_.At("proofs", i).At("keep"));
    }
  }

  void CheckOwnerOnly() {
    const auto only_tighten = [&](int rows, const char* name) {
      if (rows > 0) {
        out_->Refuse(root_.At(name, 0),
                     "stands in the owner's pack, which can only tighten: use "
                     "owner_rules");
      }
    };
    only_tighten(pack_.attach_size(), "attach");
    only_tighten(pack_.uses_size(), "uses");
    only_tighten(pack_.sensitive_categories_size(), "sensitive_categories");
    only_tighten(pack_.sensitive_size(), "sensitive");
    only_tighten(pack_.minors_size(), "minors");
    only_tighten(pack_.signals_size(), "signals");
    only_tighten(pack_.opt_outs_size(), "opt_outs");
    only_tighten(pack_.objections_size(), "objections");
    only_tighten(pack_.restrictions_size(), "restrictions");
    only_tighten(pack_.transfers_size(), "transfers");
    only_tighten(pack_.automated_decisions_size(), "automated_decisions");
    only_tighten(pack_.clocks_size(), "clocks");
    only_tighten(pack_.reasks_size(), "reasks");
    only_tighten(pack_.breaches_size(), "breaches");
    only_tighten(pack_.proofs_size(), "proofs");
    only_tighten(pack_.rights_size(), "rights");
    only_tighten(pack_.grounds_size(), "grounds");
    only_tighten(pack_.redress_size(), "redress");
    only_tighten(pack_.reckonings_size(), "reckonings");
  }

  void CheckOwnerRule(const OwnerRule& row, const Place& at) {
    CheckSet(row.classes(), at, "classes");
    CheckSet(row.channels(), at, "channels");
    CheckPlaces(row.jurisdictions(), at, "jurisdictions");
    for (int c = 0; c < row.categories_size(); ++c) {
      CheckCategory(row.categories(c), at.At("categories", c));
    }
    if (row.below_age() > kMaxAge) {
      out_->Refuse(at.At("below_age"), "must be 1 to 150");
    }
    if (row.unknown_age_too() && row.below_age() == 0) {
      out_->Refuse(at.At("unknown_age_too"), "needs below_age");
    }
    if (row.has_from_hour() != row.has_to_hour()) {
      out_->Refuse(at, "needs from_hour and to_hour together");
    } else if (row.has_from_hour() &&
               (row.from_hour() > 23 || row.to_hour() > 24 ||
                row.from_hour() == row.to_hour())) {
      out_->Refuse(at.At("from_hour"),
                   "hours are 0 to 23 and 0 to 24, and differ");
    }
    if (row.effect() == OwnerRule::UNSPECIFIED) {
      out_->Refuse(at.At("effect"), "is missing");
    }
    const bool shortens = row.effect() == OwnerRule::SHORTEN_RETENTION;
    if (shortens != (row.max_retention_months() > 0) ||
        row.max_retention_months() > kMaxMonths) {
      out_->Refuse(at.At("max_retention_months"),
                   "is for SHORTEN_RETENTION, 1 to 1200");
    }
    const bool transforms = row.effect() == OwnerRule::TRANSFORM;
    if (transforms != (row.transform() != config::v1::Transform::UNSPECIFIED)) {
      out_->Refuse(at.At("transform"), "is for the effect TRANSFORM");
    } else if (row.transform() == config::v1::Transform::NONE) {
      out_->Refuse(at.At("transform"), "must tighten");
    }
  }

  const Pack& pack_;
  const Place root_;
  Findings* const out_;
};

}  // namespace

void CheckPacks(const std::vector<Located<Pack>>& packs, Findings* out) {
  std::set<std::string> ids;
  int owners = 0;
  size_t rules = 0;
  std::set<std::string> days;
  for (const Located<Pack>& located : packs) {
    const Place root = PlaceOf(located);
    if (!ids.insert(located.message.id()).second) {
      out->Refuse(root.At("id"), "is the id of another pack");
    }
    if (located.message.kind() == Pack::OWNER && ++owners > 1) {
      out->Refuse(root.At("kind"), "there is another pack of kind OWNER");
    }
    PackChecker(located, out).Run();
    if (located.message.kind() == Pack::LEGAL) CheckRights(located, out);
    ForEachRule(located.message, [&](const RuleInfo& rule, const char*, int) {
      ++rules;
      days.insert(rule.valid_from());
      days.insert(rule.valid_to());
    });
    days.insert(located.message.valid_from());
    days.insert(located.message.valid_to());
  }
  if (days.size() > kMaxBoundaries) {
    out->Refuse(Place(), "rules begin and end on more than 512 days");
  }
  if (packs.size() > kMaxRegimes) {
    out->Refuse(Place(), "at most 64 packs can be loaded");
  }
  if (rules > kMaxRules) {
    out->Refuse(Place(), "at most 4096 rules can be loaded");
  }
}

}  // namespace consentry::policy
