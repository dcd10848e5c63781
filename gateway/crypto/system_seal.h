#ifndef CONSENTRY_GATEWAY_CRYPTO_SYSTEM_SEAL_H_
#define CONSENTRY_GATEWAY_CRYPTO_SYSTEM_SEAL_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// Seals and opens what belongs to no subject: the staff directory, documents
// of clients, kept results. Layout, errors and limits as Sealer and Opener;
// the generation is the number of the system key, the subject is 0. Needs no
// Grant, and by its table numbers opens nothing of a subject. Stateless; safe
// for many threads.
class SystemSeal {
 public:
  static absl::StatusOr<std::string> Seal(const EpochKeys& keys,
                                          const SystemContext& context,
                                          std::string_view plaintext);
  static absl::StatusOr<Plaintext> Open(const EpochKeys& keys,
                                        const SystemContext& context,
                                        std::string_view sealed);
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SYSTEM_SEAL_H_
