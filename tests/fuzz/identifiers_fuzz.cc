// Identifiers out of exports: what is accepted is normal already when it is
// normalised once, is valid UTF-8, and is within the bound.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/crypto/identifiers.h"
#include "gateway/crypto/ids.h"

using namespace consentry::crypto;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto type = static_cast<IdentifierType>(data[0] % 5);
  static constexpr std::string_view kCountries[] = {"", "DE", "US", "IT", "HU"};
  const std::string_view country = kCountries[data[0] / 5 % 5];
  const std::string_view value(reinterpret_cast<const char*>(data + 1),
                               size - 1);
  const auto normal = NormalizeIdentifier(type, value, country);
  if (normal.ok()) {
    if (normal->empty() || normal->size() > kMaxIdentifierBytes + 4 ||
        !IsValidUtf8(*normal)) {
      std::abort();
    }
    const auto again = NormalizeIdentifier(type, *normal, country);
    if (!again.ok() || *again != *normal) std::abort();
  }
  for (int kind = 0; kind <= static_cast<int>(IdKind::kEvent); ++kind) {
    const auto id = ParseId(static_cast<IdKind>(kind), value);
    // One id has one spelling.
    if (id.ok() && FormatId(static_cast<IdKind>(kind), *id) != value) {
      std::abort();
    }
  }
  return 0;
}
