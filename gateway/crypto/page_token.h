#ifndef CONSENTRY_GATEWAY_CRYPTO_PAGE_TOKEN_H_
#define CONSENTRY_GATEWAY_CRYPTO_PAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// Where a list goes on, sealed so that its holder can neither read nor change
// it, and bound to the caller and the query it was given for.
//
//   token := base64url(version:u8 nonce:24 ciphertext tag:16)
//   ciphertext of (issued_us:i64 position)
//
// XChaCha20-Poly1305; associated data are version, caller and query hash.
// Immutable; safe for many threads.
class PageTokens {
 public:
  static constexpr int64_t kLifetimeUs = int64_t{24} * 3600 * 1000 * 1000;
  // How far ahead of the clock a token may be: clocks of two gateways differ.
  static constexpr int64_t kMaxSkewUs = int64_t{60} * 1000 * 1000;
  static constexpr size_t kMaxPositionBytes = 4096;

  explicit PageTokens(const RootKey& root);

  // `position` is at most kMaxPositionBytes; longer is a programming error and
  // answers InvalidArgument.
  absl::StatusOr<std::string> Seal(std::string_view caller,
                                   std::string_view query_hash,
                                   std::string_view position,
                                   int64_t now_us) const;

  // The position. InvalidArgument, always with the same message, for a token
  // that is malformed, changed, another caller's, another query's, or older
  // than kLifetimeUs.
  absl::StatusOr<std::string> Open(std::string_view caller,
                                   std::string_view query_hash,
                                   std::string_view token,
                                   int64_t now_us) const;

 private:
  GuardedKey key_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_PAGE_TOKEN_H_
