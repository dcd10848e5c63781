#include "audit/log/tile_nodes.h"

#include <vector>

#include "audit/merkle/compact_range.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {

absl::StatusOr<Hash> TileNodes::Node(int level, uint64_t index) {
  const int tile_level = level / kTileHeight;
  const int height = level % kTileHeight;
  const uint64_t first = index << height;
  Tile& tile = tiles_[static_cast<size_t>(tile_level)];
  if (tile.index != first / kTileWidth) {
    tile.index.reset();
    CONSENTRY_ASSIGN_OR_RETURN(tile.bytes,
                               read_(tile_level, first / kTileWidth));
    tile.index = first / kTileWidth;
  }
  std::vector<Hash> hashes(size_t{1} << height);
  const size_t begin = static_cast<size_t>(first % kTileWidth) * kHashSize;
  if (tile.bytes.size() < begin + hashes.size() * kHashSize) {
    return absl::DataLossError("a tile is shorter than the tree says");
  }
  for (size_t i = 0; i < hashes.size(); ++i) {
    hashes[i] = *HashFromBytes(
        std::string_view(tile.bytes).substr(begin + i * kHashSize, kHashSize));
  }
  return RootOfPerfect(std::move(hashes));
}

}  // namespace consentry::audit
