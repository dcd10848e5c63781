#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/bench_log.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

using Clock = std::chrono::steady_clock;

// grpc.health.v1.HealthCheckResponse{status: SERVING}, serialised.
constexpr std::string_view kServing("\x08\x01", 2);
constexpr int kKills = 3;

// After a start that had to catch up with the log: until the gateway rests.
absl::Status WaitForRest(pid_t pid) {
  const auto end = Clock::now() + std::chrono::minutes(8);
  double last = ProcessorSeconds(pid);
  for (int quiet = 0; quiet < 2;) {
    if (Clock::now() > end) {
      return absl::DeadlineExceededError(
          "the gateway did not come to rest after its log was filled");
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const double now = ProcessorSeconds(pid);
    quiet = now - last < 0.1 ? quiet + 1 : 0;
    last = now;
  }
  return absl::OkStatus();
}

absl::Status WaitForHealth(BenchSite* site) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto channels,
                             site->Connect(kBenchReader, 1));
  LoadOptions check;
  check.channels = channels;
  check.method = "/grpc.health.v1.Health/Check";
  check.in_flight = 1;
  check.max_calls = 1;
  check.request = [] { return std::string(); };
  check.expected = [](const std::string& answer) { return answer == kServing; };
  return RunLoad(check).status();
}

// Reads in flight, SIGKILL among them, then a start.
absl::StatusOr<double> KillAndStart(BenchSite* site) {
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto channels,
                               site->Connect(kBenchReader, kBenchConnections));
    auto draw = std::make_shared<Zipf>(site->readable(), kZipfExponent, 11);
    LoadOptions load = ReadLoad(channels, [draw] { return draw->Next(); });
    load.span = std::chrono::minutes(1);
    // Ends with the gateway, by an error.
    std::thread reads([&] { RunLoad(load).status().IgnoreError(); });
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto begin = Clock::now();
    site->Kill();
    const absl::Status started = site->Start();
    const absl::Status healthy = started.ok() ? WaitForHealth(site) : started;
    const double seconds =
        std::chrono::duration<double>(Clock::now() - begin).count();
    reads.join();
    if (!healthy.ok()) return healthy;
    return seconds;
  }
}

}  // namespace

absl::Status MeasureStart(BenchRun* run) {
  const uint64_t entries = run->million() * 10;
  CONSENTRY_ASSIGN_OR_RETURN(BenchSite* const site, run->Big());
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto channels,
                               site->Connect(kBenchReader, kBenchConnections));
    auto draw = std::make_shared<Zipf>(site->readable(), kZipfExponent, 10);
    LoadOptions load = ReadLoad(channels, [draw] { return draw->Next(); });
    load.max_calls = 2000;
    load.span = std::chrono::minutes(1);
    CONSENTRY_RETURN_IF_ERROR(RunLoad(load).status());
  }
  site->Stop();
  std::cerr << "filling the log up to " << entries << " entries" << std::endl;
  CONSENTRY_RETURN_IF_ERROR(FillLog(site->folder(), entries));
  CONSENTRY_RETURN_IF_ERROR(site->Start());
  CONSENTRY_RETURN_IF_ERROR(WaitForRest(site->process()->pid()));
  std::vector<double> seconds;
  for (int i = 0; i < kKills; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(const double one, KillAndStart(site));
    seconds.push_back(one);
  }
  Figure* const figure = run->Add("start_s_1m", Median(seconds));
  figure->Add("fastest", *std::min_element(seconds.begin(), seconds.end()));
  figure->Add("slowest", *std::max_element(seconds.begin(), seconds.end()));
  figure->Add("entries", static_cast<double>(entries));
  return absl::OkStatus();
}

}  // namespace consentry::tools
