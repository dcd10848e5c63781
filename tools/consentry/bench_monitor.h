#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_MONITOR_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_MONITOR_H_

#include <cstddef>
#include <cstdint>

namespace consentry::tools {

// Times of counting one unit in one fairness monitor, verdict and alarm looked
// at, microseconds; and what a monitor takes.
struct MonitorTimes {
  // Median over batches of a thousand; the slowest batch of a hundred.
  double binary_us = 0;
  double binary_p99_us = 0;
  double score_us = 0;
  double score_p99_us = 0;
  // Of one that many wait in, serialised.
  size_t state_bytes = 0;
  uint64_t updates = 0;
};

// Measures the figure monitor_update_us on one thread.
MonitorTimes MeasureMonitorUpdates(uint64_t updates);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_MONITOR_H_
