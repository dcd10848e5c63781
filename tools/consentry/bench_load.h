#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_LOAD_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_LOAD_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace grpc {
class Channel;
}

namespace consentry::tools {

// Unary calls of one method, so many in flight at any time: the next begins
// when one is answered. Either as callers call, by a thread for each call in
// flight that blocks in a generated stub and parses the answer; or lean, by one
// thread that drives all of them and parses one answer in kLookEvery, so that
// next to nothing but the server is measured.
struct LoadOptions {
  // Calls are spread over them evenly.
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  // "/package.Service/Method"; for a lean load.
  std::string method;
  size_t in_flight = 64;
  std::chrono::milliseconds span{3000};
  // Stops before the span is over; may be null.
  const std::atomic<bool>* stop = nullptr;
  // At most this many calls; 0: no bound.
  uint64_t max_calls = 0;
  // Set: each calling thread makes one of these for its channel, and calls it
  // again and again; method, request and expected are not used then.
  using Caller = std::function<absl::Status()>;
  std::function<Caller(const std::shared_ptr<grpc::Channel>&)> make_caller;
  // The serialised request of the next call.
  std::function<std::string()> request;
  // Whether the serialised answer is the one expected.
  std::function<bool(const std::string&)> expected;
};

struct LoadResult {
  uint64_t calls = 0;
  double seconds = 0;
  std::vector<double> latencies_us;
  // Of the answers that were looked at.
  double answer_bytes = 0;

  double rate() const {
    return seconds > 0 ? static_cast<double>(calls) / seconds : 0;
  }
};

inline constexpr uint64_t kLookEvery = 64;

// Fails when a call fails or an answer is not as expected.
absl::StatusOr<LoadResult> RunLoad(const LoadOptions& options);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_LOAD_H_
