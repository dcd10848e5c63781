#include "tests/differential/policy_model.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace consentry::policy_model {
namespace {

using namespace config::v1;  // The model speaks in these words only.

// "No rule sorts after every rule."
const char kNone[] = "\x7f";

const std::vector<std::string> kOrder = {"FIELD_NOT_ALLOWED",
                                         "CHANNEL_NOT_ALLOWED",
                                         "SUBJECT_ERASED",
                                         "SUBJECT_RESTRICTED",
                                         "OBJECTED",
                                         "OPTED_OUT",
                                         "MINOR",
                                         "NO_LAWFUL_BASIS",
                                         "CONSENT_WITHDRAWN",
                                         "CONSENT_REFUSED",
                                         "CONSENT_EXPIRED",
                                         "CONSENT_INVALID",
                                         "CONSENT_UNCERTAIN",
                                         "CONSENT_MISSING",
                                         "SPECIAL_CATEGORY",
                                         "TRANSFER_NOT_ALLOWED",
                                         "CONTEXT_NOT_FOUND",
                                         "RETENTION_EXPIRED",
                                         "REVIEW_REQUIRED",
                                         "OWNER_FORBIDS",
                                         "FORBID_UNDECIDED"};

struct Denial {
  std::string reason;
  std::string rule = kNone;
};

int Position(const std::string& reason) {
  return static_cast<int>(std::find(kOrder.begin(), kOrder.end(), reason) -
                          kOrder.begin());
}

bool Before(const Denial& a, const Denial& b) {
  if (a.reason != b.reason) return Position(a.reason) < Position(b.reason);
  return a.rule < b.rule;
}

const Denial* First(const std::vector<Denial>& denials) {
  const Denial* first = nullptr;
  for (const Denial& denial : denials) {
    if (first == nullptr || Before(denial, *first)) first = &denial;
  }
  return first;
}

absl::Time Midnight(const std::string& day) {
  absl::CivilDay civil;
  absl::ParseCivilTime(day, &civil);
  return absl::FromCivil(civil, absl::UTCTimeZone());
}

absl::Time ParseTime(const std::string& text) {
  absl::Time time;
  absl::ParseTime(absl::RFC3339_full, text, &time, nullptr);
  return time;
}

absl::Time MonthsLater(absl::Time time, uint32_t months) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::CivilDay day = absl::ToCivilDay(time, utc);
  const absl::Duration of_day = time - absl::FromCivil(day, utc);
  const absl::CivilMonth month =
      absl::CivilMonth(day) + static_cast<int>(months);
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  const absl::CivilDay to =
      day.day() > last.day()
          ? last
          : absl::CivilDay(month.year(), month.month(), day.day());
  return absl::FromCivil(to, utc) + of_day;
}

bool Covers(const std::string& outer, const std::string& inner) {
  return outer == inner ||
         (outer.size() == 2 && inner.rfind(outer + "-", 0) == 0);
}
bool Matches(const std::string& a, const std::string& b) {
  return Covers(a, b) || Covers(b, a);
}

bool Under(const std::string& prefix, const std::string& category) {
  return category == prefix || category.rfind(prefix + ".", 0) == 0;
}

template <class List>
bool Lists(const List& list, typename List::value_type value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}
template <class List>
bool EmptyOrLists(const List& list, typename List::value_type value) {
  return list.empty() || Lists(list, value);
}

bool AnyMatch(const std::vector<std::string>& a,
              const std::vector<std::string>& b) {
  for (const auto& x : a) {
    for (const auto& y : b) {
      if (Matches(x, y)) return true;
    }
  }
  return false;
}

// Two transforms on one chain: the later; otherwise DROP.
Transform::Value Join(Transform::Value a, Transform::Value b) {
  if (a == b) return a;
  if (a == Transform::NONE) return b;
  if (b == Transform::NONE) return a;
  const std::vector<std::vector<Transform::Value>> chains = {
      {Transform::MONTH, Transform::YEAR, Transform::AGE_BAND},
      {Transform::POSTAL_PREFIX, Transform::REGION, Transform::COUNTRY}};
  for (const auto& chain : chains) {
    for (size_t i = 0; i < chain.size(); ++i) {
      for (size_t j = 0; j < chain.size(); ++j) {
        if (chain[i] == a && chain[j] == b) return chain[std::max(i, j)];
      }
    }
  }
  return Transform::DROP;
}

class Model {
 public:
  Model(const World& world, const PolicyCase& c)
      : world_(world),
        subject_(c.subject()),
        request_(c.request()),
        now_(ParseTime(c.request().at())) {
    for (const auto& p : world.purposes.purposes()) {
      if (p.key() == request_.purpose()) purpose_ = &p;
    }
    for (const auto& consent : subject_.consents()) {
      if (consent.purpose() == request_.purpose()) {
        consent_ = &consent;
        break;
      }
    }
    residences_.assign(subject_.residences().begin(),
                       subject_.residences().end());
    if (residences_.empty()) {
      residences_.push_back(world.profile.home());
      residences_.insert(residences_.end(), world.profile.markets().begin(),
                         world.profile.markets().end());
    }
    anywhere_ = residences_;
    anywhere_.insert(anywhere_.end(), subject_.location().begin(),
                     subject_.location().end());
  }

  Answer Run() {
    FindRegimes();
    answer_.consent = consent_ != nullptr;
    std::vector<Denial> for_request;
    std::vector<const Field*> permitted;
    if (request_.fields().empty()) {
      const std::vector<Denial> denials = DenialsOf(nullptr, nullptr);
      if (denials.empty()) {
        answer_.permitted = true;
        Credit(nullptr);
      } else {
        for_request.push_back(*First(denials));
        NoteRule(for_request.back().rule);
      }
    }
    for (const CaseField& asked : request_.fields()) {
      FieldAnswer& field = answer_.fields.emplace_back();
      field.field = asked.field();
      const Field* catalogued = FindField(asked.field());
      Transform::Value transform = Transform::NONE;
      const std::vector<Denial> denials =
          DenialsOf(&asked, catalogued, &transform);
      if (denials.empty()) {
        field.permitted = true;
        field.transform = Transform::Value_Name(transform);
        answer_.permitted = true;
        Credit(&asked);
      } else {
        const Denial& first = *First(denials);
        field.reason = first.reason;
        field.rule = RuleName(first.rule);
        for_request.push_back(first);
        NoteRule(first.rule);
      }
    }
    if (!answer_.permitted) {
      // "here with FIELD_NOT_ALLOWED last"
      std::vector<Denial> others;
      for (const Denial& d : for_request) {
        if (d.reason != "FIELD_NOT_ALLOWED") others.push_back(d);
      }
      const Denial& first = others.empty() ? for_request[0] : *First(others);
      answer_.reason = first.reason;
      answer_.rule = RuleName(first.rule);
    }
    FindEnd();
    return answer_;
  }

 private:
  static std::string RuleName(const std::string& rule) {
    return rule == kNone ? "" : rule;
  }
  void NoteRule(const std::string& rule) {
    if (rule != kNone) answer_.rules.insert(rule);
  }

  bool Unreadable(UnreadableFact::Value fact) const {
    return Lists(subject_.unreadable(), static_cast<int>(fact));
  }

  // --- Time and places ---

  bool Holds(const Pack& pack, const RuleInfo& rule) const {
    for (const std::string* from : {&pack.valid_from(), &rule.valid_from()}) {
      if (!from->empty() && now_ < Midnight(*from)) return false;
    }
    for (const std::string* to : {&pack.valid_to(), &rule.valid_to()}) {
      if (!to->empty() && now_ >= Midnight(*to)) return false;
    }
    return true;
  }

  template <class Rows>
  std::vector<const typename Rows::value_type*> Rows_(const Pack& pack,
                                                      const Rows& rows) const {
    std::vector<const typename Rows::value_type*> out;
    for (const auto& row : rows) {
      if (Holds(pack, row.rule())) out.push_back(&row);
    }
    return out;
  }

  static std::string Id(const Pack& pack, const RuleInfo& rule) {
    return pack.id() + "/" + rule.id();
  }

  template <class Codes>
  static std::vector<std::string> Places(const Pack& pack, const Codes& codes) {
    std::vector<std::string> out;
    for (const std::string& code : codes) {
      if (code[0] == '@') {
        for (const auto& group : pack.groups()) {
          if ("@" + group.name() == code) {
            out.insert(out.end(), group.members().begin(),
                       group.members().end());
          }
        }
      } else {
        out.push_back(code);
      }
    }
    return out;
  }

  bool Attaches(const Pack& pack, const AttachRule& row) const {
    std::vector<std::string> seats(world_.profile.establishments().begin(),
                                   world_.profile.establishments().end());
    seats.push_back(world_.profile.home());
    const std::vector<std::string> markets(world_.profile.markets().begin(),
                                           world_.profile.markets().end());
    if (!row.established_in().empty() &&
        !AnyMatch(Places(pack, row.established_in()), seats)) {
      return false;
    }
    if (!row.markets().empty() &&
        !AnyMatch(Places(pack, row.markets()), markets)) {
      return false;
    }
    for (const std::string& threshold : row.thresholds()) {
      if (!Lists(world_.profile.thresholds(), threshold)) return false;
    }
    if (!row.residence().empty() &&
        !AnyMatch(Places(pack, row.residence()), residences_)) {
      return false;
    }
    if (!row.residence_or_location().empty() &&
        !AnyMatch(Places(pack, row.residence_or_location()), anywhere_)) {
      return false;
    }
    return true;
  }

  void FindRegimes() {
    if (Unreadable(UnreadableFact::RESIDENCE)) return;
    for (const Pack& pack : world_.packs) {
      for (const AttachRule* row : Rows_(pack, pack.attach())) {
        if (!row->fallback() && Attaches(pack, *row)) Attach(pack);
      }
    }
    if (!attached_.empty()) return;
    for (const Pack& pack : world_.packs) {
      for (const AttachRule* row : Rows_(pack, pack.attach())) {
        if (row->fallback()) Attach(pack);
      }
    }
  }

  void Attach(const Pack& pack) {
    if (answer_.regimes.insert(pack.id()).second) attached_.push_back(&pack);
  }

  // nullopt: unknown.
  std::optional<int> Age() const {
    if (!subject_.birth_date().empty()) {
      absl::CivilDay born;
      absl::ParseCivilTime(subject_.birth_date(), &born);
      const absl::CivilDay today = absl::ToCivilDay(now_, absl::UTCTimeZone());
      int age = 0;
      while (Birthday(born, age + 1) <= today) ++age;
      return age;
    }
    if (subject_.has_age_at_least()) {
      return static_cast<int>(subject_.age_at_least());
    }
    return std::nullopt;
  }

  // CivilDay turns 29 February of a common year into 1 March.
  static absl::CivilDay Birthday(absl::CivilDay born, int years) {
    return absl::CivilDay(born.year() + years, born.month(), born.day());
  }

  // --- The catalog and the purpose ---

  const Field* FindField(const std::string& name) const {
    for (const auto& kind : world_.catalog.kinds()) {
      for (const auto& field : kind.fields()) {
        if (kind.key() + "." + field.key() == name) return &field;
      }
    }
    return nullptr;
  }

  static bool HasCategoryUnder(const Field& field, const std::string& prefix) {
    if (Under(prefix, field.category())) return true;
    for (const std::string& revealed : field.reveals()) {
      if (Under(prefix, revealed)) return true;
    }
    return false;
  }

  static bool Sensitive(const Pack& pack, const Field& field) {
    if (field.sensitivity() == Sensitivity::SPECIAL) return true;
    for (const std::string& prefix : pack.sensitive_categories()) {
      if (HasCategoryUnder(field, prefix)) return true;
    }
    return false;
  }

  static bool SpeaksAbout(const Pack& pack, const SensitiveRule& row,
                          PurposeClass::Value purpose_class,
                          const Field& field) {
    if (!EmptyOrLists(row.classes(), static_cast<int>(purpose_class)) ||
        !Sensitive(pack, field)) {
      return false;
    }
    if (row.categories().empty()) return true;
    for (const std::string& prefix : row.categories()) {
      if (HasCategoryUnder(field, prefix)) return true;
    }
    return false;
  }

  // The basis for a field; empty name: the one without fields.
  const Basis* BasisFor(const Pack& pack, const std::string& field) const {
    const Basis* general = nullptr;
    for (const Basis& basis : purpose_->bases()) {
      if (!Lists(basis.regimes(), pack.id())) continue;
      if (basis.fields().empty()) {
        general = &basis;
      } else if (!field.empty() && Lists(basis.fields(), field)) {
        return &basis;
      }
    }
    return general;
  }

  bool Significant() const {
    return purpose_->purpose_class() == PurposeClass::SIGNIFICANT_DECISION ||
           purpose_->automated_decision();
  }

  const UseRule* UseRow(const Pack& pack) const {
    for (const UseRule* row : Rows_(pack, pack.uses())) {
      if (Lists(row->classes(), static_cast<int>(purpose_->purpose_class())) &&
          EmptyOrLists(row->channels(), static_cast<int>(request_.channel()))) {
        return row;
      }
    }
    return nullptr;
  }

  // --- Consent ---

  // "" for a valid one.
  std::string ConsentFault(const Basis* basis, bool explicit_asked) const {
    if (Unreadable(UnreadableFact::CONSENTS)) return "CONSENT_UNCERTAIN";
    if (consent_ == nullptr) return "CONSENT_MISSING";
    switch (consent_->state()) {
      case ConsentState::WITHDRAWN:
        return "CONSENT_WITHDRAWN";
      case ConsentState::REFUSED:
        return "CONSENT_REFUSED";
      case ConsentState::EXPIRED:
        return "CONSENT_EXPIRED";
      case ConsentState::INVALIDATED:
        return "CONSENT_INVALID";
      case ConsentState::UNCERTAIN:
        return "CONSENT_UNCERTAIN";
      case ConsentState::GIVEN:
        break;
      default:
        return "CONSENT_MISSING";
    }
    if (!consent_->since().empty() && ParseTime(consent_->since()) > now_) {
      return "CONSENT_MISSING";
    }
    if (!consent_->valid_until().empty() &&
        now_ >= ParseTime(consent_->valid_until())) {
      return "CONSENT_EXPIRED";
    }
    if (basis != nullptr && IsConsent(*basis) &&
        (consent_->notice_id() != basis->notice_id() ||
         consent_->notice_version() < basis->notice_version())) {
      return "CONSENT_INVALID";
    }
    if (explicit_asked && !consent_->explicit_statement()) {
      return "CONSENT_INVALID";
    }
    return "";
  }

  static bool IsConsent(const Basis& basis) {
    return basis.basis() == LawfulBasis::CONSENT ||
           basis.basis() == LawfulBasis::EXPLICIT_CONSENT;
  }

  // --- Minors ---

  std::vector<const MinorRule*> MinorRows(const Pack& pack,
                                          const Basis* basis) const {
    std::vector<const MinorRule*> out;
    const bool unreadable = Unreadable(UnreadableFact::AGE);
    const std::optional<int> age = Age();
    for (const MinorRule* row : Rows_(pack, pack.minors())) {
      if (!EmptyOrLists(row->classes(),
                        static_cast<int>(purpose_->purpose_class()))) {
        continue;
      }
      if (!row->bases().empty() &&
          (basis == nullptr ||
           !Lists(row->bases(), static_cast<int>(basis->basis())))) {
        continue;
      }
      if (!unreadable) {
        if (!age) continue;
        uint32_t limit = 0;
        for (const std::string& place : residences_) {
          uint32_t here = 0;
          for (const auto& entry : row->below_age_in()) {
            if (AnyMatch(Places(pack, entry.jurisdictions()), {place})) {
              here = std::max(here, entry.below_age());
            }
          }
          if (here == 0) here = row->below_age();
          limit = std::max(limit, here);
        }
        if (*age < static_cast<int>(row->from_age()) ||
            *age >= static_cast<int>(limit)) {
          continue;
        }
      }
      out.push_back(row);
    }
    return out;
  }

  // The CONSENT_BY_PARENT rows that make the consent invalid.
  std::vector<const MinorRule*> ParentMissing(const Pack& pack,
                                              const Basis* basis) const {
    std::vector<const MinorRule*> out;
    if (purpose_->counselling_for_children()) return out;
    for (const MinorRule* row : MinorRows(pack, basis)) {
      if (row->action() == MinorRule::CONSENT_BY_PARENT &&
          consent_ != nullptr && !consent_->parental_authorisation()) {
        out.push_back(row);
      }
    }
    return out;
  }

  // --- The list of SPEC.md ---

  std::vector<Denial> DenialsOf(const CaseField* asked, const Field* field,
                                Transform::Value* transform = nullptr) {
    // 0
    if (asked != nullptr) {
      const FieldNeed* need = NeedOf(asked->field());
      if (need == nullptr || need->transform() == Transform::DROP) {
        return {{"FIELD_NOT_ALLOWED"}};
      }
      *transform = need->transform();
    }
    if (!Lists(purpose_->channels(), static_cast<int>(request_.channel()))) {
      return {{"CHANNEL_NOT_ALLOWED"}};
    }
    std::vector<Denial> out;
    // 1
    if (subject_.erased()) out.push_back({"SUBJECT_ERASED"});
    // 6 and 14, residence
    if (Unreadable(UnreadableFact::RESIDENCE)) {
      out.push_back({"FORBID_UNDECIDED"});
    } else if (attached_.empty()) {
      out.push_back({"NO_LAWFUL_BASIS"});
    }
    for (const Pack* pack : attached_) InRegime(*pack, asked, field, &out);
    // 10
    if (!purpose_->context().empty() && CountingContexts().empty()) {
      out.push_back({"CONTEXT_NOT_FOUND"});
    }
    // 11
    if (asked != nullptr && !asked->collected_at().empty()) {
      const bool held = subject_.legal_hold() &&
                        purpose_->purpose_class() == PurposeClass::LEGAL_CLAIMS;
      for (const absl::Time end : RetentionEnds(*asked, *field)) {
        if (now_ >= end && !held) out.push_back({"RETENTION_EXPIRED"});
      }
    }
    Owner(asked, field, transform, &out);
    return out;
  }

  const FieldNeed* NeedOf(const std::string& name) const {
    for (const FieldNeed& need : purpose_->fields()) {
      if (need.field() == name) return &need;
    }
    return nullptr;
  }

  std::vector<absl::Time> RetentionEnds(const CaseField& asked,
                                        const Field& field) const {
    const absl::Time collected = ParseTime(asked.collected_at());
    std::vector<absl::Time> out = {
        MonthsLater(collected, field.retention_months())};
    if (purpose_->retention_months() > 0) {
      out.push_back(MonthsLater(collected, purpose_->retention_months()));
    }
    return out;
  }

  // Ends of the contexts that are present, opened and young enough.
  std::vector<absl::Time> CountingContexts() const {
    std::vector<absl::Time> out;
    if (Unreadable(UnreadableFact::CONTEXTS)) return out;
    for (const CaseContext& context : subject_.contexts()) {
      const absl::Time opened = ParseTime(context.opened_at());
      for (const ContextNeed& need : purpose_->context()) {
        const absl::Time end = opened + absl::Hours(24) * need.within_days();
        if (need.kind() == context.kind() && opened <= now_ && now_ < end) {
          out.push_back(end);
        }
      }
    }
    return out;
  }

  void InRegime(const Pack& pack, const CaseField* asked, const Field* field,
                std::vector<Denial>* out) {
    const int purpose_class = purpose_->purpose_class();
    const Basis* basis = BasisFor(pack, asked == nullptr ? "" : asked->field());
    const bool choices_unreadable = Unreadable(UnreadableFact::CHOICES);

    // 2
    if (subject_.restricted() || choices_unreadable) {
      const auto rows = Rows_(pack, pack.restrictions());
      bool permitted = false;
      std::string first = kNone;
      for (const RestrictionRule* row : rows) {
        permitted = permitted || Lists(row->still_permitted(), purpose_class);
        first = std::min(first, Id(pack, row->rule()));
      }
      if (!permitted) {
        out->push_back(
            {choices_unreadable ? "FORBID_UNDECIDED" : "SUBJECT_RESTRICTED",
             first});
      }
    }
    // 3
    for (const ObjectionRule* row : Rows_(pack, pack.objections())) {
      if (!EmptyOrLists(row->classes(), purpose_class)) continue;
      if (!row->bases().empty() &&
          (basis == nullptr ||
           !Lists(row->bases(), static_cast<int>(basis->basis())))) {
        continue;
      }
      const bool objected =
          row->kind() == ObjectionRule::DIRECT_MARKETING
              ? Lists(subject_.opt_outs(),
                      static_cast<int>(OptOut::DIRECT_MARKETING))
              : Lists(subject_.objected_to(), std::string("*")) ||
                    Lists(subject_.objected_to(), purpose_->key());
      if (choices_unreadable) {
        out->push_back({"FORBID_UNDECIDED", Id(pack, row->rule())});
      } else if (objected) {
        out->push_back({"OBJECTED", Id(pack, row->rule())});
      }
    }
    // 4
    for (const OptOutRule* row : Rows_(pack, pack.opt_outs())) {
      if (!EmptyOrLists(row->classes(), purpose_class) ||
          !EmptyOrLists(row->channels(),
                        static_cast<int>(request_.channel()))) {
        continue;
      }
      if (choices_unreadable) {
        out->push_back({"FORBID_UNDECIDED", Id(pack, row->rule())});
      } else if (Lists(subject_.opt_outs(), static_cast<int>(row->opt_out()))) {
        out->push_back({"OPTED_OUT", Id(pack, row->rule())});
      }
    }
    for (const SignalRule* row : Rows_(pack, pack.signals())) {
      if (row->signal() != Signal::GPC ||
          !EmptyOrLists(row->classes(), purpose_class)) {
        continue;
      }
      if (request_.gpc() || (subject_.gpc() && !choices_unreadable)) {
        out->push_back({"OPTED_OUT", Id(pack, row->rule())});
      } else if (choices_unreadable) {
        out->push_back({"FORBID_UNDECIDED", Id(pack, row->rule())});
      }
    }
    // 5
    const std::string minor =
        Unreadable(UnreadableFact::AGE) ? "FORBID_UNDECIDED" : "MINOR";
    for (const MinorRule* row : MinorRows(pack, basis)) {
      const bool valid = ConsentFault(basis, false).empty();
      bool denies = false;
      switch (row->action()) {
        case MinorRule::DENY:
          denies = true;
          break;
        case MinorRule::OPT_IN_BY_SELF:
          denies = !valid || (consent_->actor() != ConsentActor::SELF &&
                              consent_->actor() != ConsentActor::ATTESTED);
          break;
        case MinorRule::OPT_IN_BY_PARENT:
          denies = !valid || !consent_->parental_authorisation();
          break;
        default:
          break;
      }
      if (denies) out->push_back({minor, Id(pack, row->rule())});
    }
    const std::vector<const MinorRule*> parent_missing =
        ParentMissing(pack, basis);
    // A valid consent for 7(a), 8 and 9.
    const auto valid = [&](bool explicit_asked) {
      return parent_missing.empty() &&
             ConsentFault(basis, explicit_asked).empty();
    };

    // 6
    const UseRule* use = UseRow(pack);
    bool six = false;
    if (basis == nullptr || use == nullptr) {
      out->push_back({"NO_LAWFUL_BASIS"});
      six = true;
    }
    if (use != nullptr) {
      bool listed = false;
      for (const AllowedBasis& allowed : use->bases()) {
        listed =
            listed || (basis != nullptr && allowed.basis() == basis->basis());
      }
      if (use->mode() == Mode::DENY || (basis != nullptr && !listed)) {
        out->push_back({"NO_LAWFUL_BASIS", Id(pack, use->rule())});
        six = true;
      }
    }
    // 7
    if (!six) {
      const std::string rule = Id(pack, use->rule());
      const bool explicit_asked =
          basis->basis() == LawfulBasis::EXPLICIT_CONSENT ||
          use->mode() == Mode::OPT_IN_EXPLICIT;
      if (IsConsent(*basis) || use->mode() == Mode::OPT_IN ||
          use->mode() == Mode::OPT_IN_EXPLICIT) {
        const std::string fault = ConsentFault(basis, explicit_asked);
        if (!fault.empty()) {
          out->push_back({fault, rule});
        } else {
          for (const MinorRule* row : parent_missing) {
            out->push_back({minor, Id(pack, row->rule())});
          }
        }
      }
      if (basis->basis() != LawfulBasis::LEGAL_OBLIGATION &&
          basis->basis() != LawfulBasis::VITAL_INTEREST) {
        if (Unreadable(UnreadableFact::CONSENTS)) {
          out->push_back({"FORBID_UNDECIDED", rule});
        } else if (consent_ != nullptr &&
                   consent_->state() == ConsentState::WITHDRAWN) {
          out->push_back({"CONSENT_WITHDRAWN", rule});
        } else if (consent_ != nullptr &&
                   consent_->state() == ConsentState::REFUSED) {
          out->push_back({"CONSENT_REFUSED", rule});
        }
      }
      if (use->mode() == Mode::SOFT_OPT_IN &&
          basis->basis() == LawfulBasis::LEGITIMATE_INTEREST &&
          !SoftOptInStands(*use)) {
        out->push_back({"CONSENT_MISSING", rule});
      }
    }
    // 8
    if (field != nullptr && Sensitive(pack, *field)) {
      bool spoken = false;
      for (const SensitiveRule* row : Rows_(pack, pack.sensitive())) {
        if (!SpeaksAbout(pack, *row, purpose_->purpose_class(), *field)) {
          continue;
        }
        spoken = true;
        const std::string rule = Id(pack, row->rule());
        bool withheld = false;
        switch (row->demand()) {
          case SensitiveRule::DENY:
            withheld = true;
            break;
          case SensitiveRule::GATE:
            withheld =
                basis == nullptr ||
                !Lists(row->gates(), static_cast<int>(basis->special_gate())) ||
                (basis->special_gate() == SpecialGate::EXPLICIT_CONSENT &&
                 !valid(true));
            break;
          case SensitiveRule::OPT_IN:
            withheld = !valid(false) || TooOld(*row);
            break;
          case SensitiveRule::OPT_IN_EXPLICIT:
            withheld = !valid(true) || TooOld(*row);
            break;
          case SensitiveRule::OPT_OUT:
            // 4 and 14
            if (choices_unreadable) {
              out->push_back({"FORBID_UNDECIDED", rule});
            } else if (Lists(subject_.opt_outs(),
                             static_cast<int>(OptOut::SENSITIVE_DATA))) {
              out->push_back({"OPTED_OUT", rule});
            }
            break;
          default:
            break;
        }
        if (withheld) out->push_back({"SPECIAL_CATEGORY", rule});
      }
      if (!spoken) out->push_back({"SPECIAL_CATEGORY"});
      if (Significant()) {
        for (const auto* row : Rows_(pack, pack.automated_decisions())) {
          if (!row->sensitive_gates().empty() && basis != nullptr &&
              !Lists(row->sensitive_gates(),
                     static_cast<int>(basis->special_gate()))) {
            out->push_back({"SPECIAL_CATEGORY", Id(pack, row->rule())});
          }
        }
      }
    }
    // 9
    for (const TransferRule* row : Rows_(pack, pack.transfers())) {
      if (!row->established_in().empty() && !EstablishedIn(pack, *row)) {
        continue;
      }
      const std::string rule = Id(pack, row->rule());
      if (request_.recipient().empty()) {
        out->push_back({"FORBID_UNDECIDED", rule});
        continue;
      }
      bool free = false;
      for (const auto& list :
           {Places(pack, row->area()), Places(pack, row->adequate())}) {
        for (const std::string& code : list) {
          free = free || Covers(code, request_.recipient());
        }
      }
      if (free) continue;
      const int safeguard = request_.safeguard();
      bool declared = false;
      for (const Transfer& transfer : purpose_->transfers()) {
        for (const std::string& to : transfer.to()) {
          declared = declared || (transfer.safeguard() == safeguard &&
                                  Covers(to, request_.recipient()));
        }
      }
      const bool consented =
          safeguard != Safeguard::EXPLICIT_CONSENT || valid(true);
      if (!Lists(row->safeguards(), safeguard) || !declared || !consented) {
        out->push_back({"TRANSFER_NOT_ALLOWED", rule});
      }
    }
    // 12
    if (Significant()) {
      for (const auto* row : Rows_(pack, pack.automated_decisions())) {
        const bool listed =
            basis == nullptr ||
            EmptyOrLists(row->bases(), static_cast<int>(basis->basis()));
        if (!listed || (row->human() == AutomatedDecisionRule::BEFORE_EFFECT &&
                        request_.mode() == CaseRequest::OUTPUT)) {
          out->push_back({"REVIEW_REQUIRED", Id(pack, row->rule())});
        }
      }
    }
  }

  bool EstablishedIn(const Pack& pack, const TransferRule& row) const {
    std::vector<std::string> seats = {world_.profile.home()};
    for (const std::string& seat : world_.profile.establishments()) {
      seats.push_back(seat);
    }
    for (const std::string& seat : seats) {
      for (const std::string& code : Places(pack, row.established_in())) {
        if (Covers(code, seat) || Covers(seat, code)) return true;
      }
    }
    return false;
  }

  bool TooOld(const SensitiveRule& row) const {
    return row.consent_months() > 0 && consent_ != nullptr &&
           !consent_->since().empty() &&
           now_ >=
               MonthsLater(ParseTime(consent_->since()), row.consent_months());
  }

  bool SoftOptInStands(const UseRule& use) const {
    if (Unreadable(UnreadableFact::CONTEXTS) ||
        !purpose_->soft_opt_in().own_similar_products() ||
        !purpose_->soft_opt_in().way_out_in_every_message()) {
      return false;
    }
    for (const CaseSoftOptIn& soft : subject_.soft_opt_ins()) {
      if (soft.purpose() != purpose_->key()) continue;
      const absl::Time since = ParseTime(soft.since());
      if (soft.obtained_in_sale() && soft.way_out_offered() && since <= now_ &&
          (use.soft_opt_in_months() == 0 ||
           now_ < MonthsLater(since, use.soft_opt_in_months()))) {
        return true;
      }
    }
    return false;
  }

  // --- The owner's rows: 11 (second sentence) and 13 ---

  // All but field, age, place and hour.
  bool OwnerRowIsFor(const OwnerRule& row) const {
    return EmptyOrLists(row.purposes(), purpose_->key()) &&
           EmptyOrLists(row.classes(),
                        static_cast<int>(purpose_->purpose_class())) &&
           EmptyOrLists(row.channels(), static_cast<int>(request_.channel()));
  }

  bool OwnerRowMatches(const Pack& pack, const OwnerRule& row) const {
    if (!OwnerRowIsFor(row)) return false;
    if (!row.jurisdictions().empty() &&
        !Unreadable(UnreadableFact::RESIDENCE) &&
        !AnyMatch(Places(pack, row.jurisdictions()), anywhere_)) {
      return false;
    }
    if (row.below_age() > 0 && !Unreadable(UnreadableFact::AGE)) {
      const std::optional<int> age = Age();
      if (!age && !row.unknown_age_too()) return false;
      if (age && *age >= static_cast<int>(row.below_age())) return false;
    }
    if (row.has_from_hour()) {
      const absl::TimeZone zone =
          absl::FixedTimeZone(world_.profile.utc_offset_minutes() * 60);
      const int hour = absl::ToCivilHour(now_, zone).hour();
      bool inside = false;
      uint32_t to = row.to_hour();
      if (to < row.from_hour()) to += 24;
      for (uint32_t h = row.from_hour(); h < to; ++h) {
        inside = inside || static_cast<int>(h % 24) == hour;
      }
      if (!inside) return false;
    }
    return true;
  }

  void Owner(const CaseField* asked, const Field* field,
             Transform::Value* transform, std::vector<Denial>* out) const {
    // In id order, for transforms.
    std::map<std::string, const OwnerRule*> rows;
    for (const Pack& pack : world_.packs) {
      for (const OwnerRule* row : Rows_(pack, pack.owner_rules())) {
        if (OwnerRowMatches(pack, *row)) rows[Id(pack, row->rule())] = row;
      }
    }
    for (const auto& [id, row] : rows) {
      if (!row->fields().empty() || !row->categories().empty()) {
        if (asked == nullptr) continue;
        bool named = Lists(row->fields(), asked->field());
        for (const std::string& prefix : row->categories()) {
          named = named || HasCategoryUnder(*field, prefix);
        }
        if (!named) continue;
      }
      switch (row->effect()) {
        case OwnerRule::DENY:
          out->push_back({"OWNER_FORBIDS", id});
          break;
        case OwnerRule::REQUIRE_CONSENT:
          if (!ConsentFault(nullptr, false).empty()) {
            out->push_back({"OWNER_FORBIDS", id});
          }
          break;
        case OwnerRule::REQUIRE_EXPLICIT_CONSENT:
          if (!ConsentFault(nullptr, true).empty()) {
            out->push_back({"OWNER_FORBIDS", id});
          }
          break;
        case OwnerRule::SHORTEN_RETENTION:
          if (asked != nullptr && !asked->collected_at().empty() &&
              now_ >= MonthsLater(ParseTime(asked->collected_at()),
                                  row->max_retention_months())) {
            out->push_back({"RETENTION_EXPIRED", id});
          }
          break;
        case OwnerRule::TRANSFORM:
          if (transform == nullptr || *transform == Transform::DROP) break;
          *transform = Join(*transform, row->transform());
          if (*transform == Transform::DROP) {
            out->push_back({"OWNER_FORBIDS", id});
          }
          break;
        default:
          break;
      }
    }
  }

  // --- What the decision names ---

  void Credit(const CaseField* asked) {
    const Field* field = asked == nullptr ? nullptr : FindField(asked->field());
    for (const Pack* pack : attached_) {
      const Basis* basis =
          BasisFor(*pack, asked == nullptr ? "" : asked->field());
      answer_.bases.insert({pack->id(), basis->ShortDebugString()});
      NoteRule(Id(*pack, UseRow(*pack)->rule()));
      if (field != nullptr) {
        for (const SensitiveRule* row : Rows_(*pack, pack->sensitive())) {
          if (SpeaksAbout(*pack, *row, purpose_->purpose_class(), *field)) {
            NoteRule(Id(*pack, row->rule()));
          }
        }
      }
      if (!Significant()) continue;
      for (const auto* row : Rows_(*pack, pack->automated_decisions())) {
        NoteRule(Id(*pack, row->rule()));
        if (row->human() == AutomatedDecisionRule::ON_REQUEST) {
          answer_.owed.insert("human_on_request");
        }
        if (row->human() == AutomatedDecisionRule::BEFORE_EFFECT) {
          answer_.owed.insert("human_before_effect");
        }
        if (row->notice()) answer_.owed.insert("notice");
      }
    }
  }

  // --- decided_until ---

  void Moment(absl::Time at) {
    if (at <= now_) return;
    answer_.decided_until_us =
        std::min(answer_.decided_until_us, absl::ToUnixMicros(at));
  }

  // A day on which it begins or ends, if that lies within the pack's own days.
  void Days(const Pack& pack, const RuleInfo& rule) {
    absl::Time from = absl::InfinitePast();
    absl::Time to = absl::InfiniteFuture();
    for (const std::string* day : {&pack.valid_from(), &rule.valid_from()}) {
      if (!day->empty()) from = std::max(from, Midnight(*day));
    }
    for (const std::string* day : {&pack.valid_to(), &rule.valid_to()}) {
      if (!day->empty()) to = std::min(to, Midnight(*day));
    }
    if (from != absl::InfinitePast()) Moment(from);
    if (to != absl::InfiniteFuture()) Moment(to);
  }

  template <class Rows>
  void AllDays(const Pack& pack, const Rows& rows) {
    for (const auto& row : rows) Days(pack, row.rule());
  }

  void FindEnd() {
    uint32_t highest_age = 0;
    for (const Pack& pack : world_.packs) {
      AllDays(pack, pack.attach());
      AllDays(pack, pack.uses());
      AllDays(pack, pack.sensitive());
      AllDays(pack, pack.minors());
      AllDays(pack, pack.signals());
      AllDays(pack, pack.opt_outs());
      AllDays(pack, pack.objections());
      AllDays(pack, pack.restrictions());
      AllDays(pack, pack.transfers());
      AllDays(pack, pack.automated_decisions());
      AllDays(pack, pack.owner_rules());
      for (const auto& row : pack.minors()) {
        highest_age = std::max(highest_age, row.below_age());
        for (const auto& entry : row.below_age_in()) {
          highest_age = std::max(highest_age, entry.below_age());
        }
      }
      for (const auto& row : pack.owner_rules()) {
        highest_age = std::max(highest_age, row.below_age());
      }
    }
    if (consent_ != nullptr && consent_->state() == ConsentState::GIVEN &&
        !Unreadable(UnreadableFact::CONSENTS)) {
      if (!consent_->since().empty()) Moment(ParseTime(consent_->since()));
      if (!consent_->valid_until().empty()) {
        Moment(ParseTime(consent_->valid_until()));
      }
      for (const Pack* pack : attached_) {
        for (const SensitiveRule* row : Rows_(*pack, pack->sensitive())) {
          if (row->consent_months() > 0 && !consent_->since().empty() &&
              EmptyOrLists(row->classes(),
                           static_cast<int>(purpose_->purpose_class()))) {
            Moment(MonthsLater(ParseTime(consent_->since()),
                               row->consent_months()));
          }
        }
      }
    }
    if (!Unreadable(UnreadableFact::CONTEXTS)) {
      for (const Pack* pack : attached_) {
        const UseRule* use = UseRow(*pack);
        if (use == nullptr || use->mode() != Mode::SOFT_OPT_IN) continue;
        for (const CaseSoftOptIn& soft : subject_.soft_opt_ins()) {
          if (soft.purpose() != purpose_->key()) continue;
          Moment(ParseTime(soft.since()));
          if (use->soft_opt_in_months() > 0) {
            Moment(MonthsLater(ParseTime(soft.since()),
                               use->soft_opt_in_months()));
          }
        }
      }
      for (const CaseContext& context : subject_.contexts()) {
        for (const ContextNeed& need : purpose_->context()) {
          if (need.kind() == context.kind()) {
            Moment(ParseTime(context.opened_at()));
          }
        }
      }
      const std::vector<absl::Time> ends = CountingContexts();
      if (!ends.empty()) Moment(*std::max_element(ends.begin(), ends.end()));
    }
    for (const CaseField& asked : request_.fields()) {
      const FieldNeed* need = NeedOf(asked.field());
      if (need == nullptr || need->transform() == Transform::DROP ||
          asked.collected_at().empty()) {
        continue;
      }
      const Field* field = FindField(asked.field());
      for (const absl::Time end : RetentionEnds(asked, *field)) Moment(end);
      for (const Pack& pack : world_.packs) {
        for (const OwnerRule* row : Rows_(pack, pack.owner_rules())) {
          if (row->effect() != OwnerRule::SHORTEN_RETENTION ||
              !OwnerRowMatches(pack, *row)) {
            continue;
          }
          bool named = row->fields().empty() && row->categories().empty();
          named = named || Lists(row->fields(), asked.field());
          for (const std::string& prefix : row->categories()) {
            named = named || HasCategoryUnder(*field, prefix);
          }
          if (named) {
            Moment(MonthsLater(ParseTime(asked.collected_at()),
                               row->max_retention_months()));
          }
        }
      }
    }
    if (!subject_.birth_date().empty() && !Unreadable(UnreadableFact::AGE) &&
        *Age() < static_cast<int>(highest_age)) {
      absl::CivilDay born;
      absl::ParseCivilTime(subject_.birth_date(), &born);
      Moment(absl::FromCivil(Birthday(born, *Age() + 1), absl::UTCTimeZone()));
    }
    for (const Pack& pack : world_.packs) {
      for (const OwnerRule* row : Rows_(pack, pack.owner_rules())) {
        if (!OwnerRowIsFor(*row) || !row->has_from_hour()) continue;
        const absl::TimeZone zone =
            absl::FixedTimeZone(world_.profile.utc_offset_minutes() * 60);
        const absl::CivilHour hour = absl::ToCivilHour(now_, zone);
        for (int h = 1; h <= 24; ++h) {
          const absl::CivilHour next = hour + h;
          if (next.hour() == static_cast<int>(row->from_hour()) ||
              next.hour() == static_cast<int>(row->to_hour() % 24)) {
            Moment(absl::FromCivil(next, zone));
          }
        }
      }
    }
  }

  const World& world_;
  const CaseSubject& subject_;
  const CaseRequest& request_;
  const absl::Time now_;
  const Purpose* purpose_ = nullptr;
  const CaseConsent* consent_ = nullptr;
  std::vector<std::string> residences_;
  std::vector<std::string> anywhere_;
  std::vector<const Pack*> attached_;
  Answer answer_;
};

}  // namespace

Answer Decide(const World& world, const PolicyCase& policy_case) {
  return Model(world, policy_case).Run();
}

std::string ToText(const Answer& answer) {
  std::string out =
      absl::StrCat(answer.permitted ? "PERMIT" : "DENY", " ", answer.reason,
                   " [", answer.rule, "] until ", answer.decided_until_us,
                   " consent ", answer.consent, "\n");
  for (const FieldAnswer& field : answer.fields) {
    absl::StrAppend(&out, "  ", field.field, " ",
                    field.permitted ? field.transform : field.reason, " [",
                    field.rule, "]\n");
  }
  for (const auto& regime : answer.regimes) {
    absl::StrAppend(&out, "  regime ", regime, "\n");
  }
  for (const auto& [regime, basis] : answer.bases) {
    absl::StrAppend(&out, "  basis ", regime, " ", basis, "\n");
  }
  for (const auto& rule : answer.rules) {
    absl::StrAppend(&out, "  rule ", rule, "\n");
  }
  for (const auto& owed : answer.owed) {
    absl::StrAppend(&out, "  owed ", owed, "\n");
  }
  return out;
}

}  // namespace consentry::policy_model
