#ifndef CONSENTRY_GATEWAY_CRYPTO_REQUEST_DIGEST_H_
#define CONSENTRY_GATEWAY_CRYPTO_REQUEST_DIGEST_H_

#include <string>
#include <string_view>

#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// What is kept of a request to tell a repetition from another request with the
// same request_id: a keyed BLAKE2b, since requests hold identifiers that could
// be guessed from a plain hash. Immutable; safe for many threads.
class RequestDigests {
 public:
  explicit RequestDigests(const RootKey& root);

  // 32 bytes.
  std::string Of(std::string_view request) const;

 private:
  const GuardedKey key_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_REQUEST_DIGEST_H_
