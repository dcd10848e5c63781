#ifndef CONSENTRY_GATEWAY_CRYPTO_RECOVERY_KEY_H_
#define CONSENTRY_GATEWAY_CRYPTO_RECOVERY_KEY_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// The key that `init` shows once and that is kept on paper. Backups of keys
// are sealed to its public half (libsodium sealed boxes: X25519,
// XSalsa20-Poly1305), which the gateway keeps; what was sealed is opened with
// the typed key alone.
//
// As text: 160 random bits and a 20-bit checksum in Crockford's base32, nine
// groups of four: "7K2M-...". Typed back, case, spaces and hyphens do not
// matter, and I, L read as 1, O as 0. A single wrong or two swapped characters
// are found by the checksum but for one in a million.
using RecoveryPublicKey = std::array<uint8_t, 32>;

class RecoveryKey {
 public:
  static RecoveryKey Generate();
  // InvalidArgument: wrong length, a character that is none of the alphabet
  // (its place is named, not the character), or a wrong checksum.
  static absl::StatusOr<RecoveryKey> Parse(std::string_view typed);

  // The text to show once. The caller wipes or ends it.
  SecretBuffer Display() const;
  RecoveryPublicKey public_key() const;
  // OK when this is the private half of `expected`; InvalidArgument otherwise.
  absl::Status Confirm(const RecoveryPublicKey& expected) const;

  // DataLoss when `sealed` was not sealed to this key or was changed.
  absl::StatusOr<SecretBuffer> Open(std::span<const uint8_t> sealed) const;

 private:
  static constexpr size_t kSeedBytes = 20;
  explicit RecoveryKey(SecretBytes<kSeedBytes> seed) : seed_(std::move(seed)) {}
  SecretBytes<32> SecretHalf() const;

  SecretBytes<kSeedBytes> seed_;
};

// Seals `content` so that only the holder of the recovery key can open it.
// 48 bytes longer than `content`. InvalidArgument for a public key of small
// order, which no recovery key has.
absl::StatusOr<std::string> SealToRecoveryKey(const RecoveryPublicKey& key,
                                              std::span<const uint8_t> content);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_RECOVERY_KEY_H_
