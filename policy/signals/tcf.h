#ifndef CONSENTRY_POLICY_SIGNALS_TCF_H_
#define CONSENTRY_POLICY_SIGNALS_TCF_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "policy/signals/vendor_set.h"

namespace consentry::signals {

// IAB Europe Transparency and Consent Framework, TC string 2.2 and 2.3
// ("Consent string and vendor list formats v2"). Purposes, features and vendors
// are counted from 1, as there; in a mask, bit n - 1 is number n.

enum class RestrictionType : uint8_t {
  kNotAllowed = 0,
  kRequireConsent = 1,
  kRequireLegitimateInterest = 2,
};

// What the publisher rules about a purpose for some vendors.
struct PublisherRestriction {
  uint8_t purpose = 0;
  RestrictionType type = RestrictionType::kNotAllowed;
  VendorSet vendors;
};

// The publisher's own purposes.
struct PublisherTc {
  uint32_t consents = 0;
  uint32_t legitimate_interests = 0;
  uint8_t custom_purposes = 0;
  uint64_t custom_consents = 0;
  uint64_t custom_legitimate_interests = 0;
};

// A TC string, whole. A value; immutable once decoded.
struct TcString {
  int64_t created_us = 0;
  int64_t last_updated_us = 0;
  uint16_t cmp_id = 0;
  uint16_t cmp_version = 0;
  uint8_t consent_screen = 0;
  std::string consent_language;  // Two capitals.
  uint16_t vendor_list_version = 0;
  uint8_t policy_version = 0;
  bool use_non_standard_texts = false;
  uint16_t special_feature_opt_ins = 0;       // 12 bits.
  uint32_t purpose_consents = 0;              // 24 bits.
  uint32_t purpose_legitimate_interests = 0;  // 24 bits.
  bool purpose_one_treatment = false;
  std::string publisher_country;  // Two capitals.
  VendorSet vendor_consents;
  VendorSet vendor_legitimate_interests;
  std::vector<PublisherRestriction> restrictions;
  // Vendors that the customer was shown; always there from March 2026 on.
  std::optional<VendorSet> disclosed_vendors;
  std::optional<PublisherTc> publisher;
};

// Decodes strictly. INVALID_ARGUMENT (ErrorOf tells where) for a string
//   - of another version than 2;
//   - that is not service-specific (IsServiceSpecific 0 is void);
//   - of a policy version below 4 and made after 2023-09-30;
//   - made after 2026-02-28 without the segment of disclosed vendors;
//   - of policy version 4 on that claims legitimate interest for the purposes
//     1 or 3 to 6;
//   - updated before it was made; of no CMP (id 0 or 1); with a language or
//     country that is no two letters; with vendor 0, purpose 0 or above 24,
//     restriction type 3;
//   - with a segment twice, of a type unknown, or of allowed vendors, which are
//     void since 2021; the core comes first, the others in any order;
//   - with a character that base64url has not, cut off, or with anything but
//     zeros behind the last field of a segment.
// Pure; time and memory are linear in the length of the string. `offset`: where
// `text` begins in what the caller was given, for the place of errors.
absl::StatusOr<TcString> DecodeTcf(std::string_view text, size_t offset = 0);

// How a vendor is registered in the Global Vendor List for one purpose.
struct VendorUse {
  uint8_t purpose = 0;
  uint16_t vendor = 0;
  enum class Basis : uint8_t { kConsent, kLegitimateInterest };
  // The basis that it registered.
  Basis registered = Basis::kConsent;
  // It registered the purpose as flexible.
  bool flexible = false;
  // Special features that it uses, as a mask: each needs its opt-in.
  uint16_t special_features = 0;
};

// On which basis the vendor may act for the purpose; none: it may not. On
// consent: purpose, vendor, the special features, and disclosure (where the
// string tells about it) are all there. A restriction may forbid (type 0 always
// does), or demand the other basis, which only a flexible registration can
// follow; restrictions that contradict each other forbid. Purpose 1 is never
// flexible, and neither it nor purposes 3 to 6 rest on legitimate interest.
std::optional<VendorUse::Basis> VendorMay(const TcString& tc,
                                          const VendorUse& use);

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_TCF_H_
