#ifndef CONSENTRY_GATEWAY_VAULT_IDENTIFIER_KEY_H_
#define CONSENTRY_GATEWAY_VAULT_IDENTIFIER_KEY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/identifiers.h"
#include "gateway/crypto/ids.h"

namespace consentry::vault {

// An identifier in the one spelling that is compared, wiped at its end.
struct NormalizedIdentifier {
  NormalizedIdentifier() = default;
  NormalizedIdentifier(const NormalizedIdentifier&) = default;
  NormalizedIdentifier& operator=(const NormalizedIdentifier&) = default;
  NormalizedIdentifier(NormalizedIdentifier&&) = default;
  NormalizedIdentifier& operator=(NormalizedIdentifier&&) = default;
  ~NormalizedIdentifier();

  v1::IdentifierType type = v1::IDENTIFIER_TYPE_UNSPECIFIED;
  crypto::IdentifierType crypto_type = crypto::IdentifierType::kCustom;
  std::string name_space;
  std::string value;
};

// InvalidArgument, saying what is wrong and nothing of the value: unknown
// type, a namespace that is missing, malformed or out of place, a malformed
// value. `home_country` (ISO 3166-1 alpha-2, or empty) reads telephone numbers
// without a country code.
absl::StatusOr<NormalizedIdentifier> NormalizeIdentifier(
    const v1::Identifier& identifier, std::string_view home_country);

// Where the identifier stands in lookup, by that epoch's key.
absl::StatusOr<crypto::BlindIndex> IdentifierKey(
    const crypto::EpochKeys& keys, uint32_t epoch,
    const NormalizedIdentifier& identifier);

// Where a public id stands in lookup: the id itself, which no blind index
// equals but by chance.
crypto::BlindIndex PublicIdKey(const crypto::ObjectId& id);

// Where a source's own key of a record stands in source_rows.
absl::StatusOr<crypto::BlindIndex> SourceRowKey(const crypto::EpochKeys& keys,
                                                uint32_t epoch,
                                                std::string_view source,
                                                std::string_view kind,
                                                std::string_view source_key);

inline std::string_view AsBytes(const crypto::BlindIndex& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}
inline std::string_view AsBytes(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

// HeldIdentifier.digest: type, namespace and value under the subject's digest
// key (SubjectHead.digest_key, 16 bytes).
uint64_t IdentifierDigest(std::string_view digest_key,
                          const NormalizedIdentifier& identifier);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_IDENTIFIER_KEY_H_
