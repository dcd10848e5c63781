#include "tests/testing/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace consentry::testing {
namespace {

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::vector<std::string> Environment(
    const std::map<std::string, std::string>& changes) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (changes.count(text.substr(0, text.find('='))) == 0) {
      result.push_back(text);
    }
  }
  for (const auto& [name, value] : changes) {
    if (!value.empty()) result.push_back(name + "=" + value);
  }
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>* words) {
  std::vector<char*> pointers;
  for (std::string& word : *words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// A file without a name that holds `content`.
int InputFile(const std::string& content) {
  FILE* const file = std::tmpfile();
  if (file == nullptr) return -1;
  std::fwrite(content.data(), 1, content.size(), file);
  std::fflush(file);
  const int copy = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
  std::fclose(file);
  lseek(copy, 0, SEEK_SET);
  return copy;
}

}  // namespace

ChildProcess::ChildProcess(const Command& command)
    : end_ms_(NowMs() + int64_t{1000} * command.timeout_seconds) {
  int out[2];
  int err[2];
  if (pipe2(out, O_CLOEXEC) != 0) return;
  if (pipe2(err, O_CLOEXEC) != 0) {
    close(out[0]);
    close(out[1]);
    return;
  }
  const int in = InputFile(command.input);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  if (!command.folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, command.folder.c_str());
  }
  // Signals that this process blocks are the child's to take.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = Environment(command.environment);
  if (posix_spawnp(&pid_, words.front().c_str(), &actions, &attributes,
                   Pointers(&words).data(),
                   Pointers(&environment).data()) != 0) {
    pid_ = -1;
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(in);
  close(out[1]);
  close(err[1]);
  out_fd_ = out[0];
  err_fd_ = err[0];
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (out_fd_ >= 0) close(out_fd_);
  if (err_fd_ >= 0) close(err_fd_);
}

bool ChildProcess::ReadMore() {
  pollfd fds[2] = {{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}};
  if (out_fd_ < 0 && err_fd_ < 0) return false;
  const int64_t left_ms = end_ms_ - NowMs();
  if (left_ms <= 0 || poll(fds, 2, static_cast<int>(left_ms)) <= 0) {
    return false;
  }
  const auto take = [](short events, int* fd, std::string* text) {
    if (events == 0) return;
    char buffer[4096];
    const ssize_t size = read(*fd, buffer, sizeof(buffer));
    if (size > 0) {
      text->append(buffer, static_cast<size_t>(size));
    } else {
      close(*fd);
      *fd = -1;
    }
  };
  take(fds[0].revents, &out_fd_, &ended_.out);
  take(fds[1].revents, &err_fd_, &ended_.err);
  return true;
}

bool ChildProcess::WaitFor(const std::string& text) {
  while (ended_.out.find(text) == std::string::npos) {
    if (!ReadMore()) return false;
  }
  return true;
}

void ChildProcess::Signal(int number) {
  if (pid_ > 0) kill(pid_, number);
}

Ended ChildProcess::Wait() {
  while (ReadMore()) {
  }
  if (pid_ <= 0) return ended_;
  const bool late = out_fd_ >= 0 || err_fd_ >= 0;
  if (late) kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (!late) {
    ended_.code =
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return ended_;
}

Ended RunToEnd(const Command& command) { return ChildProcess(command).Wait(); }

}  // namespace consentry::testing
