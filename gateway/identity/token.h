#ifndef CONSENTRY_GATEWAY_IDENTITY_TOKEN_H_
#define CONSENTRY_GATEWAY_IDENTITY_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/identity.pb.h"
#include "gateway/identity/json.h"

namespace consentry::identity {

using Algorithm = config::v1::TokenAlgorithm::Value;

// Bounds. A token rides in the headers of a call, which are 8 KiB at most.
inline constexpr size_t kMaxTokenBytes = 6 << 10;
inline constexpr size_t kMaxTokenHeaderBytes = 1 << 10;
inline constexpr size_t kMaxLoginBytes = 255;  // `sub`: OpenID Connect 2.

// A token as it was sent, taken apart and not believed: nothing here was
// verified but its form.
struct ParsedToken {
  Algorithm algorithm = config::v1::TokenAlgorithm::UNSPECIFIED;
  // Names a key of the issuer and nothing else. Empty: none was named.
  std::string key_id;
  JsonObject claims;
};

// An error that a caller is told: TOKEN_INVALID with one word of what is wrong,
// which says nothing of the person.
absl::Status TokenError(std::string_view fault);

// A JWS in compact form (RFC 7515) that claims to be an OAuth access token (RFC
// 9068): typ at+jwt, one of our algorithms, a JSON object as its payload.
// Faults: "size", "form", "header", "algorithm" (none and HMAC are unknown
// words here), "type", "critical" (no extension is understood, so every `crit`
// is refused), "remote_key" (jku, x5u), "own_key" (jwk, x5c), "nested",
// "claims". Pure.
absl::StatusOr<ParsedToken> ParseToken(std::string_view token);

// What must hold for a token of one issuer at one time.
struct TokenRules {
  std::string issuer;
  std::string audience;
};

// What a token says, once its signature was found to be the issuer's.
struct TokenFacts {
  std::string login;  // `sub`.
  // `azp` and `client_id`, which agree where both are there.
  std::string client;
  int64_t expire_us = 0;
  // When the person logged in; 0: not said.
  int64_t auth_time_us = 0;
  // RFC 8705: SHA-256 of the certificate that alone may show it, base64url.
  // Empty: not bound to one.
  std::string certificate_thumbprint;
};

// Leeway for clocks.
inline constexpr int64_t kTokenLeewayUs = int64_t{60} * 1'000'000;

// Faults: "issuer", "audience", "expired" (or without an end), "not_yet",
// "login", "client", "auth_time", "confirmation" (bound in a way that is not
// understood). Pure.
absl::StatusOr<TokenFacts> CheckClaims(const JsonObject& claims,
                                       const TokenRules& rules, int64_t now_us);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_TOKEN_H_
