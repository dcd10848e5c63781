#ifndef CONSENTRY_GATEWAY_CRYPTO_KEY_ACCESS_H_
#define CONSENTRY_GATEWAY_CRYPTO_KEY_ACCESS_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/secret.h"
#include "gateway/crypto/subject_keys.h"

namespace consentry::crypto {

// The way to the bytes of keys, for .cc files of gateway/crypto alone: no
// other folder includes this header.

class SubjectKeyAccess {
 public:
  // `block` holds data | audit | previous data | previous audit.
  static SubjectKeys Make(uint64_t subject, uint32_t data_generation,
                          uint32_t audit_generation,
                          uint32_t previous_data_generation,
                          uint32_t previous_audit_generation,
                          LockedSlab::Block block) {
    SubjectKeys keys;
    keys.subject_ = subject;
    keys.data_generation_ = data_generation;
    keys.audit_generation_ = audit_generation;
    keys.previous_data_generation_ = previous_data_generation;
    keys.previous_audit_generation_ = previous_audit_generation;
    keys.block_ = std::move(block);
    return keys;
  }

  static KeyView DataKey(const SubjectKeys& keys) { return At(keys, 0); }
  static std::optional<KeyView> DataKey(const SubjectKeys& keys,
                                        uint32_t generation) {
    if (generation == 0) return std::nullopt;
    if (generation == keys.data_generation_) return At(keys, 0);
    if (generation == keys.previous_data_generation_) return At(keys, 2);
    return std::nullopt;
  }
  static KeyView AuditKey(const SubjectKeys& keys) { return At(keys, 1); }
  static std::optional<KeyView> AuditKey(const SubjectKeys& keys,
                                         uint32_t generation) {
    if (generation == 0) return std::nullopt;
    if (generation == keys.audit_generation_) return At(keys, 1);
    if (generation == keys.previous_audit_generation_) return At(keys, 3);
    return std::nullopt;
  }

 private:
  static KeyView At(const SubjectKeys& keys, size_t which) {
    return KeyView(keys.block_.data() + which * kKeyBytes, kKeyBytes);
  }
};

class EpochKeyAccess {
 public:
  static std::optional<KeyView> SlotWrap(const EpochKeys& keys,
                                         uint32_t epoch) {
    for (const EpochKeys::Epoch& e : keys.epochs_) {
      if (e.id == epoch) return e.slot_wrap.view();
    }
    return std::nullopt;
  }
  static std::optional<KeyView> BlindIndex(const EpochKeys& keys,
                                           uint32_t epoch) {
    for (const EpochKeys::Epoch& e : keys.epochs_) {
      if (e.id == epoch) return e.blind_index.view();
    }
    return std::nullopt;
  }
  static std::optional<KeyView> Suppression(const EpochKeys& keys,
                                            uint32_t id) {
    for (const EpochKeys::Numbered& n : keys.suppression_) {
      if (n.id == id) return n.key.view();
    }
    return std::nullopt;
  }
  static std::optional<KeyView> System(const EpochKeys& keys, uint32_t id) {
    for (const EpochKeys::Numbered& n : keys.system_) {
      if (n.id == id) return n.key.view();
    }
    return std::nullopt;
  }
  static KeyView SlotIntegrity(const EpochKeys& keys) {
    return keys.slot_integrity_.view();
  }
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_KEY_ACCESS_H_
