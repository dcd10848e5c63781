// Certificates, requests and keys from anybody: parsed or refused.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "gateway/crypto/certificates.h"

using consentry::crypto::CertificateAuthority;
using consentry::crypto::ParseCertificate;
using consentry::crypto::SecretBuffer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const authority =
      CertificateAuthority::Generate("fuzz", 1'795'000'000'000'000)
          .value()
          .release();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto info = ParseCertificate(text);
  if (info.ok()) {
    (void)consentry::crypto::CheckValidity(*info, 1'795'000'000'000'000);
  }
  const auto issued = authority->IssueClientFor(
      text, "fuzz", 1'795'000'000'000'000, 1'796'000'000'000'000);
  // Whatever is issued parses, and is for clients alone.
  if (issued.ok()) {
    const auto again = ParseCertificate(issued->certificate_pem);
    if (!again.ok() || again->for_server || again->is_authority) std::abort();
  }
  (void)CertificateAuthority::Load(text, SecretBuffer::CopyOf({data, size}));
  return 0;
}
