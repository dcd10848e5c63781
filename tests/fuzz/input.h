#ifndef CONSENTRY_TESTS_FUZZ_INPUT_H_
#define CONSENTRY_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace consentry::fuzz {

// A property that does not hold is a finding.
inline void Require(bool condition) {
  if (!condition) std::abort();
}

// Deals the fuzzer's bytes out from the front; zeros and empty texts when they
// are used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }
  bool Flag() { return (Byte() & 1) != 0; }
  // Below `bound`, which is at most 256.
  int Below(int bound) { return Byte() % bound; }
  uint64_t Number() {
    uint64_t number = 0;
    const std::string_view bytes = Take(sizeof(number));
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }
  // As long as its first byte says, at most `most`.
  std::string_view Text(size_t most) {
    return Take(std::min<size_t>(Byte(), most));
  }
  std::string_view Rest() { return Take(rest_.size()); }

 private:
  std::string_view Take(size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

// `good` with `change` mixed in from offset `at` on, round its end: a near
// miss.
inline std::string LayOver(std::string good, size_t at,
                           std::string_view change) {
  for (size_t i = 0; i < change.size() && !good.empty(); ++i) {
    char& c = good[(at + i) % good.size()];
    c = static_cast<char>(c ^ change[i]);
  }
  return good;
}

}  // namespace consentry::fuzz

#endif  // CONSENTRY_TESTS_FUZZ_INPUT_H_
