#ifndef CONSENTRY_GATEWAY_VAULT_VALUE_CHECK_H_
#define CONSENTRY_GATEWAY_VAULT_VALUE_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "consentry/v1/common.pb.h"
#include "consentry/v1/errors.pb.h"
#include "gateway/vault/catalog_index.h"

namespace consentry::vault {

// Holds one value against its field and brings it into the one form in which
// it is stored: the kind of Value that the type demands, texts without spaces
// around, telephone numbers in E.164, codes in upper case. A text is read as
// what the type demands, so that a file need not know types: "12.50 EUR",
// "2026-11-22", "true".
//
// UNSPECIFIED: `out` holds the value. NO_VALUE: there is nothing (no kind set,
// or a text of spaces). VALUE_MALFORMED: not of the type, or the pattern does
// not match. VALUE_OUT_OF_RANGE: bounds, length, or not among the values
// listed. Pure; `out` is unset unless UNSPECIFIED is returned.
v1::ErrorReason CheckValue(const FieldSpec& spec, const v1::Value& in,
                           std::string_view home_country, v1::Value* out);

// Digits after the point of an amount in this currency (ISO 4217): mostly 2.
int MinorDigits(std::string_view currency);

// "YYYY-MM-DD", a day that exists, years 1800 to 2200. Days since 1970-01-01.
std::optional<int32_t> ParseDate(std::string_view text);

// ISO 3166-1 alpha-2, alone or with an ISO 3166-2 subdivision, in either case;
// upper case comes back, and GB for UK, GR for EL. Only the form is checked.
std::optional<std::string> NormalizeRegion(std::string_view text);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_VALUE_CHECK_H_
