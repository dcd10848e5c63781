#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_RUN_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_RUN_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/consentry/bench_figures.h"
#include "tools/consentry/bench_load.h"
#include "tools/consentry/bench_site.h"

namespace consentry::tools {

struct BenchOptions {
  // A tenth of everything.
  bool quick = false;
  // Names of figures; empty: all.
  std::set<std::string, std::less<>> only;
  // Gateways are made in it.
  std::string folder;
};

// One run of `consentry bench`: what its figures share. One thread.
class BenchRun {
 public:
  explicit BenchRun(BenchOptions options);
  BenchRun(const BenchRun&) = delete;
  BenchRun& operator=(const BenchRun&) = delete;
  ~BenchRun();

  // Measures all that is asked for; what cannot be measured stands in the
  // report.
  void Run();
  const BenchReport& report() const { return report_; }

  bool quick() const { return options_.quick; }
  const std::string& folder() const { return options_.folder; }
  // What the names call 1 million.
  uint64_t million() const { return options_.quick ? 100'000 : 1'000'000; }
  std::chrono::milliseconds span() const {
    return std::chrono::milliseconds(options_.quick ? 1000 : 4000);
  }
  int rounds() const { return options_.quick ? 3 : 6; }
  bool Wants(std::string_view name) const;
  // The figure is to be filled in; the pointer holds until the next call.
  Figure* Add(std::string_view name, double value);

  // Gateways with so many customers, made or opened when first asked for.
  absl::StatusOr<BenchSite*> Big();
  absl::StatusOr<BenchSite*> Small();
  void StopSmall();

 private:
  const BenchOptions options_;
  BenchReport report_;
  std::unique_ptr<BenchSite> big_;
  std::unique_ptr<BenchSite> small_;
};

// Each measures some figures, if one of them is wanted.
absl::Status MeasureDeciding(BenchRun* run);
absl::Status MeasureSignals(BenchRun* run);
absl::Status MeasureMonitors(BenchRun* run);
absl::Status MeasureLog(BenchRun* run);
absl::Status MeasureUnaryReads(BenchRun* run);
absl::Status MeasureMemory(BenchRun* run);
absl::Status MeasureBatches(BenchRun* run);
absl::Status MeasureGrowth(BenchRun* run);
absl::Status MeasureWithdrawal(BenchRun* run);
absl::Status MeasureAccessReport(BenchRun* run);
absl::Status MeasureScreening(BenchRun* run);
absl::Status MeasureStart(BenchRun* run);

// Erases a customer by a case of hers: microseconds from the moment at which
// its approval is sent until her keys are destroyed. Returns when the erasure
// is done. The gateway waits for nobody (erasure.wait_hours).
absl::StatusOr<double> EraseOne(const std::shared_ptr<grpc::Channel>& staff,
                                const std::shared_ptr<grpc::Channel>& officer,
                                uint64_t number);

// Connections and calls in flight of a load that stands for many callers.
inline constexpr size_t kBenchConnections = 4;
inline constexpr size_t kBenchInFlight = 64;
inline constexpr double kZipfExponent = 0.99;

// Reads of one customer after another: ReadSubject of four fields. `numbers`
// gives the customers.
LoadOptions ReadLoad(std::vector<std::shared_ptr<grpc::Channel>> channels,
                     std::function<uint64_t()> numbers);
// The same by threads that block.
LoadOptions BlockingReadLoad(
    std::vector<std::shared_ptr<grpc::Channel>> channels,
    std::function<uint64_t()> numbers);
// A serialised v1.ReadSubjectRequest.
std::string ReadRequest(uint64_t number);
// Whether a serialised v1.ReadSubjectResponse permits.
bool IsPermitted(const std::string& answer);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_RUN_H_
