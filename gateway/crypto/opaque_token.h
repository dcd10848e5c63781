#ifndef CONSENTRY_GATEWAY_CRYPTO_OPAQUE_TOKEN_H_
#define CONSENTRY_GATEWAY_CRYPTO_OPAQUE_TOKEN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

enum class TokenKind {
  kDecision,     // dec_
  kAudit,        // aud_
  kPseudonym,    // psn_
  kConsistency,  // cst_
  kMerge,        // mrg_
  kWatch,        // wch_
};

inline constexpr size_t kTokenKinds = 6;

// Turns 64 bits into a short text that says nothing to its holder and cannot
// be made up: the same bits always give the same token. 16 bytes: an 8-byte
// keyed BLAKE2b of the payload, and the payload masked by a second one over
// the first (a synthetic nonce, as in RFC 5297). 26 characters of base32 after
// the prefix. A made-up token passes once in 2^64 tries. `bound` is mixed in
// and must be the same when decoding: the caller's id, where a token is for
// one caller alone.
// Immutable; safe for many threads.
class OpaqueTokens {
 public:
  explicit OpaqueTokens(const RootKey& root);

  std::string Encode(TokenKind kind, uint64_t payload,
                     std::string_view bound = {}) const;
  // InvalidArgument for whatever this class did not make for that kind and
  // that bound.
  absl::StatusOr<uint64_t> Decode(TokenKind kind, std::string_view token,
                                  std::string_view bound = {}) const;

 private:
  struct Keys {
    GuardedKey mac;
    GuardedKey mask;
  };
  const Keys& KeysOf(TokenKind kind) const;

  Keys keys_[kTokenKinds];
};

// The payload of decision ids and audit references: where in the log, and
// which item of that entry. `index` is below 2^48.
struct LogPosition {
  uint64_t index = 0;
  uint16_t item = 0;

  uint64_t Pack() const { return index << 16 | item; }
  static LogPosition Unpack(uint64_t payload) {
    return {payload >> 16, static_cast<uint16_t>(payload & 0xffff)};
  }
  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_OPAQUE_TOKEN_H_
