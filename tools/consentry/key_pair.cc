#include "tools/consentry/key_pair.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Request = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

constexpr long kStrangerSeconds = 3600;

absl::Status OpensslFault() {
  return absl::InternalError("OpenSSL could not make a key or certificate");
}

template <class Write>
absl::StatusOr<std::string> ToPem(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return OpensslFault();
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

bool SetName(X509_NAME* name, const std::string& common_name) {
  return X509_NAME_add_entry_by_txt(
             name, "CN", MBSTRING_UTF8,
             reinterpret_cast<const unsigned char*>(common_name.data()),
             static_cast<int>(common_name.size()), -1, 0) == 1;
}

Key ParseKey(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

}  // namespace

absl::StatusOr<KeyPair> MakeKeyPair(const std::string& common_name) {
  const Key key(EVP_EC_gen("P-256"));
  const Request request(X509_REQ_new());
  if (!key || !request ||
      !SetName(X509_REQ_get_subject_name(request.get()), common_name) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return OpensslFault();
  }
  KeyPair pair;
  CONSENTRY_ASSIGN_OR_RETURN(pair.key_pem, ToPem([&](BIO* bio) {
                               return PEM_write_bio_PKCS8PrivateKey(
                                   bio, key.get(), nullptr, nullptr, 0, nullptr,
                                   nullptr);
                             }));
  CONSENTRY_ASSIGN_OR_RETURN(pair.signing_request_pem, ToPem([&](BIO* bio) {
                               return PEM_write_bio_X509_REQ(bio,
                                                             request.get());
                             }));
  return pair;
}

absl::StatusOr<std::string> SelfSign(const KeyPair& pair,
                                     const std::string& common_name) {
  const Key key = ParseKey(pair.key_pem);
  const Certificate certificate(X509_new());
  if (!key || !certificate || X509_set_version(certificate.get(), 2) != 1 ||
      ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                      kStrangerSeconds) == nullptr ||
      X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      !SetName(X509_get_subject_name(certificate.get()), common_name) ||
      X509_set_issuer_name(certificate.get(),
                           X509_get_subject_name(certificate.get())) != 1 ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
    return OpensslFault();
  }
  return ToPem(
      [&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

absl::StatusOr<absl::Time> CertificateEnd(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  std::tm end{};
  if (!certificate ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return absl::InvalidArgumentError("this is no certificate");
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

absl::Status WritePrivate(const std::string& path, const std::string& content) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    return errno == EEXIST
               ? absl::AlreadyExistsError(path + " is there already")
               : absl::UnavailableError("cannot write " + path);
  }
  const ssize_t written = write(file, content.data(), content.size());
  const bool good =
      written == static_cast<ssize_t>(content.size()) && fsync(file) == 0;
  close(file);
  return good ? absl::OkStatus()
              : absl::UnavailableError("cannot write " + path);
}

}  // namespace consentry::tools
