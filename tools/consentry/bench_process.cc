#include "tools/consentry/bench_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

constexpr std::string_view kServing = "Serving at ";
constexpr size_t kTail = 2000;

std::string TailOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  std::string text = content.str();
  if (text.size() > kTail) text = text.substr(text.size() - kTail);
  return text;
}

// The address in the line of `text` that says where it serves, once the line is
// whole; else empty.
std::string AddressIn(const std::string& text) {
  const size_t begin = text.find(kServing);
  if (begin == std::string::npos) return "";
  const size_t from = begin + kServing.size();
  const size_t end = text.find(". ", from);
  return end == std::string::npos ? "" : text.substr(from, end - from);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(
    const std::vector<std::string>& arguments, const std::string& log_file,
    std::chrono::seconds patience) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError("cannot make a pipe");
  }
  const int log =
      open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::vector<char*> words;
  std::string program = "consentry";
  words.push_back(program.data());
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    // Between fork and exec only what a signal handler may do.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(ends[1], STDOUT_FILENO);
    if (log >= 0) dup2(log, STDERR_FILENO);
    execv("/proc/self/exe", words.data());
    _exit(127);
  }
  close(ends[1]);
  if (log >= 0) close(log);
  if (pid < 0) {
    close(ends[0]);
    return absl::UnavailableError("cannot start a process");
  }
  std::unique_ptr<ServerProcess> process(new ServerProcess);
  process->pid_ = pid;
  process->output_ = ends[0];

  const auto end = std::chrono::steady_clock::now() + patience;
  std::string said;
  while (process->address_.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd wait = {process->output_, POLLIN, 0};
    const int ready =
        left.count() <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    char buffer[512];
    const ssize_t got =
        ready <= 0 ? 0 : read(process->output_, buffer, sizeof buffer);
    if (got <= 0) {
      process->Kill();
      return absl::UnavailableError(
          absl::StrCat(ready == 0 ? "a server did not begin to serve in time: "
                                  : "a server ended before it served: ",
                       TailOf(log_file)));
    }
    said.append(buffer, static_cast<size_t>(got));
    process->address_ = AddressIn(said);
  }
  return process;
}

ServerProcess::~ServerProcess() { Stop(); }

void ServerProcess::Stop() { End(SIGTERM); }
void ServerProcess::Kill() { End(SIGKILL); }

void ServerProcess::End(int signal) {
  if (pid_ < 0) return;
  kill(pid_, signal);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  close(output_);
  output_ = -1;
}

double MemoryMib(pid_t pid, const std::string& key) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(key + ":", 0) != 0) continue;
    return std::stod(line.substr(key.size() + 1)) / 1024;
  }
  return 0;
}

double ProcessorSeconds(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(file, text);
  // The name of the program, in parentheses, may hold spaces.
  const size_t close = text.rfind(')');
  if (close == std::string::npos) return 0;
  std::istringstream rest(text.substr(close + 1));
  std::string word;
  for (int i = 0; i < 11; ++i) rest >> word;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace consentry::tools
