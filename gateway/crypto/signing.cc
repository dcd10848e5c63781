#include "gateway/crypto/signing.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/secret_file.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr std::string_view kLabel = "consentry-ed25519-v1:";
constexpr size_t kSeedBytes = crypto_sign_ed25519_SEEDBYTES;
constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
constexpr size_t kTextBytes = sodium_base64_ENCODED_LEN(kSeedBytes, kVariant);
static_assert(crypto_sign_ed25519_SECRETKEYBYTES == 64);

}  // namespace

std::unique_ptr<SigningKey> SigningKey::FromSeed(
    std::span<const uint8_t, 32> seed) {
  std::unique_ptr<SigningKey> key(new SigningKey());
  key->secret_ = SecretBuffer(crypto_sign_ed25519_SECRETKEYBYTES);
  crypto_sign_ed25519_seed_keypair(key->public_key_.data(),
                                   key->secret_.mutable_data(), seed.data());
  return key;
}

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKey::Create(
    const std::string& path) {
  const auto seed = SecretBytes<kSeedBytes>::Random();
  // The final zero of the base64 text becomes the line break.
  SecretBuffer content(kLabel.size() + kTextBytes);
  std::memcpy(content.mutable_data(), kLabel.data(), kLabel.size());
  sodium_bin2base64(
      reinterpret_cast<char*>(content.mutable_data() + kLabel.size()),
      kTextBytes, seed.data(), kSeedBytes, kVariant);
  content.mutable_data()[content.size() - 1] = '\n';
  CONSENTRY_RETURN_IF_ERROR(CreateSecretFile(path, content.view()));
  return FromSeed(seed.view());
}

absl::StatusOr<std::unique_ptr<SigningKey>> SigningKey::Load(
    const std::string& path) {
  CONSENTRY_ASSIGN_OR_RETURN(const SecretBuffer content, ReadSecretFile(path));
  const absl::Status bad =
      absl::InvalidArgumentError(path + " is not a signing key file");
  size_t length = content.size();
  if (length > 0 && content.data()[length - 1] == '\n') --length;
  if (length != kLabel.size() + kTextBytes - 1 ||
      std::memcmp(content.data(), kLabel.data(), kLabel.size()) != 0) {
    return bad;
  }
  // libsodium's decoder takes bytes beyond ASCII for letters.
  const auto all = content.view();
  if (std::any_of(all.begin(), all.end(),
                  [](uint8_t b) { return b >= 0x80; })) {
    return bad;
  }
  SecretBytes<kSeedBytes> seed;
  size_t made = 0;
  const char* end = nullptr;
  const char* text =
      reinterpret_cast<const char*>(content.data()) + kLabel.size();
  if (sodium_base642bin(seed.mutable_data(), kSeedBytes, text, kTextBytes - 1,
                        nullptr, &made, &end, kVariant) != 0 ||
      made != kSeedBytes || end != text + kTextBytes - 1) {
    return bad;
  }
  return FromSeed(seed.view());
}

std::string SigningKey::Sign(std::string_view message) const {
  std::string signature(crypto_sign_ed25519_BYTES, '\0');
  crypto_sign_ed25519_detached(MutableBytes(&signature), nullptr,
                               Bytes(message), message.size(), secret_.data());
  return signature;
}

bool VerifySignature(const std::array<uint8_t, 32>& public_key,
                     std::string_view message, std::string_view signature) {
  EnsureSodium();
  return signature.size() == crypto_sign_ed25519_BYTES &&
         crypto_sign_ed25519_verify_detached(Bytes(signature), Bytes(message),
                                             message.size(),
                                             public_key.data()) == 0;
}

}  // namespace consentry::crypto
