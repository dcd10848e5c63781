#ifndef CONSENTRY_GATEWAY_CRYPTO_CALLING_CODES_H_
#define CONSENTRY_GATEWAY_CRYPTO_CALLING_CODES_H_

#include <string_view>

namespace consentry::crypto {

// How numbers are dialled in a country (ITU-T E.164 and national plans).
struct CallingCode {
  std::string_view country;        // ISO 3166-1 alpha-2.
  std::string_view code;           // Country code, digits.
  std::string_view trunk;          // Before a number at home; may be empty.
  std::string_view international;  // Before a foreign country code.
};

// Null for a country that is not listed. Upper case only.
const CallingCode* FindCallingCode(std::string_view country);

// The country whose code `digits` begin with: country code and number, no
// plus. Null for a code that is not listed. Of countries that share a code,
// any one.
const CallingCode* CallingCodeOf(std::string_view digits);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_CALLING_CODES_H_
