#include "audit/log/export.h"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "audit/log/bytes.h"
#include "audit/log/format.h"
#include "audit/log/tile.h"
#include "audit/merkle/compact_range.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

// Writes tiles and bundles as they become full, and at the end the rest.
class TileWriter {
 public:
  TileWriter(FileSystem* fs, std::string_view folder)
      : fs_(fs), folder_(folder) {}

  absl::Status Add(std::string_view entry) {
    PutInt(static_cast<uint16_t>(entry.size()), &bundle_);
    bundle_.append(entry);
    ++bundled_;
    if (bundled_ == kTileWidth) CONSENTRY_RETURN_IF_ERROR(WriteBundle());
    const Hash leaf = LeafHash(entry);
    range_.Append(leaf);
    Hash hash = leaf;
    for (Level& level : levels_) {
      level.hashes.push_back(hash);
      if (level.hashes.size() < kTileWidth) break;
      hash = RootOfPerfect(level.hashes);
      CONSENTRY_RETURN_IF_ERROR(WriteTile(&level));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (bundled_ > 0) CONSENTRY_RETURN_IF_ERROR(WriteBundle());
    for (Level& level : levels_) {
      if (!level.hashes.empty()) CONSENTRY_RETURN_IF_ERROR(WriteTile(&level));
    }
    return absl::OkStatus();
  }

  Hash Root() const { return range_.Root(); }

 private:
  struct Level {
    std::vector<Hash> hashes;
    uint64_t tiles = 0;
  };

  absl::Status WriteBundle() {
    const absl::Status written =
        WriteFile(TilePath({kEntriesLevel, bundles_++, bundled_}), bundle_);
    bundle_.clear();
    bundled_ = 0;
    return written;
  }

  absl::Status WriteTile(Level* level) {
    std::string bytes;
    for (const Hash& hash : level->hashes) bytes.append(AsView(hash));
    const TileName name{static_cast<int>(level - levels_.data()),
                        level->tiles++,
                        static_cast<uint32_t>(level->hashes.size())};
    level->hashes.clear();
    return WriteFile(TilePath(name), bytes);
  }

  absl::Status WriteFile(const std::string& path, std::string_view bytes) {
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string above = folder_ + "/" + path.substr(0, slash);
      if (!made_.insert(above).second) continue;
      CONSENTRY_RETURN_IF_ERROR(fs_->MakeDirectory(above));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::unique_ptr<File> file,
        fs_->Open(folder_ + "/" + path, FileSystem::Mode::kCreate));
    return file->WriteAt(0, bytes);
  }

  FileSystem* const fs_;
  const std::string folder_;
  std::set<std::string> made_;
  std::string bundle_;
  uint32_t bundled_ = 0;
  uint64_t bundles_ = 0;
  std::array<Level, kMaxTileLevels> levels_;
  CompactRange range_;
};

}  // namespace

absl::Status ExportLog(const LogReader& log, const SignedCheckpoint& checkpoint,
                       FileSystem* fs, std::string_view folder,
                       absl::FunctionRef<void(uint64_t entries)> progress) {
  constexpr uint64_t kProgressEvery = 8192;
  const uint64_t size = checkpoint.checkpoint.size;
  if (log.size() < size) {
    return absl::OutOfRangeError("the log has " + std::to_string(log.size()) +
                                 " entries, its checkpoint " +
                                 std::to_string(size));
  }
  CONSENTRY_RETURN_IF_ERROR(fs->MakeDirectory(folder));
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs->List(folder));
  if (!names.empty()) {
    return absl::AlreadyExistsError(std::string(folder) + " is not empty");
  }
  TileWriter tiles(fs, folder);
  absl::Status added;
  CONSENTRY_RETURN_IF_ERROR(
      log.Scan(0, size, [&](uint64_t index, std::string_view entry) {
        added = tiles.Add(entry);
        if (index % kProgressEvery == 0) progress(index);
        return added.ok();
      }));
  CONSENTRY_RETURN_IF_ERROR(added);
  CONSENTRY_RETURN_IF_ERROR(tiles.Finish());
  if (tiles.Root() != checkpoint.checkpoint.root) {
    return absl::DataLossError(
        "the entries of the log are not those of its checkpoint");
  }
  progress(size);
  return ReplaceFile(fs,
                     std::string(folder) + "/" + std::string(kCheckpointName),
                     checkpoint.note);
}

}  // namespace consentry::audit
