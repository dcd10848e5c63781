#ifndef CONSENTRY_GATEWAY_CRYPTO_SLOT_FORMAT_H_
#define CONSENTRY_GATEWAY_CRYPTO_SLOT_FORMAT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// The bytes of the slot file (big-endian throughout):
//
//   file   := header_a:4096 header_b:4096 redo:122880 slot*
//   header := "CSTRYSLT" version:u32 slot_bytes:u32 file_id:16 sequence:u64
//             slots:u64 erased_through:u64 log_size:u64 created_us:i64
//             mac:32 zero*
//   slot   := version:u8 state:u8 back_data:u8 back_audit:u8 epoch:u32
//             data_generation:u32 audit_generation:u32 created_day:u32
//             zero:u32 log_index:u64                      (32 bytes)
//             nonce:16 wrapped:128 tag:16
//   redo   := count:u32 (subject:u64 slot:192)* mac:32    (or zeros)
//
// Two headers, written in turn; the one with the higher sequence that verifies
// counts. A live slot wraps data | audit | previous data | previous audit key
// in one XChaCha20-Poly1305 box under its epoch's key; the nonce is the 16
// random bytes and the subject number, associated data are file id, subject
// and the slot's first 32 bytes. back_data and back_audit are how many
// generations before the current one the previous one is, 0 for none (its key
// is then zeros). In any other state nonce and wrapped are zeros and the tag
// is a keyed BLAKE2b over the same. So no byte changes unseen.
inline constexpr uint8_t kSlotVersion = 1;
inline constexpr uint32_t kSlotFileVersion = 1;
inline constexpr size_t kSlotBytes = 192;
inline constexpr size_t kSlotHeaderBytes = 4096;
inline constexpr uint64_t kSlotRedoOffset = 2 * kSlotHeaderBytes;
inline constexpr size_t kSlotRedoBytes = size_t{30} * 4096;
inline constexpr uint64_t kSlotsOffset = kSlotRedoOffset + kSlotRedoBytes;
inline constexpr size_t kSlotRedoMax = (kSlotRedoBytes - 36) / (8 + kSlotBytes);

using SlotFileId = std::array<uint8_t, 16>;

enum class SlotState : uint8_t {
  kFree = 0,  // An orphan that was swept; never used again.
  kLive = 1,
  kDestroyed = 2,
};

struct SlotInfo {
  SlotState state = SlotState::kFree;
  uint32_t epoch = 0;  // 0 unless live.
  uint32_t data_generation = 0;
  uint32_t audit_generation = 0;
  std::optional<uint32_t> previous_data_generation;
  std::optional<uint32_t> previous_audit_generation;
  uint32_t created_day = 0;  // Days since the Unix epoch, UTC.
  // Destroyed: the log index of the decision to erase. Live: that of the last
  // partial erasure, 0 for none.
  uint64_t log_index = 0;
};

struct SlotHeader {
  uint64_t sequence = 0;
  uint64_t slots = 0;
  uint64_t erased_through = 0;
  uint64_t log_size = 0;
  int64_t created_us = 0;
};

// Functions over bytes, all but NewSlotNonce pure and deterministic. Safe for
// many threads.

inline uint64_t SlotOffset(uint64_t subject) {
  return kSlotsOffset + (subject - 1) * kSlotBytes;
}

std::string EncodeSlotHeader(const EpochKeys& keys, const SlotFileId& id,
                             const SlotHeader& header);

// The identity in a header before it is verified. FailedPrecondition for a
// newer version, DataLoss for anything that is no header.
absl::StatusOr<SlotFileId> PeekSlotFileId(std::string_view bytes);

// DataLoss when it does not verify; FailedPrecondition for a newer version.
absl::StatusOr<SlotHeader> DecodeSlotHeader(const EpochKeys& keys,
                                            const SlotFileId& id,
                                            std::string_view bytes);

// data | audit | previous data | previous audit, 32 bytes each.
inline constexpr size_t kSlotKeysBytes = 4 * kKeyBytes;
using SlotKeys = SecretBytes<kSlotKeysBytes>;

// 16 random bytes for EncodeLiveSlot.
std::array<uint8_t, 16> NewSlotNonce();

// A live slot with these keys, wrapped under the current epoch. Of `info`,
// state and epoch are not read. A nonce is used once.
std::string EncodeLiveSlot(const EpochKeys& keys, const SlotFileId& id,
                           uint64_t subject, const SlotInfo& info,
                           std::span<const uint8_t, kSlotKeysBytes> slot_keys,
                           std::span<const uint8_t, 16> nonce);

// A slot without keys: destroyed or free.
std::string EncodeDeadSlot(const EpochKeys& keys, const SlotFileId& id,
                           uint64_t subject, const SlotInfo& info);

// DataLoss unless the slot verifies for this file and subject; NotFound for a
// live slot whose epoch has no key here. For a live slot its keys go to `out`;
// otherwise, and on failure, `out` is left as zeros.
absl::StatusOr<SlotInfo> DecodeSlot(const EpochKeys& keys, const SlotFileId& id,
                                    uint64_t subject, std::string_view bytes,
                                    std::span<uint8_t, kSlotKeysBytes> out);

// New content of slots on its way to their places.
struct SlotWrite {
  uint64_t subject = 0;
  std::string bytes;  // kSlotBytes of them.
};

// At most kSlotRedoMax writes.
std::string EncodeSlotRedo(const EpochKeys& keys, const SlotFileId& id,
                           std::span<const SlotWrite> writes);

// DataLoss for anything that EncodeSlotRedo did not make whole, zeros among it.
absl::StatusOr<std::vector<SlotWrite>> DecodeSlotRedo(const EpochKeys& keys,
                                                      const SlotFileId& id,
                                                      std::string_view bytes);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SLOT_FORMAT_H_
