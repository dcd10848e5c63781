#include "gateway/crypto/request_digest.h"

#include <sodium.h>

namespace consentry::crypto {

RequestDigests::RequestDigests(const RootKey& root)
    : key_(root.Derive(KeyPurpose::kRequestDigests)) {}

std::string RequestDigests::Of(std::string_view request) const {
  std::string digest(crypto_generichash_BYTES, '\0');
  const auto key = key_.view();
  crypto_generichash(reinterpret_cast<unsigned char*>(digest.data()),
                     digest.size(),
                     reinterpret_cast<const unsigned char*>(request.data()),
                     request.size(), key.data(), key.size());
  return digest;
}

}  // namespace consentry::crypto
