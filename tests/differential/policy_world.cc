#include "tests/differential/policy_world.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace consentry::policy_model {
namespace {

using namespace config::v1;  // As in the model.

constexpr std::array<const char*, 7> kPlaces = {"DE",    "FR",    "GB", "US",
                                                "US-CA", "US-VA", "BR"};
constexpr std::array<const char*, 10> kResidences = {
    "DE", "FR", "GB", "US", "US-CA", "US-VA", "US-TX", "BR", "JP", "ZZ"};
constexpr std::array<const char*, 4> kDays = {"2024-01-01", "2025-06-15",
                                              "2026-01-01", "2027-03-31"};
constexpr std::array kClasses = {
    PurposeClass::SERVICE,       PurposeClass::DIRECT_MARKETING,
    PurposeClass::SALE_OR_SHARE, PurposeClass::SIGNIFICANT_DECISION,
    PurposeClass::LEGAL_CLAIMS,  PurposeClass::ANALYTICS};
constexpr std::array kChannels = {Channel::INTERNAL, Channel::EMAIL,
                                  Channel::POST, Channel::PARTNER};
constexpr std::array kBases = {
    LawfulBasis::CONSENT,        LawfulBasis::EXPLICIT_CONSENT,
    LawfulBasis::CONTRACT,       LawfulBasis::LEGAL_OBLIGATION,
    LawfulBasis::VITAL_INTEREST, LawfulBasis::LEGITIMATE_INTEREST,
    LawfulBasis::NOTICE};
constexpr std::array kCategories = {"user.health", "user.health.genetic",
                                    "user.biometric", "user.contact"};
constexpr std::array kOptOuts = {
    OptOut::SALE,           OptOut::SHARING,
    OptOut::PROFILING,      OptOut::DIRECT_MARKETING,
    OptOut::SENSITIVE_DATA, OptOut::AUTOMATED_DECISIONS};
constexpr std::array kTransforms = {
    Transform::AGE_BAND, Transform::YEAR,    Transform::MONTH,
    Transform::REGION,   Transform::COUNTRY, Transform::POSTAL_PREFIX,
    Transform::MASK,     Transform::ROUND,   Transform::DROP};
constexpr std::array kSafeguards = {Safeguard::STANDARD_CLAUSES,
                                    Safeguard::EXPLICIT_CONSENT,
                                    Safeguard::CERTIFICATION};
constexpr std::array kGates = {SpecialGate::EXPLICIT_CONSENT,
                               SpecialGate::LEGAL_CLAIMS,
                               SpecialGate::HEALTH_CARE};

class Maker {
 public:
  explicit Maker(Random* random) : random_(*random) {}

  // One of `percent` in a hundred.
  bool Chance(int percent) { return Below(100) < percent; }
  int Below(int n) {
    return static_cast<int>(random_() % static_cast<uint64_t>(n));
  }
  template <class List>
  const typename List::value_type& Pick(const List& list) {
    return *std::next(list.begin(), Below(static_cast<int>(list.size())));
  }
  // Adds each of `list` with the given chance.
  template <class List, class Out>
  void Some(const List& list, int percent, Out* out) {
    for (const auto& value : list) {
      if (Chance(percent)) out->Add(value);
    }
  }
  template <class List>
  void SomeStrings(const List& list, int percent,
                   google::protobuf::RepeatedPtrField<std::string>* out) {
    for (const auto& value : list) {
      if (Chance(percent)) *out->Add() = value;
    }
  }

 private:
  Random& random_;
};

class WorldMaker : Maker {
 public:
  explicit WorldMaker(Random* random) : Maker(random) {}

  World Run() {
    MakeCatalog();
    MakeProfile();
    const int packs = 1 + Below(3);
    for (int p = 0; p < packs; ++p) MakePack(absl::StrCat("law-", p));
    const int purposes = 3 + Below(3);
    for (int p = 0; p < purposes; ++p) MakePurpose(p);
    if (Chance(60)) MakeOwner();
    std::shuffle(world_.packs.begin(), world_.packs.end(), shuffle_);
    return world_;
  }

 private:
  void AddField(RecordKind* kind, const char* key, FieldType::Value type,
                const char* category, int months) {
    Field& field = *kind->add_fields();
    field.set_key(key);
    field.set_type(type);
    field.set_category(category);
    field.set_retention_months(months);
  }

  void MakeCatalog() {
    RecordKind& profile = *world_.catalog.add_kinds();
    profile.set_key("profile");
    AddField(&profile, "email", FieldType::EMAIL, "user.contact.email", 36);
    AddField(&profile, "birth_date", FieldType::DATE, "user.demographic", 60);
    AddField(&profile, "postal_code", FieldType::POSTAL_CODE,
             "user.contact.address", 24);
    AddField(&profile, "genome", FieldType::STRING, "user.health.genetic", 12);
    AddField(&profile, "segment", FieldType::STRING, "user.behavior", 6);
    if (Chance(50)) {
      profile.mutable_fields(4)->add_reveals("user.health");
    }
    if (Chance(30)) {
      profile.mutable_fields(2)->set_sensitivity(Sensitivity::SPECIAL);
    }
    RecordKind& ticket = *world_.catalog.add_kinds();
    ticket.set_key("ticket");
    AddField(&ticket, "opened", FieldType::TIMESTAMP, "system.operations", 18);
    AddField(&ticket, "closed", FieldType::TIMESTAMP, "system.operations", 18);
    ticket.set_opened_field("opened");
    ticket.set_closed_field("closed");
    RecordKind& order = *world_.catalog.add_kinds();
    order.set_key("order");
    AddField(&order, "placed", FieldType::DATE, "user.financial", 120);
    order.set_opened_field("placed");
    for (const auto& kind : world_.catalog.kinds()) {
      for (const auto& field : kind.fields()) {
        fields_.push_back(absl::StrCat(kind.key(), ".", field.key()));
      }
    }
  }

  void MakeProfile() {
    world_.profile.set_home(Chance(60) ? "DE" : Pick(kPlaces));
    SomeStrings(kPlaces, 20, world_.profile.mutable_establishments());
    SomeStrings(kPlaces, 30, world_.profile.mutable_markets());
    world_.profile.set_utc_offset_minutes(Pick(std::array{0, 60, -480, 345}));
  }

  // Unique ids; about a third of the rows begin or end.
  void Info(const char* kind, RuleInfo* info) {
    info->set_id(absl::StrCat(kind, ".", Below(1000), ".", ++rules_));
    info->set_citation("Made-up Act");
    info->set_evidence(Evidence::UNCHECKED);
    if (Chance(18)) info->set_valid_from(Pick(kDays));
    if (Chance(18)) {
      info->set_valid_to(Pick(kDays));
      if (info->valid_from() >= info->valid_to()) info->clear_valid_from();
    }
  }

  void MakePack(const std::string& id) {
    Pack& pack = world_.packs.emplace_back();
    pack.set_id(id);
    pack.set_kind(Pack::LEGAL);
    if (Chance(15)) pack.set_valid_from(kDays[0]);
    if (Chance(10)) pack.set_valid_to("2099-01-01");
    JurisdictionGroup& group = *pack.add_groups();
    group.set_name("REALM");
    group.add_members(Pick(kPlaces));
    group.add_members(Pick(kPlaces));
    MakeAttach(&pack);
    MakeUses(&pack);
    MakeSensitive(&pack);
    MakeMinors(&pack);
    MakeChoices(&pack);
    MakeDuties(&pack);
  }

  void Place(google::protobuf::RepeatedPtrField<std::string>* out) {
    *out->Add() = Chance(25) ? "@REALM" : Chance(40) ? "DE" : Pick(kPlaces);
    if (Chance(30)) *out->Add() = Pick(kPlaces);
  }

  void MakeAttach(Pack* pack) {
    const int rows = 1 + Below(3);
    for (int i = 0; i < rows; ++i) {
      AttachRule& row = *pack->add_attach();
      Info("attach", row.mutable_rule());
      if (Chance(12)) {
        row.set_fallback(true);
        continue;
      }
      if (Chance(40)) Place(row.mutable_established_in());
      if (Chance(20)) Place(row.mutable_markets());
      if (Chance(30)) Place(row.mutable_residence());
      if (Chance(35)) Place(row.mutable_residence_or_location());
      if (Chance(10)) {
        row.add_thresholds("big");
        if (Chance(60) && world_.profile.thresholds_size() == 0) {
          world_.profile.add_thresholds("big");
        }
      }
      if (row.established_in_size() + row.markets_size() +
              row.residence_size() + row.residence_or_location_size() +
              row.thresholds_size() ==
          0) {
        Place(row.mutable_residence_or_location());
      }
    }
  }

  void FillUse(UseRule* row) {
    row->set_mode(Pick(std::array{
        Mode::OPT_IN, Mode::OPT_IN_EXPLICIT, Mode::SOFT_OPT_IN, Mode::OPT_OUT,
        Mode::NOTICE, Mode::BY_BASIS, Mode::BY_BASIS}));
    if (Chance(4)) {
      row->set_mode(Mode::DENY);
      return;
    }
    for (const auto basis : kBases) {
      const bool consent = basis == LawfulBasis::CONSENT ||
                           basis == LawfulBasis::EXPLICIT_CONSENT;
      const bool opt_in =
          row->mode() == Mode::OPT_IN || row->mode() == Mode::OPT_IN_EXPLICIT;
      const bool soft = row->mode() == Mode::SOFT_OPT_IN;
      if ((opt_in && !consent) ||
          (soft && !consent && basis != LawfulBasis::LEGITIMATE_INTEREST)) {
        continue;
      }
      if (Chance(65)) row->add_bases()->set_basis(basis);
    }
    if (row->bases_size() == 0) {
      row->add_bases()->set_basis(LawfulBasis::CONSENT);
    }
    if (row->mode() == Mode::SOFT_OPT_IN && Chance(50)) {
      row->set_soft_opt_in_months(6);
    }
  }

  // Rows that never overlap: by class, then split by channel or day.
  void MakeUses(Pack* pack) {
    for (const auto c : kClasses) {
      if (Chance(6)) continue;
      UseRule& row = *pack->add_uses();
      row.mutable_rule()->set_id(absl::StrCat("use.", ++rules_));
      row.mutable_rule()->set_citation("Made-up Act");
      row.mutable_rule()->set_evidence(Evidence::UNCHECKED);
      row.add_classes(c);
      FillUse(&row);
      if (Chance(20)) {
        UseRule& other = *pack->add_uses();
        other = row;
        row.add_channels(Channel::INTERNAL);
        row.add_channels(Channel::EMAIL);
        other.add_channels(Channel::POST);
        other.add_channels(Channel::PARTNER);
        other.clear_bases();
        other.clear_soft_opt_in_months();
        FillUse(&other);
        other.mutable_rule()->set_id(absl::StrCat("use.", ++rules_));
      } else if (Chance(20)) {
        UseRule& other = *pack->add_uses();
        other = row;
        const char* day = Pick(kDays);
        row.mutable_rule()->set_valid_to(day);
        other.mutable_rule()->set_valid_from(day);
        other.clear_bases();
        other.clear_soft_opt_in_months();
        FillUse(&other);
        other.mutable_rule()->set_id(absl::StrCat("use.", ++rules_));
      }
    }
    bool any = false;
    for (const auto& use : pack->uses()) {
      any = any || use.mode() == Mode::OPT_OUT;
    }
    if (any) {
      ObjectionRule& way_out = *pack->add_objections();
      Info("objection", way_out.mutable_rule());
      way_out.set_kind(ObjectionRule::PURPOSE);
    }
  }

  void MakeSensitive(Pack* pack) {
    SomeStrings(kCategories, 35, pack->mutable_sensitive_categories());
    const int rows = Below(4);
    for (int i = 0; i < rows; ++i) {
      SensitiveRule& row = *pack->add_sensitive();
      Info("sensitive", row.mutable_rule());
      if (Chance(50)) Some(kClasses, 60, row.mutable_classes());
      if (Chance(30)) SomeStrings(kCategories, 50, row.mutable_categories());
      row.set_demand(Pick(std::array{
          SensitiveRule::DENY, SensitiveRule::GATE, SensitiveRule::GATE,
          SensitiveRule::OPT_IN, SensitiveRule::OPT_IN_EXPLICIT,
          SensitiveRule::OPT_OUT, SensitiveRule::NONE, SensitiveRule::NONE}));
      if ((row.demand() == SensitiveRule::OPT_IN ||
           row.demand() == SensitiveRule::OPT_IN_EXPLICIT) &&
          Chance(50)) {
        row.set_consent_months(Pick(std::array{1u, 6u, 24u}));
      }
      if (row.demand() == SensitiveRule::GATE) {
        row.add_gates(SpecialGate::EXPLICIT_CONSENT);
        if (Chance(40)) row.add_gates(SpecialGate::LEGAL_CLAIMS);
      }
    }
  }

  void MakeMinors(Pack* pack) {
    const int rows = Below(4);
    for (int i = 0; i < rows; ++i) {
      MinorRule& row = *pack->add_minors();
      Info("minor", row.mutable_rule());
      row.set_below_age(Pick(std::array{13, 16, 18}));
      if (Chance(25)) row.set_from_age(12);
      const int ages = Below(3);
      for (int j = 0; j < ages; ++j) {
        AgeByJurisdiction& age = *row.add_below_age_in();
        age.set_below_age(Pick(std::array{13, 14, 15, 18}));
        Place(age.mutable_jurisdictions());
      }
      if (Chance(40)) Some(kClasses, 50, row.mutable_classes());
      if (Chance(40)) Some(kBases, 40, row.mutable_bases());
      row.set_action(Pick(
          std::array{MinorRule::DENY, MinorRule::CONSENT_BY_PARENT,
                     MinorRule::CONSENT_BY_PARENT, MinorRule::OPT_IN_BY_SELF,
                     MinorRule::OPT_IN_BY_PARENT}));
    }
  }

  void MakeChoices(Pack* pack) {
    for (int i = Below(3); i > 0; --i) {
      SignalRule& row = *pack->add_signals();
      Info("signal", row.mutable_rule());
      row.set_signal(Chance(80) ? Signal::GPC : Signal::GPP);
      row.add_classes(Pick(kClasses));
    }
    for (int i = Below(4); i > 0; --i) {
      OptOutRule& row = *pack->add_opt_outs();
      Info("opt-out", row.mutable_rule());
      row.set_opt_out(Pick(kOptOuts));
      row.add_classes(Pick(kClasses));
      if (Chance(30)) Some(kChannels, 50, row.mutable_channels());
    }
    for (int i = Below(3); i > 0; --i) {
      ObjectionRule& row = *pack->add_objections();
      Info("objection", row.mutable_rule());
      row.set_kind(Chance(50) ? ObjectionRule::DIRECT_MARKETING
                              : ObjectionRule::PURPOSE);
      if (Chance(40)) Some(kClasses, 50, row.mutable_classes());
      if (Chance(40)) Some(kBases, 50, row.mutable_bases());
    }
    for (int i = Below(3); i > 0; --i) {
      RestrictionRule& row = *pack->add_restrictions();
      Info("restriction", row.mutable_rule());
      Some(kClasses, 30, row.mutable_still_permitted());
    }
  }

  void MakeDuties(Pack* pack) {
    for (int i = Chance(40) ? 1 + Below(2) : 0; i > 0; --i) {
      TransferRule& row = *pack->add_transfers();
      Info("transfer", row.mutable_rule());
      Place(row.mutable_area());
      *row.add_area() = "DE";
      if (Chance(60)) Place(row.mutable_adequate());
      Some(kSafeguards, 60, row.mutable_safeguards());
      if (Chance(30)) Place(row.mutable_established_in());
    }
    for (int i = Below(3); i > 0; --i) {
      AutomatedDecisionRule& row = *pack->add_automated_decisions();
      Info("adm", row.mutable_rule());
      if (Chance(60)) Some(kBases, 70, row.mutable_bases());
      row.set_human(Pick(std::array{AutomatedDecisionRule::NONE,
                                    AutomatedDecisionRule::ON_REQUEST,
                                    AutomatedDecisionRule::BEFORE_EFFECT}));
      row.set_notice(Chance(50));
      if (Chance(30)) Some(kGates, 60, row.mutable_sensitive_gates());
    }
  }

  void FillBasis(LawfulBasis::Value kind, Basis* basis) {
    basis->set_basis(kind);
    basis->set_necessity_note("note");
    basis->set_lia("assessment");
    basis->set_law("act");
    basis->set_notice_id(Chance(70) ? "notice-a" : "notice-b");
    basis->set_notice_version(1 + Below(2));
    if (Chance(50)) {
      basis->set_special_gate(Pick(kGates));
      basis->set_special_gate_document("document");
    }
  }

  // A basis that some use row allows, or nothing.
  const UseRule* UsableRow(const Pack& pack, const Purpose& purpose) {
    std::vector<const UseRule*> rows;
    for (const UseRule& use : pack.uses()) {
      if (use.classes(0) != purpose.purpose_class() || use.bases_size() == 0) {
        continue;
      }
      bool overlap = use.channels_size() == 0;
      for (const int channel : use.channels()) {
        overlap = overlap || std::find(purpose.channels().begin(),
                                       purpose.channels().end(),
                                       channel) != purpose.channels().end();
      }
      if (overlap) rows.push_back(&use);
    }
    return rows.empty() ? nullptr : Pick(rows);
  }

  void MakePurpose(int number) {
    Purpose& purpose = *world_.purposes.add_purposes();
    purpose.set_key(absl::StrCat("purpose.", number));
    purpose.set_purpose_class(Pick(kClasses));
    LocalText& text = *purpose.add_text();
    text.set_language("en");
    text.set_text("Made up.");
    for (const std::string& name : fields_) {
      if (!Chance(75)) continue;
      FieldNeed& need = *purpose.add_fields();
      need.set_field(name);
      need.set_transform(Chance(75) ? Transform::NONE : Pick(kTransforms));
    }
    Some(kChannels, 60, purpose.mutable_channels());
    if (purpose.channels_size() == 0) purpose.add_channels(Channel::INTERNAL);
    if (Chance(20)) purpose.set_automated_decision(true);
    purpose.set_dpia("assessment");
    purpose.set_counselling_for_children(Chance(10));
    purpose.mutable_soft_opt_in()->set_own_similar_products(Chance(80));
    purpose.mutable_soft_opt_in()->set_way_out_in_every_message(Chance(90));
    if (Chance(40)) purpose.set_retention_months(1 + Below(24));
    if (Chance(25)) {
      ContextNeed& need = *purpose.add_context();
      need.set_kind("ticket");
      need.set_within_days(30);
      if (Chance(40)) {
        ContextNeed& other = *purpose.add_context();
        other.set_kind("order");
        other.set_within_days(90);
      }
    }
    for (int i = Below(3); i > 0; --i) {
      Transfer& transfer = *purpose.add_transfers();
      *transfer.add_to() = Pick(kPlaces);
      transfer.set_safeguard(Pick(kSafeguards));
      transfer.set_document("clauses");
    }
    for (const Pack& pack : world_.packs) {
      if (Chance(4)) continue;
      const UseRule* use = UsableRow(pack, purpose);
      if (use == nullptr) continue;
      Basis& basis = *purpose.add_bases();
      basis.add_regimes(pack.id());
      FillBasis(Pick(use->bases()).basis(), &basis);
      if (purpose.fields_size() > 0 && Chance(35)) {
        Basis& other = *purpose.add_bases();
        other.add_regimes(pack.id());
        for (const FieldNeed& need : purpose.fields()) {
          if (Chance(40)) *other.add_fields() = need.field();
        }
        if (other.fields_size() == 0) {
          *other.add_fields() = purpose.fields(0).field();
        }
        FillBasis(Pick(use->bases()).basis(), &other);
      }
    }
  }

  void MakeOwner() {
    Pack& pack = world_.packs.emplace_back();
    pack.set_id("own");
    pack.set_kind(Pack::OWNER);
    const int rows = 1 + Below(5);
    for (int i = 0; i < rows; ++i) {
      OwnerRule& row = *pack.add_owner_rules();
      Info("rule", row.mutable_rule());
      if (Chance(30)) *row.add_purposes() = "purpose.1";
      if (Chance(30)) Some(kClasses, 40, row.mutable_classes());
      if (Chance(40)) *row.add_fields() = Pick(fields_);
      if (Chance(20)) *row.add_categories() = "user.contact";
      if (Chance(25)) Some(kChannels, 50, row.mutable_channels());
      if (Chance(25)) *row.add_jurisdictions() = Pick(kPlaces);
      if (Chance(20)) {
        row.set_below_age(25);
        row.set_unknown_age_too(Chance(50));
      }
      if (Chance(25)) {
        row.set_from_hour(Pick(std::array{0, 8, 22}));
        row.set_to_hour(Pick(std::array{7, 18, 24}));
      }
      row.set_effect(Pick(
          std::array{OwnerRule::DENY, OwnerRule::REQUIRE_CONSENT,
                     OwnerRule::REQUIRE_EXPLICIT_CONSENT,
                     OwnerRule::SHORTEN_RETENTION, OwnerRule::SHORTEN_RETENTION,
                     OwnerRule::TRANSFORM, OwnerRule::TRANSFORM}));
      if (row.effect() == OwnerRule::SHORTEN_RETENTION) {
        row.set_max_retention_months(1 + Below(4));
      }
      if (row.effect() == OwnerRule::TRANSFORM) {
        row.set_transform(Pick(kTransforms));
      }
    }
  }

  World world_;
  std::vector<std::string> fields_;
  int rules_ = 0;
  std::minstd_rand shuffle_;
};

class CaseMaker : Maker {
 public:
  CaseMaker(const World& world, Random* random) : Maker(random), world_(world) {
    for (const RecordKind& kind : world.catalog.kinds()) {
      if (!kind.opened_field().empty()) context_kinds_.push_back(kind.key());
    }
  }

  PolicyCase Run() {
    purpose_ = &Pick(world_.purposes.purposes());
    now_ = Time();
    MakeRequest(case_.mutable_request());
    MakeSubject(case_.mutable_subject());
    return case_;
  }

 private:
  static std::string Format(absl::Time time) {
    return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
  }

  // Often within a microsecond of a day on which rules change.
  absl::Time Time() {
    absl::Time time;
    absl::ParseTime("%Y-%m-%d", Pick(kDays), &time, nullptr);
    switch (Below(5)) {
      case 0:
        return time;
      case 1:
        return time - absl::Microseconds(1);
      case 2:
        return time + absl::Microseconds(1);
      default:
        return time + absl::Hours(24 * (Below(700) - 200)) +
               absl::Minutes(Below(1440));
    }
  }

  // Before, at or after the decision, at distances that rules name.
  std::string Near(int percent_before) {
    const absl::Duration distance =
        Pick(std::array{absl::ZeroDuration(), absl::Microseconds(1),
                        absl::Hours(24 * 30), absl::Hours(24 * 90),
                        absl::Hours(24 * 181), absl::Hours(24 * 365),
                        absl::Hours(24 * 7)}) +
        absl::Hours(Below(72));
    return Format(Chance(percent_before) ? now_ - distance : now_ + distance);
  }

  void MakeRequest(CaseRequest* request) {
    request->set_purpose(purpose_->key());
    request->set_channel(
        Chance(92) ? static_cast<Channel::Value>(Pick(purpose_->channels()))
                   : Pick(kChannels));
    request->set_at(Format(now_));
    request->set_gpc(Chance(10));
    if (!Chance(4)) {
      request->set_recipient(Chance(70) ? "DE" : Pick(kResidences));
    }
    if (Chance(60)) request->set_safeguard(Pick(kSafeguards));
    request->set_mode(Chance(85) ? CaseRequest::READ : CaseRequest::OUTPUT);
    for (int i = Below(7); i > 0; --i) {
      CaseField& field = *request->add_fields();
      if (purpose_->fields_size() > 0 && Chance(85)) {
        field.set_field(Pick(purpose_->fields()).field());
      } else {
        const RecordKind& kind = Pick(world_.catalog.kinds());
        field.set_field(
            absl::StrCat(kind.key(), ".", Pick(kind.fields()).key()));
      }
      if (Chance(50)) field.set_collected_at(Near(95));
    }
  }

  void MakeSubject(CaseSubject* subject) {
    for (int i = Below(3); i > 0; --i) {
      *subject->add_residences() = Pick(kResidences);
    }
    if (Chance(30)) *subject->add_location() = Pick(kResidences);
    MakeAge(subject);
    subject->set_restricted(Chance(6));
    subject->set_erased(Chance(2));
    subject->set_legal_hold(Chance(20));
    subject->set_gpc(Chance(8));
    if (Chance(4)) *subject->add_objected_to() = "*";
    if (Chance(8)) *subject->add_objected_to() = purpose_->key();
    if (Chance(8)) {
      *subject->add_objected_to() = Pick(world_.purposes.purposes()).key();
    }
    Some(kOptOuts, 8, subject->mutable_opt_outs());
    for (const Purpose& purpose : world_.purposes.purposes()) {
      if (Chance(&purpose == purpose_ ? 80 : 20)) MakeConsent(purpose, subject);
    }
    if (Chance(60)) {
      CaseSoftOptIn& soft = *subject->add_soft_opt_ins();
      soft.set_purpose(purpose_->key());
      soft.set_obtained_in_sale(Chance(90));
      soft.set_way_out_offered(Chance(90));
      soft.set_since(Near(95));
    }
    for (int i = context_kinds_.empty() ? 0 : Below(3); i > 0; --i) {
      CaseContext& context = *subject->add_contexts();
      context.set_kind(Pick(context_kinds_));
      context.set_opened_at(Near(92));
    }
    for (int f = 1; f < UnreadableFact::Value_ARRAYSIZE; ++f) {
      if (Chance(2)) {
        subject->add_unreadable(static_cast<UnreadableFact::Value>(f));
      }
    }
  }

  void MakeAge(CaseSubject* subject) {
    if (Chance(25)) return;
    if (Chance(20)) {
      subject->set_age_at_least(Pick(std::array{0, 13, 18, 25}));
      return;
    }
    const int age = Chance(50) ? 20 + Below(50) : 8 + Below(18);
    const absl::CivilDay today = absl::ToCivilDay(now_, absl::UTCTimeZone());
    absl::CivilDay born(today.year() - age, today.month(), today.day());
    switch (Below(6)) {
      case 0:
        break;
      case 1:
        born += 1;
        break;
      case 2:
        born -= 1;
        break;
      case 3:
        born = absl::CivilDay(2012, 2, 29);
        break;
      default:
        born += Below(365);
        break;
    }
    subject->set_birth_date(absl::FormatCivilTime(born));
  }

  void MakeConsent(const Purpose& purpose, CaseSubject* subject) {
    CaseConsent& consent = *subject->add_consents();
    consent.set_purpose(purpose.key());
    consent.set_state(Chance(75)
                          ? ConsentState::GIVEN
                          : static_cast<ConsentState::Value>(1 + Below(7)));
    consent.set_since(Near(95));
    if (Chance(40)) consent.set_valid_until(Near(20));
    consent.set_explicit_statement(Chance(60));
    consent.set_parental_authorisation(Chance(35));
    consent.set_actor(static_cast<ConsentActor::Value>(
        Chance(60) ? ConsentActor::SELF : 1 + Below(5)));
    if (Chance(95)) {
      consent.set_notice_id(Pick(std::array{"notice-a", "notice-b"}));
    }
    if (Chance(70) && purpose.bases_size() > 0) {
      consent.set_notice_id(Pick(purpose.bases()).notice_id());
    }
    consent.set_notice_version(Chance(85) ? 2 : 1);
    consent.set_event_id("con_x");
  }

  const World& world_;
  std::vector<std::string> context_kinds_;
  const Purpose* purpose_ = nullptr;
  absl::Time now_;
  PolicyCase case_;
};

}  // namespace

World MakeWorld(Random* random) { return WorldMaker(random).Run(); }

PolicyCase MakeCase(const World& world, Random* random) {
  return CaseMaker(world, random).Run();
}

}  // namespace consentry::policy_model
