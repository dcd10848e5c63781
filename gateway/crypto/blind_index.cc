#include "gateway/crypto/blind_index.h"

#include <sodium.h>

#include <optional>
#include <span>

#include "gateway/crypto/byte_order.h"
#include "gateway/crypto/key_access.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {
namespace {

// What the hash is for, so that a blind index and a suppression hash differ
// even under one key.
constexpr uint8_t kForLookup = 1;
constexpr uint8_t kForSuppression = 2;

void HashIdentifier(KeyView key, uint8_t use, IdentifierType type,
                    std::string_view name_space, std::string_view normalized,
                    std::span<uint8_t> out) {
  uint8_t front[6];
  front[0] = use;
  front[1] = static_cast<uint8_t>(type);
  StoreBigEndian(static_cast<uint32_t>(name_space.size()), front + 2);
  crypto_generichash_blake2b_state state;
  crypto_generichash_blake2b_init(&state, key.data(), key.size(), out.size());
  crypto_generichash_blake2b_update(&state, front, sizeof(front));
  crypto_generichash_blake2b_update(&state, Bytes(name_space),
                                    name_space.size());
  crypto_generichash_blake2b_update(&state, Bytes(normalized),
                                    normalized.size());
  crypto_generichash_blake2b_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof(state));
}

}  // namespace

absl::StatusOr<BlindIndex> ComputeBlindIndex(const EpochKeys& keys,
                                             uint32_t epoch,
                                             IdentifierType type,
                                             std::string_view name_space,
                                             std::string_view normalized) {
  const std::optional<KeyView> key = EpochKeyAccess::BlindIndex(keys, epoch);
  if (!key.has_value()) {
    return absl::NotFoundError("the key of that epoch does not exist");
  }
  BlindIndex index;
  HashIdentifier(*key, kForLookup, type, name_space, normalized, index);
  return index;
}

absl::StatusOr<SuppressionHash> ComputeSuppressionHash(
    const EpochKeys& keys, uint32_t suppression_key, IdentifierType type,
    std::string_view name_space, std::string_view normalized) {
  const std::optional<KeyView> key =
      EpochKeyAccess::Suppression(keys, suppression_key);
  if (!key.has_value()) {
    return absl::NotFoundError("no such suppression key");
  }
  SuppressionHash hash;
  HashIdentifier(*key, kForSuppression, type, name_space, normalized, hash);
  return hash;
}

}  // namespace consentry::crypto
