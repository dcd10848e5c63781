#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_ECHO_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_ECHO_H_

#include <string>

#include "absl/status/status.h"

namespace consentry::tools {

// Serves consentry.bench.v1.EchoService on a free port of this machine with the
// TLS of the gateway in `folder`, client certificates required, until SIGTERM:
// what a governed read is compared with. Prints "Serving at ADDRESS. ".
absl::Status ServeEcho(const std::string& folder);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_ECHO_H_
