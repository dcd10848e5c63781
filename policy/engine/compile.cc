#include "policy/engine/compile.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"

namespace consentry::policy {
namespace {

using config::v1::Pack;
using config::v1::RuleInfo;

template <class Repeated>
Mask MaskOf(const Repeated& values) {
  Mask mask = 0;
  for (const int value : values) mask |= Bit(value);
  return mask;
}

// Empty: all, 0 included ("none declared", "no class").
template <class Repeated>
Mask MaskOrAll(const Repeated& values) {
  return values.empty() ? ~Mask{0} : MaskOf(values);
}

template <class Id>
Id MakeId(size_t index) {
  return Id{static_cast<uint16_t>(index)};
}

class Compiler {
 public:
  explicit Compiler(const BundleSources& sources)
      : sources_(sources), t_(std::make_unique<BundleTables>()) {}

  std::unique_ptr<BundleTables> Run() {
    Places();
    Catalog();
    Rules();
    Regimes();
    Notices();
    OwnerRows();
    Purposes();
    Spans();
    return std::move(t_);
  }

 private:
  void Places() {
    const auto& profile = sources_.profile.message;
    t_->places = PlaceTable(NamedPlaces(sources_));
    std::set<JurisdictionId> assumed = {*t_->places.Find(profile.home())};
    for (const std::string& market : profile.markets()) {
      assumed.insert(*t_->places.Find(market));
    }
    t_->assumed_residences.assign(assumed.begin(), assumed.end());
    t_->utc_offset_minutes = profile.utc_offset_minutes();
  }

  void Catalog() {
    std::map<std::string, const config::v1::RecordKind*> kinds;
    for (const auto& kind : sources_.catalog.message.kinds()) {
      kinds[kind.key()] = &kind;
    }
    std::map<std::string, FieldEntry> fields;
    for (const auto& [key, kind] : kinds) {
      const auto id = MakeId<KindId>(t_->kinds.size());
      t_->kind_ids[key] = id;
      t_->kinds.push_back(kind);
      for (const auto& field : kind->fields()) {
        const std::string name = absl::StrCat(key, ".", field.key());
        fields[name] = {name, &field, id, field.retention_months()};
      }
    }
    for (auto& [name, entry] : fields) {
      t_->field_ids[name] = MakeId<FieldId>(t_->fields.size());
      t_->fields.push_back(std::move(entry));
    }
  }

  void Rules() {
    std::map<std::string, const RuleInfo*> rules;
    for (const auto& located : sources_.packs) {
      const Pack& pack = located.message;
      ForEachRule(pack, [&](const RuleInfo& rule, const char*, int) {
        rules[absl::StrCat(pack.id(), "/", rule.id())] = &rule;
      });
    }
    for (const auto& [id, rule] : rules) {
      const auto dense = MakeId<RuleId>(t_->rules.size());
      t_->rule_ids[id] = dense;
      ids_[rule] = dense;
      t_->rules.push_back({id, rule});
    }
  }

  void Regimes() {
    std::map<std::string, const Pack*> packs;
    for (const auto& located : sources_.packs) {
      if (located.message.kind() == Pack::LEGAL) {
        packs[located.message.id()] = &located.message;
      }
    }
    for (const auto& [id, pack] : packs) {
      t_->regime_ids[id] = MakeId<RegimeId>(t_->regimes.size());
      t_->regimes.push_back(pack);
      FieldSet sensitive(t_->fields.size());
      for (size_t f = 0; f < t_->fields.size(); ++f) {
        const config::v1::Field& field = *t_->fields[f].field;
        if (field.sensitivity() == config::v1::Sensitivity::SPECIAL ||
            UnderAny(pack->sensitive_categories(), field)) {
          sensitive.Add(f);
        }
      }
      t_->sensitive_fields.push_back(std::move(sensitive));
    }
  }

  template <class Prefixes>
  static bool UnderAny(const Prefixes& prefixes,
                       const config::v1::Field& field) {
    for (const std::string& prefix : prefixes) {
      if (HoldsCategory(prefix, field.category())) return true;
      for (const std::string& revealed : field.reveals()) {
        if (HoldsCategory(prefix, revealed)) return true;
      }
    }
    return false;
  }

  void Notices() {
    std::set<std::string> notices;
    for (const auto& purpose : sources_.purposes.message.purposes()) {
      for (const auto& basis : purpose.bases()) {
        if (IsConsent(basis.basis())) notices.insert(basis.notice_id());
      }
    }
    for (const std::string& notice : notices) {
      const auto id = MakeId<NoticeId>(t_->notice_ids.size());
      t_->notice_ids[notice] = id;
    }
  }

  void OwnerRows() {
    for (const auto& located : sources_.packs) {
      const Pack& pack = located.message;
      for (const auto& row : pack.owner_rules()) {
        OwnerRow out;
        out.rule = ids_.at(&row.rule());
        const Validity validity = ValidityOf(pack, row.rule());
        out.from_us = validity.from_us;
        out.to_us = validity.to_us;
        out.channels = MaskOrAll(row.channels());
        out.names_fields = row.fields_size() + row.categories_size() > 0;
        out.fields = FieldSet(t_->fields.size());
        for (size_t f = 0; f < t_->fields.size(); ++f) {
          const FieldEntry& field = t_->fields[f];
          if (std::find(row.fields().begin(), row.fields().end(), field.name) !=
                  row.fields().end() ||
              UnderAny(row.categories(), *field.field)) {
            out.fields.Add(f);
          }
        }
        out.names_places = row.jurisdictions_size() > 0;
        out.places =
            t_->places.Matching(ExpandPlaces(pack, row.jurisdictions()));
        out.below_age = static_cast<uint8_t>(row.below_age());
        out.unknown_age_too = row.unknown_age_too();
        t_->highest_age =
            std::max(t_->highest_age, static_cast<int>(row.below_age()));
        out.names_hours = row.has_from_hour();
        out.from_hour = static_cast<uint8_t>(row.from_hour());
        out.to_hour = static_cast<uint8_t>(row.to_hour());
        out.effect = static_cast<uint8_t>(row.effect());
        out.months = row.max_retention_months();
        out.transform = row.transform();
        t_->owner_rows.push_back(std::move(out));
        owner_messages_.push_back(&row);
      }
    }
    // Id order, for transforms.
    std::vector<size_t> order(t_->owner_rows.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return t_->owner_rows[a].rule < t_->owner_rows[b].rule;
    });
    std::vector<OwnerRow> rows;
    std::vector<const config::v1::OwnerRule*> messages;
    for (const size_t i : order) {
      rows.push_back(std::move(t_->owner_rows[i]));
      messages.push_back(owner_messages_[i]);
    }
    t_->owner_rows = std::move(rows);
    owner_messages_ = std::move(messages);
  }

  void Purposes() {
    std::map<std::string, const config::v1::Purpose*> purposes;
    for (const auto& purpose : sources_.purposes.message.purposes()) {
      purposes[purpose.key()] = &purpose;
    }
    for (const auto& [key, purpose] : purposes) {
      t_->purpose_ids[key] = MakeId<PurposeId>(t_->purposes.size());
      t_->purposes.push_back(CompilePurpose(*purpose));
    }
  }

  PurposeTable CompilePurpose(const config::v1::Purpose& purpose) {
    PurposeTable out;
    out.purpose = &purpose;
    out.purpose_class = static_cast<uint8_t>(purpose.purpose_class());
    out.channels = MaskOf(purpose.channels());
    out.significant = purpose.automated_decision() ||
                      purpose.purpose_class() ==
                          config::v1::PurposeClass::SIGNIFICANT_DECISION;
    out.counselling_for_children = purpose.counselling_for_children();
    out.soft_opt_in_declared = purpose.soft_opt_in().own_similar_products() &&
                               purpose.soft_opt_in().way_out_in_every_message();
    out.retention_months = purpose.retention_months();
    for (const auto& context : purpose.context()) {
      out.contexts.push_back({t_->kind_ids.find(context.kind())->second,
                              context.within_days() * kUsPerDay});
    }
    for (const auto& need : purpose.fields()) {
      out.slots.push_back(
          {t_->field_ids.find(need.field())->second, need.transform()});
    }
    std::sort(out.slots.begin(), out.slots.end(),
              [](const Slot& a, const Slot& b) { return a.field < b.field; });
    out.slot_of.assign(t_->fields.size(), kNoSlot);
    for (size_t s = 0; s < out.slots.size(); ++s) {
      out.slot_of[Index(out.slots[s].field)] = static_cast<uint16_t>(s);
    }
    CompileBases(purpose, &out);
    out.transfers.assign(t_->places.size(), 0);
    for (const auto& transfer : purpose.transfers()) {
      const PlaceSet to =
          t_->places.Covered({transfer.to().begin(), transfer.to().end()});
      for (size_t p = 0; p < t_->places.size(); ++p) {
        if (to.Has(MakeId<JurisdictionId>(p))) {
          out.transfers[p] |= Bit(transfer.safeguard());
        }
      }
    }
    for (size_t i = 0; i < owner_messages_.size(); ++i) {
      const config::v1::OwnerRule& row = *owner_messages_[i];
      const bool named = row.purposes_size() == 0 ||
                         std::find(row.purposes().begin(), row.purposes().end(),
                                   purpose.key()) != row.purposes().end();
      if (named && Has(MaskOrAll(row.classes()), out.purpose_class)) {
        out.owner_rows.push_back(static_cast<uint16_t>(i));
      }
    }
    return out;
  }

  void CompileBases(const config::v1::Purpose& purpose, PurposeTable* out) {
    // By content, so that the order of entries does not show in BasisIds.
    std::vector<const config::v1::Basis*> bases;
    for (const auto& basis : purpose.bases()) bases.push_back(&basis);
    std::sort(bases.begin(), bases.end(), [](const auto* a, const auto* b) {
      return a->SerializeAsString() < b->SerializeAsString();
    });
    out->first_basis = static_cast<uint16_t>(t_->bases.size());
    out->basis_count = static_cast<uint8_t>(bases.size());
    const auto none = static_cast<BasisSlot>(bases.size());
    out->basis_of.assign(t_->regimes.size(),
                         std::vector<BasisSlot>(out->slots.size() + 1, none));
    for (size_t b = 0; b < bases.size(); ++b) {
      const config::v1::Basis& basis = *bases[b];
      BasisEntry entry;
      entry.basis = &basis;
      entry.kind = static_cast<uint8_t>(basis.basis());
      entry.gate = static_cast<uint8_t>(basis.special_gate());
      if (IsConsent(basis.basis())) {
        entry.notice = t_->notice_ids.find(basis.notice_id())->second;
        entry.notice_version = basis.notice_version();
      }
      t_->bases.push_back(entry);
      for (const std::string& regime : basis.regimes()) {
        const auto it = t_->regime_ids.find(regime);
        if (it == t_->regime_ids.end()) continue;
        std::vector<BasisSlot>& slots = out->basis_of[Index(it->second)];
        for (const std::string& field : basis.fields()) {
          const FieldId id = t_->field_ids.find(field)->second;
          slots[out->slot_of[Index(id)]] = static_cast<BasisSlot>(b);
        }
        if (basis.fields_size() == 0) {
          slots.back() = static_cast<BasisSlot>(b);
        }
      }
    }
    // Fields that no basis names fall to the one without fields.
    for (std::vector<BasisSlot>& slots : out->basis_of) {
      for (BasisSlot& slot : slots) {
        if (slot == none) slot = slots.back();
      }
    }
  }

  // --- Spans of time ---

  void Spans() {
    std::set<int64_t> boundaries;
    std::map<const Pack*, std::set<int64_t>> own;
    for (const auto& located : sources_.packs) {
      const Pack& pack = located.message;
      ForEachRule(pack, [&](const RuleInfo& rule, const char* rows, int) {
        if (!DecisionsRead(rows)) return;
        const Validity validity = ValidityOf(pack, rule);
        for (const int64_t at : {validity.from_us, validity.to_us}) {
          if (at == std::numeric_limits<int64_t>::min() ||
              at == std::numeric_limits<int64_t>::max()) {
            continue;
          }
          boundaries.insert(at);
          own[&pack].insert(at);
        }
      });
    }
    t_->boundaries.assign(boundaries.begin(), boundaries.end());
    std::map<std::pair<size_t, size_t>, uint16_t> seen;
    for (size_t span = 0; span <= t_->boundaries.size(); ++span) {
      const int64_t at = span == 0 ? std::numeric_limits<int64_t>::min()
                                   : t_->boundaries[span - 1];
      t_->attach.push_back(CompileAttach(at));
      std::vector<uint16_t> versions;
      for (size_t r = 0; r < t_->regimes.size(); ++r) {
        const std::set<int64_t>& days = own[t_->regimes[r]];
        const auto step = static_cast<size_t>(
            std::distance(days.begin(), days.upper_bound(at)));
        const auto [it, fresh] = seen.emplace(
            std::pair(r, step), static_cast<uint16_t>(t_->versions.size()));
        if (fresh) t_->versions.push_back(CompileVersion(r, at));
        versions.push_back(it->second);
      }
      t_->version_of.push_back(std::move(versions));
    }
    for (const Pack* pack : t_->regimes) {
      for (const auto& row : pack->minors()) {
        t_->highest_age =
            std::max(t_->highest_age, static_cast<int>(row.below_age()));
        for (const auto& age : row.below_age_in()) {
          t_->highest_age =
              std::max(t_->highest_age, static_cast<int>(age.below_age()));
        }
      }
    }
  }

  static bool Holds(const Pack& pack, const RuleInfo& rule, int64_t at) {
    const Validity validity = ValidityOf(pack, rule);
    return validity.from_us <= at && at < validity.to_us;
  }

  // With the home.
  std::vector<std::string> Establishments() const {
    const auto& profile = sources_.profile.message;
    std::vector<std::string> out(profile.establishments().begin(),
                                 profile.establishments().end());
    out.push_back(profile.home());
    return out;
  }

  static bool AnyMatch(const std::vector<std::string>& a,
                       const std::vector<std::string>& b) {
    return std::any_of(a.begin(), a.end(), [&](const std::string& x) {
      return std::any_of(b.begin(), b.end(),
                         [&](const std::string& y) { return Matches(x, y); });
    });
  }

  AttachTable CompileAttach(int64_t at) const {
    const auto& profile = sources_.profile.message;
    const std::vector<std::string> establishments = Establishments();
    const std::vector<std::string> markets(profile.markets().begin(),
                                           profile.markets().end());
    const std::set<std::string> thresholds(profile.thresholds().begin(),
                                           profile.thresholds().end());
    AttachTable out;
    out.residence.assign(t_->places.size(), 0);
    out.anywhere.assign(t_->places.size(), 0);
    for (size_t r = 0; r < t_->regimes.size(); ++r) {
      const Pack& pack = *t_->regimes[r];
      const uint64_t bit = uint64_t{1} << r;
      for (const auto& row : pack.attach()) {
        if (!Holds(pack, row.rule(), at)) continue;
        if (row.fallback()) {
          out.fallback |= bit;
          continue;
        }
        const bool business =
            (row.established_in_size() == 0 ||
             AnyMatch(ExpandPlaces(pack, row.established_in()),
                      establishments)) &&
            (row.markets_size() == 0 ||
             AnyMatch(ExpandPlaces(pack, row.markets()), markets)) &&
            std::all_of(
                row.thresholds().begin(), row.thresholds().end(),
                [&](const std::string& t) { return thresholds.contains(t); });
        if (!business) continue;
        const PlaceSet residence =
            t_->places.Matching(ExpandPlaces(pack, row.residence()));
        const PlaceSet anywhere = t_->places.Matching(
            ExpandPlaces(pack, row.residence_or_location()));
        if (row.residence_size() > 0 && row.residence_or_location_size() > 0) {
          out.both.push_back({bit, residence, anywhere});
        } else if (row.residence_size() > 0) {
          AddBit(residence, bit, &out.residence);
        } else if (row.residence_or_location_size() > 0) {
          AddBit(anywhere, bit, &out.anywhere);
        } else {
          out.always |= bit;
        }
      }
    }
    return out;
  }

  void AddBit(const PlaceSet& places, uint64_t bit,
              std::vector<uint64_t>* masks) const {
    for (size_t p = 0; p < masks->size(); ++p) {
      if (places.Has(MakeId<JurisdictionId>(p))) (*masks)[p] |= bit;
    }
  }

  RegimeVersion CompileVersion(size_t regime, int64_t at) const {
    const Pack& pack = *t_->regimes[regime];
    RegimeVersion out;
    for (const auto& row : pack.uses()) {
      if (!Holds(pack, row.rule(), at)) continue;
      UseCell cell;
      cell.rule = ids_.at(&row.rule());
      cell.mode = static_cast<uint8_t>(row.mode());
      for (const auto& basis : row.bases()) cell.bases |= Bit(basis.basis());
      cell.soft_opt_in_months = row.soft_opt_in_months();
      const Mask channels = MaskOrAll(row.channels());
      for (const int c : row.classes()) {
        for (size_t ch = 0; ch < kChannels; ++ch) {
          if (Has(channels, static_cast<int>(ch))) out.uses[c][ch] = cell;
        }
      }
    }
    CompileChoices(pack, at, &out);
    for (const auto& row : pack.restrictions()) {
      if (!Holds(pack, row.rule(), at)) continue;
      out.still_permitted |= MaskOf(row.still_permitted());
      out.restriction = std::min(out.restriction, ids_.at(&row.rule()));
    }
    for (const auto& row : pack.minors()) {
      if (Holds(pack, row.rule(), at)) CompileMinor(pack, row, &out);
    }
    for (const auto& row : pack.sensitive()) {
      if (!Holds(pack, row.rule(), at)) continue;
      SensitiveRow entry;
      entry.rule = ids_.at(&row.rule());
      entry.classes = MaskOrAll(row.classes());
      entry.demand = static_cast<uint8_t>(row.demand());
      entry.gates = MaskOf(row.gates());
      entry.consent_months = row.consent_months();
      entry.fields = FieldSet(t_->fields.size());
      for (size_t f = 0; f < t_->fields.size(); ++f) {
        if (t_->sensitive_fields[regime].Has(MakeId<FieldId>(f)) &&
            (row.categories_size() == 0 ||
             UnderAny(row.categories(), *t_->fields[f].field))) {
          entry.fields.Add(f);
        }
      }
      out.sensitive.push_back(std::move(entry));
    }
    for (const auto& row : pack.transfers()) {
      if (!Holds(pack, row.rule(), at) ||
          (row.established_in_size() > 0 &&
           !AnyMatch(ExpandPlaces(pack, row.established_in()),
                     Establishments()))) {
        continue;
      }
      std::vector<std::string> free = ExpandPlaces(pack, row.area());
      for (std::string& code : ExpandPlaces(pack, row.adequate())) {
        free.push_back(std::move(code));
      }
      out.transfers.push_back({ids_.at(&row.rule()), t_->places.Covered(free),
                               MaskOf(row.safeguards())});
    }
    for (const auto& row : pack.automated_decisions()) {
      if (!Holds(pack, row.rule(), at)) continue;
      out.automated.push_back({ids_.at(&row.rule()), MaskOrAll(row.bases()),
                               MaskOrAll(row.sensitive_gates()),
                               static_cast<uint8_t>(row.human()),
                               row.notice()});
    }
    return out;
  }

  void CompileChoices(const Pack& pack, int64_t at, RegimeVersion* out) const {
    for (const auto& row : pack.opt_outs()) {
      if (!Holds(pack, row.rule(), at)) continue;
      out->choices.push_back({ids_.at(&row.rule()), Bit(row.opt_out()),
                              MaskOrAll(row.classes()),
                              MaskOrAll(row.channels()), ~Mask{0}, false});
    }
    for (const auto& row : pack.signals()) {
      if (!Holds(pack, row.rule(), at) ||
          row.signal() != config::v1::Signal::GPC) {
        continue;
      }
      out->choices.push_back({ids_.at(&row.rule()), Bit(kChoiceGpc),
                              MaskOrAll(row.classes()), ~Mask{0}, ~Mask{0},
                              false});
    }
    for (const auto& row : pack.objections()) {
      if (!Holds(pack, row.rule(), at)) continue;
      const bool marketing =
          row.kind() == config::v1::ObjectionRule::DIRECT_MARKETING;
      out->choices.push_back(
          {ids_.at(&row.rule()),
           Bit(marketing ? config::v1::OptOut::DIRECT_MARKETING
                         : kChoiceObjectedToPurpose),
           MaskOrAll(row.classes()), ~Mask{0}, MaskOrAll(row.bases()), true});
    }
    for (const ChoiceRow& row : out->choices) {
      for (size_t c = 0; c < kClasses; ++c) {
        if (!Has(row.classes, static_cast<int>(c))) continue;
        for (size_t ch = 0; ch < kChannels; ++ch) {
          if (Has(row.channels, static_cast<int>(ch))) {
            out->choices_asked[c][ch] |= row.choice;
          }
        }
      }
    }
  }

  void CompileMinor(const Pack& pack, const config::v1::MinorRule& row,
                    RegimeVersion* out) const {
    MinorRow entry;
    entry.rule = ids_.at(&row.rule());
    entry.classes = MaskOrAll(row.classes());
    entry.bases = MaskOrAll(row.bases());
    entry.action = static_cast<uint8_t>(row.action());
    entry.from_age = static_cast<uint8_t>(row.from_age());
    std::vector<uint8_t> named(t_->places.size(), 0);
    for (const auto& age : row.below_age_in()) {
      const PlaceSet places =
          t_->places.Matching(ExpandPlaces(pack, age.jurisdictions()));
      for (size_t p = 0; p < named.size(); ++p) {
        if (places.Has(MakeId<JurisdictionId>(p))) {
          named[p] = std::max(named[p], static_cast<uint8_t>(age.below_age()));
        }
      }
    }
    for (uint8_t& age : named) {
      if (age == 0) age = static_cast<uint8_t>(row.below_age());
      out->minor_below = std::max(out->minor_below, age);
    }
    entry.below_age = std::move(named);
    out->minor_classes |= entry.classes;
    out->minors.push_back(std::move(entry));
  }

  const BundleSources& sources_;
  std::unique_ptr<BundleTables> t_;
  std::map<const RuleInfo*, RuleId> ids_;
  std::vector<const config::v1::OwnerRule*> owner_messages_;
};

}  // namespace

std::unique_ptr<BundleTables> CompileTables(const BundleSources& sources) {
  return Compiler(sources).Run();
}

}  // namespace consentry::policy
