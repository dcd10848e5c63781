#ifndef CONSENTRY_GATEWAY_CRYPTO_LINK_TOKEN_H_
#define CONSENTRY_GATEWAY_CRYPTO_LINK_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// What a one-click link (RFC 8058) stands for.
struct LinkContent {
  // 0: nobody.
  uint64_t subject = 0;
  // Keys of the purpose registry, without line breaks.
  std::vector<std::string> purposes;

  friend bool operator==(const LinkContent&, const LinkContent&) = default;
};

// Seals it so that whoever reads the link learns neither whom nor what it is
// about, nor whether two links are about the same; nothing is stored.
//
//   token := "uns_" base64url(version:u8 nonce:24 ciphertext tag:16)
//   ciphertext of (issued_us:i64 subject:u64 purpose ("\n" purpose)*), filled
//   up with zeros to a multiple of 96 bytes
//
// XChaCha20-Poly1305; associated data is the version. Immutable; safe for many
// threads.
class LinkTokens {
 public:
  // 400 days: a message may be read late.
  static constexpr int64_t kLifetimeUs = int64_t{400} * 86'400'000'000;
  // How far ahead of the clock a token may be: clocks of two gateways differ.
  static constexpr int64_t kMaxSkewUs = int64_t{60} * 1000 * 1000;
  // Of all purposes together, with a byte between any two.
  static constexpr size_t kMaxPurposeBytes = 1100;
  // No token is longer.
  static constexpr size_t kMaxTokenBytes = 1700;

  explicit LinkTokens(const RootKey& root);

  // InvalidArgument for content beyond the bound, and for no purpose.
  absl::StatusOr<std::string> Seal(const LinkContent& content,
                                   int64_t now_us) const;

  // InvalidArgument, always with the same message, for a token that is
  // malformed, changed, of another gateway, or older than kLifetimeUs.
  absl::StatusOr<LinkContent> Open(std::string_view token,
                                   int64_t now_us) const;

 private:
  GuardedKey key_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_LINK_TOKEN_H_
