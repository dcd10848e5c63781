#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_SITE_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_SITE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"
#include "tools/consentry/bench_process.h"

namespace grpc {
class Channel;
}

namespace consentry::tools {

// The purpose of all reads: direct marketing, which needs a consent.
inline constexpr char kBenchPurpose[] = "marketing.communications.email";
// The caller that reads and withdraws.
inline constexpr char kBenchReader[] = "bench-reader";
// The caller that imports.
inline constexpr char kBenchImporter[] = "bench-importer";

// A gateway with a population, in a folder and a process of its own: what
// `consentry serve` runs. One thread.
class BenchSite {
 public:
  // Uses the folder when an earlier run has filled it with as many subjects and
  // at least `spare` customers are left to be withdrawn or erased; otherwise
  // makes it anew, over the API: init, registrations, an import. The gateway
  // serves on return.
  static absl::StatusOr<std::unique_ptr<BenchSite>> Open(
      const std::string& folder, uint64_t subjects, uint64_t spare);
  BenchSite(const BenchSite&) = delete;
  BenchSite& operator=(const BenchSite&) = delete;

  const std::string& folder() const { return folder_; }
  uint64_t subjects() const { return subjects_; }
  // Seconds that the import took; 0 for a folder of an earlier run.
  double import_seconds() const { return import_seconds_; }

  absl::Status Start();
  void Stop() { process_.reset(); }
  // SIGKILL.
  void Kill();
  ServerProcess* process() { return process_.get(); }

  // Numbers below this are customers whose consent stands; the ones above are
  // kept for withdrawals and erasures.
  uint64_t readable() const;
  // The next customer who may withdraw, or be erased. ResourceExhausted when
  // none is left.
  absl::StatusOr<uint64_t> TakeSpare();

  // Connections of their own.
  absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> Connect(
      const std::string& client, size_t count) const;

 private:
  BenchSite(std::string folder, uint64_t subjects)
      : folder_(std::move(folder)), subjects_(subjects) {}
  absl::Status Make();

  const std::string folder_;
  const uint64_t subjects_;
  double import_seconds_ = 0;
  // Customers withdrawn by earlier runs and this one; kept in a file.
  uint64_t withdrawn_ = 0;
  std::unique_ptr<ServerProcess> process_;
};

// `count` connections of their own to `address` over the TLS of `folder`.
absl::StatusOr<std::vector<std::shared_ptr<grpc::Channel>>> ConnectMany(
    const std::string& address, const std::string& folder,
    const std::string& client, size_t count);

// Customer `number` of a population, from 0, as callers name her.
v1::SubjectRef BenchSubject(uint64_t number);

// Brings `subjects` customers into the gateway behind `channel`, over
// DataService.ImportRecords: each with an address, a birth date and a consent
// to marketing. Shows how far it is on standard error.
absl::Status ImportPopulation(const std::shared_ptr<grpc::Channel>& channel,
                              uint64_t subjects);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_SITE_H_
