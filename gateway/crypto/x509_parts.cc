#include "gateway/crypto/x509_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <utility>

namespace consentry::crypto {
namespace {

constexpr int kMinRsaBits = 2048;

BioPtr BioOver(const void* bytes, size_t size) {
  return BioPtr(BIO_new_mem_buf(bytes, static_cast<int>(size)));
}

// Instead of OpenSSL's default, which asks on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

absl::Status TooLong() {
  return absl::InvalidArgumentError("a PEM text of more than 64 KiB");
}

}  // namespace

absl::Status Forget(absl::Status status) {
  ERR_clear_error();
  return status;
}

absl::StatusOr<X509Ptr> ReadCertificate(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return TooLong();
  const BioPtr bio = BioOver(pem.data(), pem.size());
  X509Ptr certificate(
      PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr));
  if (certificate == nullptr) {
    return Forget(absl::InvalidArgumentError("no certificate in PEM form"));
  }
  return certificate;
}

absl::StatusOr<RequestPtr> ReadRequest(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return TooLong();
  const BioPtr bio = BioOver(pem.data(), pem.size());
  RequestPtr request(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, NoPassword, nullptr));
  if (request == nullptr) {
    return Forget(
        absl::InvalidArgumentError("no certificate request in PEM form"));
  }
  return request;
}

absl::StatusOr<KeyPtr> ReadKey(const SecretBuffer& pem) {
  if (pem.size() > kMaxPemBytes) return TooLong();
  const BioPtr bio = BioOver(pem.data(), pem.size());
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) {
    return Forget(
        absl::InvalidArgumentError("no unencrypted private key in PEM form"));
  }
  return key;
}

absl::Status CheckKeyKind(EVP_PKEY* key) {
  const absl::Status bad = absl::InvalidArgumentError(
      "the key must be EC P-256 or P-384, Ed25519, or RSA of 2048 bits or "
      "more");
  if (key == nullptr) return Forget(bad);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return absl::OkStatus();
    case EVP_PKEY_RSA:
      return EVP_PKEY_get_bits(key) >= kMinRsaBits ? absl::OkStatus() : bad;
    case EVP_PKEY_EC: {
      char group[64];
      size_t length = 0;
      if (EVP_PKEY_get_group_name(key, group, sizeof(group), &length) != 1) {
        return Forget(bad);
      }
      const std::string_view name(group, length);
      return name == "prime256v1" || name == "secp384r1" ? absl::OkStatus()
                                                         : bad;
    }
    default:
      return bad;
  }
}

absl::StatusOr<SpkiHash> HashOf(const X509_PUBKEY* key) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(key, &der);
  if (length <= 0) {
    return Forget(absl::InvalidArgumentError("the public key is malformed"));
  }
  SpkiHash hash;
  static_assert(sizeof(hash) == SHA256_DIGEST_LENGTH);
  SHA256(der, static_cast<size_t>(length), hash.data());
  OPENSSL_free(der);
  return hash;
}

absl::StatusOr<std::string> WriteCertificate(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return Forget(absl::InternalError("cannot encode a certificate"));
  }
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(length));
}

absl::StatusOr<SecretBuffer> WriteKey(EVP_PKEY* key) {
  // BIO_s_secmem wipes what it held, grown copies included.
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                    nullptr, nullptr) != 1) {
    return Forget(absl::InternalError("cannot encode a private key"));
  }
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return SecretBuffer::CopyOf(
      {reinterpret_cast<const uint8_t*>(data), static_cast<size_t>(length)});
}

}  // namespace consentry::crypto
