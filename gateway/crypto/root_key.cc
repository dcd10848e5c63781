#include "gateway/crypto/root_key.h"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/secret_file.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr size_t kHexBytes = 2 * kKeyBytes;
constexpr char kDeriveLabel[] = "consentry root key v1";

}  // namespace

absl::StatusOr<RootKey> RootKey::Parse(const SecretBuffer& content) {
  SecretBuffer key(kKeyBytes);
  if (content.size() == kKeyBytes) {
    std::memcpy(key.mutable_data(), content.data(), kKeyBytes);
  } else {
    size_t length = content.size();
    if (length == kHexBytes + 1 && content.data()[kHexBytes] == '\n') --length;
    size_t made = 0;
    const char* end = nullptr;
    const char* text = reinterpret_cast<const char*>(content.data());
    if (length != kHexBytes ||
        sodium_hex2bin(key.mutable_data(), kKeyBytes, text, length, nullptr,
                       &made, &end) != 0 ||
        made != kKeyBytes || end != text + length) {
      return absl::InvalidArgumentError(
          "a root key file holds 32 raw bytes or 64 hexadecimal digits");
    }
  }
  const auto bytes = key.view();
  if (std::all_of(bytes.begin(), bytes.end(),
                  [&](uint8_t b) { return b == bytes[0]; })) {
    return absl::InvalidArgumentError("the root key is not random");
  }
  return RootKey(GuardedKey::CopyOf(KeyView(key.data(), kKeyBytes)));
}

absl::StatusOr<RootKey> RootKey::Load(const std::string& path) {
  CONSENTRY_ASSIGN_OR_RETURN(const SecretBuffer content, ReadSecretFile(path));
  return Parse(content);
}

absl::StatusOr<RootKey> RootKey::LoadCredential(const std::string& name) {
  if (name.empty() || name == "." || name == ".." ||
      name.find('/') != std::string::npos) {
    return absl::InvalidArgumentError(
        "the name of a credential is one path component");
  }
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || directory[0] != '/') {
    return absl::FailedPreconditionError(
        "CREDENTIALS_DIRECTORY is not set: the service manager passed no "
        "credentials");
  }
  return Load(std::string(directory) + "/" + name);
}

absl::StatusOr<RootKey> RootKey::Create(const std::string& path) {
  GuardedKey key = GuardedKey::Random();
  // One more for the final zero of sodium_bin2hex, which becomes the newline.
  SecretBuffer text(kHexBytes + 1);
  sodium_bin2hex(reinterpret_cast<char*>(text.mutable_data()), text.size(),
                 key.view().data(), kKeyBytes);
  text.mutable_data()[kHexBytes] = '\n';
  CONSENTRY_RETURN_IF_ERROR(CreateSecretFile(path, text.view()));
  return RootKey(std::move(key));
}

RootKey RootKey::FromBytes(KeyView key) {
  return RootKey(GuardedKey::CopyOf(key));
}

GuardedKey RootKey::Derive(KeyPurpose purpose, uint32_t number) const {
  uint8_t message[sizeof(kDeriveLabel) + 8];
  std::memcpy(message, kDeriveLabel, sizeof(kDeriveLabel));
  StoreBigEndian(static_cast<uint32_t>(purpose),
                 message + sizeof(kDeriveLabel));
  StoreBigEndian(number, message + sizeof(kDeriveLabel) + 4);
  SecretBytes<kKeyBytes> derived;
  crypto_generichash_blake2b(derived.mutable_data(), kKeyBytes, message,
                             sizeof(message), key_.view().data(), kKeyBytes);
  return GuardedKey::CopyOf(derived.view());
}

}  // namespace consentry::crypto
