#ifndef CONSENTRY_GATEWAY_CRYPTO_IDENTIFIERS_H_
#define CONSENTRY_GATEWAY_CRYPTO_IDENTIFIERS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::crypto {

// The one spelling under which an identifier is indexed, so that two sources
// that write the same address differently meet. Pure functions; nothing here
// decides whether two people are one. Errors: InvalidArgument, whose message
// holds nothing of the value.
enum class IdentifierType : uint8_t {
  kEmail = 1,
  kPhone = 2,
  kExternalId = 3,  // An id in another system: compared byte by byte.
  kCustom = 4,
};

// Longest identifier, in bytes, before and after normalisation.
inline constexpr size_t kMaxIdentifierBytes = 320;

// Spaces around are dropped; ASCII letters become lower case in local part and
// domain (no mail system in use tells them apart), a final dot of the domain
// goes. Tags and dots of the local part stay: to drop them would join people.
// Letters beyond ASCII stay as they are written. Refused: quoted local parts,
// comments, address literals, inner spaces, a domain without a dot, labels
// with a leading or trailing hyphen, parts longer than RFC 5321 allows (64 and
// 255).
absl::StatusOr<std::string> NormalizeEmail(std::string_view value);

// E.164: "+" and 7 to 15 digits. Spaces, hyphens, dots, slashes and brackets
// are dropped; "00", and "011" where that is the country's international
// prefix, read as "+"; a trunk zero after a country code goes, as in
// "+44 (0)20" and "+49 030", but not where the zero belongs to the number
// (Italy). A number without
// either is read in `default_country` (ISO 3166-1 alpha-2): its trunk prefix
// goes, its calling code comes. InvalidArgument for such a number when
// `default_country` is empty or not known here. Extensions are refused: they
// are shared. Whether the number is assigned is not checked.
absl::StatusOr<std::string> NormalizePhone(std::string_view value,
                                           std::string_view default_country);

// Unchanged, when it is valid UTF-8 of 1 to kMaxIdentifierBytes bytes without
// control characters.
absl::StatusOr<std::string> NormalizeExternalId(std::string_view value);

// Spaces around are dropped, runs of spaces become one; otherwise as an
// external id.
absl::StatusOr<std::string> NormalizeCustom(std::string_view value);

// By type; `default_country` is used for phones alone.
absl::StatusOr<std::string> NormalizeIdentifier(
    IdentifierType type, std::string_view value,
    std::string_view default_country);

// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view text);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_IDENTIFIERS_H_
