#include "gateway/crypto/page_token.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "gateway/crypto/byte_order.h"

namespace consentry::crypto {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kPrefixBytes = 1 + kNonceBytes;
constexpr size_t kTimeBytes = 8;
constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
// Of the bytes in base64, rounded up.
constexpr size_t kMaxTokenBytes =
    (kPrefixBytes + kTimeBytes + PageTokens::kMaxPositionBytes + kTagBytes) *
        4 / 3 +
    2;

// libsodium's decoder takes bytes beyond ASCII for letters.
bool IsBase64Url(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string Scope(std::string_view caller, std::string_view query_hash) {
  std::string scope(1, static_cast<char>(kVersion));
  AppendBigEndian(static_cast<uint32_t>(caller.size()), &scope);
  scope += caller;
  scope += query_hash;
  return scope;
}

}  // namespace

PageTokens::PageTokens(const RootKey& root)
    : key_(root.Derive(KeyPurpose::kPageTokens)) {}

absl::StatusOr<std::string> PageTokens::Seal(std::string_view caller,
                                             std::string_view query_hash,
                                             std::string_view position,
                                             int64_t now_us) const {
  if (position.size() > kMaxPositionBytes) {
    return absl::InvalidArgumentError("the position of a page is too long");
  }
  std::string plain;
  AppendBigEndian(now_us, &plain);
  plain += position;
  std::string bytes(kPrefixBytes + plain.size() + kTagBytes, '\0');
  uint8_t* out = MutableBytes(&bytes);
  out[0] = kVersion;
  randombytes_buf(out + 1, kNonceBytes);
  const std::string scope = Scope(caller, query_hash);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out + kPrefixBytes, nullptr, Bytes(plain), plain.size(), Bytes(scope),
      scope.size(), nullptr, out + 1, key_.view().data());
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), out, bytes.size(), kVariant);
  text.pop_back();  // The final zero.
  return text;
}

absl::StatusOr<std::string> PageTokens::Open(std::string_view caller,
                                             std::string_view query_hash,
                                             std::string_view token,
                                             int64_t now_us) const {
  const absl::Status bad = absl::InvalidArgumentError(
      "the page token is not valid for this caller and query, or too old: "
      "start at the first page");
  if (token.size() > kMaxTokenBytes || !IsBase64Url(token)) return bad;
  std::string bytes(token.size(), '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(MutableBytes(&bytes), bytes.size(), token.data(),
                        token.size(), nullptr, &length, &end, kVariant) != 0 ||
      end != token.data() + token.size() ||
      length < kPrefixBytes + kTimeBytes + kTagBytes) {
    return bad;
  }
  const uint8_t* in = Bytes(bytes);
  if (in[0] != kVersion) return bad;
  const std::string scope = Scope(caller, query_hash);
  std::string plain(length - kPrefixBytes - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          MutableBytes(&plain), nullptr, nullptr, in + kPrefixBytes,
          length - kPrefixBytes, Bytes(scope), scope.size(), in + 1,
          key_.view().data()) != 0) {
    return bad;
  }
  const auto issued_us = LoadBigEndian<int64_t>(Bytes(plain));
  if (issued_us > now_us + kMaxSkewUs || now_us - issued_us > kLifetimeUs) {
    return bad;
  }
  plain.erase(0, kTimeBytes);
  return plain;
}

}  // namespace consentry::crypto
