#ifndef CONSENTRY_GATEWAY_SERVER_SERVER_H_
#define CONSENTRY_GATEWAY_SERVER_SERVER_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"

// The gateway, as the tools see it.
namespace consentry::server {

// To be called first in main, before threads and before anything touches gRPC:
// switches core dumps, tracing and protobuf's own messages off, lets a file
// that reaches the system's limit be an error, lets TLS speak 1.3 only, and
// keeps gRPC from writing to standard error by itself, unless GRPC_VERBOSITY is
// set. gRPC reads both once, when it is first used.
void PrepareProcess();

struct ServerOptions {
  // For demonstrations: reasons about customers are told to every service, and
  // status, log and doctor say so loudly. Never for real data.
  bool dev = false;
  // Listens here instead of where the configuration says; "127.0.0.1:0" takes
  // any free port.
  std::string address;
  // Writes the operating log where the configuration says.
  bool log = false;
  // What time it is, for tests; null: the machine's. Outlives the server.
  const base::Clock* clock = nullptr;
};

// A running gateway: mutual TLS 1.3, all services, health. One for each process
// at a time. Safe for many threads.
class Server {
 public:
  // Opens the data directory that the configuration (a file, or the folder that
  // `init` made) names, recovers, and serves when it returns.
  // CONFIG_INVALID with every fault of the configuration, with its place;
  // FailedPrecondition when another gateway has the data directory; DataLoss
  // when what is stored does not verify; Unavailable when the address is taken.
  static absl::StatusOr<std::unique_ptr<Server>> Open(
      const std::string& config, const ServerOptions& options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // As Stop(), with the configured grace.
  ~Server();

  // "127.0.0.1:50051", with the port that was taken.
  const std::string& address() const;
  int port() const;

  // False once the audit log or the disk failed: reads are refused.
  bool serving() const;

  // Says that it is not serving, lets calls in flight end, cancels what is left
  // after the grace, writes out everything that was accepted, and closes the
  // log in good order. Once; not from a signal handler.
  absl::Status Stop();

  // Blocks SIGINT and SIGTERM in this and later threads, so that WaitForSignal
  // can take them: before Open.
  static void BlockSignals();
  // Returns at the first of them.
  static void WaitForSignal();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_SERVER_H_
