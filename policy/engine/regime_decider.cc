#include "policy/engine/regime_decider.h"

namespace consentry::policy {

using config::v1::AutomatedDecisionRule;
using config::v1::MinorRule;
using config::v1::Mode;
using config::v1::SensitiveRule;

namespace {

constexpr Mask kOptOutBits = Bit(config::v1::OptOut::Value_ARRAYSIZE) - 1;

}  // namespace

RegimeDecider::RegimeDecider(Question* question, RegimeId regime)
    : q_(*question),
      class_(q_.purpose().purpose_class),
      version_(q_.VersionOf(regime)),
      use_(version_.uses[class_][q_.request().channel]),
      basis_of_(q_.purpose().basis_of[Index(regime)]),
      sensitive_(q_.tables().sensitive_fields[Index(regime)]) {
  if (use_.mode == Mode::SOFT_OPT_IN) question->FindSoftOptIns(use_);
  for (const SensitiveRow& row : version_.sensitive) {
    if (row.consent_months > 0 && Has(row.classes, class_)) {
      question->FindConsentAge(row.consent_months);
    }
  }
}

Denial RegimeDecider::ForField(uint16_t slot, const FieldId* field) {
  const BasisSlot basis_slot = basis_of_[slot];
  const BasisEntry* basis = BasisAt(basis_slot);
  BasisView& view = views_[basis_slot];
  if (!view.done) DecideBasis(version_, use_, basis, &view);
  Denial least = view.denial;
  if (field != nullptr && sensitive_.Has(*field)) {
    DecideSensitive(version_, *field, basis, view, &least);
  }
  return least;
}

const BasisEntry* RegimeDecider::BasisAt(BasisSlot slot) const {
  return slot < q_.purpose().basis_count
             ? &q_.tables().bases[size_t{q_.purpose().first_basis} + slot]
             : nullptr;
}

void RegimeDecider::DecideBasis(const RegimeVersion& v, const UseCell& use,
                                const BasisEntry* basis,
                                BasisView* view) const {
  view->done = true;
  Denial* least = &view->denial;
  DecideChoices(v, basis, least);
  if (Has(v.minor_classes, class_) &&
      (q_.age_unreadable() ||
       (q_.age() != kAgeUnknown && q_.age() < v.minor_below))) {
    DecideMinors(v, basis, view);
  }
  DecideUse(use, basis, view);
  for (const TransferRow& row : v.transfers) {
    DecideTransfer(row, basis, view->parent_missing, least);
  }
  if (!q_.purpose().significant ||
      q_.request().mode == DecisionMode::kReviewed) {
    return;
  }
  for (const AutomatedRow& row : v.automated) {
    if ((basis != nullptr && !Has(row.bases, basis->kind)) ||
        (q_.request().mode == DecisionMode::kOutput &&
         row.human == AutomatedDecisionRule::BEFORE_EFFECT)) {
      Take(Deny(kReviewRequired, row.rule), least);
    }
  }
}

void RegimeDecider::DecideChoices(const RegimeVersion& v,
                                  const BasisEntry* basis,
                                  Denial* least) const {
  const bool unreadable = q_.Unreadable(kUnreadableChoices);
  if ((q_.facts().restricted || unreadable) &&
      !Has(v.still_permitted, class_)) {
    Take(
        Deny(unreadable ? kForbidUndecided : kSubjectRestricted, v.restriction),
        least);
  }
  // With unreadable choices every row counts.
  Mask held = ~Mask{0};
  if (!unreadable) {
    held = q_.facts().opt_outs & kOptOutBits;
    if (q_.facts().gpc || q_.request().gpc) held |= Bit(kChoiceGpc);
    if (q_.ObjectedToPurpose()) held |= Bit(kChoiceObjectedToPurpose);
  }
  if ((v.choices_asked[class_][q_.request().channel] & held) == 0) return;
  const int kind = basis == nullptr ? 0 : basis->kind;
  for (const ChoiceRow& row : v.choices) {
    if ((row.choice & held) == 0 || !Has(row.classes, class_) ||
        !Has(row.channels, q_.request().channel) || !Has(row.bases, kind)) {
      continue;
    }
    const bool certain =
        !unreadable || (row.choice == Bit(kChoiceGpc) && q_.request().gpc);
    const Rank rank = !certain        ? kForbidUndecided
                      : row.objection ? kObjected
                                      : kOptedOut;
    Take(Deny(rank, row.rule), least);
  }
}

void RegimeDecider::DecideMinors(const RegimeVersion& v,
                                 const BasisEntry* basis,
                                 BasisView* view) const {
  const Rank rank = q_.age_unreadable() ? kForbidUndecided : kMinor;
  const int kind = basis == nullptr ? 0 : basis->kind;
  const bool consent =
      q_.ConsentFaultFor(basis, /*explicit_needed=*/false) == kConsentValid;
  for (const MinorRow& row : v.minors) {
    if (!Has(row.classes, class_) || !Has(row.bases, kind) ||
        !q_.MinorRowApplies(row)) {
      continue;
    }
    switch (row.action) {
      case MinorRule::DENY:
        Take(Deny(rank, row.rule), &view->denial);
        break;
      case MinorRule::OPT_IN_BY_SELF:
        if (!consent || (q_.consent()->actor != ConsentActor::kSelf &&
                         q_.consent()->actor != ConsentActor::kAttested)) {
          Take(Deny(rank, row.rule), &view->denial);
        }
        break;
      case MinorRule::OPT_IN_BY_PARENT:
        if (!consent || !q_.consent()->parental_authorisation) {
          Take(Deny(rank, row.rule), &view->denial);
        }
        break;
      default:
        if (!q_.purpose().counselling_for_children && q_.consent() != nullptr &&
            !q_.consent()->parental_authorisation) {
          Take(Deny(rank, row.rule), &view->parent_missing);
        }
        break;
    }
  }
}

void RegimeDecider::DecideUse(const UseCell& use, const BasisEntry* basis,
                              BasisView* view) const {
  Denial* least = &view->denial;
  if (use.rule == kNoRule || basis == nullptr || use.mode == Mode::DENY ||
      !Has(use.bases, basis->kind)) {
    const bool rule_denies = use.mode == Mode::DENY ||
                             (basis != nullptr && !Has(use.bases, basis->kind));
    Take(Deny(kNoLawfulBasis, rule_denies ? use.rule : kNoRule), least);
    return;
  }
  const bool explicit_needed =
      basis->kind == config::v1::LawfulBasis::EXPLICIT_CONSENT ||
      use.mode == Mode::OPT_IN_EXPLICIT;
  if (basis->kind == config::v1::LawfulBasis::CONSENT || explicit_needed ||
      use.mode == Mode::OPT_IN) {
    const Rank fault = q_.ConsentFaultFor(basis, explicit_needed);
    if (fault != kConsentValid) {
      Take(Deny(fault, use.rule), least);
    } else {
      Take(view->parent_missing, least);
    }
  }
  if (basis->kind != config::v1::LawfulBasis::LEGAL_OBLIGATION &&
      basis->kind != config::v1::LawfulBasis::VITAL_INTEREST) {
    if (q_.Unreadable(kUnreadableConsents)) {
      Take(Deny(kForbidUndecided, use.rule), least);
    } else if (q_.consent_fault() == kConsentWithdrawn ||
               q_.consent_fault() == kConsentRefused) {
      Take(Deny(q_.consent_fault(), use.rule), least);
    }
  }
  if (use.mode == Mode::SOFT_OPT_IN &&
      basis->kind == config::v1::LawfulBasis::LEGITIMATE_INTEREST &&
      !q_.SoftOptInStands(use)) {
    Take(Deny(kConsentMissing, use.rule), least);
  }
}

void RegimeDecider::DecideTransfer(const TransferRow& row,
                                   const BasisEntry* basis,
                                   Denial parent_missing, Denial* least) const {
  if (q_.request().recipient == kNoJurisdiction) {
    Take(Deny(kForbidUndecided, row.rule), least);
    return;
  }
  if (row.free.Has(q_.request().recipient)) return;
  const Safeguard safeguard = q_.request().safeguard;
  const bool declared =
      safeguard != config::v1::Safeguard::UNSPECIFIED &&
      Has(row.safeguards, safeguard) &&
      Has(q_.purpose().transfers[Index(q_.request().recipient)], safeguard);
  const bool consented =
      safeguard != config::v1::Safeguard::EXPLICIT_CONSENT ||
      (q_.ConsentFaultFor(basis, /*explicit_needed=*/true) == kConsentValid &&
       parent_missing == kNoDenial);
  if (!declared || !consented) {
    Take(Deny(kTransferNotAllowed, row.rule), least);
  }
}

void RegimeDecider::DecideSensitive(const RegimeVersion& v, FieldId field,
                                    const BasisEntry* basis,
                                    const BasisView& view,
                                    Denial* least) const {
  const bool parent = view.parent_missing == kNoDenial;
  const auto valid = [&](bool explicit_needed) {
    return parent &&
           q_.ConsentFaultFor(basis, explicit_needed) == kConsentValid;
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
        withheld = basis == nullptr || !Has(row.gates, basis->gate) ||
                   (basis->gate == config::v1::SpecialGate::EXPLICIT_CONSENT &&
                    !valid(true));
        break;
      case SensitiveRule::OPT_IN:
      case SensitiveRule::OPT_IN_EXPLICIT:
        withheld = !valid(row.demand == SensitiveRule::OPT_IN_EXPLICIT) ||
                   q_.ConsentOlderThan(row.consent_months);
        break;
      case SensitiveRule::OPT_OUT:
        if (q_.Unreadable(kUnreadableChoices)) {
          Take(Deny(kForbidUndecided, row.rule), least);
        } else if (Has(q_.facts().opt_outs,
                       config::v1::OptOut::SENSITIVE_DATA)) {
          Take(Deny(kOptedOut, row.rule), least);
        }
        break;
      default:
        break;
    }
    if (withheld) Take(Deny(kSpecialCategory, row.rule), least);
  }
  if (!spoken) Take(Deny(kSpecialCategory), least);
  if (!q_.purpose().significant) return;
  for (const AutomatedRow& row : v.automated) {
    if (basis != nullptr && !Has(row.gates, basis->gate)) {
      Take(Deny(kSpecialCategory, row.rule), least);
    }
  }
}

}  // namespace consentry::policy
