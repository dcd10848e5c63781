#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "audit/io/file.h"
#include "gateway/crypto/certificates.h"
#include "gateway/crypto/secret_file.h"
#include "gateway/crypto/x509_parts.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kAuthorityYearsUs = int64_t{10} * 365 * 24 * 3600 * kSecondUs;
// 23:59:59 on the last day of 9999: the last time that X.509 can write.
constexpr int64_t kMaxTimeUs = int64_t{253'402'300'799} * kSecondUs;
constexpr size_t kMaxServerNames = 64;
constexpr size_t kMaxNameBytes = 253;

absl::Status Failed() {
  return Forget(absl::InternalError("cannot make a certificate"));
}

bool IsLetterOrDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

absl::Status CheckCommonName(std::string_view name) {
  if (name.empty() || name.size() > 64 ||
      !std::all_of(name.begin(), name.end(), [](char c) {
        return IsLetterOrDigit(c) || c == ' ' || c == '.' || c == '_' ||
               c == '-' || c == '@';
      })) {
    return absl::InvalidArgumentError(
        "the common name has 1 to 64 letters, digits, spaces or ._-@");
  }
  return absl::OkStatus();
}

bool IsIpAddress(const std::string& name) {
  unsigned char room[sizeof(in6_addr)];
  return inet_pton(AF_INET, name.c_str(), room) == 1 ||
         inet_pton(AF_INET6, name.c_str(), room) == 1;
}

// A host name, with a wildcard at most as the whole first label. What goes
// into OpenSSL's configuration language is checked first: a comma there would
// be another entry.
bool IsDnsName(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  if (name.substr(0, 2) == "*.") name.remove_prefix(2);
  return !name.empty() && name.front() != '.' && name.front() != '-' &&
         name.back() != '.' && name.back() != '-' &&
         name.find("..") == std::string_view::npos &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '.' || c == '-';
         });
}

absl::StatusOr<std::string> AlternativeNames(
    const std::vector<std::string>& extra) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  if (extra.size() > kMaxServerNames) {
    return absl::InvalidArgumentError("more than 64 names for a server");
  }
  names.insert(names.end(), extra.begin(), extra.end());
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ",";
    if (IsIpAddress(name)) {
      text += "IP:" + name;
    } else if (IsDnsName(name)) {
      text += "DNS:" + name;
    } else {
      return absl::InvalidArgumentError(
          "a server name is neither a host name nor an IP address");
    }
  }
  return text;
}

absl::Status AddExtension(X509* certificate, X509* issuer, int id,
                          const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) return Failed();
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1 ? absl::OkStatus() : Failed();
}

absl::StatusOr<KeyPtr> NewKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Failed();
  return key;
}

struct Draft {
  std::string common_name;
  EVP_PKEY* key = nullptr;  // Public half is enough.
  int64_t not_before_us = 0;
  int64_t not_after_us = 0;
  std::vector<std::pair<int, std::string>> extensions;
};

// `issuer` is null for a certificate that signs itself with `issuer_key`.
absl::StatusOr<X509Ptr> Sign(const Draft& draft, X509* issuer,
                             EVP_PKEY* issuer_key) {
  if (draft.not_before_us < 0 || draft.not_after_us > kMaxTimeUs ||
      draft.not_before_us >= draft.not_after_us) {
    return absl::InvalidArgumentError(
        "a certificate must end after it begins, between 1970 and 9999");
  }
  X509Ptr certificate(X509_new());
  if (certificate == nullptr) return Failed();
  X509* made = certificate.get();
  if (issuer == nullptr) issuer = made;

  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof(serial)) != 1) return Failed();
  serial[0] &= 0x7f;  // Positive, as RFC 5280 section 4.1.2.2 demands.
  serial[0] |= 0x40;
  BIGNUM* number = BN_bin2bn(serial, sizeof(serial), nullptr);
  const bool numbered =
      number != nullptr &&
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made)) != nullptr;
  BN_free(number);

  X509_NAME* name = X509_get_subject_name(made);
  const auto* text =
      reinterpret_cast<const unsigned char*>(draft.common_name.data());
  const auto time_of = [](int64_t us) {
    return static_cast<std::time_t>(us / kSecondUs);
  };
  if (!numbered || X509_set_version(made, X509_VERSION_3) != 1 ||
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text,
                                 static_cast<int>(draft.common_name.size()), -1,
                                 0) != 1 ||
      X509_set_issuer_name(made, X509_get_subject_name(issuer)) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(made), time_of(draft.not_before_us)) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(made), time_of(draft.not_after_us)) ==
          nullptr ||
      X509_set_pubkey(made, draft.key) != 1) {
    return Failed();
  }
  for (const auto& [id, value] : draft.extensions) {
    CONSENTRY_RETURN_IF_ERROR(AddExtension(made, issuer, id, value));
  }
  if (X509_sign(made, issuer_key, EVP_sha256()) == 0) return Failed();
  return certificate;
}

}  // namespace

struct CertificateAuthority::Impl {
  X509Ptr certificate;
  KeyPtr key;

  // A leaf for `key`, whose private half is added when `own` is set.
  absl::StatusOr<IssuedCertificate> Issue(Draft draft, bool own) const {
    draft.extensions.insert(draft.extensions.begin(),
                            {{NID_basic_constraints, "critical,CA:FALSE"},
                             {NID_key_usage, "critical,digitalSignature"},
                             {NID_subject_key_identifier, "hash"},
                             {NID_authority_key_identifier, "keyid:always"}});
    CONSENTRY_ASSIGN_OR_RETURN(const X509Ptr leaf,
                               Sign(draft, certificate.get(), key.get()));
    IssuedCertificate issued;
    CONSENTRY_ASSIGN_OR_RETURN(issued.certificate_pem,
                               WriteCertificate(leaf.get()));
    CONSENTRY_ASSIGN_OR_RETURN(issued.spki,
                               HashOf(X509_get_X509_PUBKEY(leaf.get())));
    if (own) {
      CONSENTRY_ASSIGN_OR_RETURN(issued.key_pem, WriteKey(draft.key));
    }
    return issued;
  }
};

CertificateAuthority::CertificateAuthority(std::unique_ptr<Impl> impl,
                                           std::string pem)
    : impl_(std::move(impl)), certificate_pem_(std::move(pem)) {}

CertificateAuthority::~CertificateAuthority() = default;

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::Generate(std::string_view common_name, int64_t now_us) {
  CONSENTRY_RETURN_IF_ERROR(CheckCommonName(common_name));
  auto impl = std::make_unique<Impl>();
  CONSENTRY_ASSIGN_OR_RETURN(impl->key, NewKey());
  Draft draft;
  draft.common_name = std::string(common_name);
  draft.key = impl->key.get();
  draft.not_before_us = now_us;
  draft.not_after_us = now_us + kAuthorityYearsUs;
  draft.extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                      {NID_key_usage, "critical,keyCertSign,cRLSign"},
                      {NID_subject_key_identifier, "hash"}};
  CONSENTRY_ASSIGN_OR_RETURN(impl->certificate,
                             Sign(draft, nullptr, impl->key.get()));
  CONSENTRY_ASSIGN_OR_RETURN(std::string pem,
                             WriteCertificate(impl->certificate.get()));
  return std::unique_ptr<CertificateAuthority>(
      new CertificateAuthority(std::move(impl), std::move(pem)));
}

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::Load(std::string_view certificate_pem,
                           const SecretBuffer& key_pem) {
  CONSENTRY_ASSIGN_OR_RETURN(const CertificateInfo info,
                             ParseCertificate(certificate_pem));
  if (!info.is_authority) {
    return absl::InvalidArgumentError("not the certificate of an authority");
  }
  CONSENTRY_RETURN_IF_ERROR(CheckKeyMatches(certificate_pem, key_pem));
  auto impl = std::make_unique<Impl>();
  CONSENTRY_ASSIGN_OR_RETURN(impl->certificate,
                             ReadCertificate(certificate_pem));
  CONSENTRY_ASSIGN_OR_RETURN(impl->key, ReadKey(key_pem));
  CONSENTRY_ASSIGN_OR_RETURN(std::string pem,
                             WriteCertificate(impl->certificate.get()));
  return std::unique_ptr<CertificateAuthority>(
      new CertificateAuthority(std::move(impl), std::move(pem)));
}

absl::Status CertificateAuthority::Save(const std::string& certificate_path,
                                        const std::string& key_path) const {
  CONSENTRY_ASSIGN_OR_RETURN(const SecretBuffer key,
                             WriteKey(impl_->key.get()));
  CONSENTRY_RETURN_IF_ERROR(CreateSecretFile(key_path, key.view()));
  return audit::ReplaceFile(audit::FileSystem::Posix(), certificate_path,
                            certificate_pem_);
}

absl::StatusOr<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::LoadFiles(const std::string& certificate_path,
                                const std::string& key_path) {
  CONSENTRY_ASSIGN_OR_RETURN(const SecretBuffer key, ReadSecretFile(key_path));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string certificate,
                             audit::ReadFile(audit::FileSystem::Posix(),
                                             certificate_path, kMaxPemBytes));
  return Load(certificate, key);
}

absl::StatusOr<IssuedCertificate> CertificateAuthority::IssueServer(
    const std::vector<std::string>& extra_names, int64_t not_before_us,
    int64_t not_after_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string names,
                             AlternativeNames(extra_names));
  CONSENTRY_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  Draft draft;
  draft.common_name = "localhost";
  draft.key = key.get();
  draft.not_before_us = not_before_us;
  draft.not_after_us = not_after_us;
  draft.extensions = {{NID_ext_key_usage, "serverAuth"},
                      {NID_subject_alt_name, names}};
  return impl_->Issue(std::move(draft), /*own=*/true);
}

absl::StatusOr<IssuedCertificate> CertificateAuthority::IssueClient(
    std::string_view common_name, int64_t not_before_us,
    int64_t not_after_us) const {
  CONSENTRY_RETURN_IF_ERROR(CheckCommonName(common_name));
  CONSENTRY_ASSIGN_OR_RETURN(const KeyPtr key, NewKey());
  Draft draft;
  draft.common_name = std::string(common_name);
  draft.key = key.get();
  draft.not_before_us = not_before_us;
  draft.not_after_us = not_after_us;
  draft.extensions = {{NID_ext_key_usage, "clientAuth"}};
  return impl_->Issue(std::move(draft), /*own=*/true);
}

absl::StatusOr<IssuedCertificate> CertificateAuthority::IssueClientFor(
    std::string_view request_pem, std::string_view common_name,
    int64_t not_before_us, int64_t not_after_us) const {
  CONSENTRY_RETURN_IF_ERROR(CheckCommonName(common_name));
  CONSENTRY_ASSIGN_OR_RETURN(const RequestPtr request,
                             ReadRequest(request_pem));
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  CONSENTRY_RETURN_IF_ERROR(CheckKeyKind(key));
  if (X509_REQ_verify(request.get(), key) != 1) {
    return Forget(absl::InvalidArgumentError(
        "the request is not signed by the key that it names"));
  }
  Draft draft;
  draft.common_name = std::string(common_name);
  draft.key = key;
  draft.not_before_us = not_before_us;
  draft.not_after_us = not_after_us;
  draft.extensions = {{NID_ext_key_usage, "clientAuth"}};
  return impl_->Issue(std::move(draft), /*own=*/false);
}

}  // namespace consentry::crypto
