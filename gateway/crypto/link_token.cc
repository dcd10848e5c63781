#include "gateway/crypto/link_token.h"

#include <sodium.h>

#include <algorithm>

#include "gateway/crypto/byte_order.h"

namespace consentry::crypto {
namespace {

constexpr std::string_view kPrefix = "uns_";
constexpr uint8_t kVersion = 1;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kHeadBytes = 1 + kNonceBytes;
constexpr size_t kNumberBytes = 8;
constexpr size_t kUnit = 96;
constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

// libsodium's decoder takes bytes beyond ASCII for letters.
bool IsBase64Url(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

}  // namespace

LinkTokens::LinkTokens(const RootKey& root)
    : key_(root.Derive(KeyPurpose::kLinkTokens)) {}

absl::StatusOr<std::string> LinkTokens::Seal(const LinkContent& content,
                                             int64_t now_us) const {
  std::string plain;
  AppendBigEndian(now_us, &plain);
  AppendBigEndian(content.subject, &plain);
  for (size_t i = 0; i < content.purposes.size(); ++i) {
    if (i > 0) plain += '\n';
    plain += content.purposes[i];
  }
  if (content.purposes.empty() ||
      plain.size() > 2 * kNumberBytes + kMaxPurposeBytes) {
    return absl::InvalidArgumentError(
        "a link is about no or too many purposes");
  }
  plain.resize((plain.size() + kUnit - 1) / kUnit * kUnit, '\0');
  std::string bytes(kHeadBytes + plain.size() + kTagBytes, '\0');
  uint8_t* out = MutableBytes(&bytes);
  out[0] = kVersion;
  randombytes_buf(out + 1, kNonceBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      out + kHeadBytes, nullptr, Bytes(plain), plain.size(), out, 1, nullptr,
      out + 1, key_.view().data());
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), out, bytes.size(), kVariant);
  text.pop_back();  // The final zero.
  return std::string(kPrefix) + text;
}

absl::StatusOr<LinkContent> LinkTokens::Open(std::string_view token,
                                             int64_t now_us) const {
  const absl::Status bad = absl::InvalidArgumentError(
      "the token is not one of this gateway, or past its end");
  if (token.size() > kMaxTokenBytes || !token.starts_with(kPrefix)) return bad;
  token.remove_prefix(kPrefix.size());
  if (!IsBase64Url(token)) return bad;
  std::string bytes(token.size(), '\0');
  size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(MutableBytes(&bytes), bytes.size(), token.data(),
                        token.size(), nullptr, &length, &end, kVariant) != 0 ||
      end != token.data() + token.size() ||
      length < kHeadBytes + kUnit + kTagBytes) {
    return bad;
  }
  const uint8_t* in = Bytes(bytes);
  if (in[0] != kVersion) return bad;
  std::string plain(length - kHeadBytes - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          MutableBytes(&plain), nullptr, nullptr, in + kHeadBytes,
          length - kHeadBytes, in, 1, in + 1, key_.view().data()) != 0) {
    return bad;
  }
  const auto issued_us = LoadBigEndian<int64_t>(Bytes(plain));
  if (issued_us > now_us + kMaxSkewUs || now_us - issued_us > kLifetimeUs) {
    return bad;
  }
  LinkContent content;
  content.subject = LoadBigEndian<uint64_t>(Bytes(plain) + kNumberBytes);
  std::string_view rest(plain);
  rest.remove_prefix(2 * kNumberBytes);
  rest = rest.substr(0, rest.find('\0'));
  while (!rest.empty()) {
    const size_t end_of_one = rest.find('\n');
    content.purposes.emplace_back(rest.substr(0, end_of_one));
    rest.remove_prefix(end_of_one == std::string_view::npos ? rest.size()
                                                            : end_of_one + 1);
  }
  return content;
}

}  // namespace consentry::crypto
