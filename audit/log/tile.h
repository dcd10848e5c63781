#ifndef CONSENTRY_AUDIT_LOG_TILE_H_
#define CONSENTRY_AUDIT_LOG_TILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consentry::audit {

// Names of C2SP tlog-tiles v0.1. A tile of level L holds the hashes of complete
// subtrees of 256^L leaves, 256 of them; the last one of a level may hold fewer
// and says so in its name. An entry bundle holds the entries below a tile of
// level 0, each with its length in two bytes before it.

inline constexpr uint32_t kTileWidth = 256;
inline constexpr int kTileHeight = 8;
// Levels that a log of 64-bit size can have.
inline constexpr int kMaxTileLevels = 8;

struct TileName {
  int level = 0;  // kEntriesLevel for a bundle.
  uint64_t index = 0;
  uint32_t width = kTileWidth;  // 1 to 256.

  friend bool operator==(const TileName&, const TileName&) = default;
};
inline constexpr int kEntriesLevel = -1;

// "tile/0/x001/x234/067", "tile/1/000.p/17", "tile/entries/273.p/112".
std::string TilePath(const TileName& name);
// None for anything that TilePath would not have written.
std::optional<TileName> ParseTilePath(std::string_view path);

// How many hashes level `level` of a tree of `size` leaves has.
uint64_t TileHashCount(int level, uint64_t size);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_TILE_H_
