#include "gateway/crypto/sealed_box.h"

#include <sodium.h>

#include <cstring>

namespace consentry::crypto {
namespace {

constexpr size_t kGenerationBytes = 4;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kCommitmentBytes = 32;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kPrefixBytes =
    kGenerationBytes + kNonceBytes + kCommitmentBytes;
static_assert(kPrefixBytes + kTagBytes == kSealOverhead);
constexpr uint8_t kEncodingVersion = 1;

// Over generation and nonce, which stand side by side at the front.
void Commit(KeyView key, const uint8_t* sealed, uint8_t* out) {
  crypto_generichash_blake2b(out, kCommitmentBytes, sealed,
                             kGenerationBytes + kNonceBytes, key.data(),
                             key.size());
}

}  // namespace

void AssociatedData::Fill(uint64_t subject, uint32_t table, const RowId& row,
                          uint32_t schema, uint32_t row_generation,
                          std::string_view field) {
  uint8_t* out = bytes_.data();
  out[0] = kEncodingVersion;
  StoreBigEndian(subject, out + 1);
  StoreBigEndian(table, out + 9);
  std::memcpy(out + 13, row.bytes().data(), 16);
  StoreBigEndian(schema, out + 29);
  StoreBigEndian(row_generation, out + 33);
  out[37] = static_cast<uint8_t>(field.size());
  static_assert(kFixedBytes == 38);
  if (!field.empty())
    std::memcpy(out + kFixedBytes, field.data(), field.size());
  size_ = kFixedBytes + field.size();
}

absl::StatusOr<std::string> SealBox(KeyView key, uint32_t generation,
                                    const AssociatedData& associated_data,
                                    std::string_view plaintext) {
  if (plaintext.size() > kMaxSealedPlaintext) {
    return absl::InvalidArgumentError("the value is too long to be sealed");
  }
  std::string sealed(plaintext.size() + kSealOverhead, '\0');
  uint8_t* out = MutableBytes(&sealed);
  uint8_t* nonce = out + kGenerationBytes;
  StoreBigEndian(generation, out);
  randombytes_buf(nonce, kNonceBytes);
  Commit(key, out, nonce + kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out + kPrefixBytes, nullptr, Bytes(plaintext), plaintext.size(),
      associated_data.data(), associated_data.size(), nullptr, nonce,
      key.data());
  return sealed;
}

absl::StatusOr<Plaintext> OpenBox(KeyView key,
                                  const AssociatedData& associated_data,
                                  std::string_view sealed) {
  if (sealed.size() < kSealOverhead ||
      sealed.size() > kSealOverhead + kMaxSealedPlaintext) {
    return absl::DataLossError("a sealed value has an impossible length");
  }
  const uint8_t* in = Bytes(sealed);
  const uint8_t* nonce = in + kGenerationBytes;
  uint8_t commitment[kCommitmentBytes];
  Commit(key, in, commitment);
  if (sodium_memcmp(commitment, nonce + kNonceBytes, kCommitmentBytes) != 0) {
    return absl::DataLossError("a sealed value does not verify");
  }
  Plaintext opened(sealed.size() - kSealOverhead);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          opened.mutable_data(), nullptr, nullptr, in + kPrefixBytes,
          sealed.size() - kPrefixBytes, associated_data.data(),
          associated_data.size(), nonce, key.data()) != 0) {
    return absl::DataLossError("a sealed value does not verify");
  }
  return opened;
}

absl::StatusOr<uint32_t> SealedGeneration(std::string_view sealed) {
  if (sealed.size() < kSealOverhead) {
    return absl::DataLossError("a sealed value has an impossible length");
  }
  return LoadBigEndian<uint32_t>(Bytes(sealed));
}

}  // namespace consentry::crypto
