#include "policy/engine/question.h"

#include <algorithm>

namespace consentry::policy {
namespace {

bool HasAny(const PlaceSet& set, std::span<const JurisdictionId> places) {
  return std::any_of(places.begin(), places.end(),
                     [&](JurisdictionId p) { return set.Has(p); });
}

}  // namespace

size_t SpanAt(const BundleTables& tables, int64_t time_us) {
  return static_cast<size_t>(std::upper_bound(tables.boundaries.begin(),
                                              tables.boundaries.end(),
                                              time_us) -
                             tables.boundaries.begin());
}

std::span<const JurisdictionId> EffectiveResidencesOf(
    const BundleTables& tables, const SubjectFacts& facts) {
  return facts.residences.empty()
             ? std::span<const JurisdictionId>(tables.assumed_residences)
             : std::span<const JurisdictionId>(facts.residences);
}

uint64_t AttachedIn(const BundleTables& tables, const SubjectFacts& facts,
                    size_t span) {
  const AttachTable& attach = tables.attach[span];
  uint64_t mask = attach.always;
  const auto residences = EffectiveResidencesOf(tables, facts);
  for (const JurisdictionId place : residences) {
    mask |= attach.residence[Index(place)] | attach.anywhere[Index(place)];
  }
  for (const JurisdictionId place : facts.locations) {
    mask |= attach.anywhere[Index(place)];
  }
  for (const AttachTable::Both& both : attach.both) {
    if (HasAny(both.residence, residences) &&
        (HasAny(both.anywhere, residences) ||
         HasAny(both.anywhere, facts.locations))) {
      mask |= both.regime;
    }
  }
  return mask == 0 ? attach.fallback : mask;
}

Question::Question(const BundleTables& tables, const SubjectFacts& facts,
                   const DecisionRequest& request)
    : t_(tables),
      facts_(facts),
      request_(request),
      purpose_(tables.purposes[Index(request.purpose)]),
      now_(request.time_us) {
  FindSpan();
  FindConsent();
  FindAge();
  FindAttached();
}

void Question::FindSpan() {
  span_ = SpanAt(t_, now_);
  if (span_ < t_.boundaries.size()) Until(t_.boundaries[span_]);
}

void Question::FindConsent() {
  for (size_t i = 0; i < facts_.consents.size(); ++i) {
    if (facts_.consents[i].purpose != request_.purpose) continue;
    consent_ = &facts_.consents[i];
    consent_index_ = static_cast<int32_t>(i);
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
Rank Question::ConsentFault() const {
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
Rank Question::ConsentFaultFor(const BasisEntry* basis,
                               bool explicit_needed) const {
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

void Question::FindAge() {
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

void Question::FindAttached() {
  if (Unreadable(kUnreadableResidence)) return;
  attached_ = AttachedIn(t_, facts_, span_);
}

bool Question::ObjectedToPurpose() const {
  return facts_.objected_to_all ||
         std::find(facts_.objected_to.begin(), facts_.objected_to.end(),
                   request_.purpose) != facts_.objected_to.end();
}

bool Question::MinorRowApplies(const MinorRow& row) const {
  if (age_unreadable_) return true;
  if (age_ < row.from_age) return false;
  const auto residences = EffectiveResidences();
  return std::any_of(
      residences.begin(), residences.end(),
      [&](JurisdictionId p) { return age_ < row.below_age[Index(p)]; });
}

bool Question::OwnerRowMatches(const OwnerRow& row) {
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

bool Question::HourMatches(const OwnerRow& row) {
  const int64_t offset = int64_t{t_.utc_offset_minutes} * 60 * kUsPerSecond;
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

bool Question::ContextFound() {
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

// Whether the soft opt-in stands is asked per basis; its ends are the same.
void Question::FindSoftOptIns(const UseCell& use) {
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

// Whether it is valid is asked per basis; it grows old the same for all.
void Question::FindConsentAge(uint32_t months) {
  if (Unreadable(kUnreadableConsents) || consent_ == nullptr ||
      consent_->status != ConsentStatus::kGiven ||
      !InRange(consent_->since_us)) {
    return;
  }
  Until(AddMonths(consent_->since_us, months));
}

bool Question::ConsentOlderThan(uint32_t months) const {
  return months > 0 && (!InRange(consent_->since_us) ||
                        now_ >= AddMonths(consent_->since_us, months));
}

bool Question::SoftOptInStands(const UseCell& use) const {
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

}  // namespace consentry::policy
