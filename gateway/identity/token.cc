#include "gateway/identity/token.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "proto/support/error.h"

namespace consentry::identity {
namespace {

using config::v1::TokenAlgorithm;

constexpr int64_t kSecondUs = 1'000'000;
constexpr size_t kMaxKeyIdBytes = 255;

Algorithm AlgorithmOf(std::string_view word) {
  if (word == "RS256") return TokenAlgorithm::RS256;
  if (word == "PS256") return TokenAlgorithm::PS256;
  if (word == "ES256") return TokenAlgorithm::ES256;
  if (word == "EdDSA") return TokenAlgorithm::EDDSA;
  return TokenAlgorithm::UNSPECIFIED;
}

// A media type, compared without regard to case; RFC 7515 section 4.1.9 lets
// senders leave out "application/".
bool IsAccessToken(std::string_view type) {
  const std::string lower =
      absl::AsciiStrToLower(absl::string_view(type.data(), type.size()));
  return lower == "at+jwt" || lower == "application/at+jwt";
}

absl::Status CheckHeader(const JsonObject& header) {
  if (header.Has("crit") || header.Has("b64")) return TokenError("critical");
  if (header.Has("jku") || header.Has("x5u")) return TokenError("remote_key");
  if (header.Has("jwk") || header.Has("x5c")) return TokenError("own_key");
  if (header.Has("cty") || header.Has("enc") || header.Has("zip")) {
    return TokenError("nested");
  }
  const auto type = header.Text("typ");
  if (!type || !IsAccessToken(*type)) return TokenError("type");
  return absl::OkStatus();
}

}  // namespace

absl::Status TokenError(std::string_view fault) {
  absl::Status status = MakeError(v1::ERROR_REASON_TOKEN_INVALID,
                                  "the token of the call is not accepted");
  AddErrorMetadata(&status, "fault", fault);
  return status;
}

absl::StatusOr<ParsedToken> ParseToken(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return TokenError("size");
  const size_t first = token.find('.');
  const size_t second =
      first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos ||
      second + 1 == token.size()) {
    return TokenError("form");
  }
  const auto header_text = DecodeBase64Url(token.substr(0, first));
  const auto claims_text =
      DecodeBase64Url(token.substr(first + 1, second - first - 1));
  const auto signature = DecodeBase64Url(token.substr(second + 1));
  if (!header_text.ok() || !claims_text.ok() || !signature.ok()) {
    return TokenError("form");
  }
  const auto header = JsonObject::Parse(*header_text, kMaxTokenHeaderBytes);
  if (!header.ok()) return TokenError("header");
  if (absl::Status status = CheckHeader(*header); !status.ok()) return status;
  const Algorithm algorithm = AlgorithmOf(header->Text("alg").value_or(""));
  if (algorithm == TokenAlgorithm::UNSPECIFIED) return TokenError("algorithm");
  std::string key_id;
  if (header->Has("kid")) {
    key_id = header->Text("kid").value_or("");
    if (key_id.empty() || key_id.size() > kMaxKeyIdBytes) {
      return TokenError("header");
    }
  }
  auto claims = JsonObject::Parse(*claims_text, kMaxTokenBytes);
  if (!claims.ok()) return TokenError("claims");
  return ParsedToken{algorithm, std::move(key_id), *std::move(claims)};
}

absl::StatusOr<TokenFacts> CheckClaims(const JsonObject& claims,
                                       const TokenRules& rules,
                                       int64_t now_us) {
  if (claims.Text("iss") != rules.issuer) return TokenError("issuer");
  const auto audiences = claims.Texts("aud");
  if (!audiences || std::find(audiences->begin(), audiences->end(),
                              rules.audience) == audiences->end()) {
    return TokenError("audience");
  }
  TokenFacts facts;
  const auto expires = claims.Seconds("exp");
  if (!expires || *expires * kSecondUs + kTokenLeewayUs <= now_us) {
    return TokenError("expired");
  }
  facts.expire_us = *expires * kSecondUs;
  for (const char* name : {"nbf", "iat"}) {
    if (!claims.Has(name)) continue;
    const auto from = claims.Seconds(name);
    if (!from || *from * kSecondUs > now_us + kTokenLeewayUs) {
      return TokenError("not_yet");
    }
  }
  const auto login = claims.Text("sub");
  if (!login || login->empty() || login->size() > kMaxLoginBytes) {
    return TokenError("login");
  }
  facts.login = *login;
  for (const char* name : {"azp", "client_id"}) {
    if (!claims.Has(name)) continue;
    const auto client = claims.Text(name);
    if (!client || client->empty() ||
        (!facts.client.empty() && facts.client != *client)) {
      return TokenError("client");
    }
    facts.client = *client;
  }
  if (facts.client.empty()) return TokenError("client");
  if (claims.Has("auth_time")) {
    const auto logged_in = claims.Seconds("auth_time");
    if (!logged_in || *logged_in < 0 ||
        *logged_in * kSecondUs > now_us + kTokenLeewayUs) {
      return TokenError("auth_time");
    }
    facts.auth_time_us = *logged_in * kSecondUs;
  }
  if (claims.Has("cnf")) {
    const auto confirmation = claims.Object("cnf");
    const auto thumbprint =
        confirmation ? confirmation->Text("x5t#S256") : std::nullopt;
    if (!thumbprint || thumbprint->empty() || confirmation->Has("jkt")) {
      return TokenError("confirmation");
    }
    facts.certificate_thumbprint = *thumbprint;
  }
  return facts;
}

}  // namespace consentry::identity
