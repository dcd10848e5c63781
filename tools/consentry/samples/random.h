#ifndef CONSENTRY_TOOLS_CONSENTRY_SAMPLES_RANDOM_H_
#define CONSENTRY_TOOLS_CONSENTRY_SAMPLES_RANDOM_H_

#include <cstddef>
#include <cstdint>

namespace consentry::tools {

// SplitMix64: the same numbers for the same seed on every machine, which the
// standard library's distributions do not promise. For samples, never for keys.
class SampleRandom {
 public:
  explicit SampleRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // 0 to `bound` - 1; `bound` at least 1. Its bias is below 2^-40 for the small
  // bounds of samples.
  size_t Below(size_t bound) { return static_cast<size_t>(Next() % bound); }

  // True in `percent` of a hundred calls.
  bool Percent(double percent) {
    return static_cast<double>(Next() >> 11) / 9007199254740992.0 * 100 <
           percent;
  }

 private:
  uint64_t state_;
};

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SAMPLES_RANDOM_H_
