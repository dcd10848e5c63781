#include "gateway/store/committer.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <utility>

#include "gateway/store/completion_queue.h"
#include "gateway/store/disk_guard.h"
#include "gateway/store/log_stage.h"
#include "gateway/store/outbox.h"
#include "gateway/store/schema.h"
#include "gateway/store/store_stage.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

// Why the promises of the header hold:
//
// Released only what is logged. The log stage completes a read only after the
// append that holds its entry returned, and the append syncs.
//
// Nothing acknowledged is lost, nothing is told twice. A change's rows, its
// number and its outbox row are one transaction. It is acknowledged only after
// its entry is in the log as well. A crash between the two leaves the outbox
// row, which the next start appends, because the log's highest number is lower;
// a crash after the append finds the number in the log and appends nothing.
// Numbers are given inside the transaction, by one thread, so that a savepoint
// rolled back or a transaction lost gives its number to the next change.
//
// A change stands in the log before every read that saw it. A subject's version
// is the number of the change that last touched it. A read that saw a version
// above the last change taken by the log stage was faster than the hand-over
// between the stages: it is held until that change is taken. So its entry comes
// later in the same batch, or in a later one, and the sync that releases it
// covers the change too. That is why a grant need not be hidden from readers
// until it is logged.
//
// A withdrawal bites when it is answered. Let the log stage take it in batch m.
// A read that was decided on the older state is either in a batch before m, and
// then its ticket keeps the answer back; or it is looked at after the
// withdrawal was noted, and is stale. A snapshot from before the map of recent
// changes began is stale too, so that a slow read cannot slip through after its
// subject has left the map. The configuration is compared by its epoch in the
// same way.
namespace consentry::store {

class Committer::Impl {
 public:
  Impl(const CommitterOptions& options, const base::Clock* clock)
      : on_serving_(options.on_serving),
        disk_({.free_bytes = options.free_bytes,
               .high_water_bytes = options.high_water_bytes,
               .reserve_path = options.reserve_path,
               .reserve_bytes = options.reserve_bytes},
              clock) {}

  void Run(Engine* engine, std::unique_ptr<Connection> writer,
           const CommitterState& state, LogSink* log, const base::Clock* clock,
           const CommitterOptions& options) {
    log_ = std::make_unique<LogStage>(
        log, clock, completions_,
        LogStage::Options{.recent_changes = options.recent_changes,
                          .max_waiting_reads = options.max_waiting_reads,
                          .last_change = state.last_change,
                          .last_time_us = state.last_time_us,
                          .configuration_epoch = state.configuration_epoch,
                          .log_last_change = state.log_last_change,
                          .metrics = options.metrics,
                          .on_logged = options.on_logged,
                          .on_failed = [this] { Fail(); },
                          .on_tick = [this] { TellServing(); }});
    store_ = std::make_unique<StoreStage>(
        std::move(writer), state, clock, log_.get(), &disk_, completions_.get(),
        StoreStage::Options{.engine = engine,
                            .max_waiting_changes = options.max_waiting_changes,
                            .metrics = options.metrics,
                            .on_failed = [this] { Fail(); }});
    TellServing();
  }

  void CommitRead(ReadCommit read, ReadCompletion done) {
    if (disk_.Low() || failed_.load(std::memory_order_acquire)) {
      done({.kind = ReadOutcome::Kind::kFailed,
            .status = MakeError(v1::ERROR_REASON_AUDIT_UNAVAILABLE,
                                "the audit log cannot persist entries"),
            .log_index = 0,
            .ticket = ReleaseTicket()});
      return;
    }
    log_->PushRead(std::move(read), std::move(done));
  }

  bool serving() {
    return !failed_.load(std::memory_order_acquire) &&
           !stopped_.load(std::memory_order_acquire) && !disk_.Low();
  }

  void Stop() {
    if (stopped_.exchange(true)) return;
    store_->Stop();
    log_->Stop();
    store_->RememberLog();
    completions_->Close();
    TellServing();
  }

  LogStage* log() { return log_.get(); }
  StoreStage* store() { return store_.get(); }

 private:
  void Fail() {
    failed_.store(true, std::memory_order_release);
    TellServing();
  }

  void TellServing() {
    const bool now = serving();
    if (now == told_.load(std::memory_order_acquire)) return;
    MutexLock lock(&tell_mu_);
    if (now == told_.exchange(now) || on_serving_ == nullptr) return;
    on_serving_(now);
  }

  const std::function<void(bool)> on_serving_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> told_{false};
  Mutex tell_mu_;

  DiskGuard disk_;
  const std::shared_ptr<CompletionQueue> completions_ =
      std::make_shared<CompletionQueue>();
  std::unique_ptr<LogStage> log_;
  std::unique_ptr<StoreStage> store_;
};

absl::StatusOr<std::unique_ptr<Committer>> Committer::Start(
    Engine* engine, LogSink* log, const base::Clock* clock,
    const CommitterOptions& options) {
  CONSENTRY_ASSIGN_OR_RETURN(auto writer, engine->ConnectWriter());
  CONSENTRY_RETURN_IF_ERROR(Migrate(engine, writer.get()));
  CONSENTRY_ASSIGN_OR_RETURN(CommitterState state,
                             ReadCommitterState(writer.get()));
  CONSENTRY_ASSIGN_OR_RETURN(
      state, RecoverOutbox(writer.get(), std::move(state), log));
  auto impl = std::make_unique<Impl>(options, clock);
  impl->Run(engine, std::move(writer), state, log, clock, options);
  return std::unique_ptr<Committer>(new Committer(std::move(impl)));
}

Committer::Committer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Committer::~Committer() { Stop(); }

void Committer::CommitRead(ReadCommit read, ReadCompletion done) {
  impl_->CommitRead(std::move(read), std::move(done));
}

void Committer::CommitChange(Change change, ChangeCompletion done) {
  impl_->store()->Push(std::move(change), std::move(done));
}

ChangeOutcome Committer::CommitChangeAndWait(Change change) {
  std::promise<ChangeOutcome> told;
  std::future<ChangeOutcome> outcome = told.get_future();
  CommitChange(std::move(change),
               [told = std::move(told)](ChangeOutcome result) mutable {
                 told.set_value(std::move(result));
               });
  return outcome.get();
}

int64_t Committer::LastStored() const { return impl_->log()->last_taken(); }

int64_t Committer::configuration_epoch() const {
  return impl_->log()->configuration_epoch();
}

int64_t Committer::NowUs() const { return impl_->log()->NowUs(); }

bool Committer::serving() const { return impl_->serving(); }

void Committer::SetDropListener(absl::AnyInvocable<void(uint64_t)> listener) {
  impl_->log()->tracker()->SetDropListener(std::move(listener));
}

void Committer::Stop() { impl_->Stop(); }

}  // namespace consentry::store
