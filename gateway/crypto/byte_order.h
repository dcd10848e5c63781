#ifndef CONSENTRY_GATEWAY_CRYPTO_BYTE_ORDER_H_
#define CONSENTRY_GATEWAY_CRYPTO_BYTE_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace consentry::crypto {

// Big-endian integers of all formats of this folder.

template <class T>
void StoreBigEndian(T value, uint8_t* out) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<uint8_t>(static_cast<uint64_t>(value) >>
                                  (8 * (sizeof(T) - 1 - i)));
  }
}

template <class T>
T LoadBigEndian(const uint8_t* in) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | in[i];
  return static_cast<T>(value);
}

template <class T>
void AppendBigEndian(T value, std::string* out) {
  uint8_t bytes[sizeof(T)];
  StoreBigEndian(value, bytes);
  out->append(reinterpret_cast<const char*>(bytes), sizeof(T));
}

inline const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
inline uint8_t* MutableBytes(std::string* text) {
  return reinterpret_cast<uint8_t*>(text->data());
}

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_BYTE_ORDER_H_
