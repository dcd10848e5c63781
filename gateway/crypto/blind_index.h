#ifndef CONSENTRY_GATEWAY_CRYPTO_BLIND_INDEX_H_
#define CONSENTRY_GATEWAY_CRYPTO_BLIND_INDEX_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/identifiers.h"

namespace consentry::crypto {

// 16 bytes by which an identifier is found without being readable.
using BlindIndex = std::array<uint8_t, 16>;

// Keyed BLAKE2b over type, namespace and normalised value. Tells whoever reads
// the table which rows are equal and nothing else; whoever may ask can probe
// for a value, so lookups are audited and budgeted. `name_space` tells apart
// external ids of different systems and custom types; empty for e-mail and
// phone. Deterministic; safe for many threads.
//
// The key is the epoch's: a row keeps the epoch it was made in; a lookup tries
// EpochKeys::usable() in order; rotation makes all rows anew.
// NotFound when that epoch's key is gone.
absl::StatusOr<BlindIndex> ComputeBlindIndex(const EpochKeys& keys,
                                             uint32_t epoch,
                                             IdentifierType type,
                                             std::string_view name_space,
                                             std::string_view normalized);

// The same under a suppression key, for the list of those who must not come
// back. 32 bytes; equal to no blind index. NotFound for an unknown number.
using SuppressionHash = std::array<uint8_t, 32>;
absl::StatusOr<SuppressionHash> ComputeSuppressionHash(
    const EpochKeys& keys, uint32_t suppression_key, IdentifierType type,
    std::string_view name_space, std::string_view normalized);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_BLIND_INDEX_H_
