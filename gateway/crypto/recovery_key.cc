#include "gateway/crypto/recovery_key.h"

#include <sodium.h>

#include <cstring>

#include "gateway/crypto/byte_order.h"

namespace consentry::crypto {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kSeedChars = 32;  // 160 bits.
constexpr size_t kCheckChars = 4;  // 20 bits.
constexpr size_t kChars = kSeedChars + kCheckChars;
constexpr size_t kGroup = 4;
constexpr char kCheckLabel[] = "consentry recovery check v1";
constexpr char kKeyLabel[] = "consentry recovery key v1";

// The 5-bit value of a typed character, -1 for none of the alphabet.
int ValueOf(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'I' || c == 'L') return 1;
  if (c == 'O') return 0;
  // strchr finds the final zero too.
  const char* found = c == '\0' ? nullptr : std::strchr(kAlphabet, c);
  return found == nullptr ? -1 : static_cast<int>(found - kAlphabet);
}

// The 5-bit values of seed and checksum.
SecretBytes<kChars> Spell(std::span<const uint8_t, 20> seed) {
  SecretBytes<kChars> values;
  for (size_t i = 0; i < kSeedChars; ++i) {
    const size_t bit = 5 * i;
    uint32_t two = static_cast<uint32_t>(seed[bit / 8]) << 8;
    if (bit / 8 + 1 < seed.size()) two |= seed[bit / 8 + 1];
    values.mutable_data()[i] = static_cast<uint8_t>(two >> (11 - bit % 8) & 31);
  }
  SecretBytes<32> hash;
  crypto_generichash_blake2b(hash.mutable_data(), 32, seed.data(), seed.size(),
                             reinterpret_cast<const uint8_t*>(kCheckLabel),
                             sizeof(kCheckLabel) - 1);
  const auto check = LoadBigEndian<uint32_t>(hash.data());
  for (size_t i = 0; i < kCheckChars; ++i) {
    values.mutable_data()[kSeedChars + i] =
        static_cast<uint8_t>(check >> (27 - 5 * i) & 31);
  }
  return values;
}

}  // namespace

RecoveryKey RecoveryKey::Generate() {
  return RecoveryKey(SecretBytes<kSeedBytes>::Random());
}

absl::StatusOr<RecoveryKey> RecoveryKey::Parse(std::string_view typed) {
  EnsureSodium();
  SecretBytes<kChars> values;
  size_t count = 0;
  for (size_t i = 0; i < typed.size(); ++i) {
    const char c = typed[i];
    if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    const int value = ValueOf(c);
    if (value < 0) {
      return absl::InvalidArgumentError(
          "character " + std::to_string(i + 1) +
          " of the recovery key is none that a recovery key has");
    }
    if (count < kChars) {
      values.mutable_data()[count] = static_cast<uint8_t>(value);
    }
    ++count;
  }
  if (count != kChars) {
    return absl::InvalidArgumentError(
        "a recovery key has 36 characters, this has " + std::to_string(count));
  }
  SecretBytes<kSeedBytes> seed;
  for (size_t bit = 0; bit < 8 * kSeedBytes; ++bit) {
    const int set = values.data()[bit / 5] >> (4 - bit % 5) & 1;
    seed.mutable_data()[bit / 8] =
        static_cast<uint8_t>(seed.data()[bit / 8] << 1 | set);
  }
  if (!(Spell(seed.view()) == values)) {
    return absl::InvalidArgumentError(
        "the recovery key has a typing error: its checksum does not fit");
  }
  return RecoveryKey(std::move(seed));
}

SecretBuffer RecoveryKey::Display() const {
  const SecretBytes<kChars> values = Spell(seed_.view());
  SecretBuffer text(kChars + kChars / kGroup - 1);
  uint8_t* out = text.mutable_data();
  for (size_t i = 0; i < kChars; ++i) {
    if (i > 0 && i % kGroup == 0) *out++ = '-';
    *out++ = static_cast<uint8_t>(kAlphabet[values.data()[i]]);
  }
  return text;
}

SecretBytes<32> RecoveryKey::SecretHalf() const {
  EnsureSodium();
  SecretBytes<32> secret;
  crypto_generichash_blake2b(
      secret.mutable_data(), 32, seed_.data(), seed_.size(),
      reinterpret_cast<const uint8_t*>(kKeyLabel), sizeof(kKeyLabel) - 1);
  return secret;
}

RecoveryPublicKey RecoveryKey::public_key() const {
  const SecretBytes<32> secret = SecretHalf();
  RecoveryPublicKey key;
  crypto_scalarmult_base(key.data(), secret.data());
  return key;
}

absl::Status RecoveryKey::Confirm(const RecoveryPublicKey& expected) const {
  if (public_key() == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "this is a recovery key, but not the one of this gateway");
}

absl::StatusOr<SecretBuffer> RecoveryKey::Open(
    std::span<const uint8_t> sealed) const {
  if (sealed.size() < crypto_box_SEALBYTES) {
    return absl::DataLossError("too short to be a sealed backup of keys");
  }
  const SecretBytes<32> secret = SecretHalf();
  const RecoveryPublicKey key = public_key();
  SecretBuffer content(sealed.size() - crypto_box_SEALBYTES);
  uint8_t nothing = 0;
  if (crypto_box_seal_open(content.empty() ? &nothing : content.mutable_data(),
                           sealed.data(), sealed.size(), key.data(),
                           secret.data()) != 0) {
    return absl::DataLossError(
        "the backup of keys is damaged or sealed to another recovery key");
  }
  return content;
}

absl::StatusOr<std::string> SealToRecoveryKey(
    const RecoveryPublicKey& key, std::span<const uint8_t> content) {
  EnsureSodium();
  std::string sealed(content.size() + crypto_box_SEALBYTES, '\0');
  if (crypto_box_seal(MutableBytes(&sealed), content.data(), content.size(),
                      key.data()) != 0) {
    return absl::InvalidArgumentError("not the public half of a recovery key");
  }
  return sealed;
}

}  // namespace consentry::crypto
