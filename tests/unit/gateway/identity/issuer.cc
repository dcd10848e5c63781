#include "tests/unit/gateway/identity/issuer.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include <cstdlib>
#include <utility>
#include <vector>

namespace consentry::testing {
namespace {

void Must(bool good) {
  if (!good) std::abort();
}

std::string Number(EVP_PKEY* key, const char* name, size_t width) {
  BIGNUM* number = nullptr;
  Must(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const auto needed = static_cast<size_t>(BN_num_bytes(number));
  std::string bytes(width == 0 ? needed : width, '\0');
  Must(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size())) ==
       static_cast<int>(bytes.size()));
  BN_free(number);
  return bytes;
}

// DER of an ECDSA signature as r and s, 32 bytes each (RFC 7518 section 3.4).
std::string RawEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature =
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  Must(signature != nullptr);
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  Must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32) == 32);
  Must(BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32) == 32);
  ECDSA_SIG_free(signature);
  return raw;
}

}  // namespace

std::string Base64Url(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(
                       bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                   '\0');
  sodium_bin2base64(text.data(), text.size(),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.pop_back();
  return text;
}

TokenIssuer::TokenIssuer(const std::string& algorithm, std::string key_id,
                         unsigned rsa_bits)
    : algorithm_(algorithm),
      key_id_(std::move(key_id)),
      key_(nullptr, &EVP_PKEY_free) {
  if (algorithm == "ES256") {
    key_.reset(EVP_EC_gen("P-256"));
  } else if (algorithm == "EdDSA") {
    key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  } else {
    key_.reset(EVP_RSA_gen(rsa_bits));
  }
  Must(key_ != nullptr);
}

TokenIssuer::~TokenIssuer() = default;

std::string TokenIssuer::Jwk(bool with_algorithm) const {
  std::string text = "{\"kid\":\"" + key_id_ + "\",\"use\":\"sig\",";
  if (with_algorithm) text += "\"alg\":\"" + algorithm_ + "\",";
  if (algorithm_ == "ES256") {
    text += "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" +
            Base64Url(Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)) +
            "\",\"y\":\"" +
            Base64Url(Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + "\"}";
  } else if (algorithm_ == "EdDSA") {
    std::string raw(32, '\0');
    size_t size = raw.size();
    Must(EVP_PKEY_get_raw_public_key(
             key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size) ==
         1);
    text +=
        "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" + Base64Url(raw) + "\"}";
  } else {
    text += "\"kty\":\"RSA\",\"n\":\"" +
            Base64Url(Number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0)) +
            "\",\"e\":\"" +
            Base64Url(Number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0)) + "\"}";
  }
  return text;
}

std::string TokenIssuer::KeySet() const { return "{\"keys\":[" + Jwk() + "]}"; }

std::string TokenIssuer::PublicPem() const {
  BIO* memory = BIO_new(BIO_s_mem());
  Must(PEM_write_bio_PUBKEY(memory, key_.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(memory);
  return pem;
}

std::string TokenIssuer::Header() const {
  return "{\"typ\":\"at+jwt\",\"alg\":\"" + algorithm_ + "\",\"kid\":\"" +
         key_id_ + "\"}";
}

std::string TokenIssuer::Sign(std::string_view header,
                              std::string_view payload) const {
  const std::string text = Base64Url(header) + "." + Base64Url(payload);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* key_context = nullptr;
  Must(EVP_DigestSignInit(context, &key_context,
                          algorithm_ == "EdDSA" ? nullptr : EVP_sha256(),
                          nullptr, key_.get()) == 1);
  if (algorithm_ == "PS256") {
    Must(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0);
    Must(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32) > 0);
  }
  size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  Must(EVP_DigestSign(context, nullptr, &size, bytes, text.size()) == 1);
  std::string signature(size, '\0');
  Must(EVP_DigestSign(context,
                      reinterpret_cast<unsigned char*>(signature.data()), &size,
                      bytes, text.size()) == 1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  if (algorithm_ == "ES256") signature = RawEcdsa(signature);
  return text + "." + Base64Url(signature);
}

std::string SignHmac(std::string_view header, std::string_view payload,
                     std::string_view secret) {
  const std::string text = Base64Url(header) + "." + Base64Url(payload);
  std::string mac(32, '\0');
  unsigned size = 0;
  Must(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
            reinterpret_cast<unsigned char*>(mac.data()), &size) != nullptr);
  return text + "." + Base64Url(mac);
}

}  // namespace consentry::testing
