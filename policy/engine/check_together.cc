#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"

namespace consentry::policy {
namespace {

using config::v1::Basis;
using config::v1::Field;
using config::v1::Mode;
using config::v1::OwnerRule;
using config::v1::Pack;
using config::v1::Purpose;
using config::v1::UseRule;

template <class Repeated>
bool EmptyOrHas(const Repeated& values, int value) {
  return values.empty() ||
         std::find(values.begin(), values.end(), value) != values.end();
}

template <class Repeated>
bool Overlap(const Repeated& a, const Repeated& b) {
  if (a.empty() || b.empty()) return true;
  return std::any_of(a.begin(), a.end(), [&](int v) {
    return std::find(b.begin(), b.end(), v) != b.end();
  });
}

bool HasString(const google::protobuf::RepeatedPtrField<std::string>& values,
               const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// One use rule for a class, channel and day: two would need an order.
void CheckOverlaps(const Located<Pack>& located, Findings* out) {
  const Pack& pack = located.message;
  for (int i = 0; i < pack.uses_size(); ++i) {
    const UseRule& a = pack.uses(i);
    const Validity when_a = ValidityOf(pack, a.rule());
    for (int j = i + 1; j < pack.uses_size(); ++j) {
      const UseRule& b = pack.uses(j);
      const Validity when_b = ValidityOf(pack, b.rule());
      if (when_a.from_us < when_b.to_us && when_b.from_us < when_a.to_us &&
          Overlap(a.classes(), b.classes()) &&
          Overlap(a.channels(), b.channels())) {
        out->Refuse(PlaceOf(located).At("uses", j),
                    absl::StrCat("speaks about a class and channel that ",
                                 a.rule().id(), " speaks about on some day"));
      }
    }
  }
}

// A way out for every OPT_OUT.
void CheckWaysOut(const Located<Pack>& located, Findings* out) {
  const Pack& pack = located.message;
  for (int i = 0; i < pack.uses_size(); ++i) {
    if (pack.uses(i).mode() != Mode::OPT_OUT) continue;
    for (const int c : pack.uses(i).classes()) {
      bool found = false;
      for (const auto& row : pack.opt_outs()) {
        found = found || EmptyOrHas(row.classes(), c);
      }
      for (const auto& row : pack.objections()) {
        found = found || EmptyOrHas(row.classes(), c);
      }
      if (!found) {
        out->Refuse(PlaceOf(located).At("uses", i).At("mode"),
                    absl::StrCat("no opt_outs or objections row covers ",
                                 config::v1::PurposeClass::Value_Name(
                                     static_cast<PurposeClass>(c))));
      }
    }
  }
}

void CheckThresholds(const BundleSources& sources, Findings* out) {
  std::set<std::string> known;
  for (const auto& pack : sources.packs) {
    for (const auto& row : pack.message.attach()) {
      known.insert(row.thresholds().begin(), row.thresholds().end());
    }
  }
  const auto& thresholds = sources.profile.message.thresholds();
  for (int i = 0; i < thresholds.size(); ++i) {
    if (!known.contains(thresholds[i])) {
      out->Refuse(PlaceOf(sources.profile).At("thresholds", i),
                  "is no threshold of any pack loaded");
    }
  }
}

// Whether some day, channel and rule of the pack lets the basis carry the
// purpose; `condition` is what such a rule says about it.
bool BasisUsable(const Pack& pack, const Purpose& purpose, const Basis& basis,
                 std::string* condition) {
  for (const UseRule& use : pack.uses()) {
    if (!EmptyOrHas(use.classes(), purpose.purpose_class()) ||
        !Overlap(use.channels(), purpose.channels())) {
      continue;
    }
    for (const auto& allowed : use.bases()) {
      if (allowed.basis() != basis.basis()) continue;
      *condition = allowed.condition();
      return true;
    }
  }
  return false;
}

void CheckBases(const BundleSources& sources, Findings* out) {
  std::map<std::string, const Pack*> packs;
  for (const auto& pack : sources.packs) {
    if (pack.message.kind() == Pack::LEGAL) {
      packs[pack.message.id()] = &pack.message;
    }
  }
  const auto& purposes = sources.purposes.message.purposes();
  for (int p = 0; p < purposes.size(); ++p) {
    const Purpose& purpose = purposes[p];
    const Place at = PlaceOf(sources.purposes).At("purposes", p);
    std::set<std::string> covered;
    for (int b = 0; b < purpose.bases_size(); ++b) {
      const Basis& basis = purpose.bases(b);
      for (int r = 0; r < basis.regimes_size(); ++r) {
        covered.insert(basis.regimes(r));
        const Place basis_at = at.At("bases", b);
        const auto it = packs.find(basis.regimes(r));
        if (it == packs.end()) {
          out->Warn(basis_at.At("regimes", r), "no pack of this id is loaded");
          continue;
        }
        std::string condition;
        if (!BasisUsable(*it->second, purpose, basis, &condition)) {
          out->Refuse(
              basis_at.At("basis"),
              absl::StrCat("no use rule of ", basis.regimes(r), " lets ",
                           config::v1::LawfulBasis::Value_Name(basis.basis()),
                           " carry ",
                           config::v1::PurposeClass::Value_Name(
                               purpose.purpose_class())));
        } else if (!condition.empty()) {
          out->Warn(basis_at.At("basis"),
                    absl::StrCat(basis.regimes(r), ": only if ", condition));
        }
      }
    }
    for (const auto& [id, pack] : packs) {
      if (!covered.contains(id)) {
        out->Warn(at, absl::StrCat("has no basis under ", id,
                                   ": denied wherever it attaches"));
      }
    }
  }
}

// One field of one purpose that an owner's rule acts on.
struct Target {
  const Purpose* purpose;
  const Field* field;
  Transform transform;
};

std::vector<Target> TargetsOf(const BundleSources& sources,
                              const OwnerRule& row) {
  std::vector<Target> targets;
  std::map<std::string, const Field*> fields;
  for (const auto& kind : sources.catalog.message.kinds()) {
    for (const auto& field : kind.fields()) {
      fields[absl::StrCat(kind.key(), ".", field.key())] = &field;
    }
  }
  for (const Purpose& purpose : sources.purposes.message.purposes()) {
    if (row.purposes_size() > 0 && !HasString(row.purposes(), purpose.key())) {
      continue;
    }
    if (!EmptyOrHas(row.classes(), purpose.purpose_class()) ||
        !Overlap(row.channels(), purpose.channels())) {
      continue;
    }
    for (const auto& need : purpose.fields()) {
      const auto it = fields.find(need.field());
      if (it == fields.end()) continue;
      bool named = row.fields_size() + row.categories_size() == 0 ||
                   HasString(row.fields(), need.field());
      for (const std::string& prefix : row.categories()) {
        named = named || HoldsCategory(prefix, it->second->category());
        for (const std::string& revealed : it->second->reveals()) {
          named = named || HoldsCategory(prefix, revealed);
        }
      }
      if (named) targets.push_back({&purpose, it->second, need.transform()});
    }
  }
  return targets;
}

void CheckOwnerRule(const BundleSources& sources, const OwnerRule& row,
                    const Place& at, Findings* out) {
  std::set<std::string> purposes;
  for (const auto& purpose : sources.purposes.message.purposes()) {
    purposes.insert(purpose.key());
  }
  std::set<std::string> fields;
  for (const auto& kind : sources.catalog.message.kinds()) {
    for (const auto& field : kind.fields()) {
      fields.insert(absl::StrCat(kind.key(), ".", field.key()));
    }
  }
  // A prohibition of something misspelt would look like one and forbid nothing.
  for (int i = 0; i < row.purposes_size(); ++i) {
    if (!purposes.contains(row.purposes(i))) {
      out->Refuse(at.At("purposes", i), "is no purpose of the registry");
    }
  }
  for (int i = 0; i < row.fields_size(); ++i) {
    if (!fields.contains(row.fields(i))) {
      out->Refuse(at.At("fields", i), "is no field of the catalog");
    }
  }
  for (int i = 0; i < row.categories_size(); ++i) {
    bool used = false;
    for (const auto& kind : sources.catalog.message.kinds()) {
      for (const auto& field : kind.fields()) {
        used = used || HoldsCategory(row.categories(i), field.category());
        for (const std::string& revealed : field.reveals()) {
          used = used || HoldsCategory(row.categories(i), revealed);
        }
      }
    }
    if (!used) {
      out->Refuse(at.At("categories", i), "holds no field of the catalog");
    }
  }
  const std::vector<Target> targets = TargetsOf(sources, row);
  if (row.effect() == OwnerRule::SHORTEN_RETENTION) {
    bool shortens = false;
    for (const Target& target : targets) {
      uint32_t holds = target.field->retention_months();
      if (target.purpose->retention_months() > 0) {
        holds = std::min(holds, target.purpose->retention_months());
      }
      shortens = shortens || row.max_retention_months() < holds;
    }
    if (!shortens) {
      out->Refuse(at.At("max_retention_months"),
                  "shortens nothing that holds already; the own pack can only "
                  "tighten");
    }
  }
  if (row.effect() == OwnerRule::TRANSFORM) {
    bool tightens = false;
    for (const Target& target : targets) {
      tightens =
          tightens || StricterTransform(target.transform, row.transform()) !=
                          target.transform;
    }
    if (!tightens) {
      out->Refuse(at.At("transform"),
                  "reduces nothing further; the own pack can only tighten");
    }
  }
}

}  // namespace

void CheckTogether(const BundleSources& sources, Findings* out) {
  if (NamedPlaces(sources).size() > kMaxPlaces) {
    out->Refuse(Place(), "more than 4096 places are named");
  }
  for (const auto& pack : sources.packs) {
    CheckOverlaps(pack, out);
    CheckWaysOut(pack, out);
    for (int i = 0; i < pack.message.owner_rules_size(); ++i) {
      CheckOwnerRule(sources, pack.message.owner_rules(i),
                     PlaceOf(pack).At("owner_rules", i), out);
    }
  }
  CheckThresholds(sources, out);
  CheckBases(sources, out);
}

}  // namespace consentry::policy
