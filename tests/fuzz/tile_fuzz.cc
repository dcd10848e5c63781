// Names and contents of exported tiles: one name for one tile, and a bundle
// that parses is its entries one behind the other.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit/log/bytes.h"
#include "audit/log/frame.h"
#include "audit/log/tile.h"

using namespace consentry::audit;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto name = ParseTilePath(text);
  if (name.has_value() && TilePath(*name) != text) std::abort();
  const std::string prefixed = "tile/" + std::string(text);
  const auto tile = ParseTilePath(prefixed);
  if (tile.has_value() && TilePath(*tile) != prefixed) std::abort();

  std::string again;
  const bool whole = ForEachEntry(text, [&](std::string_view entry) {
    PutInt(static_cast<uint16_t>(entry.size()), &again);
    again.append(entry);
    return true;
  });
  if (whole && again != text) std::abort();
  if (text.substr(0, again.size()) != again) std::abort();
  return 0;
}
