#include "tests/promises/gateway_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

extern char** environ;

namespace consentry::testing {
namespace {

constexpr char kProgram[] = CONSENTRY_PROGRAM;
constexpr char kServing[] = "Serving at ";
constexpr std::chrono::milliseconds kLookAgain(2);

int ExitCode(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

namespace {

// A child that runs the program with these words.
pid_t Start(std::vector<std::string> words,
            const GatewayProcess::Options& options) {
  // Everything that needs memory is made before the fork: there may be threads.
  words.insert(words.begin(), {kProgram, "--config", options.folder});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<std::string> added = options.environment;
  std::vector<char*> environment;
  for (std::string& entry : added) environment.push_back(entry.data());
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.push_back(*entry);
  }
  environment.push_back(nullptr);

  const pid_t pid = fork();
  if (pid < 0) {
    std::perror("fork");
    std::abort();
  }
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Whatever core it may leave is left.
  rlimit core{};
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = core.rlim_max;
    setrlimit(RLIMIT_CORE, &core);
  }
  const int out = open(options.output_file.c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
      dup2(out, 2) < 0) {
    _exit(127);
  }
  if (!options.working_folder.empty() &&
      chdir(options.working_folder.c_str()) != 0) {
    _exit(127);
  }
  if (options.file_limit) {
    const rlimit limit{*options.file_limit, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(127);
  }
  execve(kProgram, arguments.data(), environment.data());
  _exit(127);
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::unique_ptr<GatewayProcess> GatewayProcess::Spawn(const Options& options) {
  std::error_code error;
  const auto printed = std::filesystem::file_size(options.output_file, error);
  const size_t before = error ? 0 : static_cast<size_t>(printed);
  const pid_t pid = Start({"serve", "--listen", "127.0.0.1:0"}, options);
  return std::unique_ptr<GatewayProcess>(
      new GatewayProcess(options, pid, before));
}

int RunProgram(const std::vector<std::string>& words,
               const GatewayProcess::Options& options) {
  return ExitCode(WaitFor(Start(words, options)));
}

GatewayProcess::~GatewayProcess() { Kill(); }

bool GatewayProcess::WaitServing(std::chrono::seconds timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < end) {
    const std::string text = ReadAll(options_.output_file);
    const size_t place = text.size() < printed_ ? std::string::npos
                                                : text.find(kServing, printed_);
    if (place != std::string::npos) {
      const size_t begin = place + sizeof(kServing) - 1;
      const size_t finish = text.find(". ", begin);
      if (finish != std::string::npos) {
        address_ = text.substr(begin, finish - begin);
        return true;
      }
    }
    int status = 0;
    if (pid_ <= 0) return false;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      exit_code_ = ExitCode(status);
      return false;
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  return false;
}

std::shared_ptr<grpc::Channel> GatewayProcess::Connect(
    const Identity& identity) const {
  return ConnectTo(address_, options_.folder, identity);
}

bool GatewayProcess::LimitFiles(uint64_t bytes) const {
  const rlimit limit{bytes, RLIM_INFINITY};
  return prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr) == 0;
}

void GatewayProcess::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

int GatewayProcess::Stop() {
  if (pid_ > 0) kill(pid_, SIGTERM);
  return Wait();
}

int GatewayProcess::Wait() {
  if (pid_ <= 0) return exit_code_;
  exit_code_ = ExitCode(WaitFor(std::exchange(pid_, -1)));
  return exit_code_;
}

bool GatewayProcess::DumpsCoreOn(int signal) {
  kill(pid_, signal);
  const int status = WaitFor(std::exchange(pid_, -1));
  exit_code_ = ExitCode(status);
  return WIFSIGNALED(status) && WCOREDUMP(status);
}

std::shared_ptr<grpc::Channel> ConnectTo(const std::string& address,
                                         const std::string& folder,
                                         const Identity& identity) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadAll(folder + "/tls/authority.pem");
  tls.pem_cert_chain = identity.certificate;
  tls.pem_private_key = identity.key;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(tls),
                                   arguments);
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace consentry::testing
