#include "gateway/crypto/certificates.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "gateway/crypto/x509_parts.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

absl::StatusOr<int64_t> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return Forget(absl::InvalidArgumentError("a date is malformed"));
  }
  return static_cast<int64_t>(timegm(&parts)) * kSecondUs;
}

// Empty when there is none, or none that is plain.
std::string CommonNameOf(const X509* certificate) {
  const X509_NAME* name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "";
  const ASN1_STRING* value =
      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, value);
  if (length < 0) {
    (void)Forget(absl::OkStatus());
    return "";
  }
  std::string text(reinterpret_cast<const char*>(utf8),
                   static_cast<size_t>(length));
  OPENSSL_free(utf8);
  return text;
}

}  // namespace

absl::StatusOr<CertificateInfo> ParseCertificate(std::string_view pem) {
  CONSENTRY_ASSIGN_OR_RETURN(const X509Ptr certificate, ReadCertificate(pem));
  CONSENTRY_RETURN_IF_ERROR(CheckKeyKind(X509_get0_pubkey(certificate.get())));
  CertificateInfo info;
  CONSENTRY_ASSIGN_OR_RETURN(info.spki,
                             HashOf(X509_get_X509_PUBKEY(certificate.get())));
  unsigned size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), info.fingerprint.data(),
                  &size) != 1 ||
      size != info.fingerprint.size()) {
    return Forget(absl::InternalError("a certificate cannot be hashed"));
  }
  info.common_name = CommonNameOf(certificate.get());
  CONSENTRY_ASSIGN_OR_RETURN(info.not_before_us,
                             TimeOf(X509_get0_notBefore(certificate.get())));
  CONSENTRY_ASSIGN_OR_RETURN(info.not_after_us,
                             TimeOf(X509_get0_notAfter(certificate.get())));
  // All bits set where the extension is absent: then any use is allowed.
  const uint32_t usage = X509_get_extended_key_usage(certificate.get());
  info.for_server = (usage & XKU_SSL_SERVER) != 0;
  info.for_client = (usage & XKU_SSL_CLIENT) != 0;
  info.is_authority = X509_check_ca(certificate.get()) == 1;
  (void)Forget(absl::OkStatus());
  return info;
}

absl::Status CheckValidity(const CertificateInfo& info, int64_t now_us) {
  if (now_us < info.not_before_us) {
    return absl::FailedPreconditionError("the certificate is not valid yet");
  }
  // The last second belongs to it (RFC 5280 section 4.1.2.5).
  if (now_us >= info.not_after_us + kSecondUs) {
    return absl::FailedPreconditionError("the certificate has expired");
  }
  return absl::OkStatus();
}

absl::Status CheckKeyMatches(std::string_view certificate_pem,
                             const SecretBuffer& key_pem) {
  CONSENTRY_ASSIGN_OR_RETURN(const X509Ptr certificate,
                             ReadCertificate(certificate_pem));
  CONSENTRY_ASSIGN_OR_RETURN(const KeyPtr key, ReadKey(key_pem));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Forget(absl::InvalidArgumentError(
        "the private key does not belong to the certificate"));
  }
  return absl::OkStatus();
}

}  // namespace consentry::crypto
