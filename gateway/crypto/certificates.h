#ifndef CONSENTRY_GATEWAY_CRYPTO_CERTIFICATES_H_
#define CONSENTRY_GATEWAY_CRYPTO_CERTIFICATES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// X.509 for mutual TLS: EC P-256, SHA-256. Functions are safe for many threads
// (a CertificateAuthority too). Times are microseconds since the Unix epoch
// and come in as arguments; certificates hold whole seconds.

// SHA-256 over the DER SubjectPublicKeyInfo: what a client is registered by,
// since it stays the same when the certificate is renewed for the same key.
using SpkiHash = std::array<uint8_t, 32>;

// Longest PEM text that is parsed.
inline constexpr size_t kMaxPemBytes = size_t{64} * 1024;

struct CertificateInfo {
  SpkiHash spki{};
  // SHA-256 over the certificate itself, DER: what a token can be bound to
  // (RFC 8705).
  std::array<uint8_t, 32> fingerprint{};
  // Informative; identity is `spki`. Empty when there is none.
  std::string common_name;
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
  bool for_server = false;  // Extended key usage allows it.
  bool for_client = false;
  bool is_authority = false;
};

// The first certificate of a PEM text. InvalidArgument when there is none that
// parses, or its key is neither EC P-256/P-384, Ed25519, nor RSA of at least
// 2048 bits.
absl::StatusOr<CertificateInfo> ParseCertificate(std::string_view pem);

// OK when `now_us` lies within the certificate's dates, otherwise
// FailedPrecondition saying which end was missed.
absl::Status CheckValidity(const CertificateInfo& info, int64_t now_us);

// OK when `key_pem` is the private half of the certificate.
absl::Status CheckKeyMatches(std::string_view certificate_pem,
                             const SecretBuffer& key_pem);

// A private key and the certificate for it, both PEM.
struct IssuedCertificate {
  std::string certificate_pem;
  SecretBuffer key_pem;  // Empty when issued for a signing request.
  SpkiHash spki{};
};

// A small certificate authority for development and for shops without one.
class CertificateAuthority {
 public:
  // A new one, valid for ten years from `now_us`.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Generate(
      std::string_view common_name, int64_t now_us);
  // From its PEM texts. InvalidArgument when they do not belong together or
  // the certificate is no authority's.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Load(
      std::string_view certificate_pem, const SecretBuffer& key_pem);
  ~CertificateAuthority();

  // Writes key (mode 0600, durable; never overwrites) and certificate.
  absl::Status Save(const std::string& certificate_path,
                    const std::string& key_path) const;
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> LoadFiles(
      const std::string& certificate_path, const std::string& key_path);

  const std::string& certificate_pem() const { return certificate_pem_; }

  // A server certificate for localhost, 127.0.0.1, ::1 and `extra_names`
  // (DNS names or IP addresses, told apart by form), for a new key.
  absl::StatusOr<IssuedCertificate> IssueServer(
      const std::vector<std::string>& extra_names, int64_t not_before_us,
      int64_t not_after_us) const;

  // A client certificate for a new key. `common_name` is for people alone:
  // 1 to 64 characters of letters, digits, space and "._-@".
  absl::StatusOr<IssuedCertificate> IssueClient(std::string_view common_name,
                                                int64_t not_before_us,
                                                int64_t not_after_us) const;

  // The same for the key of a PKCS #10 request (PEM), whose self-signature
  // must verify. Nothing else of the request is taken over.
  absl::StatusOr<IssuedCertificate> IssueClientFor(std::string_view request_pem,
                                                   std::string_view common_name,
                                                   int64_t not_before_us,
                                                   int64_t not_after_us) const;

 private:
  struct Impl;
  CertificateAuthority(std::unique_ptr<Impl> impl, std::string pem);

  const std::unique_ptr<Impl> impl_;
  const std::string certificate_pem_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_CERTIFICATES_H_
