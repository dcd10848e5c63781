#ifndef CONSENTRY_TESTS_PROMISES_GATEWAY_PROCESS_H_
#define CONSENTRY_TESTS_PROMISES_GATEWAY_PROCESS_H_

#include <grpcpp/grpcpp.h>
#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/e2e/test_gateway.h"

namespace consentry::testing {

// `consentry serve` as a process of its own, on a free port of this machine.
// Killed at the end if it still runs, and with the test.
class GatewayProcess {
 public:
  struct Options {
    // The folder that init made.
    std::string folder;
    // What it prints goes here, behind what stands there.
    std::string output_file;
    // Added to its environment, "NAME=value".
    std::vector<std::string> environment;
    // The largest file position that it may write at; from its start.
    std::optional<uint64_t> file_limit;
    // Where it runs; empty: where the test does.
    std::string working_folder;
  };

  // Returns at once; see WaitServing.
  static std::unique_ptr<GatewayProcess> Spawn(const Options& options);
  GatewayProcess(const GatewayProcess&) = delete;
  GatewayProcess& operator=(const GatewayProcess&) = delete;
  ~GatewayProcess();

  // False when it ended, or has not said that it serves within the time.
  bool WaitServing(std::chrono::seconds timeout = std::chrono::seconds(30));

  pid_t pid() const { return pid_; }
  // Once it serves.
  const std::string& address() const { return address_; }
  std::shared_ptr<grpc::Channel> Connect(const Identity& identity) const;

  // From now on no write to a file succeeds beyond this position.
  bool LimitFiles(uint64_t bytes) const;

  // SIGKILL; returns when it is gone.
  void Kill();
  // SIGTERM; its exit code, -1 when a signal ended it.
  int Stop();
  // Waits until it ends by itself: as Stop().
  int Wait();
  // Sends a signal, waits until it ends, and tells whether it left a core.
  bool DumpsCoreOn(int signal);

 private:
  GatewayProcess(Options options, pid_t pid, size_t printed)
      : options_(std::move(options)), pid_(pid), printed_(printed) {}

  const Options options_;
  pid_t pid_;
  // Length of the output file before it began.
  const size_t printed_;
  int exit_code_ = -1;
  std::string address_;
};

// Runs `consentry` with these words until it ends; its exit code, -1 when a
// signal ended it. What it prints goes where `options` say.
int RunProgram(const std::vector<std::string>& words,
               const GatewayProcess::Options& options);

// A client of the gateway at `address` whose authority is in `folder`.
std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address,
                                         const std::string& folder,
                                         const Identity& identity);

// A number from the environment, else `otherwise`.
uint64_t FromEnvironment(const char* name, uint64_t otherwise);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_GATEWAY_PROCESS_H_
