#ifndef CONSENTRY_GATEWAY_CONSENT_TYPED_CODE_H_
#define CONSENTRY_GATEWAY_CONSENT_TYPED_CODE_H_

#include <optional>
#include <string>
#include <string_view>

namespace consentry::consent {

// Codes that people read in a message and type: 40 random bits as 8 characters
// of Crockford's base 32 (no I, L, O, U), with a hyphen in the middle. With
// five tries a guess succeeds once in 2^37. Pure but for NewCode.

// "7K4Q-X2MD".
std::string NewCode();

// The 8 characters that somebody meant: case, hyphens and spaces do not matter,
// O is 0, I and L are 1. None for what is no code.
std::optional<std::string> ReadCode(std::string_view typed);

// Takes as long whatever the difference; false for different lengths.
bool SameDigest(std::string_view a, std::string_view b);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_TYPED_CODE_H_
