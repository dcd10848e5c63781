#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_LOG_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace consentry::tools {

// Appends entries to the log of a gateway that does not run, until it holds
// `entries`: repetitions of its newest ones, each an entry about a read. As if
// the gateway had served so many reads; it signs them when it starts.
absl::Status FillLog(const std::string& gateway_folder, uint64_t entries);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_LOG_H_
