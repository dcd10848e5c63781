#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "absl/status/status.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/engine.h"
#include "policy/engine/tables.h"

namespace consentry::policy {
namespace {

using config::v1::AutomatedDecisionRule;
using config::v1::LawfulBasis;
using config::v1::MinorRule;
using config::v1::Mode;
using config::v1::OwnerRule;
using config::v1::SensitiveRule;

// The order of SPEC.md: the lowest wins.
enum Rank : uint32_t {
  kChannelNotAllowed,
  kSubjectErased,
  kSubjectRestricted,
  kObjected,
  kOptedOut,
  kMinor,
  kNoLawfulBasis,
  kConsentWithdrawn,
  kConsentRefused,
  kConsentExpired,
  kConsentInvalid,
  kConsentUncertain,
  kConsentMissing,
  kSpecialCategory,
  kTransferNotAllowed,
  kContextNotFound,
  kRetentionExpired,
  kReviewRequired,
  kOwnerForbids,
  kForbidUndecided,
  // Above all for a field, last for the request.
  kFieldNotAllowed,
};

constexpr std::array kReasons = {
    v1::ERROR_REASON_CHANNEL_NOT_ALLOWED,
    v1::ERROR_REASON_SUBJECT_ERASED,
    v1::ERROR_REASON_SUBJECT_RESTRICTED,
    v1::ERROR_REASON_OBJECTED,
    v1::ERROR_REASON_OPTED_OUT,
    v1::ERROR_REASON_MINOR,
    v1::ERROR_REASON_NO_LAWFUL_BASIS,
    v1::ERROR_REASON_CONSENT_WITHDRAWN,
    v1::ERROR_REASON_CONSENT_REFUSED,
    v1::ERROR_REASON_CONSENT_EXPIRED,
    v1::ERROR_REASON_CONSENT_INVALID,
    v1::ERROR_REASON_CONSENT_UNCERTAIN,
    v1::ERROR_REASON_CONSENT_MISSING,
    v1::ERROR_REASON_SPECIAL_CATEGORY,
    v1::ERROR_REASON_TRANSFER_NOT_ALLOWED,
    v1::ERROR_REASON_CONTEXT_NOT_FOUND,
    v1::ERROR_REASON_RETENTION_EXPIRED,
    v1::ERROR_REASON_REVIEW_REQUIRED,
    v1::ERROR_REASON_OWNER_FORBIDS,
    v1::ERROR_REASON_FORBID_UNDECIDED,
    v1::ERROR_REASON_FIELD_NOT_ALLOWED,
};
static_assert(kReasons.size() == kFieldNotAllowed + 1);

// A denial as one number: rank, then rule. The smaller comes first.
using Denial = uint32_t;
constexpr Denial kNoDenial = std::numeric_limits<Denial>::max();
constexpr Denial Deny(Rank rank, RuleId rule = kNoRule) {
  return static_cast<Denial>(rank) << 16 | static_cast<uint32_t>(rule);
}
constexpr Rank RankOf(Denial denial) { return Rank{denial >> 16}; }
constexpr RuleId RuleOf(Denial denial) {
  return RuleId{static_cast<uint16_t>(denial & 0xffff)};
}
void Take(Denial denial, Denial* least) { *least = std::min(*least, denial); }

constexpr int kAgeUnknown = -1;
constexpr Mask kOptOutBits = Bit(config::v1::OptOut::Value_ARRAYSIZE) - 1;

bool InRange(int64_t time_us) { return time_us >= 0 && time_us < kMaxTimeUs; }

// A regime's view of one basis of the purpose.
struct BasisView {
  Denial denial = kNoDenial;
  // The lowest CONSENT_BY_PARENT row that makes the consent invalid.
  Denial parent_missing = kNoDenial;
  bool done = false;
  // A permitted field stands on it.
  bool used = false;
};

class Decider {
 public:
  Decider(const Bundle& bundle, const SubjectFacts& facts,
          const DecisionRequest& request, Decision* out)
      : t_(bundle.tables()),
        facts_(facts),
        request_(request),
        purpose_(t_.purposes[Index(request.purpose)]),
        class_(purpose_.purpose_class),
        now_(request.time_us),
        out_(out) {}

  void Run() {
    FindSpan();
    FindConsent();
    FindAge();
    FindAttached();
    FindOwnerRows();
    const Denial common = CommonDenial();
    count_ = std::max<size_t>(request_.fields.size(), 1);
    for (size_t i = 0; i < count_; ++i) {
      denials_[i] = common;
      slots_[i] = static_cast<uint16_t>(purpose_.slots.size());
    }
    FindSlots();
    for (const RegimeId regime : out_->regimes) DecideRegime(regime);
    for (size_t i = 0; i < request_.fields.size(); ++i) DecideField(i);
    if (request_.fields.empty()) DecideOwner(nullptr, 0, &denials_[0]);
    Report();
    FindEnd();
  }

 private:
  void FindSpan() {
    span_ = static_cast<size_t>(
        std::upper_bound(t_.boundaries.begin(), t_.boundaries.end(), now_) -
        t_.boundaries.begin());
    if (span_ < t_.boundaries.size()) Until(t_.boundaries[span_]);
  }

  // --- What the facts say, once per request ---

  void FindConsent() {
    for (size_t i = 0; i < facts_.consents.size(); ++i) {
      if (facts_.consents[i].purpose != request_.purpose) continue;
      consent_ = &facts_.consents[i];
      out_->consent = static_cast<int32_t>(i);
      break;
    }
    consent_fault_ = ConsentFault();
    if (Unreadable(kUnreadableConsents) || consent_ == nullptr ||
        consent_->status != ConsentStatus::kGiven) {
      return;
    }
    Until(consent_->since_us);
    if (consent_->valid_until_us != 0) Until(consent_->valid_until_us);
  }

  // What is wrong with the consent for everybody; kNoDenial's rank for nothing.
  Rank ConsentFault() const {
    if (Unreadable(kUnreadableConsents)) return kConsentUncertain;
    if (consent_ == nullptr) return kConsentMissing;
    switch (consent_->status) {
      case ConsentStatus::kGiven:
        break;
      case ConsentStatus::kRefused:
        return kConsentRefused;
      case ConsentStatus::kWithdrawn:
        return kConsentWithdrawn;
      case ConsentStatus::kExpired:
        return kConsentExpired;
      case ConsentStatus::kInvalidated:
        return kConsentInvalid;
      case ConsentStatus::kUncertain:
        return kConsentUncertain;
      default:
        return kConsentMissing;
    }
    if (consent_->since_us > now_) return kConsentMissing;
    if (consent_->valid_until_us != 0 && now_ >= consent_->valid_until_us) {
      return kConsentExpired;
    }
    return kConsentValid;
  }

  // What is wrong with it for a basis; `basis` null: no notice is asked for.
  Rank ConsentFaultFor(const BasisEntry* basis, bool explicit_needed) const {
    if (consent_fault_ != kConsentValid) return consent_fault_;
    if (basis != nullptr && basis->notice != kNoNotice &&
        (consent_->notice != basis->notice ||
         consent_->notice_version < basis->notice_version)) {
      return kConsentInvalid;
    }
    if (explicit_needed && !consent_->explicit_statement) {
      return kConsentInvalid;
    }
    return kConsentValid;
  }

  void FindAge() {
    age_unreadable_ = Unreadable(kUnreadableAge) ||
                      (facts_.birth_day && (*facts_.birth_day < kMinDay ||
                                            *facts_.birth_day > kMaxDay));
    if (age_unreadable_) return;
    if (facts_.birth_day) {
      age_ = AgeAt(*facts_.birth_day, now_);
      if (age_ < t_.highest_age) {
        Until(BirthdayOf(*facts_.birth_day, age_ + 1) * kUsPerDay);
      }
    } else if (facts_.age_at_least) {
      age_ = *facts_.age_at_least;
    }
  }

  std::span<const JurisdictionId> EffectiveResidences() const {
    return facts_.residences.empty()
               ? std::span<const JurisdictionId>(t_.assumed_residences)
               : std::span<const JurisdictionId>(facts_.residences);
  }

  void FindAttached() {
    if (Unreadable(kUnreadableResidence)) return;
    const AttachTable& attach = t_.attach[span_];
    uint64_t mask = attach.always;
    const auto residences = EffectiveResidences();
    for (const JurisdictionId place : residences) {
      mask |= attach.residence[Index(place)] | attach.anywhere[Index(place)];
    }
    for (const JurisdictionId place : facts_.locations) {
      mask |= attach.anywhere[Index(place)];
    }
    for (const AttachTable::Both& both : attach.both) {
      if (HasAny(both.residence, residences) &&
          (HasAny(both.anywhere, residences) ||
           HasAny(both.anywhere, facts_.locations))) {
        mask |= both.regime;
      }
    }
    if (mask == 0) mask = attach.fallback;
    for (; mask != 0; mask &= mask - 1) {
      out_->regimes.push_back(
          RegimeId{static_cast<uint16_t>(std::countr_zero(mask))});
    }
  }

  static bool HasAny(const PlaceSet& set,
                     std::span<const JurisdictionId> places) {
    return std::any_of(places.begin(), places.end(),
                       [&](JurisdictionId p) { return set.Has(p); });
  }

  bool Unreadable(UnreadableFact fact) const {
    return (facts_.unreadable & fact) != 0;
  }

  bool ObjectedToPurpose() const {
    return facts_.objected_to_all ||
           std::find(facts_.objected_to.begin(), facts_.objected_to.end(),
                     request_.purpose) != facts_.objected_to.end();
  }

  // --- Denials that no regime decides ---

  Denial CommonDenial() {
    Denial least = kNoDenial;
    if (!Has(purpose_.channels, request_.channel)) {
      Take(Deny(kChannelNotAllowed), &least);
    }
    if (facts_.erased) Take(Deny(kSubjectErased), &least);
    if (Unreadable(kUnreadableResidence)) {
      Take(Deny(kForbidUndecided), &least);
    } else if (out_->regimes.empty()) {
      Take(Deny(kNoLawfulBasis), &least);
    }
    if (!purpose_.contexts.empty() && !ContextFound()) {
      Take(Deny(kContextNotFound), &least);
    }
    return least;
  }

  bool ContextFound() {
    if (Unreadable(kUnreadableContexts)) return false;
    int64_t last_end = 0;
    for (const ContextFact& fact : facts_.contexts) {
      for (const ContextEntry& need : purpose_.contexts) {
        if (fact.kind != need.kind || !InRange(fact.opened_us)) continue;
        Until(fact.opened_us);
        if (fact.opened_us <= now_) {
          last_end = std::max(last_end, fact.opened_us + need.within_us);
        }
      }
    }
    if (last_end <= now_) return false;
    Until(last_end);
    return true;
  }

  void FindSlots() {
    for (size_t i = 0; i < request_.fields.size(); ++i) {
      const uint16_t slot = purpose_.slot_of[Index(request_.fields[i])];
      if (slot == kNoSlot ||
          purpose_.slots[slot].transform == config::v1::Transform::DROP) {
        slots_[i] = kNoSlot;
      } else {
        slots_[i] = slot;
        transforms_[i] = purpose_.slots[slot].transform;
      }
    }
  }

  // --- One regime ---

  const RegimeVersion& VersionOf(RegimeId regime) const {
    return t_.versions[t_.version_of[span_][Index(regime)]];
  }

  const BasisEntry* BasisAt(BasisSlot slot) const {
    return slot < purpose_.basis_count
               ? &t_.bases[size_t{purpose_.first_basis} + slot]
               : nullptr;
  }

  void DecideRegime(RegimeId regime) {
    const RegimeVersion& v = VersionOf(regime);
    const UseCell& use = v.uses[class_][request_.channel];
    if (use.mode == Mode::SOFT_OPT_IN) FindSoftOptIns(use);
    std::array<BasisView, kMaxBasesPerPurpose + 1> views;
    const std::vector<BasisSlot>& basis_of = purpose_.basis_of[Index(regime)];
    const FieldSet& sensitive = t_.sensitive_fields[Index(regime)];
    for (size_t i = 0; i < count_; ++i) {
      if (slots_[i] == kNoSlot) continue;
      const BasisSlot slot = basis_of[slots_[i]];
      BasisView& view = views[slot];
      if (!view.done) DecideBasis(v, use, BasisAt(slot), &view);
      Take(view.denial, &denials_[i]);
      if (!request_.fields.empty() && sensitive.Has(request_.fields[i])) {
        DecideSensitive(v, request_.fields[i], BasisAt(slot), view,
                        &denials_[i]);
      }
    }
  }

  // Whether the soft opt-in stands is asked per basis; its ends are the same.
  void FindSoftOptIns(const UseCell& use) {
    if (Unreadable(kUnreadableContexts)) return;
    for (const SoftOptInFact& fact : facts_.soft_opt_ins) {
      if (fact.purpose != request_.purpose || !InRange(fact.since_us)) continue;
      if (fact.since_us > now_) {
        Until(fact.since_us);
      } else if (use.soft_opt_in_months > 0) {
        Until(AddMonths(fact.since_us, use.soft_opt_in_months));
      }
    }
  }

  bool SoftOptInStands(const UseCell& use) const {
    if (Unreadable(kUnreadableContexts) || !purpose_.soft_opt_in_declared) {
      return false;
    }
    return std::any_of(
        facts_.soft_opt_ins.begin(), facts_.soft_opt_ins.end(),
        [&](const SoftOptInFact& fact) {
          return fact.purpose == request_.purpose && fact.obtained_in_sale &&
                 fact.way_out_offered && InRange(fact.since_us) &&
                 fact.since_us <= now_ &&
                 (use.soft_opt_in_months == 0 ||
                  now_ < AddMonths(fact.since_us, use.soft_opt_in_months));
        });
  }

  void DecideBasis(const RegimeVersion& v, const UseCell& use,
                   const BasisEntry* basis, BasisView* view) const {
    view->done = true;
    Denial* least = &view->denial;
    DecideChoices(v, basis, least);
    if (Has(v.minor_classes, class_) &&
        (age_unreadable_ || (age_ != kAgeUnknown && age_ < v.minor_below))) {
      DecideMinors(v, basis, view);
    }
    DecideUse(use, basis, view);
    for (const TransferRow& row : v.transfers) {
      DecideTransfer(row, basis, view->parent_missing, least);
    }
    if (!purpose_.significant) return;
    for (const AutomatedRow& row : v.automated) {
      if ((basis != nullptr && !Has(row.bases, basis->kind)) ||
          (request_.mode == DecisionMode::kOutput &&
           row.human == AutomatedDecisionRule::BEFORE_EFFECT)) {
        Take(Deny(kReviewRequired, row.rule), least);
      }
    }
  }

  void DecideChoices(const RegimeVersion& v, const BasisEntry* basis,
                     Denial* least) const {
    const bool unreadable = Unreadable(kUnreadableChoices);
    if ((facts_.restricted || unreadable) && !Has(v.still_permitted, class_)) {
      Take(Deny(unreadable ? kForbidUndecided : kSubjectRestricted,
                v.restriction),
           least);
    }
    // With unreadable choices every row counts.
    Mask held = ~Mask{0};
    if (!unreadable) {
      held = facts_.opt_outs & kOptOutBits;
      if (facts_.gpc || request_.gpc) held |= Bit(kChoiceGpc);
      if (ObjectedToPurpose()) held |= Bit(kChoiceObjectedToPurpose);
    }
    if ((v.choices_asked[class_][request_.channel] & held) == 0) return;
    const int kind = basis == nullptr ? 0 : basis->kind;
    for (const ChoiceRow& row : v.choices) {
      if ((row.choice & held) == 0 || !Has(row.classes, class_) ||
          !Has(row.channels, request_.channel) || !Has(row.bases, kind)) {
        continue;
      }
      const bool certain =
          !unreadable || (row.choice == Bit(kChoiceGpc) && request_.gpc);
      const Rank rank = !certain        ? kForbidUndecided
                        : row.objection ? kObjected
                                        : kOptedOut;
      Take(Deny(rank, row.rule), least);
    }
  }

  bool MinorRowApplies(const MinorRow& row) const {
    if (age_unreadable_) return true;
    if (age_ < row.from_age) return false;
    for (const JurisdictionId place : EffectiveResidences()) {
      if (age_ < row.below_age[Index(place)]) return true;
    }
    return false;
  }

  void DecideMinors(const RegimeVersion& v, const BasisEntry* basis,
                    BasisView* view) const {
    const Rank rank = age_unreadable_ ? kForbidUndecided : kMinor;
    const int kind = basis == nullptr ? 0 : basis->kind;
    const bool consent =
        ConsentFaultFor(basis, /*explicit_needed=*/false) == kConsentValid;
    for (const MinorRow& row : v.minors) {
      if (!Has(row.classes, class_) || !Has(row.bases, kind) ||
          !MinorRowApplies(row)) {
        continue;
      }
      switch (row.action) {
        case MinorRule::DENY:
          Take(Deny(rank, row.rule), &view->denial);
          break;
        case MinorRule::OPT_IN_BY_SELF:
          if (!consent || (consent_->actor != ConsentActor::kSelf &&
                           consent_->actor != ConsentActor::kAttested)) {
            Take(Deny(rank, row.rule), &view->denial);
          }
          break;
        case MinorRule::OPT_IN_BY_PARENT:
          if (!consent || !consent_->parental_authorisation) {
            Take(Deny(rank, row.rule), &view->denial);
          }
          break;
        default:
          if (!purpose_.counselling_for_children && consent_ != nullptr &&
              !consent_->parental_authorisation) {
            Take(Deny(rank, row.rule), &view->parent_missing);
          }
          break;
      }
    }
  }

  void DecideUse(const UseCell& use, const BasisEntry* basis,
                 BasisView* view) const {
    Denial* least = &view->denial;
    if (use.rule == kNoRule || basis == nullptr || use.mode == Mode::DENY ||
        !Has(use.bases, basis->kind)) {
      const bool rule_denies =
          use.mode == Mode::DENY ||
          (basis != nullptr && !Has(use.bases, basis->kind));
      Take(Deny(kNoLawfulBasis, rule_denies ? use.rule : kNoRule), least);
      return;
    }
    const bool explicit_needed = basis->kind == LawfulBasis::EXPLICIT_CONSENT ||
                                 use.mode == Mode::OPT_IN_EXPLICIT;
    if (basis->kind == LawfulBasis::CONSENT || explicit_needed ||
        use.mode == Mode::OPT_IN) {
      const Rank fault = ConsentFaultFor(basis, explicit_needed);
      if (fault != kConsentValid) {
        Take(Deny(fault, use.rule), least);
      } else {
        Take(view->parent_missing, least);
      }
    }
    if (basis->kind != LawfulBasis::LEGAL_OBLIGATION &&
        basis->kind != LawfulBasis::VITAL_INTEREST) {
      if (Unreadable(kUnreadableConsents)) {
        Take(Deny(kForbidUndecided, use.rule), least);
      } else if (consent_fault_ == kConsentWithdrawn ||
                 consent_fault_ == kConsentRefused) {
        Take(Deny(consent_fault_, use.rule), least);
      }
    }
    if (use.mode == Mode::SOFT_OPT_IN &&
        basis->kind == LawfulBasis::LEGITIMATE_INTEREST &&
        !SoftOptInStands(use)) {
      Take(Deny(kConsentMissing, use.rule), least);
    }
  }

  void DecideTransfer(const TransferRow& row, const BasisEntry* basis,
                      Denial parent_missing, Denial* least) const {
    if (request_.recipient == kNoJurisdiction) {
      Take(Deny(kForbidUndecided, row.rule), least);
      return;
    }
    if (row.free.Has(request_.recipient)) return;
    const Safeguard safeguard = request_.safeguard;
    const bool declared =
        safeguard != config::v1::Safeguard::UNSPECIFIED &&
        Has(row.safeguards, safeguard) &&
        Has(purpose_.transfers[Index(request_.recipient)], safeguard);
    const bool consented =
        safeguard != config::v1::Safeguard::EXPLICIT_CONSENT ||
        (ConsentFaultFor(basis, /*explicit_needed=*/true) == kConsentValid &&
         parent_missing == kNoDenial);
    if (!declared || !consented) {
      Take(Deny(kTransferNotAllowed, row.rule), least);
    }
  }

  void DecideSensitive(const RegimeVersion& v, FieldId field,
                       const BasisEntry* basis, const BasisView& view,
                       Denial* least) const {
    const bool parent = view.parent_missing == kNoDenial;
    const auto valid = [&](bool explicit_needed) {
      return parent && ConsentFaultFor(basis, explicit_needed) == kConsentValid;
    };
    bool spoken = false;
    for (const SensitiveRow& row : v.sensitive) {
      if (!Has(row.classes, class_) || !row.fields.Has(field)) continue;
      spoken = true;
      bool withheld = false;
      switch (row.demand) {
        case SensitiveRule::DENY:
          withheld = true;
          break;
        case SensitiveRule::GATE:
          withheld =
              basis == nullptr || !Has(row.gates, basis->gate) ||
              (basis->gate == config::v1::SpecialGate::EXPLICIT_CONSENT &&
               !valid(true));
          break;
        case SensitiveRule::OPT_IN:
          withheld = !valid(false);
          break;
        case SensitiveRule::OPT_IN_EXPLICIT:
          withheld = !valid(true);
          break;
        case SensitiveRule::OPT_OUT:
          if (Unreadable(kUnreadableChoices)) {
            Take(Deny(kForbidUndecided, row.rule), least);
          } else if (Has(facts_.opt_outs, config::v1::OptOut::SENSITIVE_DATA)) {
            Take(Deny(kOptedOut, row.rule), least);
          }
          break;
        default:
          break;
      }
      if (withheld) Take(Deny(kSpecialCategory, row.rule), least);
    }
    if (!spoken) Take(Deny(kSpecialCategory), least);
    if (!purpose_.significant) return;
    for (const AutomatedRow& row : v.automated) {
      if (basis != nullptr && !Has(row.gates, basis->gate)) {
        Take(Deny(kSpecialCategory, row.rule), least);
      }
    }
  }

  // --- Fields and the owner's rules ---

  bool OwnerRowMatches(const OwnerRow& row) {
    if (now_ < row.from_us || now_ >= row.to_us ||
        !Has(row.channels, request_.channel)) {
      return false;
    }
    if (row.names_hours && !HourMatches(row)) return false;
    if (row.names_places && !Unreadable(kUnreadableResidence) &&
        !HasAny(row.places, EffectiveResidences()) &&
        !HasAny(row.places, facts_.locations)) {
      return false;
    }
    if (row.below_age > 0 && !age_unreadable_) {
      if (age_ == kAgeUnknown) return row.unknown_age_too;
      return age_ < row.below_age;
    }
    return true;
  }

  bool HourMatches(const OwnerRow& row) {
    const int64_t offset = t_.utc_offset_minutes * 60 * kUsPerSecond;
    const int64_t local = now_ + offset;
    const int64_t midnight =
        local - ((local % kUsPerDay) + kUsPerDay) % kUsPerDay;
    for (const int64_t hour : {row.from_hour, row.to_hour}) {
      int64_t edge = midnight + hour * kUsPerHour;
      if (edge <= local) edge += kUsPerDay;
      Until(edge - offset);
    }
    const int64_t hour = (local - midnight) / kUsPerHour;
    return row.from_hour < row.to_hour
               ? row.from_hour <= hour && hour < row.to_hour
               : hour >= row.from_hour || hour < row.to_hour;
  }

  void FindOwnerRows() {
    for (const uint16_t i : purpose_.owner_rows) {
      if (OwnerRowMatches(t_.owner_rows[i])) owner_[owner_count_++] = i;
    }
  }

  // `transform` is null without a field.
  void DecideOwner(Transform* transform, size_t i, Denial* least) {
    for (size_t o = 0; o < owner_count_; ++o) {
      const OwnerRow& row = t_.owner_rows[owner_[o]];
      if (row.names_fields &&
          (transform == nullptr || !row.fields.Has(request_.fields[i]))) {
        continue;
      }
      switch (row.effect) {
        case OwnerRule::DENY:
          Take(Deny(kOwnerForbids, row.rule), least);
          break;
        case OwnerRule::REQUIRE_CONSENT:
        case OwnerRule::REQUIRE_EXPLICIT_CONSENT:
          if (ConsentFaultFor(
                  nullptr, row.effect == OwnerRule::REQUIRE_EXPLICIT_CONSENT) !=
              kConsentValid) {
            Take(Deny(kOwnerForbids, row.rule), least);
          }
          break;
        case OwnerRule::SHORTEN_RETENTION:
          if (transform != nullptr && Collected(i) != 0) {
            EndOfRetention(AddMonths(Collected(i), row.months), row.rule,
                           /*counts=*/true, least);
          }
          break;
        case OwnerRule::TRANSFORM:
          if (transform == nullptr ||
              *transform == config::v1::Transform::DROP) {
            break;
          }
          *transform = StricterTransform(*transform, row.transform);
          if (*transform == config::v1::Transform::DROP) {
            Take(Deny(kOwnerForbids, row.rule), least);
          }
          break;
        default:
          break;
      }
    }
  }

  // 0: not told, or no time at all, which DecideField denies.
  int64_t Collected(size_t i) const {
    const int64_t collected =
        request_.collected_us.empty() ? 0 : request_.collected_us[i];
    return InRange(collected) ? collected : 0;
  }

  void EndOfRetention(int64_t end, RuleId rule, bool counts, Denial* least) {
    Until(end);
    if (counts && now_ >= end) Take(Deny(kRetentionExpired, rule), least);
  }

  void DecideField(size_t i) {
    if (slots_[i] == kNoSlot) return;
    if (!request_.collected_us.empty() && !InRange(request_.collected_us[i])) {
      Take(Deny(kForbidUndecided), &denials_[i]);
    }
    if (Collected(i) != 0) {
      const bool counts = !(facts_.legal_hold &&
                            class_ == config::v1::PurposeClass::LEGAL_CLAIMS);
      const FieldEntry& field = t_.fields[Index(request_.fields[i])];
      EndOfRetention(AddMonths(Collected(i), field.retention_months), kNoRule,
                     counts, &denials_[i]);
      if (purpose_.retention_months > 0) {
        EndOfRetention(AddMonths(Collected(i), purpose_.retention_months),
                       kNoRule, counts, &denials_[i]);
      }
    }
    DecideOwner(&transforms_[i], i, &denials_[i]);
  }

  // --- The answer ---

  void Report() {
    Denial first = kNoDenial;
    uint64_t permitted = 0;
    for (size_t i = 0; i < count_; ++i) {
      Denial denial =
          slots_[i] == kNoSlot ? Deny(kFieldNotAllowed) : denials_[i];
      if (!request_.fields.empty()) {
        FieldDecision& field = out_->fields.emplace_back();
        field.field = request_.fields[i];
        field.permitted = denial == kNoDenial;
        if (field.permitted) {
          field.transform = transforms_[i];
        } else {
          field.reason = kReasons[RankOf(denial)];
          field.rule = RuleOf(denial);
        }
      }
      if (denial == kNoDenial) {
        permitted |= uint64_t{1} << i;
      } else {
        Take(denial, &first);
        AddRule(RuleOf(denial));
      }
    }
    out_->permitted = permitted != 0;
    if (permitted == 0) {
      out_->reason = kReasons[RankOf(first)];
      out_->rule = RuleOf(first);
    } else {
      for (const RegimeId regime : out_->regimes) {
        ReportRegime(regime, permitted);
      }
    }
    std::sort(out_->rules.begin(), out_->rules.end());
    out_->rules.erase(std::unique(out_->rules.begin(), out_->rules.end()),
                      out_->rules.end());
  }

  void AddRule(RuleId rule) {
    if (rule == kNoRule) return;
    // Neighbouring fields mostly repeat it.
    if (!out_->rules.empty() && out_->rules.back() == rule) return;
    out_->rules.push_back(rule);
  }

  void ReportRegime(RegimeId regime, uint64_t permitted) {
    const RegimeVersion& v = VersionOf(regime);
    const std::vector<BasisSlot>& basis_of = purpose_.basis_of[Index(regime)];
    const FieldSet& sensitive = t_.sensitive_fields[Index(regime)];
    Mask bases = 0;
    for (; permitted != 0; permitted &= permitted - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(permitted));
      bases |= Bit(basis_of[slots_[i]]);
      if (request_.fields.empty() || !sensitive.Has(request_.fields[i])) {
        continue;
      }
      for (const SensitiveRow& row : v.sensitive) {
        if (Has(row.classes, class_) && row.fields.Has(request_.fields[i])) {
          AddRule(row.rule);
        }
      }
    }
    AddRule(v.uses[class_][request_.channel].rule);
    for (; bases != 0; bases &= bases - 1) {
      out_->bases.push_back(
          {regime, BasisId{static_cast<uint16_t>(purpose_.first_basis +
                                                 std::countr_zero(bases))}});
    }
    if (!purpose_.significant) return;
    for (const AutomatedRow& row : v.automated) {
      AddRule(row.rule);
      if (row.human == AutomatedDecisionRule::ON_REQUEST) {
        out_->obligations |= kOweHumanOnRequest;
      } else if (row.human == AutomatedDecisionRule::BEFORE_EFFECT) {
        out_->obligations |= kOweHumanBeforeEffect;
      }
      if (row.notice) out_->obligations |= kOweNotice;
    }
  }

  void Until(int64_t at_us) {
    if (at_us > now_) until_ = std::min(until_, at_us);
  }
  void FindEnd() { out_->decided_until_us = until_; }

  static constexpr Rank kConsentValid = kFieldNotAllowed;

  const BundleTables& t_;
  const SubjectFacts& facts_;
  const DecisionRequest& request_;
  const PurposeTable& purpose_;
  const int class_;
  const int64_t now_;
  Decision* const out_;

  size_t span_ = 0;
  const ConsentFact* consent_ = nullptr;
  Rank consent_fault_ = kConsentMissing;
  int age_ = kAgeUnknown;
  bool age_unreadable_ = false;
  int64_t until_ = kNever;
  size_t count_ = 0;
  std::array<Denial, kMaxFieldsPerRequest> denials_;
  std::array<uint16_t, kMaxFieldsPerRequest> slots_;
  std::array<Transform, kMaxFieldsPerRequest> transforms_;
  std::array<uint16_t, kMaxOwnerRules> owner_;
  size_t owner_count_ = 0;
};

absl::Status CheckRequest(const BundleTables& t, const SubjectFacts& facts,
                          const DecisionRequest& request) {
  if (Index(request.purpose) >= t.purposes.size()) {
    return absl::InvalidArgumentError("purpose is not of this bundle");
  }
  if (request.channel < 1 ||
      static_cast<size_t>(request.channel) >= kChannels) {
    return absl::InvalidArgumentError("channel is not known");
  }
  if (request.fields.size() > kMaxFieldsPerRequest) {
    return absl::InvalidArgumentError("more than 64 fields");
  }
  for (const FieldId field : request.fields) {
    if (Index(field) >= t.fields.size()) {
      return absl::InvalidArgumentError("field is not of this bundle");
    }
  }
  if (!request.collected_us.empty() &&
      request.collected_us.size() != request.fields.size()) {
    return absl::InvalidArgumentError("collected_us is not beside fields");
  }
  if (!InRange(request.time_us)) {
    return absl::InvalidArgumentError("time is out of range");
  }
  const auto known = [&](JurisdictionId place) {
    return Index(place) < t.places.size();
  };
  if (request.recipient != kNoJurisdiction && !known(request.recipient)) {
    return absl::InvalidArgumentError("recipient is not of this bundle");
  }
  if (!std::all_of(facts.residences.begin(), facts.residences.end(), known) ||
      !std::all_of(facts.locations.begin(), facts.locations.end(), known)) {
    return absl::InvalidArgumentError("place is not of this bundle");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Decide(const Bundle& bundle, const SubjectFacts& facts,
                    const DecisionRequest& request, Decision* out) {
  out->Clear();
  if (absl::Status status = CheckRequest(bundle.tables(), facts, request);
      !status.ok()) {
    return status;
  }
  Decider(bundle, facts, request, out).Run();
  return absl::OkStatus();
}

std::string CanonicalEffects(const Bundle& bundle, const Decision& decision) {
  std::string out;
  const auto number = [&](uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>(value >> shift & 0xff));
    }
  };
  number(static_cast<uint32_t>(decision.fields.size()));
  for (const FieldDecision& field : decision.fields) {
    const std::string& name = bundle.field_name(field.field);
    number(static_cast<uint32_t>(name.size()));
    out += name;
    out.push_back(field.permitted ? 1 : 2);
    number(static_cast<uint32_t>(field.transform));
    number(static_cast<uint32_t>(field.reason));
  }
  out.push_back(decision.permitted ? 1 : 2);
  number(static_cast<uint32_t>(decision.reason));
  return out;
}

}  // namespace consentry::policy
