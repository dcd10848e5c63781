#ifndef CONSENTRY_TESTS_TESTING_MEMORY_LOG_SINK_H_
#define CONSENTRY_TESTS_TESTING_MEMORY_LOG_SINK_H_

#include <sodium.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/store/log_sink.h"
#include "proto/support/mutex.h"

namespace consentry::testing {

// An audit log in memory that can be slow, stopped at a gate, or made to fail.
// Its root is a hash over all entries, not a tree. Safe for many threads.
class MemoryLogSink final : public store::LogSink {
 public:
  absl::StatusOr<uint64_t> Append(
      std::span<const std::string_view> entries) override {
    MutexLock lock(&mu_);
    ++appends_begun_;
    changed_.SignalAll();
    while (held_) changed_.Wait(&mu_);
    if (delay_us_ > 0) {
      std::this_thread::sleep_for(std::chrono::microseconds(delay_us_));
    }
    if (failing_) return absl::UnavailableError("the log is made to fail");
    const uint64_t first = entries_.size();
    for (const std::string_view entry : entries) entries_.emplace_back(entry);
    ++batches_;
    return first;
  }

  Head GetHead(bool) override {
    MutexLock lock(&mu_);
    return {entries_.size(), Root(entries_.size())};
  }

  absl::StatusOr<std::string> RootAt(uint64_t size) override {
    MutexLock lock(&mu_);
    if (size > entries_.size()) return absl::OutOfRangeError("too long");
    return Root(size);
  }

  uint64_t size() override {
    MutexLock lock(&mu_);
    return entries_.size();
  }

  // Understands entries that begin with "change <number>", and takes them to
  // be of the time `tail_time_us`.
  absl::StatusOr<store::LogTail> TailFrom(uint64_t from) override {
    MutexLock lock(&mu_);
    last_tail_from_ = from;
    store::LogTail tail{.last_change = 0, .last_time_us = tail_time_us_};
    for (uint64_t i = from; i < entries_.size(); ++i) {
      long long number = 0;
      if (std::sscanf(entries_[i].c_str(), "change %lld", &number) == 1) {
        tail.last_change = std::max<int64_t>(tail.last_change, number);
      }
    }
    return tail;
  }
  uint64_t last_tail_from() const {
    MutexLock lock(&mu_);
    return last_tail_from_;
  }
  void SetTailTimeUs(int64_t us) {
    MutexLock lock(&mu_);
    tail_time_us_ = us;
  }

  std::vector<std::string> entries() const {
    MutexLock lock(&mu_);
    return entries_;
  }
  int batches() const {
    MutexLock lock(&mu_);
    return batches_;
  }

  void SetDelayUs(int64_t us) {
    MutexLock lock(&mu_);
    delay_us_ = us;
  }
  // Every further append fails.
  void Fail() {
    MutexLock lock(&mu_);
    failing_ = true;
  }
  // The next append waits until LetGo(); AwaitAppend() returns once it waits.
  void Hold() {
    MutexLock lock(&mu_);
    held_ = true;
    appends_begun_ = 0;
  }
  void AwaitAppend() {
    MutexLock lock(&mu_);
    while (appends_begun_ == 0) changed_.Wait(&mu_);
  }
  void LetGo() {
    MutexLock lock(&mu_);
    held_ = false;
    changed_.SignalAll();
  }
  // As if the tail had been cut off.
  void Truncate(size_t size) {
    MutexLock lock(&mu_);
    entries_.resize(size);
  }

 private:
  std::string Root(uint64_t size) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, 32);
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t length = entries_[i].size();
      crypto_generichash_update(
          &state, reinterpret_cast<const uint8_t*>(&length), sizeof(length));
      crypto_generichash_update(
          &state, reinterpret_cast<const uint8_t*>(entries_[i].data()),
          entries_[i].size());
    }
    std::string root(32, '\0');
    crypto_generichash_final(&state, reinterpret_cast<uint8_t*>(root.data()),
                             root.size());
    return root;
  }

  mutable Mutex mu_;
  CondVar changed_;
  std::vector<std::string> entries_ ABSL_GUARDED_BY(mu_);
  int batches_ ABSL_GUARDED_BY(mu_) = 0;
  int appends_begun_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t last_tail_from_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t tail_time_us_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t delay_us_ ABSL_GUARDED_BY(mu_) = 0;
  bool failing_ ABSL_GUARDED_BY(mu_) = false;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_MEMORY_LOG_SINK_H_
