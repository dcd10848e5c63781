#ifndef CONSENTRY_TOOLS_CONSENTRY_BENCH_PROCESS_H_
#define CONSENTRY_TOOLS_CONSENTRY_BENCH_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::tools {

// This program once more, as a server in a process of its own. Dies with the
// thread that started it. One thread.
class ServerProcess {
 public:
  // Runs this program with `arguments` and waits for a line on its standard
  // output of the form "Serving at ADDRESS. ..."; standard error goes to
  // `log_file`. Unavailable, with the end of that file, when it ends before or
  // takes longer than `patience`.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(
      const std::vector<std::string>& arguments, const std::string& log_file,
      std::chrono::seconds patience = std::chrono::seconds(120));
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  // As Stop().
  ~ServerProcess();

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

  // SIGTERM, and waits for the end.
  void Stop();
  // SIGKILL, and waits for the end.
  void Kill();

 private:
  ServerProcess() = default;
  void End(int signal);

  pid_t pid_ = -1;
  int output_ = -1;
  std::string address_;
};

// Of a process: "VmRSS", "VmHWM", "RssAnon" and so on of /proc, in MiB; 0 where
// it is not told.
double MemoryMib(pid_t pid, const std::string& key);
// Processor time that a process has used, in seconds.
double ProcessorSeconds(pid_t pid);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_BENCH_PROCESS_H_
