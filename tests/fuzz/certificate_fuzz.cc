// Certificates, requests and keys from anybody: parsed or refused. The input
// is tried as PEM, as the DER inside of PEM, and laid over a good certificate
// and a good request.

#include <openssl/pem.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/crypto/certificates.h"
#include "gateway/crypto/x509_parts.h"

using namespace consentry::crypto;

namespace {

constexpr int64_t kNowUs = 1'795'000'000'000'000;
constexpr int64_t kLaterUs = kNowUs + int64_t{86'400} * 1'000'000;

std::string Pem(const char* label, const std::string& der) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio(bio.get(), label, "",
                reinterpret_cast<const unsigned char*>(der.data()),
                static_cast<long>(der.size()));
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(length)};
}

std::string Der(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  if (PEM_read_bio(bio.get(), &name, &header, &data, &length) != 1) {
    std::abort();
  }
  std::string der(reinterpret_cast<char*>(data), static_cast<size_t>(length));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return der;
}

std::string NewRequest() {
  const KeyPtr key(EVP_EC_gen("P-256"));
  const RequestPtr request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  unsigned char* data = nullptr;
  const int length = i2d_X509_REQ(request.get(), &data);
  std::string der(reinterpret_cast<char*>(data), static_cast<size_t>(length));
  OPENSSL_free(data);
  return der;
}

std::string Lay(std::string good, const uint8_t* data, size_t size) {
  if (size < 2) return good;
  const size_t at = (size_t{data[0]} << 8 | data[1]) % good.size();
  for (size_t i = 2; i < size && at + i - 2 < good.size(); ++i) {
    good[at + i - 2] = static_cast<char>(good[at + i - 2] ^ data[i]);
  }
  return good;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const authority =
      CertificateAuthority::Generate("fuzz", kNowUs).value().release();
  static const std::string certificate =
      Der(authority->IssueServer({}, kNowUs, kLaterUs)->certificate_pem);
  static const std::string request = NewRequest();
  if (size == 0) return 0;
  const std::string raw(reinterpret_cast<const char*>(data + 1), size - 1);

  std::string text = raw;
  if (data[0] % 4 == 1) text = Pem("CERTIFICATE", raw);
  if (data[0] % 4 == 2) {
    text = Pem("CERTIFICATE", Lay(certificate, data + 1, size - 1));
  }
  if (data[0] % 4 == 3) {
    text = Pem("CERTIFICATE REQUEST", Lay(request, data + 1, size - 1));
  }
  const auto info = ParseCertificate(text);
  if (info.ok()) (void)CheckValidity(*info, kNowUs);
  const auto issued = authority->IssueClientFor(text, "fuzz", kNowUs, kLaterUs);
  // Whatever is issued parses, and is for clients alone.
  if (issued.ok()) {
    const auto again = ParseCertificate(issued->certificate_pem);
    if (!again.ok() || again->for_server || again->is_authority) std::abort();
  }
  (void)CertificateAuthority::Load(text, SecretBuffer::CopyOf({data, size}));
  return 0;
}
