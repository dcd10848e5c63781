// The calls of SlotFile that walk over many slots.

#include <algorithm>

#include "gateway/crypto/slot_file.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

// How many slots a scan reads at once.
constexpr uint64_t kScanSlots = 1024;

}  // namespace

absl::StatusOr<uint64_t> SlotFile::SweepOrphans(
    uint64_t first, uint64_t last,
    const std::function<absl::StatusOr<bool>(uint64_t subject)>& in_use) {
  first = std::max<uint64_t>(first, 1);
  last = std::min(last, last_subject());
  std::vector<uint64_t> orphans;
  SlotKeys keys;
  for (uint64_t subject = first; subject <= last; ++subject) {
    const absl::StatusOr<SlotInfo> info = Read(subject, &keys);
    if (info.status().code() == absl::StatusCode::kUnavailable) {
      return info.status();
    }
    if (info.ok() && info->state != SlotState::kLive) continue;
    CONSENTRY_ASSIGN_OR_RETURN(const bool used, in_use(subject));
    if (!used) orphans.push_back(subject);
  }
  if (orphans.empty()) return uint64_t{0};

  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  SlotInfo dead;
  dead.state = SlotState::kFree;
  std::vector<SlotWrite> writes;
  writes.reserve(orphans.size());
  for (const uint64_t subject : orphans) {
    writes.push_back({subject, EncodeDeadSlot(*epochs, id_, subject, dead)});
  }
  CONSENTRY_RETURN_IF_ERROR(WriteSlots(writes));
  CONSENTRY_RETURN_IF_ERROR(Sync());
  return uint64_t{orphans.size()};
}

absl::StatusOr<uint64_t> SlotFile::Rewrap(uint64_t from, uint32_t limit) {
  if (limit == 0) return absl::InvalidArgumentError("limit is at least 1");
  limit = std::min<uint32_t>(limit, kSlotRedoMax);
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  const uint64_t last = header().slots;
  std::vector<SlotWrite> writes;
  SlotKeys keys;
  uint64_t subject = std::max<uint64_t>(from, 1);
  while (subject <= last && writes.size() < limit) {
    const uint64_t count = std::min(kScanSlots, last - subject + 1);
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string bytes,
        file_->ReadAt(SlotOffset(subject), count * kSlotBytes));
    for (uint64_t i = 0; i < count && writes.size() < limit; ++i, ++subject) {
      const std::string_view slot =
          std::string_view(bytes).substr(i * kSlotBytes, kSlotBytes);
      // What is damaged or dead has nothing to wrap.
      const absl::StatusOr<SlotInfo> info =
          DecodeSlot(*epochs, id_, subject, slot,
                     std::span<uint8_t, kSlotKeysBytes>(keys.mutable_data(),
                                                        kSlotKeysBytes));
      if (!info.ok() || info->state != SlotState::kLive ||
          info->epoch == epochs->current()) {
        continue;
      }
      writes.push_back({subject, EncodeLiveSlot(*epochs, id_, subject, *info,
                                                keys.view(), NewSlotNonce())});
    }
  }
  if (!writes.empty()) CONSENTRY_RETURN_IF_ERROR(Replace(writes, nullptr));
  return subject > last ? 0 : subject;
}

absl::Status SlotFile::ForEach(
    uint64_t first,
    const std::function<
        absl::Status(uint64_t, const absl::StatusOr<SlotInfo>&)>& visit) const {
  const uint64_t last = last_subject();
  SlotKeys keys;
  for (uint64_t subject = std::max<uint64_t>(first, 1); subject <= last;) {
    CONSENTRY_RETURN_IF_ERROR(CheckUsable());
    const uint64_t count = std::min(kScanSlots, last - subject + 1);
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string bytes,
        file_->ReadAt(SlotOffset(subject), count * kSlotBytes));
    const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
    for (uint64_t i = 0; i < count; ++i, ++subject) {
      absl::StatusOr<SlotInfo> info = DecodeSlot(
          *epochs, id_, subject,
          std::string_view(bytes).substr(
              std::min<size_t>(bytes.size(), i * kSlotBytes), kSlotBytes),
          std::span<uint8_t, kSlotKeysBytes>(keys.mutable_data(),
                                             kSlotKeysBytes));
      if (!info.ok()) info = Read(subject, &keys);
      CONSENTRY_RETURN_IF_ERROR(visit(subject, info));
    }
  }
  return absl::OkStatus();
}

absl::Status SlotFile::CopyTo(
    const std::function<absl::Status(std::string_view)>& write) const {
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  const SlotHeader now = header();
  std::string front = EncodeSlotHeader(*epochs, id_, now);
  front.resize(kSlotsOffset, '\0');
  CONSENTRY_RETURN_IF_ERROR(write(front));
  SlotKeys keys;
  for (uint64_t subject = 1; subject <= now.slots;) {
    CONSENTRY_RETURN_IF_ERROR(CheckUsable());
    const uint64_t count = std::min(kScanSlots, now.slots - subject + 1);
    CONSENTRY_ASSIGN_OR_RETURN(
        std::string bytes,
        file_->ReadAt(SlotOffset(subject), count * kSlotBytes));
    if (bytes.size() != count * kSlotBytes) {
      return absl::DataLossError("the key slots are cut short");
    }
    for (uint64_t i = 0; i < count; ++i, ++subject) {
      const auto out = std::span<uint8_t, kSlotKeysBytes>(keys.mutable_data(),
                                                          kSlotKeysBytes);
      const std::string_view slot =
          std::string_view(bytes).substr(i * kSlotBytes, kSlotBytes);
      if (DecodeSlot(*epochs, id_, subject, slot, out).ok()) continue;
      // A writer was at it, or it is damaged: under the writers' lock it is
      // what it is.
      MutexLock lock(&write_mu_);
      CONSENTRY_ASSIGN_OR_RETURN(
          const std::string again,
          file_->ReadAt(SlotOffset(subject), kSlotBytes));
      bytes.replace(i * kSlotBytes, kSlotBytes, again);
    }
    CONSENTRY_RETURN_IF_ERROR(write(bytes));
  }
  return absl::OkStatus();
}

}  // namespace consentry::crypto
