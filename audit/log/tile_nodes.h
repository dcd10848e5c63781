#ifndef CONSENTRY_AUDIT_LOG_TILE_NODES_H_
#define CONSENTRY_AUDIT_LOG_TILE_NODES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "audit/log/tile.h"
#include "audit/merkle/hash.h"

namespace consentry::audit {

// Node hashes for proofs out of tiles, each tile read once. For the time of one
// proof; one thread.
class TileNodes {
 public:
  // Answers the bytes of tile `index` of level `level`, as many hashes of it as
  // there are.
  using ReadTile =
      std::function<absl::StatusOr<std::string>(int level, uint64_t index)>;

  explicit TileNodes(ReadTile read) : read_(std::move(read)) {}

  // The hash over the leaves [index << level, (index + 1) << level). DataLoss
  // where a tile is shorter than that takes.
  absl::StatusOr<Hash> Node(int level, uint64_t index);

 private:
  struct Tile {
    std::optional<uint64_t> index;
    std::string bytes;
  };
  const ReadTile read_;
  std::array<Tile, kMaxTileLevels> tiles_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_TILE_NODES_H_
