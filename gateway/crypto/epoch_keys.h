#ifndef CONSENTRY_GATEWAY_CRYPTO_EPOCH_KEYS_H_
#define CONSENTRY_GATEWAY_CRYPTO_EPOCH_KEYS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "gateway/crypto/secret.h"

namespace consentry::crypto {

enum class EpochState : uint8_t {
  kCurrent = 1,    // Wraps what is new. Exactly one epoch is current.
  kRetired = 2,    // Still unwraps; survivors are being re-wrapped.
  kDestroyed = 3,  // Its keys are gone.
};

struct EpochInfo {
  uint32_t id = 0;  // From 1, never reused.
  EpochState state = EpochState::kDestroyed;
  int64_t created_us = 0;
  int64_t destroyed_us = 0;  // 0 while not destroyed.
};

// The keys that the epoch file holds, at one moment. Immutable, and safe for
// many threads; hand it on by shared_ptr<const EpochKeys> and take a fresh one
// per operation, since rotation replaces it. What each key does is reached by
// the class that does it (SlotFile, BlindIndexer, SystemSeal); no method here
// gives a key out.
class EpochKeys {
 public:
  EpochKeys(const EpochKeys&) = delete;
  EpochKeys& operator=(const EpochKeys&) = delete;

  const std::vector<EpochInfo>& epochs() const { return infos_; }
  uint32_t current() const { return current_; }
  // Epochs whose keys exist, newest first: the order in which a lookup by
  // blind index tries them.
  const std::vector<uint32_t>& usable() const { return usable_; }
  // Numbers of the suppression keys, newest first. They outlive the epochs:
  // what they hashed cannot be hashed again once its plaintext is erased.
  const std::vector<uint32_t>& suppression_keys() const {
    return suppression_ids_;
  }
  // Number of the key that new system values are sealed under.
  uint32_t system_key() const { return system_current_; }

 private:
  friend class EpochFile;
  friend class EpochKeyAccess;
  EpochKeys() = default;

  struct Epoch {
    uint32_t id;
    GuardedKey slot_wrap;
    GuardedKey blind_index;
  };
  struct Numbered {
    uint32_t id;
    GuardedKey key;
  };

  std::vector<EpochInfo> infos_;
  std::vector<uint32_t> usable_;
  std::vector<uint32_t> suppression_ids_;
  std::vector<Epoch> epochs_;
  std::vector<Numbered> suppression_;
  std::vector<Numbered> system_;
  GuardedKey slot_integrity_;
  uint32_t current_ = 0;
  uint32_t system_current_ = 0;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_EPOCH_KEYS_H_
