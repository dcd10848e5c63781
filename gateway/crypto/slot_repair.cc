#include "gateway/crypto/slot_repair.h"

#include <algorithm>
#include <optional>

#include "gateway/crypto/slot_format.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {

absl::Status ForgetLogBeyond(audit::FileSystem* fs, const std::string& path,
                             const EpochKeys& keys, uint64_t size) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto file, fs->Open(path, audit::FileSystem::Mode::kReadWrite));
  std::optional<SlotHeader> newest;
  SlotFileId newest_id{};
  for (const uint64_t offset : {uint64_t{0}, uint64_t{kSlotHeaderBytes}}) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               file->ReadAt(offset, kSlotHeaderBytes));
    const auto id = PeekSlotFileId(bytes);
    if (!id.ok()) continue;
    const auto header = DecodeSlotHeader(keys, *id, bytes);
    if (!header.ok()) continue;
    if (!newest.has_value() || header->sequence > newest->sequence) {
      newest = *header;
      newest_id = *id;
    }
  }
  if (!newest.has_value()) {
    return absl::DataLossError("the header of the key slots does not verify");
  }
  newest->log_size = std::min(newest->log_size, size);
  newest->erased_through = std::min(newest->erased_through, size);
  // Each header has a place by its number: the other one stays until this one
  // is whole.
  ++newest->sequence;
  const uint64_t offset = newest->sequence % 2 == 1 ? 0 : kSlotHeaderBytes;
  CONSENTRY_RETURN_IF_ERROR(
      file->WriteAt(offset, EncodeSlotHeader(keys, newest_id, *newest)));
  return file->Sync();
}

}  // namespace consentry::crypto
