#ifndef CONSENTRY_AUDIT_MERKLE_HASH_H_
#define CONSENTRY_AUDIT_MERKLE_HASH_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace consentry::audit {

// A SHA-256 value.
using Hash = std::array<uint8_t, 32>;

inline constexpr size_t kHashSize = 32;

inline std::string_view AsView(const Hash& hash) {
  return std::string_view(reinterpret_cast<const char*>(hash.data()),
                          hash.size());
}
// None unless `bytes` is 32 long.
std::optional<Hash> HashFromBytes(std::string_view bytes);
// Lower case, 64 characters.
std::string HexOf(const Hash& hash);

// SHA-256 of the parts, one after the other. Safe for many threads, like all
// of this file.
Hash Sha256(std::initializer_list<std::string_view> parts);

// RFC 6962 2.1, the same as RFC 9162 2.1.1. The first byte keeps leaves and
// nodes apart, so that no node can be shown as a leaf.
Hash EmptyRoot();                                    // SHA-256 of nothing.
Hash LeafHash(std::string_view entry);               // 0x00 || entry
Hash NodeHash(const Hash& left, const Hash& right);  // 0x01 || left || right

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_MERKLE_HASH_H_
