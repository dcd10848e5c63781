#include "gateway/vault/field_number.h"

#include <sodium.h>

#include <array>

namespace consentry::vault {

uint32_t FieldNumber(std::string_view full_name) {
  std::array<uint8_t, crypto_generichash_BYTES_MIN> hash;
  crypto_generichash(hash.data(), hash.size(),
                     reinterpret_cast<const uint8_t*>(full_name.data()),
                     full_name.size(), nullptr, 0);
  const uint32_t number = uint32_t{hash[0]} << 24 | uint32_t{hash[1]} << 16 |
                          uint32_t{hash[2]} << 8 | uint32_t{hash[3]};
  return number == 0 ? 1 : number;
}

}  // namespace consentry::vault
