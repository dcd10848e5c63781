#ifndef CONSENTRY_GATEWAY_STORE_STORE_STAGE_H_
#define CONSENTRY_GATEWAY_STORE_STORE_STAGE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/metrics.h"
#include "gateway/base/threads.h"
#include "gateway/store/change.h"
#include "gateway/store/completion_queue.h"
#include "gateway/store/disk_guard.h"
#include "gateway/store/engine.h"
#include "gateway/store/log_stage.h"
#include "gateway/store/outbox.h"
#include "proto/support/mutex.h"

namespace consentry::store {

// The first stage: applies changes, many in one transaction, each in its own
// savepoint, and hands what is stored to the log stage. Its thread is the only
// one that writes the store. Safe for many threads.
class StoreStage {
 public:
  struct Options {
    Engine* engine;
    size_t max_waiting_changes;
    base::MetricRegistry* metrics;
    // Called by the stage's thread, once, when the store can no longer be
    // relied on.
    absl::AnyInvocable<void()> on_failed;
  };

  StoreStage(std::unique_ptr<Connection> writer, const CommitterState& state,
             const base::Clock* clock, LogStage* log, DiskGuard* disk,
             CompletionQueue* completions, Options options);
  StoreStage(const StoreStage&) = delete;
  StoreStage& operator=(const StoreStage&) = delete;
  ~StoreStage() { Stop(); }

  void Push(Change change, ChangeCompletion done);

  bool failed() const { return failed_.load(std::memory_order_acquire); }

  // Refuses further changes, applies what was pushed, ends the thread.
  void Stop();

  // The store remembers where the log is now. On the stage's thread, or after
  // Stop() of both stages.
  void RememberLog();

 private:
  struct Waiting {
    Change change;
    ChangeCompletion done;
  };
  // One change of a turn, applied or not.
  struct Applied {
    Waiting waiting;
    std::optional<StoredChange> stored;
    absl::Status status;
  };
  // OK: the turn is in the store. Otherwise nothing of it is, and `unknown`
  // says whether not even that is sure.
  struct TurnResult {
    absl::Status status;
    bool unknown = false;
  };

  enum class Work { kSome, kNone, kEnd };

  void Run();
  absl::Status Run(std::string_view sql);
  void TakeLogPosition();
  Work WaitForWork();
  bool Idle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return urgent_.empty() && normal_.empty();
  }
  std::optional<Waiting> TakeOne();
  void Turn();
  void TurnOfOne(Waiting waiting);
  TurnResult ApplyAll(std::vector<Applied>* turn, bool take_more);
  TurnResult ApplyInTransaction(std::vector<Applied>* turn, bool take_more,
                                std::vector<TurnSum*>* sums);
  // `written`: all that were asked to, also before an error.
  absl::Status WriteSums(std::vector<Applied>* turn,
                         std::vector<TurnSum*>* written);
  absl::Status ApplyOne(Applied* applied, int64_t number);
  absl::Status ApplyInSavepoint(Applied* applied, int64_t number);
  absl::Status Housekeep();
  void Rest();
  void Publish(std::vector<Applied> turn);
  void Fail(Waiting waiting, absl::Status status);
  // Why nothing is accepted any more; OK while it is.
  absl::Status Refusal(bool negative);

  Engine* const engine_;
  const std::unique_ptr<Connection> writer_;
  const base::Clock* const clock_;
  LogStage* const log_;
  DiskGuard* const disk_;
  CompletionQueue* const completions_;
  const size_t max_waiting_changes_;
  absl::AnyInvocable<void()> on_failed_;
  base::Counter* const changes_stored_;
  base::Counter* const changes_failed_;
  base::Histogram* const turn_time_;

  std::atomic<bool> failed_{false};

  Mutex mu_;
  CondVar wake_;
  std::deque<Waiting> urgent_ ABSL_GUARDED_BY(mu_);
  std::deque<Waiting> normal_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  // The stage's thread alone.
  CommitterState state_;
  int64_t trimmed_ = 0;
  int64_t checkpointed_ = 0;
  int64_t next_expiry_us_ = 0;

  base::Thread thread_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_STORE_STAGE_H_
