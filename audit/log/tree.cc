#include "audit/log/tree.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "audit/log/checkpoint.h"
#include "audit/log/tile_nodes.h"
#include "audit/merkle/compact_range.h"
#include "audit/merkle/proof.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr std::string_view kStateName = "state";
constexpr std::string_view kStateHeader = "consentry-tree\n";
constexpr uint64_t kMaxStateBytes = 256;

absl::Status Damaged() {
  return absl::DataLossError(
      "the files of the tree are damaged; removed, they are made again from "
      "the log");
}

Hash HashAt(std::string_view bytes, uint64_t i) {
  return *HashFromBytes(
      bytes.substr(static_cast<size_t>(i) * kHashSize, kHashSize));
}

}  // namespace

Tree::Tree(FileSystem* fs, std::string_view folder)
    : fs_(fs), folder_(folder) {}

absl::StatusOr<std::unique_ptr<Tree>> Tree::Open(FileSystem* fs,
                                                 std::string_view folder) {
  std::unique_ptr<Tree> tree(new Tree(fs, folder));
  CONSENTRY_RETURN_IF_ERROR(MakeDurableDirectory(fs, folder));
  MutexLock lock(&tree->mu_);
  CONSENTRY_RETURN_IF_ERROR(tree->Load());
  return tree;
}

absl::Status Tree::Load() {
  const std::string path = folder_ + "/" + std::string(kStateName);
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs_->Exists(path));
  if (!exists) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                             ReadFile(fs_, path, kMaxStateBytes));
  std::string_view state = bytes;
  if (state.substr(0, kStateHeader.size()) != kStateHeader) {
    return absl::OkStatus();
  }
  state.remove_prefix(kStateHeader.size());
  const size_t end = state.find('\n');
  const auto size = ParseDecimal(state.substr(0, end));
  if (end == std::string_view::npos || !size.has_value()) {
    return absl::OkStatus();
  }
  // Whatever is wrong with the files, all is made again from the log.
  if (!SetSize(*size).ok()) return SetSize(0);
  const absl::StatusOr<Hash> root = RootLocked(*size);
  if (!root.ok() || state.substr(end + 1) != HexOf(*root) + "\n") {
    return SetSize(0);
  }
  return absl::OkStatus();
}

absl::Status Tree::OpenLevel(int level) {
  Level& l = levels_[static_cast<size_t>(level)];
  if (l.file != nullptr) return absl::OkStatus();
  const std::string path = folder_ + "/" + std::to_string(level);
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs_->Exists(path));
  CONSENTRY_ASSIGN_OR_RETURN(
      l.file, fs_->Open(path, exists ? FileSystem::Mode::kReadWrite
                                     : FileSystem::Mode::kCreate));
  if (!exists) CONSENTRY_RETURN_IF_ERROR(fs_->SyncDirectory(folder_));
  return absl::OkStatus();
}

absl::Status Tree::SetSize(uint64_t size) {
  for (int level = 0; level < kMaxTileLevels; ++level) {
    Level& l = levels_[static_cast<size_t>(level)];
    l.count = TileHashCount(level, size);
    l.partial.clear();
    if (l.count == 0) continue;
    CONSENTRY_RETURN_IF_ERROR(OpenLevel(level));
    const uint64_t begin = l.count / kTileWidth * kTileWidth;
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               ReadHashes(level, begin, l.count - begin));
    for (uint64_t i = 0; i < l.count - begin; ++i) {
      l.partial.push_back(HashAt(bytes, i));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Tree::ReadHashes(int level, uint64_t first,
                                             uint64_t n) const {
  const Level& l = levels_[static_cast<size_t>(level)];
  const size_t bytes = static_cast<size_t>(n) * kHashSize;
  if (bytes == 0) return std::string();
  CONSENTRY_ASSIGN_OR_RETURN(std::string hashes,
                             l.file->ReadAt(first * kHashSize, bytes));
  if (hashes.size() != bytes) return Damaged();
  return hashes;
}

uint64_t Tree::size() const {
  MutexLock lock(&mu_);
  return levels_[0].count;
}

absl::Status Tree::Append(std::span<const Hash> leaf_hashes) {
  MutexLock lock(&mu_);
  std::array<std::vector<Hash>, kMaxTileLevels> partials;
  std::array<std::string, kMaxTileLevels> added;
  for (size_t level = 0; level < kMaxTileLevels; ++level) {
    partials[level] = levels_[level].partial;
  }
  for (Hash hash : leaf_hashes) {
    for (size_t level = 0; level < kMaxTileLevels; ++level) {
      added[level].append(AsView(hash));
      partials[level].push_back(hash);
      if (partials[level].size() < kTileWidth) break;
      hash = RootOfPerfect(std::move(partials[level]));
      partials[level].clear();
    }
  }
  for (int level = 0; level < kMaxTileLevels; ++level) {
    const size_t i = static_cast<size_t>(level);
    if (added[i].empty()) continue;
    CONSENTRY_RETURN_IF_ERROR(OpenLevel(level));
    CONSENTRY_RETURN_IF_ERROR(
        levels_[i].file->WriteAt(levels_[i].count * kHashSize, added[i]));
  }
  for (size_t level = 0; level < kMaxTileLevels; ++level) {
    levels_[level].count += added[level].size() / kHashSize;
    levels_[level].partial = std::move(partials[level]);
  }
  return absl::OkStatus();
}

absl::Status Tree::Sync() {
  MutexLock lock(&mu_);
  for (const Level& level : levels_) {
    if (level.file != nullptr) CONSENTRY_RETURN_IF_ERROR(level.file->Sync());
  }
  CONSENTRY_ASSIGN_OR_RETURN(const Hash root, RootLocked(levels_[0].count));
  return ReplaceFile(fs_, folder_ + "/" + std::string(kStateName),
                     std::string(kStateHeader) +
                         std::to_string(levels_[0].count) + "\n" + HexOf(root) +
                         "\n");
}

absl::Status Tree::Clear() {
  MutexLock lock(&mu_);
  return SetSize(0);
}

absl::Status Tree::CheckSize(uint64_t size) const {
  if (size <= levels_[0].count) return absl::OkStatus();
  return absl::OutOfRangeError("the tree has " +
                               std::to_string(levels_[0].count) +
                               " leaves, not " + std::to_string(size));
}

TileNodes Tree::Nodes() const {
  return TileNodes([this](int level, uint64_t index) {
    mu_.AssertHeld();
    const uint64_t begin = index * kTileWidth;
    const uint64_t count = levels_[static_cast<size_t>(level)].count;
    return ReadHashes(
        level, begin,
        std::min<uint64_t>(kTileWidth, count - std::min(begin, count)));
  });
}

absl::StatusOr<Hash> Tree::RootLocked(uint64_t size) const {
  TileNodes tiles = Nodes();
  return audit::RootAt(size, [&](int level, uint64_t index) {
    return tiles.Node(level, index);
  });
}

absl::StatusOr<Hash> Tree::Root(uint64_t size) const {
  MutexLock lock(&mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSize(size));
  return RootLocked(size);
}

absl::StatusOr<std::vector<Hash>> Tree::InclusionProof(uint64_t index,
                                                       uint64_t size) const {
  MutexLock lock(&mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSize(size));
  TileNodes tiles = Nodes();
  const auto nodes = [&](int level, uint64_t i) {
    return tiles.Node(level, i);
  };
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hash> proof,
                             audit::InclusionProof(index, size, nodes));
  CONSENTRY_ASSIGN_OR_RETURN(const Hash leaf, tiles.Node(0, index));
  CONSENTRY_ASSIGN_OR_RETURN(const Hash root, RootAt(size, nodes));
  if (!VerifyInclusion(index, size, leaf, proof, root).ok()) return Damaged();
  return proof;
}

absl::StatusOr<std::vector<Hash>> Tree::ConsistencyProof(uint64_t size1,
                                                         uint64_t size2) const {
  MutexLock lock(&mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSize(size2));
  TileNodes tiles = Nodes();
  const auto nodes = [&](int level, uint64_t i) {
    return tiles.Node(level, i);
  };
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<Hash> proof,
                             audit::ConsistencyProof(size1, size2, nodes));
  CONSENTRY_ASSIGN_OR_RETURN(const Hash root1, RootAt(size1, nodes));
  CONSENTRY_ASSIGN_OR_RETURN(const Hash root2, RootAt(size2, nodes));
  if (!VerifyConsistency(size1, size2, root1, root2, proof).ok()) {
    return Damaged();
  }
  return proof;
}

absl::StatusOr<Hash> Tree::Leaf(uint64_t index) const {
  MutexLock lock(&mu_);
  CONSENTRY_RETURN_IF_ERROR(CheckSize(index));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes, ReadHashes(0, index, 1));
  return HashAt(bytes, 0);
}

absl::StatusOr<std::string> Tree::ReadTile(const TileName& name) const {
  MutexLock lock(&mu_);
  if (name.level < 0 || name.level >= kMaxTileLevels || name.width == 0 ||
      name.width > kTileWidth ||
      name.index >
          levels_[static_cast<size_t>(name.level)].count / kTileWidth ||
      name.index * kTileWidth + name.width >
          levels_[static_cast<size_t>(name.level)].count) {
    return absl::OutOfRangeError("the tree has no such tile");
  }
  return ReadHashes(name.level, name.index * kTileWidth, name.width);
}

}  // namespace consentry::audit
