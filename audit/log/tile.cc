#include "audit/log/tile.h"

#include "audit/log/checkpoint.h"

namespace consentry::audit {
namespace {

constexpr std::string_view kTilePrefix = "tile/";
constexpr std::string_view kEntries = "entries";
constexpr std::string_view kPartial = ".p/";
// The specification allows levels 0 to 63, though none above 7 can be.
constexpr uint64_t kMaxLevel = 63;

std::string ThreeDigits(uint64_t value) {
  const std::string digits = std::to_string(value);
  return std::string(3 - digits.size(), '0') + digits;
}

}  // namespace

std::string TilePath(const TileName& name) {
  std::string number = ThreeDigits(name.index % 1000);
  for (uint64_t rest = name.index / 1000; rest > 0; rest /= 1000) {
    number = "x" + ThreeDigits(rest % 1000) + "/" + number;
  }
  std::string path(kTilePrefix);
  path += name.level == kEntriesLevel ? std::string(kEntries)
                                      : std::to_string(name.level);
  path += "/" + number;
  if (name.width != kTileWidth) {
    path += std::string(kPartial) + std::to_string(name.width);
  }
  return path;
}

std::optional<TileName> ParseTilePath(std::string_view path) {
  const std::string_view whole = path;
  if (path.substr(0, kTilePrefix.size()) != kTilePrefix) return std::nullopt;
  path.remove_prefix(kTilePrefix.size());
  TileName name;
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view level = path.substr(0, slash);
  path.remove_prefix(slash + 1);
  if (level == kEntries) {
    name.level = kEntriesLevel;
  } else {
    const auto value = ParseDecimal(level);
    if (!value.has_value() || *value > kMaxLevel) return std::nullopt;
    name.level = static_cast<int>(*value);
  }
  if (const size_t partial = path.find(kPartial);
      partial != std::string_view::npos) {
    const auto width = ParseDecimal(path.substr(partial + kPartial.size()));
    if (!width.has_value() || *width == 0 || *width >= kTileWidth) {
      return std::nullopt;
    }
    name.width = static_cast<uint32_t>(*width);
    path = path.substr(0, partial);
  }
  for (const char c : path) {
    if (c == 'x' || c == '/') continue;
    if (c < '0' || c > '9' || name.index > UINT64_MAX / 10 - 1) {
      return std::nullopt;
    }
    name.index = name.index * 10 + static_cast<uint64_t>(c - '0');
  }
  // One name for one tile: whatever reads differently is not it.
  if (TilePath(name) != whole) return std::nullopt;
  return name;
}

uint64_t TileHashCount(int level, uint64_t size) {
  const int shift = level * kTileHeight;
  return shift >= 64 ? 0 : size >> shift;
}

}  // namespace consentry::audit
