#ifndef CONSENTRY_GATEWAY_STORE_LOG_STAGE_H_
#define CONSENTRY_GATEWAY_STORE_LOG_STAGE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/base/threads.h"
#include "gateway/store/change.h"
#include "gateway/store/committer.h"
#include "gateway/store/completion_queue.h"
#include "gateway/store/log_sink.h"
#include "gateway/store/recent_changes.h"
#include "gateway/store/release_ticket.h"
#include "proto/support/mutex.h"

namespace consentry::store {

// A change that the store holds, on its way into the log. A repetition has no
// entry: it only waits for what it repeats.
struct StoredChange {
  std::optional<std::string> entry;
  int64_t change = 0;
  std::vector<int64_t> touched;
  // Whom the entry tells of, in its order.
  std::vector<int64_t> told;
  std::vector<absl::AnyInvocable<void()>> on_stored;
  std::vector<std::pair<TurnSum*, TurnSum::Increment>> increments;
  bool touches_configuration = false;
  bool negative = false;
  bool releasing = false;
  ChangeOutcome outcome;
  ChangeCompletion done;
};

// The second stage: checks reads, appends entries, one sync a batch. Its thread
// is the only one that uses the log sink after the start. Safe for many
// threads.
class LogStage {
 public:
  struct Options {
    size_t recent_changes;
    size_t max_waiting_reads;
    int64_t last_change;
    int64_t last_time_us;
    int64_t configuration_epoch;
    int64_t log_last_change;  // As remembered: see CommitterState.
    base::MetricRegistry* metrics;
    // Called by the stage's thread: once when the log failed, and ten times a
    // second or more.
    LoggedObserver on_logged;
    absl::AnyInvocable<void()> on_failed;
    absl::AnyInvocable<void()> on_tick;
  };

  LogStage(LogSink* log, const base::Clock* clock,
           std::shared_ptr<CompletionQueue> completions, Options options);
  LogStage(const LogStage&) = delete;
  LogStage& operator=(const LogStage&) = delete;
  ~LogStage() { Stop(); }

  void PushRead(ReadCommit read, ReadCompletion done);
  // In the order of change numbers, after the store's commit.
  void PushChanges(std::vector<StoredChange> changes);

  // See Committer.
  int64_t NowUs() const;
  // The latest time of any entry.
  int64_t last_time_us() const { return last_time_us_.load(); }
  size_t max_entry_bytes() const { return log_->max_entry_bytes(); }
  // Entries from now on are not before `us`.
  void RaiseTime(int64_t us);
  int64_t configuration_epoch() const { return configuration_epoch_.load(); }
  // See Committer::LastStored.
  int64_t last_taken() const {
    return last_taken_.load(std::memory_order_acquire);
  }
  // The last change whose entry is on stable storage.
  int64_t last_logged() const { return last_logged_.load(); }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  // The log as it was a moment ago, and the last change in it.
  struct Position {
    LogSink::Head head;
    int64_t last_change = 0;
  };
  Position position();
  ReleaseTracker* tracker() { return tracker_.get(); }

  // Refuses further reads, completes what was pushed, ends the thread.
  void Stop();

 private:
  struct WaitingRead {
    ReadCommit read;
    ReadCompletion done;
  };
  struct Batch {
    std::vector<StoredChange> changes;
    std::vector<WaitingRead> reads;
    size_t entries = 0;
    size_t bytes = 0;
  };

  void Run();
  enum class Work { kSome, kNone, kEnd };
  Work WaitForWork();
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return reads_.empty() && changes_.empty() && left_over_.empty();
  }
  // Counts an entry of `size` bytes in, unless the batch is full.
  bool Fits(Batch* batch, size_t size) const;
  void TakeChanges(Batch* batch);
  void TakeReads(Batch* batch);
  void Append(Batch batch);
  void TellLogged(const Batch& batch, uint64_t index) const;
  void Complete(Batch batch, uint64_t first_index);
  void LookAtLog(bool settled);
  void FailAll(Batch batch);
  RecentChanges::Verdict Check(const ReadCommit& read) const;
  void Refuse(WaitingRead waiting, ReadOutcome::Kind kind, absl::Status status);

  LogSink* const log_;
  const base::Clock* const clock_;
  // Shared with what waits for tickets, which may outlive this.
  const std::shared_ptr<CompletionQueue> completions_;
  const size_t max_waiting_reads_;
  const std::shared_ptr<ReleaseTracker> tracker_ =
      std::make_shared<ReleaseTracker>();
  LoggedObserver on_logged_;
  absl::AnyInvocable<void()> on_failed_;
  absl::AnyInvocable<void()> on_tick_;
  base::Counter* const reads_committed_;
  base::Counter* const reads_stale_;
  base::Counter* const reads_failed_;
  base::Counter* const batches_;
  base::Histogram* const append_time_;

  std::atomic<int64_t> last_time_us_;
  std::atomic<int64_t> configuration_epoch_;
  std::atomic<int64_t> last_taken_;
  std::atomic<int64_t> last_logged_;
  std::atomic<bool> failed_{false};

  Mutex mu_;
  CondVar wake_;
  std::vector<WaitingRead> reads_ ABSL_GUARDED_BY(mu_);
  std::deque<StoredChange> changes_ ABSL_GUARDED_BY(mu_);
  Position position_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // The stage's thread alone.
  RecentChanges recent_;
  std::deque<WaitingRead> left_over_;  // The batch was full.
  std::deque<WaitingRead> ahead_;      // Saw a change that is not here yet.
  uint64_t batch_number_ = 0;
  int64_t next_look_us_ = 0;
  // Ends of batches with changes, and the last change of each, above the
  // position.
  std::deque<std::pair<uint64_t, int64_t>> batch_ends_;

  base::Thread thread_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_LOG_STAGE_H_
