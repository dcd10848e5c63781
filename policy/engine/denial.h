#ifndef CONSENTRY_POLICY_ENGINE_DENIAL_H_
#define CONSENTRY_POLICY_ENGINE_DENIAL_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "policy/engine/types.h"

// Denials while they are weighed; the engine's own business.
namespace consentry::policy {

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

// What ConsentFault... functions give for a consent that is valid.
inline constexpr Rank kConsentValid = kFieldNotAllowed;

inline constexpr std::array kReasons = {
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
inline constexpr Denial kNoDenial = std::numeric_limits<Denial>::max();
constexpr Denial Deny(Rank rank, RuleId rule = kNoRule) {
  return static_cast<Denial>(rank) << 16 | static_cast<uint32_t>(rule);
}
constexpr Rank RankOf(Denial denial) { return Rank{denial >> 16}; }
constexpr RuleId RuleOf(Denial denial) {
  return RuleId{static_cast<uint16_t>(denial & 0xffff)};
}
inline void Take(Denial denial, Denial* least) {
  *least = std::min(*least, denial);
}

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_DENIAL_H_
