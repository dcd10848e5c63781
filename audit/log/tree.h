#ifndef CONSENTRY_AUDIT_LOG_TREE_H_
#define CONSENTRY_AUDIT_LOG_TREE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/tile.h"
#include "audit/log/tile_nodes.h"
#include "audit/merkle/hash.h"
#include "proto/support/mutex.h"

namespace consentry::audit {

// The RFC 6962 tree over a log: the right edge in memory, all tile hashes on
// disk, one file a level: file L is the tiles of level L of C2SP tlog-tiles one
// behind the other, hash i at byte 32 i.
//
// All of it follows from the segments and can be made again. It runs behind the
// log and never holds up an append: whoever follows the log (Integrator) feeds
// it leaf hashes. Each proof is checked before it is given out, so a damaged
// file is DataLoss, never a wrong proof.
//
// Safe for many threads.
class Tree {
 public:
  // Opens the tree in `folder`, or makes it. What was not synced, or does not
  // fit the root noted at the last Sync(), is forgotten: size() says how many
  // leaves are left, and the caller adds the rest again.
  static absl::StatusOr<std::unique_ptr<Tree>> Open(FileSystem* fs,
                                                    std::string_view folder);

  uint64_t size() const;

  // Adds leaves. When it fails none was added, and it may be called again.
  absl::Status Append(std::span<const Hash> leaf_hashes);

  // Makes all that was added durable.
  absl::Status Sync();

  // Forgets everything, so that it can be built anew.
  absl::Status Clear();

  // Of the first `size` leaves. OutOfRange above size(), as below.
  absl::StatusOr<Hash> Root(uint64_t size) const;
  absl::StatusOr<std::vector<Hash>> InclusionProof(uint64_t index,
                                                   uint64_t size) const;
  absl::StatusOr<std::vector<Hash>> ConsistencyProof(uint64_t size1,
                                                     uint64_t size2) const;
  absl::StatusOr<Hash> Leaf(uint64_t index) const;

  // The bytes of a tile: `width` hashes of level `level` from
  // 256 * index on.
  absl::StatusOr<std::string> ReadTile(const TileName& name) const;

 private:
  struct Level {
    std::unique_ptr<File> file;
    uint64_t count = 0;         // Hashes of this level.
    std::vector<Hash> partial;  // Those of the tile that is not full.
  };

  Tree(FileSystem* fs, std::string_view folder);

  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status OpenLevel(int level) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status SetSize(uint64_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::string> ReadHashes(int level, uint64_t first,
                                         uint64_t n) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // To be used, and asked for nodes, under the lock.
  TileNodes Nodes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Hash> RootLocked(uint64_t size) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status CheckSize(uint64_t size) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  FileSystem* const fs_;
  const std::string folder_;
  mutable Mutex mu_;
  std::array<Level, kMaxTileLevels> levels_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_TREE_H_
