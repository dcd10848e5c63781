#ifndef CONSENTRY_GATEWAY_CRYPTO_BASE32_H_
#define CONSENTRY_GATEWAY_CRYPTO_BASE32_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace consentry::crypto {

// RFC 4648 section 6 in lower case without padding, and only that: each byte
// string has exactly one text. Pure. Not constant time: for ids and tokens,
// not for keys.
std::string Base32Encode(std::span<const uint8_t> bytes);

// Fills `out` from exactly the text that Base32Encode makes of that many
// bytes. False for another length or character, or set bits after the end.
bool Base32Decode(std::string_view text, std::span<uint8_t> out);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_BASE32_H_
