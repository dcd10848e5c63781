#include "audit/verify/exported_folder.h"

#include <algorithm>

#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr uint64_t kMaxBundleBytes =
    uint64_t{kTileWidth} * (kMaxEntryBytes + kEntryLengthBytes);

// Of tile `index` in a row of `count` things.
uint32_t WidthAt(uint64_t index, uint64_t count) {
  const uint64_t begin = index * kTileWidth;
  if (begin >= count) return kTileWidth;
  return static_cast<uint32_t>(std::min<uint64_t>(kTileWidth, count - begin));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ExportedFolder::Read(
    const TileName& name) const {
  const auto read = [&](const std::string& path)
      -> absl::StatusOr<std::optional<std::string>> {
    absl::StatusOr<std::string> bytes = ReadFile(fs_, path, kMaxBundleBytes);
    if (absl::IsNotFound(bytes.status())) return std::optional<std::string>();
    CONSENTRY_RETURN_IF_ERROR(bytes.status());
    return std::optional<std::string>(*std::move(bytes));
  };
  CONSENTRY_ASSIGN_OR_RETURN(std::optional<std::string> exact,
                             read(folder_ + "/" + TilePath(name)));
  if (exact.has_value()) return exact;
  TileName full = name;
  full.width = kTileWidth;
  const std::string full_path = folder_ + "/" + TilePath(full);
  CONSENTRY_ASSIGN_OR_RETURN(std::optional<std::string> other, read(full_path));
  if (other.has_value()) return other;
  const std::string partial_folder = full_path + ".p";
  CONSENTRY_ASSIGN_OR_RETURN(const bool partial, fs_->Exists(partial_folder));
  if (!partial) return std::optional<std::string>();
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs_->List(partial_folder));
  if (names.empty()) return std::optional<std::string>();
  return read(partial_folder + "/" + names.back());
}

absl::Status ExportedFolder::ForEachEntry(
    uint64_t size,
    absl::FunctionRef<void(std::string_view entry)> on_entry) const {
  for (uint64_t index = 0;; ++index) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::optional<std::string> bundle,
        Read({kEntriesLevel, index, WidthAt(index, size)}));
    if (bundle.has_value()) {
      audit::ForEachEntry(*bundle, [&](std::string_view entry) {
        on_entry(entry);
        return true;
      });
    } else if (index * kTileWidth >= size) {
      return absl::OkStatus();
    }
  }
}

absl::StatusOr<std::vector<Hash>> ExportedFolder::LeafHashes(
    uint64_t size) const {
  std::vector<Hash> hashes;
  for (uint64_t index = 0; hashes.size() < size; ++index) {
    const uint32_t width = WidthAt(index, size);
    CONSENTRY_ASSIGN_OR_RETURN(const std::optional<std::string> tile,
                               Read({0, index, width}));
    if (!tile.has_value()) break;
    const size_t whole = std::min<size_t>(tile->size() / kHashSize, width);
    for (size_t i = 0; i < whole; ++i) {
      hashes.push_back(*HashFromBytes(
          std::string_view(*tile).substr(i * kHashSize, kHashSize)));
    }
    if (whole < width) break;
  }
  return hashes;
}

}  // namespace consentry::audit
