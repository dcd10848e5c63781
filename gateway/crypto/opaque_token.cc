#include "gateway/crypto/opaque_token.h"

#include <sodium.h>

#include "gateway/crypto/base32.h"
#include "gateway/crypto/byte_order.h"

namespace consentry::crypto {
namespace {

constexpr size_t kHalf = 8;
constexpr size_t kTokenBytes = 2 * kHalf;

KeyPurpose PurposeOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kDecision:
      return KeyPurpose::kDecisionTokens;
    case TokenKind::kAudit:
      return KeyPurpose::kAuditTokens;
    case TokenKind::kPseudonym:
      return KeyPurpose::kPseudonyms;
    case TokenKind::kConsistency:
      return KeyPurpose::kConsistencyTokens;
    case TokenKind::kMerge:
      return KeyPurpose::kMergeIds;
    case TokenKind::kWatch:
      return KeyPurpose::kWatchTokens;
  }
  return KeyPurpose::kDecisionTokens;
}

std::string_view PrefixOf(TokenKind kind) {
  switch (kind) {
    case TokenKind::kDecision:
      return "dec_";
    case TokenKind::kAudit:
      return "aud_";
    case TokenKind::kPseudonym:
      return "psn_";
    case TokenKind::kConsistency:
      return "cst_";
    case TokenKind::kMerge:
      return "mrg_";
    case TokenKind::kWatch:
      return "wch_";
  }
  return "";
}

// First half of a keyed BLAKE2b over 8 bytes and what they are bound to.
void Half(KeyView key, const uint8_t* bytes, std::string_view bound,
          uint8_t* out) {
  uint8_t hash[crypto_generichash_blake2b_BYTES_MIN];
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, key.data(), key.size(), sizeof(hash));
  crypto_generichash_blake2b_update(&state, bytes, kHalf);
  crypto_generichash_blake2b_update(&state, Bytes(bound), bound.size());
  crypto_generichash_blake2b_final(&state, hash, sizeof(hash));
  for (size_t i = 0; i < kHalf; ++i) out[i] = hash[i];
}

}  // namespace

OpaqueTokens::OpaqueTokens(const RootKey& root) {
  for (size_t i = 0; i < kTokenKinds; ++i) {
    const KeyPurpose purpose = PurposeOf(static_cast<TokenKind>(i));
    keys_[i].mac = root.Derive(purpose, 0);
    keys_[i].mask = root.Derive(purpose, 1);
  }
}

const OpaqueTokens::Keys& OpaqueTokens::KeysOf(TokenKind kind) const {
  return keys_[static_cast<size_t>(kind)];
}

std::string OpaqueTokens::Encode(TokenKind kind, uint64_t payload,
                                 std::string_view bound) const {
  const Keys& keys = KeysOf(kind);
  uint8_t plain[kHalf];
  StoreBigEndian(payload, plain);
  uint8_t token[kTokenBytes];
  Half(keys.mac.view(), plain, bound, token);
  uint8_t mask[kHalf];
  Half(keys.mask.view(), token, bound, mask);
  for (size_t i = 0; i < kHalf; ++i) {
    token[kHalf + i] = static_cast<uint8_t>(plain[i] ^ mask[i]);
  }
  std::string text(PrefixOf(kind));
  text += Base32Encode(token);
  return text;
}

absl::StatusOr<uint64_t> OpaqueTokens::Decode(TokenKind kind,
                                              std::string_view token,
                                              std::string_view bound) const {
  const absl::Status bad =
      absl::InvalidArgumentError("not a token of this gateway");
  const std::string_view prefix = PrefixOf(kind);
  uint8_t bytes[kTokenBytes];
  if (token.substr(0, prefix.size()) != prefix ||
      !Base32Decode(token.substr(prefix.size()), bytes)) {
    return bad;
  }
  const Keys& keys = KeysOf(kind);
  uint8_t plain[kHalf];
  Half(keys.mask.view(), bytes, bound, plain);
  for (size_t i = 0; i < kHalf; ++i) plain[i] ^= bytes[kHalf + i];
  uint8_t mac[kHalf];
  Half(keys.mac.view(), plain, bound, mac);
  if (sodium_memcmp(mac, bytes, kHalf) != 0) return bad;
  return LoadBigEndian<uint64_t>(plain);
}

}  // namespace consentry::crypto
