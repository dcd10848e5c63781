#include "gateway/store/log_stage.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gateway/base/log.h"
#include "proto/support/error.h"

namespace consentry::store {
namespace {

constexpr base::LogEvent kLogFailed{base::LogLevel::kError, 2030,
                                    "store.audit_log_failed"};

constexpr std::chrono::milliseconds kTick(100);
// What the store remembers of the log may lag by this: a root costs more than
// many an append.
constexpr int64_t kLookEveryUs = 100'000;

absl::Status AuditUnavailable() {
  return MakeError(v1::ERROR_REASON_AUDIT_UNAVAILABLE,
                   "the audit log cannot persist entries");
}

}  // namespace

LogStage::LogStage(LogSink* log, const base::Clock* clock,
                   std::shared_ptr<CompletionQueue> completions,
                   Options options)
    : log_(log),
      clock_(clock),
      completions_(std::move(completions)),
      max_waiting_reads_(options.max_waiting_reads),
      on_logged_(std::move(options.on_logged)),
      on_failed_(std::move(options.on_failed)),
      on_tick_(std::move(options.on_tick)),
      reads_committed_(options.metrics->GetCounter(
          "consentry_commit_reads_total", "Reads by outcome of their commit.",
          {{"outcome", "committed"}})),
      reads_stale_(options.metrics->GetCounter(
          "consentry_commit_reads_total", "Reads by outcome of their commit.",
          {{"outcome", "stale"}})),
      reads_failed_(options.metrics->GetCounter(
          "consentry_commit_reads_total", "Reads by outcome of their commit.",
          {{"outcome", "failed"}})),
      batches_(options.metrics->GetCounter("consentry_log_batches_total",
                                           "Batches appended and synced.")),
      append_time_(options.metrics->GetHistogram(
          "consentry_log_append_seconds", "Append and sync of one batch.")),
      last_time_us_(options.last_time_us),
      configuration_epoch_(options.configuration_epoch),
      last_taken_(options.last_change),
      last_logged_(options.last_change),
      position_({.head = log->GetHead(/*settled=*/false),
                 .last_change = options.log_last_change}),
      recent_(options.recent_changes, options.last_change),
      batch_ends_({{log->size(), options.last_change}}),
      thread_("commit-log", [this] { Run(); }) {}

void LogStage::PushRead(ReadCommit read, ReadCompletion done) {
  WaitingRead waiting{std::move(read), std::move(done)};
  if (waiting.read.entry.size() > log_->max_entry_bytes()) {
    Refuse(std::move(waiting), ReadOutcome::Kind::kFailed,
           MakeError(v1::ERROR_REASON_INTERNAL, "an audit entry is too long"));
    return;
  }
  absl::Status refusal;
  bool taken = false;
  bool first = false;
  {
    MutexLock lock(&mu_);
    if (stopping_) {
      refusal = MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping");
    } else if (failed() || reads_.size() >= max_waiting_reads_) {
      refusal = AuditUnavailable();
    } else {
      // Whoever found it empty has woken the stage, which takes all that wait.
      first = reads_.empty();
      taken = true;
      reads_.push_back(std::move(waiting));
    }
  }
  if (taken) {
    if (first) wake_.Signal();
    return;
  }
  Refuse(std::move(waiting), ReadOutcome::Kind::kFailed, std::move(refusal));
}

void LogStage::PushChanges(std::vector<StoredChange> changes) {
  {
    MutexLock lock(&mu_);
    for (StoredChange& change : changes) changes_.push_back(std::move(change));
  }
  wake_.Signal();
}

int64_t LogStage::NowUs() const {
  return std::max(clock_->NowUs(),
                  last_time_us_.load(std::memory_order_acquire));
}

void LogStage::RaiseTime(int64_t us) {
  int64_t last = last_time_us_.load(std::memory_order_relaxed);
  while (last < us && !last_time_us_.compare_exchange_weak(
                          last, us, std::memory_order_acq_rel)) {
  }
}

LogStage::Position LogStage::position() {
  MutexLock lock(&mu_);
  return position_;
}

void LogStage::LookAtLog(bool settled) {
  LogSink::Head head = log_->GetHead(settled);
  MutexLock lock(&mu_);
  while (!batch_ends_.empty() && batch_ends_.front().first <= head.size) {
    position_.last_change = batch_ends_.front().second;
    batch_ends_.pop_front();
  }
  position_.head = std::move(head);
}

void LogStage::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.Signal();
  thread_.Join();
}

LogStage::Work LogStage::WaitForWork() {
  MutexLock lock(&mu_);
  if (Idle() && !stopping_) wake_.WaitFor(&mu_, kTick);
  if (!Idle()) return Work::kSome;
  if (!stopping_) return Work::kNone;
  return Work::kEnd;
}

void LogStage::Run() {
  for (;;) {
    const Work work = WaitForWork();
    if (on_tick_ != nullptr) on_tick_();
    if (clock_->MonotonicUs() >= next_look_us_ && !failed()) {
      LookAtLog(/*settled=*/false);
      next_look_us_ = clock_->MonotonicUs() + kLookEveryUs;
    }
    if (work == Work::kNone) continue;
    if (work == Work::kEnd) break;
    Batch batch;
    TakeChanges(&batch);
    TakeReads(&batch);
    if (failed()) {
      FailAll(std::move(batch));
    } else {
      Append(std::move(batch));
    }
  }
  // The store stage has ended: what these saw will not come any more.
  for (WaitingRead& waiting : ahead_) {
    Refuse(std::move(waiting), ReadOutcome::Kind::kFailed,
           MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping"));
  }
  ahead_.clear();
  if (!failed()) LookAtLog(/*settled=*/true);
}

bool LogStage::Fits(Batch* batch, size_t size) const {
  if (batch->entries >= log_->max_batch_entries() ||
      batch->bytes + size > log_->max_batch_bytes()) {
    return false;
  }
  ++batch->entries;
  batch->bytes += size;
  return true;
}

void LogStage::TakeChanges(Batch* batch) {
  bool releasing = false;
  {
    MutexLock lock(&mu_);
    while (!changes_.empty()) {
      StoredChange& next = changes_.front();
      // A negative change waits for tickets of earlier batches alone.
      if (releasing && next.negative) break;
      if (next.entry.has_value() && !Fits(batch, next.entry->size())) break;
      releasing = releasing || next.releasing;
      batch->changes.push_back(std::move(next));
      changes_.pop_front();
    }
  }
  // From here on a read that was decided on an older state is stale. It is
  // noted before any read of this batch is looked at, so that each read either
  // lies in an earlier batch, for which a negative change waits, or saw the
  // change.
  for (StoredChange& change : batch->changes) {
    if (!change.entry.has_value()) continue;
    recent_.Note(change.change, change.touched);
    for (absl::AnyInvocable<void()>& hook : change.on_stored) hook();
    change.on_stored.clear();
    if (change.touches_configuration) {
      configuration_epoch_.store(change.change, std::memory_order_release);
    }
    last_taken_.store(change.change, std::memory_order_release);
  }
}

void LogStage::TakeReads(Batch* batch) {
  std::deque<WaitingRead> waiting = std::move(ahead_);
  ahead_.clear();
  for (WaitingRead& read : left_over_) waiting.push_back(std::move(read));
  left_over_.clear();
  {
    MutexLock lock(&mu_);
    for (WaitingRead& read : reads_) waiting.push_back(std::move(read));
    reads_.clear();
  }
  for (WaitingRead& read : waiting) {
    if (!left_over_.empty()) {  // Keep the order.
      left_over_.push_back(std::move(read));
      continue;
    }
    switch (Check(read.read)) {
      case RecentChanges::Verdict::kCurrent:
        if (Fits(batch, read.read.entry.size())) {
          batch->reads.push_back(std::move(read));
        } else {
          left_over_.push_back(std::move(read));
        }
        break;
      case RecentChanges::Verdict::kStale:
        reads_stale_->Add();
        Refuse(std::move(read), ReadOutcome::Kind::kStale, absl::OkStatus());
        break;
      case RecentChanges::Verdict::kAhead:
        // Between the store's commit and PushChanges: the entry that this read
        // relies on is about to come, and must stand before it.
        ahead_.push_back(std::move(read));
        break;
    }
  }
}

RecentChanges::Verdict LogStage::Check(const ReadCommit& read) const {
  if (read.decided_until_us <= NowUs()) return RecentChanges::Verdict::kStale;
  if (read.configuration_epoch > recent_.taken()) {
    return RecentChanges::Verdict::kAhead;
  }
  if (read.configuration_epoch != configuration_epoch()) {
    return RecentChanges::Verdict::kStale;
  }
  return recent_.Check(read.subjects, read.as_of_change);
}

void LogStage::Append(Batch batch) {
  std::vector<std::string_view> entries;
  entries.reserve(batch.changes.size() + batch.reads.size());
  for (const StoredChange& change : batch.changes) {
    if (change.entry.has_value()) entries.push_back(*change.entry);
  }
  for (const WaitingRead& read : batch.reads) {
    entries.push_back(read.read.entry);
    RaiseTime(read.read.decided_at_us);
  }
  uint64_t first_index = 0;
  if (!entries.empty()) {
    const int64_t start = clock_->MonotonicUs();
    const absl::StatusOr<uint64_t> appended = log_->Append(entries);
    if (!appended.ok()) {
      base::Log(kLogFailed, {{"status", appended.status()}});
      failed_.store(true, std::memory_order_release);
      if (on_failed_ != nullptr) on_failed_();
      FailAll(std::move(batch));
      return;
    }
    append_time_->ObserveUs(clock_->MonotonicUs() - start);
    batches_->Add();
    first_index = *appended;
    TellLogged(batch, first_index);
    for (auto it = batch.changes.rbegin(); it != batch.changes.rend(); ++it) {
      if (!it->entry.has_value()) continue;
      batch_ends_.emplace_back(first_index + entries.size(), it->change);
      break;
    }
  }
  Complete(std::move(batch), first_index);
}

void LogStage::TellLogged(const Batch& batch, uint64_t index) const {
  if (on_logged_ == nullptr) return;
  for (const StoredChange& change : batch.changes) {
    if (change.entry.has_value()) on_logged_(index++, change.told);
  }
  std::vector<int64_t> subjects;
  for (const WaitingRead& read : batch.reads) {
    subjects.clear();
    for (const SubjectVersion& seen : read.read.subjects) {
      subjects.push_back(seen.subject);
    }
    on_logged_(index++, subjects);
  }
}

void LogStage::Complete(Batch batch, uint64_t first_index) {
  const uint64_t number = ++batch_number_;
  const auto releasing = std::count_if(
      batch.changes.begin(), batch.changes.end(),
      [](const StoredChange& change) { return change.releasing; });
  tracker_->OpenBatch(number,
                      static_cast<int64_t>(batch.reads.size()) + releasing);
  std::vector<absl::AnyInvocable<void()>> completions;
  completions.reserve(batch.changes.size() + batch.reads.size());
  uint64_t index = first_index;
  for (StoredChange& change : batch.changes) {
    if (change.entry.has_value()) {
      change.outcome.log_index = index++;
      last_logged_.store(change.change, std::memory_order_release);
    }
    if (change.releasing) {
      change.outcome.ticket =
          std::make_shared<ReleaseTicket>(tracker_->Issue(number));
    }
    auto tell = [done = std::move(change.done),
                 outcome = std::move(change.outcome)]() mutable {
      done(std::move(outcome));
    };
    if (!change.negative) {
      completions.push_back(std::move(tell));
      continue;
    }
    // The tickets of earlier batches were issued before this batch was taken:
    // none of them is missed. Reads of this very batch saw the change, and
    // releasing changes of this batch come after it.
    tracker_->WhenReleasedBefore(
        number, [queue = completions_, told = std::move(tell)]() mutable {
          queue->Push(std::move(told));
        });
  }
  for (WaitingRead& read : batch.reads) {
    completions.push_back(
        [done = std::move(read.done),
         outcome = ReadOutcome{.kind = ReadOutcome::Kind::kCommitted,
                               .status = absl::OkStatus(),
                               .log_index = index++,
                               .ticket = tracker_->Issue(number)}]() mutable {
          done(std::move(outcome));
        });
  }
  reads_committed_->Add(batch.reads.size());
  completions_->PushAll(std::move(completions));
}

void LogStage::FailAll(Batch batch) {
  std::vector<absl::AnyInvocable<void()>> completions;
  for (StoredChange& change : batch.changes) {
    change.outcome.status =
        MakeError(v1::ERROR_REASON_UNKNOWN_OUTCOME,
                  "the change is stored, and its audit entry is not yet in the"
                  " log: repeat the request");
    completions.push_back([done = std::move(change.done),
                           outcome = std::move(change.outcome)]() mutable {
      done(std::move(outcome));
    });
  }
  completions_->PushAll(std::move(completions));
  for (WaitingRead& read : batch.reads) {
    Refuse(std::move(read), ReadOutcome::Kind::kFailed, AuditUnavailable());
  }
}

void LogStage::Refuse(WaitingRead waiting, ReadOutcome::Kind kind,
                      absl::Status status) {
  if (kind == ReadOutcome::Kind::kFailed) reads_failed_->Add();
  completions_->Push([done = std::move(waiting.done), kind,
                      status = std::move(status)]() mutable {
    done({.kind = kind,
          .status = std::move(status),
          .log_index = 0,
          .ticket = ReleaseTicket()});
  });
}

}  // namespace consentry::store
