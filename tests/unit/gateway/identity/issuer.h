#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_IDENTITY_ISSUER_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_IDENTITY_ISSUER_H_

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace consentry::testing {

// An identity provider with one key, on OpenSSL alone: what it signs does not
// come from the library that checks it.
class TokenIssuer {
 public:
  // "RS256", "PS256", "ES256", "EdDSA". `rsa_bits` is for the first two.
  explicit TokenIssuer(const std::string& algorithm, std::string key_id = "k1",
                       unsigned rsa_bits = 2048);
  ~TokenIssuer();

  const std::string& algorithm() const { return algorithm_; }
  // The public key as a JWK, and a set with it alone.
  std::string Jwk(bool with_algorithm = true) const;
  std::string KeySet() const;
  // SubjectPublicKeyInfo, PEM: what algorithm confusion takes for a secret.
  std::string PublicPem() const;

  // The header that good tokens have.
  std::string Header() const;
  // header.payload.signature; header and payload are JSON text as it stands.
  std::string Sign(std::string_view header, std::string_view payload) const;
  std::string Sign(std::string_view payload) const {
    return Sign(Header(), payload);
  }

 private:
  const std::string algorithm_;
  const std::string key_id_;
  std::unique_ptr<evp_pkey_st, void (*)(evp_pkey_st*)> key_;
};

std::string Base64Url(std::string_view bytes);

// A token with HMAC SHA-256 under `secret`.
std::string SignHmac(std::string_view header, std::string_view payload,
                     std::string_view secret);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_IDENTITY_ISSUER_H_
