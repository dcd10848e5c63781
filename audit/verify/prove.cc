#include "audit/verify/prove.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "audit/log/reader.h"
#include "audit/log/segment.h"
#include "audit/log/tile.h"
#include "audit/log/tile_nodes.h"
#include "audit/merkle/compact_range.h"
#include "audit/merkle/proof.h"
#include "audit/verify/exported_folder.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

// The path to the root, or DataLoss where these nodes lead elsewhere.
absl::StatusOr<std::vector<Hash>> PathTo(const Checkpoint& checkpoint,
                                         uint64_t index, const Hash& leaf,
                                         NodeSource nodes) {
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hash> path,
                             InclusionProof(index, checkpoint.size, nodes));
  if (!VerifyInclusion(index, checkpoint.size, leaf, path, checkpoint.root)
           .ok()) {
    return absl::DataLossError(
        "the entries are not those of the checkpoint; "
        "`consentry audit verify` names which");
  }
  return path;
}

absl::StatusOr<std::vector<Hash>> PathFromTiles(const Checkpoint& checkpoint,
                                                uint64_t index,
                                                const Hash& leaf,
                                                TileNodes::ReadTile read) {
  TileNodes tiles(std::move(read));
  return PathTo(checkpoint, index, leaf,
                [&](int level, uint64_t i) { return tiles.Node(level, i); });
}

absl::StatusOr<std::vector<Hash>> PathFromLeaves(
    const Checkpoint& checkpoint, uint64_t index,
    const std::vector<Hash>& leaves) {
  if (leaves.size() < checkpoint.size) {
    return absl::DataLossError("the log is shorter than its checkpoint");
  }
  return PathTo(checkpoint, index, leaves[static_cast<size_t>(index)],
                [&](int level, uint64_t i) -> absl::StatusOr<Hash> {
                  const auto first =
                      leaves.begin() + static_cast<long>(i << level);
                  return RootOfPerfect({first, first + (long{1} << level)});
                });
}

// A tile out of the files of a live log's tree.
absl::StatusOr<std::string> ReadTreeTile(FileSystem* fs,
                                         const std::string& folder, int level,
                                         uint64_t index) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs->Open(folder + "/" + std::string(kTreeFolder) +
                                          "/" + std::to_string(level),
                                      FileSystem::Mode::kRead));
  constexpr size_t kTileBytes = kTileWidth * kHashSize;
  return file->ReadAt(index * kTileBytes, kTileBytes);
}

absl::Status ProveLive(FileSystem* fs, const std::string& folder,
                       const Checkpoint& checkpoint, TlogProof* proof) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> log,
                             LogReader::Open(fs, folder));
  CONSENTRY_ASSIGN_OR_RETURN(std::string entry, log->Read(proof->index));
  absl::StatusOr<std::vector<Hash>> path = PathFromTiles(
      checkpoint, proof->index, LeafHash(entry), [&](int level, uint64_t i) {
        return ReadTreeTile(fs, folder, level, i);
      });
  if (!path.ok()) {
    std::vector<Hash> leaves;
    CONSENTRY_RETURN_IF_ERROR(
        log->Scan(0, checkpoint.size, [&](uint64_t, std::string_view scanned) {
          leaves.push_back(LeafHash(scanned));
          return true;
        }));
    path = PathFromLeaves(checkpoint, proof->index, leaves);
  }
  CONSENTRY_RETURN_IF_ERROR(path.status());
  proof->hashes = *std::move(path);
  proof->extra = std::move(entry);
  return absl::OkStatus();
}

absl::Status ProveExported(FileSystem* fs, const std::string& folder,
                           const Checkpoint& checkpoint, TlogProof* proof) {
  const ExportedFolder files(fs, folder);
  const auto width = [](uint64_t index, uint64_t count) {
    const uint64_t begin = std::min(index * kTileWidth, count);
    const uint64_t n = std::min<uint64_t>(kTileWidth, count - begin);
    return n == 0 ? kTileWidth : static_cast<uint32_t>(n);
  };
  const uint64_t tile = proof->index / kTileWidth;
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::optional<std::string> bundle,
      files.Read({kEntriesLevel, tile, width(tile, checkpoint.size)}));
  std::optional<std::string> entry;
  uint64_t at = tile * kTileWidth;
  ForEachEntry(bundle.value_or(""), [&](std::string_view found) {
    if (at++ != proof->index) return true;
    entry = found;
    return false;
  });
  if (!entry.has_value()) {
    return absl::DataLossError("the entry is missing from the folder");
  }
  absl::StatusOr<std::vector<Hash>> path = PathFromTiles(
      checkpoint, proof->index, LeafHash(*entry),
      [&](int level, uint64_t i) -> absl::StatusOr<std::string> {
        const uint64_t count = TileHashCount(level, checkpoint.size);
        CONSENTRY_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                                   files.Read({level, i, width(i, count)}));
        return bytes.value_or("");
      });
  if (!path.ok()) {
    std::vector<Hash> leaves;
    CONSENTRY_RETURN_IF_ERROR(files.ForEachEntry(
        checkpoint.size,
        [&](std::string_view found) { leaves.push_back(LeafHash(found)); }));
    path = PathFromLeaves(checkpoint, proof->index, leaves);
  }
  CONSENTRY_RETURN_IF_ERROR(path.status());
  proof->hashes = *std::move(path);
  proof->extra = std::move(entry);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SignedCheckpoint> NewestCheckpoint(FileSystem* fs,
                                                  std::string_view folder) {
  const std::string path =
      std::string(folder) + "/" + std::string(kCheckpointName);
  SignedCheckpoint newest;
  CONSENTRY_ASSIGN_OR_RETURN(newest.note, ReadFile(fs, path, kMaxNoteBytes));
  CONSENTRY_ASSIGN_OR_RETURN(ParsedCheckpoint parsed,
                             ParseCheckpointNote(newest.note));
  newest.checkpoint = std::move(parsed.checkpoint);
  return newest;
}

absl::StatusOr<TlogProof> ProveFromFolder(FileSystem* fs,
                                          std::string_view folder,
                                          uint64_t index) {
  CONSENTRY_ASSIGN_OR_RETURN(const SignedCheckpoint newest,
                             NewestCheckpoint(fs, folder));
  if (index >= newest.checkpoint.size) {
    return absl::OutOfRangeError(
        "no entry " + std::to_string(index) + " under the newest checkpoint, " +
        "which has " + std::to_string(newest.checkpoint.size));
  }
  TlogProof proof;
  proof.index = index;
  proof.checkpoint = newest.note;
  CONSENTRY_ASSIGN_OR_RETURN(const bool live,
                             fs->Exists(SegmentFolderOf(folder)));
  CONSENTRY_RETURN_IF_ERROR(
      live ? ProveLive(fs, std::string(folder), newest.checkpoint, &proof)
           : ProveExported(fs, std::string(folder), newest.checkpoint, &proof));
  return proof;
}

}  // namespace consentry::audit
