#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_SIGNALS_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_SIGNALS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

namespace consentry::tools {

// A TC string as sites send it in 2026: a thousand vendors shown, most of them
// with consent, half with legitimate interest, two purposes restricted.
std::string_view BenchTcString();

// Times of decoding BenchTcString() whole, microseconds.
struct TcDecodeTimes {
  double p50_us = 0;
  double p95_us = 0;
  double p99_us = 0;
  uint64_t decodings = 0;
  size_t characters = 0;
  // Vendors told about in all its sections.
  size_t vendors = 0;
  // What @iabtcf/core takes for the same, median of rounds, where `node` is
  // there and finds that package (NODE_PATH).
  std::optional<double> npm_us;
};

// Measures the figure tc_decode_us on one thread, after a tenth as many
// decodings to warm up.
absl::StatusOr<TcDecodeTimes> MeasureTcDecode(uint64_t decodings);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_SIGNALS_H_
