#ifndef CONSENTRY_GATEWAY_CRYPTO_SEALER_H_
#define CONSENTRY_GATEWAY_CRYPTO_SEALER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/subject_keys.h"

namespace consentry::crypto {

// What a seal adds to a value: 76 bytes.
//
//   sealed := generation:u32 nonce:24 commitment:32 ciphertext tag:16
//
// XChaCha20-Poly1305-IETF under the subject's data key of that generation,
// random nonce. The commitment is keyed BLAKE2b over generation and nonce: it
// ties the value to one key, which Poly1305 alone does not. Associated data is
// the canonical encoding of subject and Context.
inline constexpr size_t kSealOverhead = 4 + 24 + 32 + 16;
// Longest value that is sealed.
inline constexpr size_t kMaxSealedPlaintext = size_t{16} * 1024 * 1024;

// Seals values under the current data key of a subject. Sealing needs no
// Grant. Stateless; safe for many threads. Errors: InvalidArgument for a value
// longer than kMaxSealedPlaintext, a field name longer than 255 bytes, or a
// table outside of its range. An empty value is a value: no value is no seal.
class Sealer {
 public:
  static absl::StatusOr<std::string> Seal(const SubjectKeys& keys,
                                          const FactContext& context,
                                          std::string_view plaintext);
  static absl::StatusOr<std::string> Seal(const SubjectKeys& keys,
                                          const FieldContext& context,
                                          std::string_view plaintext);
};

// The key generation that a sealed value names, unverified: enough to know
// whether it must be sealed anew. DataLoss when it is shorter than a seal.
absl::StatusOr<uint32_t> SealedGeneration(std::string_view sealed);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SEALER_H_
