#ifndef CONSENTRY_GATEWAY_CRYPTO_OPENER_H_
#define CONSENTRY_GATEWAY_CRYPTO_OPENER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/identifiers.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/secret.h"
#include "gateway/crypto/subject_keys.h"

namespace consentry::crypto {

// The only ways from sealed bytes to somebody's data. Stateless; safe for many
// threads; one allocation, that of the result.
//
// Errors of both: NotFound when the value is sealed under a generation of the
// data key that no longer exists (erased); DataLoss when it does not verify:
// changed, cut, moved, under another key. DataLoss never comes with data.
// InvalidArgument for a bad context.
//
// Why two. A decision must know residence, age, restrictions and consents
// before it exists, so the parts that gather them (vault, consent) cannot hold
// a Grant; and they must not be able to open more than that. FactOpener takes
// a FactContext only, and the table's number is inside the seal: there is no
// context by which it opens a record or an identifier. What it opens must not
// be released: whatever leaves the gateway comes from Opener.

// Opens what decisions are made on.
class FactOpener {
 public:
  static absl::StatusOr<Plaintext> Open(const SubjectKeys& keys,
                                        const FactContext& context,
                                        std::string_view sealed);
};

// Opens what a decision released. PermissionDenied for a moved-from grant.
class Opener {
 public:
  static absl::StatusOr<Plaintext> Open(const Grant& grant,
                                        const SubjectKeys& keys,
                                        const FieldContext& context,
                                        std::string_view sealed);
};

// Seals a value anew under the current data key, and proves that it opens
// there, without giving the plaintext out: for erasures that keep some fields,
// and for rows whose generation rises. Returns the new sealed value.
class Resealer {
 public:
  static absl::StatusOr<std::string> Reseal(const SubjectKeys& keys,
                                            const FieldContext& from,
                                            const FieldContext& to,
                                            std::string_view sealed);
  static absl::StatusOr<std::string> Reseal(const SubjectKeys& keys,
                                            const FactContext& from,
                                            const FactContext& to,
                                            std::string_view sealed);
};

// Hashes an identifier that is sealed, for the list of those who must not come
// back, without giving it out: an erasure has no decision behind it that could
// open it. Errors as for opening, and NotFound for an unknown suppression key.
class SealedIdentifierHasher {
 public:
  static absl::StatusOr<SuppressionHash> Hash(const SubjectKeys& keys,
                                              const FieldContext& context,
                                              std::string_view sealed,
                                              const EpochKeys& epochs,
                                              uint32_t suppression_key,
                                              IdentifierType type,
                                              std::string_view name_space);
};

// Computes the blind index of an identifier from its sealed, normalised value,
// without giving the value out: for rotations and restores, which make the rows
// of lookup anew. Errors as the openers', and NotFound for an epoch without
// keys.
class Reindexer {
 public:
  static absl::StatusOr<BlindIndex> Index(const SubjectKeys& keys,
                                          const FieldContext& context,
                                          std::string_view sealed,
                                          const EpochKeys& epochs,
                                          uint32_t epoch, IdentifierType type,
                                          std::string_view name_space);
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_OPENER_H_
