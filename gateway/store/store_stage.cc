#include "gateway/store/store_stage.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/store/request_results.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

constexpr base::LogEvent kStoreFailed{base::LogLevel::kError, 2040,
                                      "store.commit_failed"};

constexpr size_t kMaxTurnChanges = 64;
constexpr int64_t kMaxTurnUs = 2000;
// Rows of the outbox that may lie there although they are in the log.
constexpr int64_t kTrimEvery = 256;
constexpr int64_t kExpireEveryUs = int64_t{60} * 1000000;
constexpr int64_t kExpireAtOnce = 500;
constexpr std::chrono::milliseconds kIdle(1000);
constexpr uint64_t kRememberEvery = 200'000;

absl::Status Unavailable() {
  return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                   "the store could not take the change");
}

}  // namespace

StoreStage::StoreStage(std::unique_ptr<Connection> writer,
                       const CommitterState& state, const base::Clock* clock,
                       LogStage* log, DiskGuard* disk,
                       CompletionQueue* completions, Options options)
    : engine_(options.engine),
      writer_(std::move(writer)),
      clock_(clock),
      log_(log),
      disk_(disk),
      completions_(completions),
      max_waiting_changes_(options.max_waiting_changes),
      on_failed_(std::move(options.on_failed)),
      changes_stored_(options.metrics->GetCounter(
          "consentry_changes_total", "Changes by outcome in the store.",
          {{"outcome", "stored"}})),
      changes_failed_(options.metrics->GetCounter(
          "consentry_changes_total", "Changes by outcome in the store.",
          {{"outcome", "failed"}})),
      turn_time_(options.metrics->GetHistogram("consentry_store_turn_seconds",
                                               "One transaction of changes.")),
      state_(state),
      thread_("commit-store", [this] { Run(); }) {}

absl::Status StoreStage::Refusal(bool negative) {
  if (log_->failed()) {
    return MakeError(v1::ERROR_REASON_AUDIT_UNAVAILABLE,
                     "the audit log cannot persist entries");
  }
  if (failed()) return Unavailable();
  if (!negative && disk_->Low()) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the volume is nearly full");
  }
  return absl::OkStatus();
}

void StoreStage::Push(Change change, ChangeCompletion done) {
  absl::Status refusal = Refusal(change.negative);
  Waiting waiting{std::move(change), std::move(done)};
  if (refusal.ok()) {
    MutexLock lock(&mu_);
    std::deque<Waiting>& queue = waiting.change.negative ? urgent_ : normal_;
    if (stopping_) {
      refusal = MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping");
    } else if (&queue == &normal_ && queue.size() >= max_waiting_changes_) {
      refusal = MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                          "too many changes wait");
    } else {
      queue.push_back(std::move(waiting));
      wake_.Signal();
      return;
    }
  }
  Fail(std::move(waiting), std::move(refusal));
}

void StoreStage::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.Signal();
  thread_.Join();
}

void StoreStage::RememberLog() {
  if (failed() || log_->failed()) return;
  TakeLogPosition();
  absl::StatusOr<WriteTransaction> transaction =
      WriteTransaction::Begin(writer_.get());
  absl::Status status = transaction.status();
  if (status.ok()) status = WriteCommitterState(writer_.get(), state_);
  if (status.ok()) status = transaction->Commit();
  // What it remembered before holds as well.
  if (!status.ok()) base::Log(kStoreFailed, {{"status", status}});
}

void StoreStage::TakeLogPosition() {
  LogStage::Position position = log_->position();
  state_.log = std::move(position.head);
  state_.log_last_change = position.last_change;
  state_.last_time_us = std::max(state_.last_time_us, log_->last_time_us());
}

StoreStage::Work StoreStage::WaitForWork() {
  MutexLock lock(&mu_);
  if (Idle() && !stopping_) wake_.WaitFor(&mu_, kIdle);
  if (!Idle()) return Work::kSome;
  return stopping_ ? Work::kEnd : Work::kNone;
}

std::optional<StoreStage::Waiting> StoreStage::TakeOne() {
  MutexLock lock(&mu_);
  std::deque<Waiting>& queue = urgent_.empty() ? normal_ : urgent_;
  if (queue.empty()) return std::nullopt;
  std::optional<Waiting> taken(std::move(queue.front()));
  queue.pop_front();
  return taken;
}

void StoreStage::Run() {
  for (;;) {
    switch (WaitForWork()) {
      case Work::kSome:
        Turn();
        break;
      case Work::kNone:
        Rest();
        break;
      case Work::kEnd:
        return;
    }
  }
}

void StoreStage::Turn() {
  std::vector<Applied> turn;
  const int64_t start = clock_->MonotonicUs();
  const TurnResult result = ApplyAll(&turn, /*take_more=*/true);
  turn_time_->ObserveUs(clock_->MonotonicUs() - start);
  if (result.status.ok() || result.unknown) {
    Publish(std::move(turn));
    return;
  }
  if (turn.empty()) {  // The transaction did not even begin.
    if (std::optional<Waiting> next = TakeOne())
      turn.emplace_back().waiting = *std::move(next);
  }
  // One of them, or all together, was too much for the store. Each for itself,
  // so that none fails for another's sake.
  for (Applied& applied : turn) TurnOfOne(std::move(applied.waiting));
}

void StoreStage::TurnOfOne(Waiting waiting) {
  for (int attempt = 0;; ++attempt) {
    const bool negative = waiting.change.negative;
    std::vector<Applied> turn(1);
    turn[0].waiting = std::move(waiting);
    const TurnResult result = ApplyAll(&turn, /*take_more=*/false);
    if (result.status.ok() || result.unknown) {
      Publish(std::move(turn));
      return;
    }
    waiting = std::move(turn[0].waiting);
    // What takes something away from readers gets the reserve.
    if (attempt == 0 && negative && absl::IsResourceExhausted(result.status) &&
        disk_->GiveUpReserve()) {
      continue;
    }
    Fail(std::move(waiting), Unavailable());
    return;
  }
}

absl::Status StoreStage::WriteSums(std::vector<Applied>* turn,
                                   std::vector<TurnSum*>* written) {
  std::vector<TurnSum::Increment> increments;
  for (Applied& first : *turn) {
    if (!first.stored.has_value()) continue;
    for (const auto& [sum, ignored] : first.stored->increments) {
      if (std::find(written->begin(), written->end(), sum) != written->end()) {
        continue;
      }
      increments.clear();
      for (const Applied& applied : *turn) {
        if (!applied.stored.has_value()) continue;
        for (const auto& [other, increment] : applied.stored->increments) {
          if (other == sum) increments.push_back(increment);
        }
      }
      written->push_back(sum);
      CONSENTRY_RETURN_IF_ERROR(
          sum->Write(writer_.get(), increments, state_.last_time_us));
    }
  }
  return absl::OkStatus();
}

StoreStage::TurnResult StoreStage::ApplyAll(std::vector<Applied>* turn,
                                            bool take_more) {
  std::vector<TurnSum*> sums;
  TurnResult result = ApplyInTransaction(turn, take_more, &sums);
  for (TurnSum* const sum : sums) {
    result.status.ok() ? sum->Kept() : sum->Dropped();
  }
  return result;
}

StoreStage::TurnResult StoreStage::ApplyInTransaction(
    std::vector<Applied>* turn, bool take_more, std::vector<TurnSum*>* sums) {
  const int64_t start = clock_->MonotonicUs();
  const CommitterState before = state_;
  absl::StatusOr<WriteTransaction> transaction =
      WriteTransaction::Begin(writer_.get());
  absl::Status status = transaction.status();
  int64_t applied = 0;
  for (size_t i = 0; status.ok(); ++i) {
    if (i == turn->size()) {
      if (!take_more || i == kMaxTurnChanges ||
          (i > 0 && clock_->MonotonicUs() - start > kMaxTurnUs)) {
        break;
      }
      std::optional<Waiting> next = TakeOne();
      if (!next.has_value()) break;
      turn->emplace_back().waiting = *std::move(next);
    }
    Applied& current = (*turn)[i];
    status = ApplyOne(&current, before.last_change + applied + 1);
    if (status.ok() && current.stored.has_value() &&
        current.stored->entry.has_value()) {
      ++applied;
    }
  }
  if (status.ok() && applied > 0) {
    state_.last_change = before.last_change + applied;
    TakeLogPosition();
    status = WriteSums(turn, sums);
    if (status.ok()) status = Housekeep();
    if (status.ok()) status = WriteCommitterState(writer_.get(), state_);
  }
  if (status.ok() && applied > 0) {
    status = transaction->Commit();
    if (status.ok()) return {};
    if (!absl::IsResourceExhausted(status) && !absl::IsAborted(status)) {
      // After a failed write or sync nobody knows what the disk holds.
      base::Log(kStoreFailed, {{"status", status}});
      failed_.store(true, std::memory_order_release);
      state_ = before;
      if (on_failed_ != nullptr) on_failed_();
      return {.status = std::move(status), .unknown = true};
    }
  }
  if (status.ok()) return {};  // Nothing to keep: rolled back.
  state_ = before;
  return {.status = std::move(status)};
}

void StoreStage::Rest() {
  // Reads alone write nothing here; but the next start reads the log from where
  // the store remembers it.
  if (log_->position().head.size >= state_.log.size + kRememberEvery) {
    RememberLog();
  }
  // What was overwritten or deleted still stands in the write-ahead log. A
  // reader in the way: at the next rest.
  if (state_.last_change > checkpointed_ && !failed() &&
      engine_->Checkpoint(writer_.get()).ok()) {
    checkpointed_ = state_.last_change;
  }
}

absl::Status StoreStage::Run(std::string_view sql) {
  CONSENTRY_ASSIGN_OR_RETURN(Query query, writer_->Prepare(sql));
  return query.Run();
}

// OK also when the change itself failed. An error: the transaction is lost.
absl::Status StoreStage::ApplyOne(Applied* applied, int64_t number) {
  applied->stored.reset();
  const Change& change = applied->waiting.change;
  applied->status = Refusal(change.negative);
  if (!applied->status.ok()) return absl::OkStatus();
  if (change.request.has_value()) {
    absl::StatusOr<std::optional<RequestResult>> earlier =
        FindRequest(writer_.get(), *change.request, log_->NowUs());
    if (!earlier.ok()) {
      if (!ReasonOf(earlier.status()).has_value()) return earlier.status();
      applied->status = earlier.status();
      return absl::OkStatus();
    }
    if (earlier->has_value()) {
      StoredChange& stored = applied->stored.emplace();
      stored.change = (*earlier)->change;
      stored.negative = (*earlier)->negative;
      stored.outcome.change = (*earlier)->change;
      stored.outcome.result = std::move((*earlier)->result);
      stored.outcome.repeated = true;
      return absl::OkStatus();
    }
  }
  CONSENTRY_RETURN_IF_ERROR(Run("SAVEPOINT change"));
  applied->status = ApplyInSavepoint(applied, number);
  if (!applied->status.ok()) {
    applied->stored.reset();
    // Fails where the engine has given up the whole transaction (no space).
    if (!Run("ROLLBACK TO SAVEPOINT change").ok()) {
      return applied->status;
    }
    // Not the change's own fault: tried again by itself, with the reserve.
    if (absl::IsResourceExhausted(applied->status) &&
        !ReasonOf(applied->status).has_value()) {
      return applied->status;
    }
  }
  return Run("RELEASE SAVEPOINT change");
}

absl::Status StoreStage::ApplyInSavepoint(Applied* applied, int64_t number) {
  Change& change = applied->waiting.change;
  const int64_t now_us = std::max(log_->NowUs(), state_.last_time_us);
  ChangeContext context(writer_.get(), number, now_us,
                        state_.configuration_epoch);
  if (change.negative) context.MarkNegative();
  CONSENTRY_RETURN_IF_ERROR(change.apply(context));
  if (!context.entry_.has_value()) {
    return MakeError(v1::ERROR_REASON_INTERNAL,
                     "a change came without its audit entry");
  }
  if (context.entry_->size() > log_->max_entry_bytes()) {
    return MakeError(v1::ERROR_REASON_INTERNAL, "an audit entry is too long");
  }
  CONSENTRY_RETURN_IF_ERROR(
      AddToOutbox(writer_.get(), number, *context.entry_));
  if (change.request.has_value()) {
    CONSENTRY_RETURN_IF_ERROR(KeepRequest(writer_.get(), *change.request,
                                          {.result = context.result_,
                                           .change = number,
                                           .negative = context.negative_},
                                          now_us));
  }
  if (context.touches_configuration_) state_.configuration_epoch = number;
  state_.last_time_us = now_us;
  StoredChange& stored = applied->stored.emplace();
  stored.entry = std::move(context.entry_);
  stored.change = number;
  stored.touched = std::move(context.touched_);
  stored.told = std::move(context.told_);
  stored.on_stored = std::move(context.on_stored_);
  stored.increments = std::move(context.increments_);
  stored.touches_configuration = context.touches_configuration_;
  stored.negative = context.negative_;
  stored.releasing = context.releasing_;
  stored.outcome.change = number;
  stored.outcome.result = std::move(context.result_);
  return absl::OkStatus();
}

absl::Status StoreStage::Housekeep() {
  const int64_t logged = log_->last_logged();
  if (logged - trimmed_ >= kTrimEvery) {
    CONSENTRY_RETURN_IF_ERROR(TrimOutbox(writer_.get(), logged));
    trimmed_ = logged;
  }
  const int64_t now = clock_->MonotonicUs();
  if (now >= next_expiry_us_) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t dropped,
        DropExpiredRequests(writer_.get(), log_->NowUs(), kExpireAtOnce));
    if (dropped < kExpireAtOnce) next_expiry_us_ = now + kExpireEveryUs;
  }
  return absl::OkStatus();
}

void StoreStage::Publish(std::vector<Applied> turn) {
  // Visible to readers already.
  log_->RaiseTime(state_.last_time_us);
  std::vector<StoredChange> stored;
  stored.reserve(turn.size());
  for (Applied& applied : turn) {
    if (failed()) {
      Fail(std::move(applied.waiting),
           applied.status.ok()
               ? MakeError(v1::ERROR_REASON_UNKNOWN_OUTCOME,
                           "the store failed while it took the change")
               : std::move(applied.status));
    } else if (applied.stored.has_value()) {
      applied.stored->done = std::move(applied.waiting.done);
      stored.push_back(*std::move(applied.stored));
    } else {
      Fail(std::move(applied.waiting), std::move(applied.status));
    }
  }
  changes_stored_->Add(stored.size());
  if (!stored.empty()) log_->PushChanges(std::move(stored));
}

void StoreStage::Fail(Waiting waiting, absl::Status status) {
  changes_failed_->Add();
  completions_->Push(
      [done = std::move(waiting.done), status = std::move(status)]() mutable {
        ChangeOutcome outcome;
        outcome.status = std::move(status);
        done(std::move(outcome));
      });
}

}  // namespace consentry::store
