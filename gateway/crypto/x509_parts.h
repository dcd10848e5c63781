#ifndef CONSENTRY_GATEWAY_CRYPTO_X509_PARTS_H_
#define CONSENTRY_GATEWAY_CRYPTO_X509_PARTS_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/certificates.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// Owners of OpenSSL's objects and the steps that parsing and issuing share,
// for .cc files of gateway/crypto alone.
template <auto F>
struct Deleter {
  template <class T>
  void operator()(T* t) const {
    F(t);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;

// InvalidArgument for whatever OpenSSL cannot read. Encrypted keys are refused
// without a prompt.
absl::StatusOr<X509Ptr> ReadCertificate(std::string_view pem);
absl::StatusOr<RequestPtr> ReadRequest(std::string_view pem);
absl::StatusOr<KeyPtr> ReadKey(const SecretBuffer& pem);

// InvalidArgument unless of a kind and size that ParseCertificate accepts.
absl::Status CheckKeyKind(EVP_PKEY* key);

absl::StatusOr<SpkiHash> HashOf(const X509_PUBKEY* key);
absl::StatusOr<std::string> WriteCertificate(X509* certificate);
absl::StatusOr<SecretBuffer> WriteKey(EVP_PKEY* key);

// Drops what OpenSSL noted about an error, so that it does not colour another
// call of the thread, and answers `status`.
absl::Status Forget(absl::Status status);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_X509_PARTS_H_
