#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_DECIDE_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_DECIDE_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace consentry::tools {

// Times of one decision over ten fields, nanoseconds, each call timed for
// itself, the clock's own cost included.
struct DecideTimes {
  double p50_ns = 0;
  double p95_ns = 0;
  double p99_ns = 0;
  uint64_t decisions = 0;
  // How many of them permitted at least one field.
  uint64_t permitted = 0;
};

// Measures the figure decide_ns: the shipped packs, catalog and purposes; every
// purpose and channel of its own, asked about customers of the EU, the UK,
// California, Virginia and of unknown residence, in turn, with and without
// consents, contexts and times of collection. One thread, `decisions` calls
// after a tenth as many to warm up.
absl::StatusOr<DecideTimes> MeasureDecide(uint64_t decisions);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_DECIDE_H_
