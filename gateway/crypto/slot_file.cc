#include "gateway/crypto/slot_file.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "gateway/crypto/key_access.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

constexpr uint32_t kMaxAllocation = 65536;
constexpr int64_t kDayUs = int64_t{24} * 3600 * 1000 * 1000;

using Mode = audit::FileSystem::Mode;

std::span<uint8_t, kKeyBytes> Part(SlotKeys* keys, size_t which) {
  return std::span<uint8_t, kKeyBytes>(keys->mutable_data() + which * kKeyBytes,
                                       kKeyBytes);
}

void MoveKey(SlotKeys* keys, size_t from, size_t to) {
  std::memcpy(Part(keys, to).data(), Part(keys, from).data(), kKeyBytes);
}

absl::Status NotAllocated() {
  return absl::NotFoundError("no key slot of that number");
}

}  // namespace

SlotFile::SlotFile(const Options& options, std::unique_ptr<audit::File> file,
                   const SlotFileId& id, const SlotHeader& header)
    : options_(options), id_(id), file_(std::move(file)), header_(header) {}

absl::StatusOr<std::unique_ptr<SlotFile>> SlotFile::Create(
    const Options& options, int64_t now_us) {
  EnsureSodium();
  SlotFileId id;
  randombytes_buf(id.data(), id.size());
  SlotHeader header;
  header.sequence = 1;
  header.created_us = now_us;
  const std::shared_ptr<const EpochKeys> keys = options.epochs->keys();

  // Made whole under another name, so that a crash leaves no half file.
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists,
                             options.fs->Exists(options.path));
  if (exists) return absl::AlreadyExistsError(options.path + " exists");
  std::string empty = EncodeSlotHeader(*keys, id, header);
  empty.resize(kSlotsOffset, '\0');
  CONSENTRY_RETURN_IF_ERROR(
      audit::ReplaceFile(options.fs, options.path, empty));
  return Open(options);
}

absl::StatusOr<std::unique_ptr<SlotFile>> SlotFile::Open(
    const Options& options) {
  EnsureSodium();
  CONSENTRY_ASSIGN_OR_RETURN(std::unique_ptr<audit::File> file,
                             options.fs->Open(options.path, Mode::kReadWrite));
  const std::shared_ptr<const EpochKeys> keys = options.epochs->keys();
  std::unique_ptr<SlotFile> best;
  SlotFileId best_id{};
  SlotHeader best_header;
  absl::Status fault = absl::OkStatus();
  for (const uint64_t offset : {uint64_t{0}, uint64_t{kSlotHeaderBytes}}) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               file->ReadAt(offset, kSlotHeaderBytes));
    const absl::StatusOr<SlotFileId> id = PeekSlotFileId(bytes);
    if (id.status().code() == absl::StatusCode::kFailedPrecondition) {
      return id.status();
    }
    if (!id.ok()) {
      if (fault.ok()) fault = id.status();
      continue;
    }
    const absl::StatusOr<SlotHeader> header =
        DecodeSlotHeader(*keys, *id, bytes);
    if (!header.ok()) {
      if (offset == 0 || fault.ok()) fault = header.status();
      continue;
    }
    if (header->sequence > best_header.sequence) {
      best_header = *header;
      best_id = *id;
    }
  }
  if (best_header.sequence == 0) return fault;
  best.reset(new SlotFile(options, std::move(file), best_id, best_header));
  // A slot is written before the header that counts it.
  CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, best->file_->Size());
  if (size < SlotOffset(best_header.slots + 1)) {
    return absl::DataLossError(
        "the key slots are cut short: restore the newest copy of the file");
  }
  MutexLock lock(&best->write_mu_);
  CONSENTRY_RETURN_IF_ERROR(best->Recover());
  return best;
}

absl::Status SlotFile::Recover() {
  // What is read back may be in memory alone: a killed process leaves written
  // pages that no sync has reached.
  CONSENTRY_RETURN_IF_ERROR(Sync());
  CONSENTRY_ASSIGN_OR_RETURN(const std::string redo,
                             file_->ReadAt(kSlotRedoOffset, kSlotRedoBytes));
  if (std::all_of(redo.begin(), redo.end(), [](char c) { return c == 0; })) {
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<SlotWrite>> writes =
      DecodeSlotRedo(*options_.epochs->keys(), id_, redo);
  // A torn record was never begun to be applied.
  if (writes.ok()) {
    for (const SlotWrite& write : *writes) {
      CONSENTRY_RETURN_IF_ERROR(CheckSubject(write.subject));
    }
    CONSENTRY_RETURN_IF_ERROR(WriteSlots(*writes));
    CONSENTRY_RETURN_IF_ERROR(Sync());
  }
  const absl::Status cleared =
      file_->WriteAt(kSlotRedoOffset, std::string(redo.size(), '\0'));
  if (!cleared.ok()) return Fail(cleared);
  return Sync();
}

SlotHeader SlotFile::header() const {
  MutexLock lock(&mu_);
  return header_;
}

absl::Status SlotFile::CheckUsable() const {
  MutexLock lock(&mu_);
  if (failed_) {
    return absl::UnavailableError(
        "the key slots are closed after a failed write: restart");
  }
  return absl::OkStatus();
}

absl::Status SlotFile::CheckSubject(uint64_t subject) const {
  MutexLock lock(&mu_);
  if (failed_) {
    return absl::UnavailableError(
        "the key slots are closed after a failed write: restart");
  }
  if (subject == 0 || subject > header_.slots) return NotAllocated();
  return absl::OkStatus();
}

absl::Status SlotFile::Fail(absl::Status status) {
  MutexLock lock(&mu_);
  failed_ = true;
  return status;
}

absl::Status SlotFile::Sync() {
  const absl::Status synced = file_->Sync();
  return synced.ok() ? synced : Fail(synced);
}

absl::Status SlotFile::WriteSlots(std::span<const SlotWrite> writes) {
  for (size_t i = 0; i < writes.size();) {
    const uint64_t first = writes[i].subject;
    std::string run = writes[i].bytes;
    for (++i; i < writes.size() &&
              writes[i].subject == first + run.size() / kSlotBytes;
         ++i) {
      run += writes[i].bytes;
    }
    const absl::Status written = file_->WriteAt(SlotOffset(first), run);
    if (!written.ok()) return Fail(written);
  }
  return absl::OkStatus();
}

absl::Status SlotFile::WriteHeader(SlotHeader next) {
  next.sequence = header().sequence + 1;
  const uint64_t offset = next.sequence % 2 == 1 ? 0 : kSlotHeaderBytes;
  const absl::Status written = file_->WriteAt(
      offset, EncodeSlotHeader(*options_.epochs->keys(), id_, next));
  if (!written.ok()) return Fail(written);
  CONSENTRY_RETURN_IF_ERROR(Sync());
  MutexLock lock(&mu_);
  header_ = next;
  return absl::OkStatus();
}

absl::Status SlotFile::Replace(std::span<const SlotWrite> writes,
                               const SlotHeader* next) {
  const std::string redo =
      EncodeSlotRedo(*options_.epochs->keys(), id_, writes);
  const absl::Status noted = file_->WriteAt(kSlotRedoOffset, redo);
  if (!noted.ok()) return Fail(noted);
  CONSENTRY_RETURN_IF_ERROR(Sync());

  CONSENTRY_RETURN_IF_ERROR(WriteSlots(writes));
  if (next != nullptr) {
    CONSENTRY_RETURN_IF_ERROR(WriteHeader(*next));
  } else {
    CONSENTRY_RETURN_IF_ERROR(Sync());
  }

  // Now, not later: what stands here is wrapped keys that a destruction after
  // this would otherwise leave behind.
  const absl::Status cleared =
      file_->WriteAt(kSlotRedoOffset, std::string(redo.size(), '\0'));
  if (!cleared.ok()) return Fail(cleared);
  return Sync();
}

absl::StatusOr<SlotInfo> SlotFile::ReadOnce(uint64_t subject,
                                            SlotKeys* keys) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                             file_->ReadAt(SlotOffset(subject), kSlotBytes));
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  return DecodeSlot(
      *epochs, id_, subject, bytes,
      std::span<uint8_t, kSlotKeysBytes>(keys->mutable_data(), kSlotKeysBytes));
}

absl::StatusOr<SlotInfo> SlotFile::Read(uint64_t subject,
                                        SlotKeys* keys) const {
  CONSENTRY_RETURN_IF_ERROR(CheckSubject(subject));
  absl::StatusOr<SlotInfo> info = ReadOnce(subject, keys);
  if (info.ok() || info.status().code() == absl::StatusCode::kUnavailable) {
    return info;
  }
  // A writer may have been at this slot, or the epoch it was wrapped in gone
  // between the two reads. Under the writers' lock the answer is final.
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  return ReadOnce(subject, keys);
}

absl::StatusOr<SubjectKeys> SlotFile::Adopt(uint64_t subject,
                                            const SlotInfo& info,
                                            const SlotKeys& keys) const {
  CONSENTRY_ASSIGN_OR_RETURN(LockedSlab::Block block, options_.slab->Take());
  static_assert(kSlotKeysBytes <= LockedSlab::kBlockBytes);
  std::memcpy(block.data(), keys.data(), kSlotKeysBytes);
  return SubjectKeyAccess::Make(
      subject, info.data_generation, info.audit_generation,
      info.previous_data_generation.value_or(0),
      info.previous_audit_generation.value_or(0), std::move(block));
}

absl::StatusOr<SubjectKeys> SlotFile::Load(uint64_t subject) const {
  SlotKeys keys;
  CONSENTRY_ASSIGN_OR_RETURN(const SlotInfo info, Read(subject, &keys));
  switch (info.state) {
    case SlotState::kLive:
      return Adopt(subject, info, keys);
    case SlotState::kDestroyed:
      return absl::FailedPreconditionError("the keys were destroyed");
    case SlotState::kFree:
      break;
  }
  return NotAllocated();
}

absl::StatusOr<SlotInfo> SlotFile::Info(uint64_t subject) const {
  SlotKeys keys;
  return Read(subject, &keys);
}

absl::StatusOr<uint64_t> SlotFile::Allocate(uint32_t count, int64_t now_us) {
  if (count == 0 || count > kMaxAllocation) {
    return absl::InvalidArgumentError("keys for 1 to 65536 subjects at a time");
  }
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  SlotHeader next = header();
  const uint64_t first = next.slots + 1;

  SlotInfo info;
  info.data_generation = 1;
  info.audit_generation = 1;
  info.created_day = static_cast<uint32_t>(now_us / kDayUs);
  std::string bytes;
  bytes.reserve(size_t{count} * kSlotBytes);
  SlotKeys keys;
  for (uint64_t i = 0; i < count; ++i) {
    randombytes_buf(keys.mutable_data(), 2 * kKeyBytes);
    bytes += EncodeLiveSlot(*epochs, id_, first + i, info, keys.view(),
                            NewSlotNonce());
  }
  // Slots before the header that counts them, so that within the count every
  // slot was written whole.
  // A failed write there touched nothing that counts: with a full disk, what
  // exists can still be read and destroyed.
  CONSENTRY_RETURN_IF_ERROR(file_->WriteAt(SlotOffset(first), bytes));
  CONSENTRY_RETURN_IF_ERROR(Sync());
  next.slots += count;
  CONSENTRY_RETURN_IF_ERROR(WriteHeader(next));
  return first;
}

absl::StatusOr<SubjectKeys> SlotFile::AddGeneration(uint64_t subject,
                                                    Rekey which) {
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSubject(subject));
  SlotKeys keys;
  CONSENTRY_ASSIGN_OR_RETURN(SlotInfo info, ReadOnce(subject, &keys));
  if (info.state == SlotState::kFree) return NotAllocated();
  if (info.state != SlotState::kLive) {
    return absl::FailedPreconditionError("the keys were destroyed");
  }
  if ((which.data && info.previous_data_generation.has_value()) ||
      (which.audit && info.previous_audit_generation.has_value())) {
    return absl::FailedPreconditionError(
        "a previous generation of the key is still there");
  }
  if (which.data) {
    MoveKey(&keys, 0, 2);
    randombytes_buf(Part(&keys, 0).data(), kKeyBytes);
    info.previous_data_generation = info.data_generation++;
  }
  if (which.audit) {
    MoveKey(&keys, 1, 3);
    randombytes_buf(Part(&keys, 1).data(), kKeyBytes);
    info.previous_audit_generation = info.audit_generation++;
  }
  CONSENTRY_ASSIGN_OR_RETURN(SubjectKeys adopted, Adopt(subject, info, keys));
  const SlotWrite write{
      subject, EncodeLiveSlot(*options_.epochs->keys(), id_, subject, info,
                              keys.view(), NewSlotNonce())};
  CONSENTRY_RETURN_IF_ERROR(Replace({&write, 1}, nullptr));
  return adopted;
}

absl::Status SlotFile::DropPrevious(uint64_t subject, Rekey which,
                                    uint64_t log_index) {
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSubject(subject));
  SlotKeys keys;
  CONSENTRY_ASSIGN_OR_RETURN(SlotInfo info, ReadOnce(subject, &keys));
  if (info.state == SlotState::kFree) return NotAllocated();
  SlotHeader next = header();
  next.erased_through = std::max(next.erased_through, log_index);
  const bool data = which.data && info.previous_data_generation.has_value();
  const bool audit = which.audit && info.previous_audit_generation.has_value();
  if (info.state == SlotState::kDestroyed || (!data && !audit)) {
    if (next.erased_through == header().erased_through) {
      return absl::OkStatus();
    }
    return WriteHeader(next);
  }
  if (data) {
    sodium_memzero(Part(&keys, 2).data(), kKeyBytes);
    info.previous_data_generation.reset();
  }
  if (audit) {
    sodium_memzero(Part(&keys, 3).data(), kKeyBytes);
    info.previous_audit_generation.reset();
  }
  info.log_index = std::max(info.log_index, log_index);
  const SlotWrite write{
      subject, EncodeLiveSlot(*options_.epochs->keys(), id_, subject, info,
                              keys.view(), NewSlotNonce())};
  return Replace({&write, 1}, &next);
}

absl::Status SlotFile::Destroy(std::span<const uint64_t> subjects,
                               uint64_t log_index) {
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  const std::shared_ptr<const EpochKeys> epochs = options_.epochs->keys();
  std::vector<SlotWrite> writes;
  for (const uint64_t subject : subjects) {
    CONSENTRY_RETURN_IF_ERROR(CheckSubject(subject));
    SlotKeys keys;
    absl::StatusOr<SlotInfo> info = ReadOnce(subject, &keys);
    if (info.status().code() == absl::StatusCode::kUnavailable) {
      return info.status();
    }
    if (info.ok() && info->state == SlotState::kFree) return NotAllocated();
    if (info.ok() && info->state == SlotState::kDestroyed) continue;
    SlotInfo dead = info.ok() ? *info : SlotInfo{};
    dead.state = SlotState::kDestroyed;
    dead.log_index = log_index;
    writes.push_back({subject, EncodeDeadSlot(*epochs, id_, subject, dead)});
  }
  CONSENTRY_RETURN_IF_ERROR(WriteSlots(writes));
  SlotHeader next = header();
  if (next.erased_through >= log_index) {
    return writes.empty() ? absl::OkStatus() : Sync();
  }
  next.erased_through = log_index;
  return WriteHeader(next);
}

uint64_t SlotFile::last_subject() const { return header().slots; }

uint64_t SlotFile::erased_through() const { return header().erased_through; }

uint64_t SlotFile::log_size() const { return header().log_size; }

absl::Status SlotFile::ForgetLogBeyond(uint64_t size) {
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  SlotHeader next = header();
  next.log_size = std::min(next.log_size, size);
  next.erased_through = std::min(next.erased_through, size);
  return WriteHeader(next);
}

absl::Status SlotFile::RememberLogSize(uint64_t size) {
  MutexLock lock(&write_mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckUsable());
  SlotHeader next = header();
  if (size <= next.log_size) return absl::OkStatus();
  next.log_size = size;
  return WriteHeader(next);
}

}  // namespace consentry::crypto
