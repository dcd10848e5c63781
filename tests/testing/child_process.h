#ifndef CONSENTRY_TESTS_TESTING_CHILD_PROCESS_H_
#define CONSENTRY_TESTS_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace consentry::testing {

// A program that a test runs, without a shell.
struct Command {
  // The program, found by PATH where it has no slash, and its arguments.
  std::vector<std::string> words;
  // What its standard input holds.
  std::string input = {};
  // Added to this process's environment, or, empty, taken from it.
  std::map<std::string, std::string> environment = {};
  // Where it runs; empty: here.
  std::string folder = {};
  // It is killed after that.
  int timeout_seconds = 60;
};

struct Ended {
  // Exit code; 128 and the signal where one ended it; -1 where it could not be
  // started or was killed for taking too long.
  int code = -1;
  std::string out;
  std::string err;
};

// Runs it to its end.
Ended RunToEnd(const Command& command);

// A program that runs beside the test. One thread at a time.
class ChildProcess {
 public:
  explicit ChildProcess(const Command& command);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Waits until standard output holds `text`, at most the command's time.
  // False if it ends or the time passes without.
  bool WaitFor(const std::string& text);
  void Signal(int number);
  // Waits for its end.
  Ended Wait();

  // What it printed so far, as far as WaitFor and Wait have read.
  const std::string& out() const { return ended_.out; }

 private:
  // Reads what there is; false when both ends are closed or the time is over.
  bool ReadMore();

  const int64_t end_ms_;
  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  Ended ended_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_CHILD_PROCESS_H_
