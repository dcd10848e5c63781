// A child process commits under load and is killed at a seeded moment; what is
// found after recovery must hold whatever was acknowledged.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/committer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"

namespace consentry::store {
namespace {

// The least log that survives a kill: lines, one write and sync a batch. A last
// line without its end was never acknowledged and is cut.
class LineLog final : public LogSink {
 public:
  // `pause` before each write widens the gap between store and log, in which
  // a kill leaves work for recovery.
  explicit LineLog(const std::string& path,
                   std::chrono::microseconds pause = {})
      : pause_(pause) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char buffer[65536];
    std::string all;
    for (ssize_t n; (n = read(fd_, buffer, sizeof(buffer))) > 0;) {
      all.append(buffer, static_cast<size_t>(n));
    }
    size_t whole = 0;
    for (size_t end; (end = all.find('\n', whole)) != std::string::npos;) {
      lines_.push_back(all.substr(whole, end - whole));
      whole = end + 1;
    }
    EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(whole)), 0);
    lseek(fd_, 0, SEEK_END);
  }
  ~LineLog() override { close(fd_); }

  absl::StatusOr<uint64_t> Append(
      std::span<const std::string_view> entries) override {
    std::this_thread::sleep_for(pause_);
    std::string text;
    for (const std::string_view entry : entries) {
      lines_.emplace_back(entry);
      text.append(entry).append("\n");
    }
    if (write(fd_, text.data(), text.size()) !=
            static_cast<ssize_t>(text.size()) ||
        fdatasync(fd_) != 0) {
      return absl::UnavailableError("write");
    }
    return lines_.size() - entries.size();
  }
  Head GetHead(bool) override { return {lines_.size(), Root(lines_.size())}; }
  absl::StatusOr<std::string> RootAt(uint64_t size) override {
    return Root(size);
  }
  uint64_t size() override { return lines_.size(); }
  absl::StatusOr<LogTail> TailFrom(uint64_t from) override {
    LogTail tail;
    for (uint64_t i = from; i < lines_.size(); ++i) {
      long long number = 0;
      if (std::sscanf(lines_[i].c_str(), "change %lld", &number) == 1) {
        tail.last_change = std::max<int64_t>(tail.last_change, number);
      }
    }
    return tail;
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::string Root(uint64_t size) const {
    size_t hash = 0;
    for (uint64_t i = 0; i < size; ++i) {
      hash = hash * 1000003 + std::hash<std::string>()(lines_[i]);
    }
    std::string root(32, '\0');
    std::memcpy(root.data(), &hash, sizeof(hash));
    return root;
  }
  const std::chrono::microseconds pause_;
  int fd_;
  std::vector<std::string> lines_;
};

class CommitterCrashTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Engine>> OpenEngine() {
    static constexpr uint8_t kKey[32] = {9};
    return OpenSqlcipher({.path = dir_.File("store"), .create = true},
                         std::span<const uint8_t, 32>(kKey));
  }

  // Never returns: commits until it is killed, and tells each acknowledged
  // number, or the entry of each committed read, through `pipe`.
  [[noreturn]] void Child(int pipe) {
    auto engine = OpenEngine();
    LineLog log(dir_.File("log"), std::chrono::microseconds(500));
    auto committer =
        Committer::Start(engine->get(), &log, base::Clock::System());
    if (!committer.ok()) _exit(3);
    const auto tell = [pipe](const std::string& what) {
      const std::string line = what + "\n";
      if (write(pipe, line.data(), line.size()) < 0) _exit(4);
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0;; ++i) {
          const ChangeOutcome outcome =
              (*committer)
                  ->CommitChangeAndWait(
                      testing::StoreFixture::Put(t, "row", i % 3 == 0));
          if (!outcome.status.ok()) _exit(5);
          tell("change " + std::to_string(outcome.change) + " " +
               std::to_string(t));
        }
      });
    }
    for (int i = 0;; ++i) {
      ReadCommit read;
      read.as_of_change = (*committer)->LastStored();
      read.configuration_epoch = (*committer)->configuration_epoch();
      read.entry = "read " + std::to_string(getpid()) + " " + std::to_string(i);
      const std::string entry = read.entry;
      std::atomic<bool> done{false};
      (*committer)->CommitRead(std::move(read), [&](ReadOutcome outcome) {
        if (outcome.kind == ReadOutcome::Kind::kCommitted) tell(entry);
        done = true;
      });
      while (!done) std::this_thread::yield();
    }
  }

  // Runs a child until it told something, and for `us` microseconds more;
  // returns what it told.
  std::set<std::string> RunAndKill(int64_t us) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      Child(ends[1]);
    }
    close(ends[1]);
    std::thread killer;
    std::string text;
    char buffer[65536];
    for (ssize_t n;;) {
      n = read(ends[0], buffer, sizeof(buffer));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      text.append(buffer, static_cast<size_t>(n));
      if (killer.joinable()) continue;
      killer = std::thread([child, us] {
        std::this_thread::sleep_for(std::chrono::microseconds(us));
        kill(child, SIGKILL);
      });
    }
    if (killer.joinable()) killer.join();
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
    close(ends[0]);
    std::set<std::string> told;
    size_t at = 0;
    for (size_t end; (end = text.find('\n', at)) != std::string::npos;) {
      told.insert(text.substr(at, end - at));
      at = end + 1;
    }
    return told;
  }

  void CheckAfterRecovery(const std::set<std::string>& told) {
    ASSERT_OK_AND_ASSIGN(auto engine, OpenEngine());
    LineLog log(dir_.File("log"));
    const size_t before = log.lines().size();
    ASSERT_OK_AND_ASSIGN(
        auto committer,
        Committer::Start(engine.get(), &log, base::Clock::System()));
    recovered_ += log.lines().size() - before;
    const int64_t last = committer->LastStored();
    committer->Stop();
    const std::set<std::string> logged(log.lines().begin(), log.lines().end());
    for (const std::string& entry : told) {
      EXPECT_TRUE(logged.contains(entry)) << "acknowledged and lost: " << entry;
    }
    int64_t expected = 0;
    for (const std::string& line : log.lines()) {
      long long number = 0;
      if (std::sscanf(line.c_str(), "change %lld", &number) == 1) {
        ASSERT_EQ(number, ++expected) << "a gap or a repetition";
      }
    }
    EXPECT_EQ(expected, last) << "store and log tell the same";
  }

  testing::TempDir dir_;
  size_t recovered_ = 0;
};

TEST_F(CommitterCrashTest, KilledAtAnyMomentNothingAcknowledgedIsLost) {
  std::mt19937 random(20260801);
  std::set<std::string> told;
  // Some kill must fall between store and log; on a slow machine few do.
  for (int round = 0; round < 12 || (recovered_ == 0 && round < 200); ++round) {
    const std::set<std::string> more = RunAndKill(random() % 20'000);
    told.insert(more.begin(), more.end());
    CheckAfterRecovery(told);
    if (HasFatalFailure()) return;
  }
  EXPECT_GE(told.size(), 12u);
  EXPECT_GT(recovered_, 0u) << "no kill fell between store and log";
}

}  // namespace
}  // namespace consentry::store
