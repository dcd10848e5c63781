#ifndef CONSENTRY_GATEWAY_CRYPTO_SIGNING_H_
#define CONSENTRY_GATEWAY_CRYPTO_SIGNING_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// An Ed25519 key that lies in a 0600 file of its own, apart from and not under
// the root key: whoever gets at the root key cannot sign for the log. The file
// is one line, "consentry-ed25519-v1:" and the 32-byte seed in base64. About
// 30 microseconds a signature: for checkpoints and certificates, never for
// single entries. Immutable; safe for many threads.
class SigningKey {
 public:
  // A new key. AlreadyExists when something lies at `path`.
  static absl::StatusOr<std::unique_ptr<SigningKey>> Create(
      const std::string& path);
  // Permissions as ReadSecretFile demands. InvalidArgument for other content.
  static absl::StatusOr<std::unique_ptr<SigningKey>> Load(
      const std::string& path);

  const std::array<uint8_t, 32>& public_key() const { return public_key_; }
  // 64 bytes (RFC 8032, pure Ed25519).
  std::string Sign(std::string_view message) const;

 private:
  SigningKey() = default;
  static std::unique_ptr<SigningKey> FromSeed(
      std::span<const uint8_t, 32> seed);

  SecretBuffer secret_;  // Seed and public key: libsodium's form.
  std::array<uint8_t, 32> public_key_{};
};

// RFC 8032 verification; refuses keys of small order and malleable forms.
bool VerifySignature(const std::array<uint8_t, 32>& public_key,
                     std::string_view message, std::string_view signature);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SIGNING_H_
