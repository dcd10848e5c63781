#ifndef CONSENTRY_AUDIT_LOG_BYTES_H_
#define CONSENTRY_AUDIT_LOG_BYTES_H_

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace consentry::audit {

// Big-endian integers in byte strings.

template <std::unsigned_integral T>
void PutInt(T value, std::string* out) {
  for (size_t i = sizeof(T); i > 0; --i) {
    out->push_back(
        static_cast<char>(static_cast<unsigned char>(value >> (8 * (i - 1)))));
  }
}

// `bytes` must hold sizeof(T) bytes at `at`.
template <std::unsigned_integral T>
T GetInt(std::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>((static_cast<unsigned long long>(value) << 8) |
                           static_cast<unsigned char>(bytes[at + i]));
  }
  return value;
}

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_BYTES_H_
