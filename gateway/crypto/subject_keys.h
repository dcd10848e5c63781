#ifndef CONSENTRY_GATEWAY_CRYPTO_SUBJECT_KEYS_H_
#define CONSENTRY_GATEWAY_CRYPTO_SUBJECT_KEYS_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// The unwrapped keys of one subject, in locked memory: the data key and the
// audit key, and, while data is re-sealed or an old audit key is kept, the
// generation before of either. Comes from SlotFile. Holding it opens nothing
// by itself: values are opened by Opener and FactOpener, tags made by
// ComputeSubjectTag; no method here gives a key out.
//
// Immutable, move-only, safe for many threads; a cache shares it by
// shared_ptr<const SubjectKeys>. Must not outlive its LockedSlab. Whoever
// keeps one drops it when the subject's slot changes.
class SubjectKeys {
 public:
  SubjectKeys(SubjectKeys&&) = default;
  SubjectKeys& operator=(SubjectKeys&&) = default;

  // The subject's number: place in the slot file, from 1.
  uint64_t subject() const { return subject_; }
  // Generations count from 1. New values are sealed under the current one.
  uint32_t data_generation() const { return data_generation_; }
  uint32_t audit_generation() const { return audit_generation_; }
  std::optional<uint32_t> previous_data_generation() const {
    return Generation(previous_data_generation_);
  }
  std::optional<uint32_t> previous_audit_generation() const {
    return Generation(previous_audit_generation_);
  }

 private:
  friend class SubjectKeyAccess;
  SubjectKeys() = default;
  static std::optional<uint32_t> Generation(uint32_t generation) {
    if (generation == 0) return std::nullopt;
    return generation;
  }

  uint64_t subject_ = 0;
  uint32_t data_generation_ = 0;
  uint32_t audit_generation_ = 0;
  uint32_t previous_data_generation_ = 0;   // 0: none.
  uint32_t previous_audit_generation_ = 0;  // 0: none.
  // data | audit | previous data | previous audit, 32 bytes each.
  LockedSlab::Block block_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SUBJECT_KEYS_H_
