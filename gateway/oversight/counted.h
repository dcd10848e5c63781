#ifndef CONSENTRY_GATEWAY_OVERSIGHT_COUNTED_H_
#define CONSENTRY_GATEWAY_OVERSIGHT_COUNTED_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gateway/base/threads.h"
#include "proto/support/error.h"
#include "proto/support/mutex.h"

namespace consentry::oversight {

// Sums over the log that may take longer than one call is allowed to: made once
// on a thread of their own, kept for the calls that ask again. A question is
// answered for the log as it was when the counting began. Safe for many
// threads; Get waits.
template <class T>
class Counted {
 public:
  // Sums over the first `to` entries. Ends soon when `cancelled`.
  using Count = std::function<absl::StatusOr<T>(
      uint64_t to, const std::atomic<bool>& cancelled)>;

  Counted(base::Constant name, std::chrono::milliseconds wait)
      : wait_(wait),
        pool_(std::make_unique<base::WorkerPool>(name, 1, kKept)) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    cancelled_ = true;
    pool_.reset();
  }

  struct Answer {
    uint64_t to = 0;
    std::shared_ptr<const T> sums;
  };
  // `question` tells sums apart. `to` is 0 for a new question, which is asked
  // of the first `size` entries, or that of an earlier answer.
  // STORE_UNAVAILABLE while it is still being counted: ask again.
  absl::StatusOr<Answer> Get(const std::string& question, uint64_t to,
                             uint64_t size, Count count) {
    std::shared_ptr<Job> job;
    MutexLock lock(&mu_);
    for (const auto& known : jobs_) {
      if (known->question == question &&
          (to == 0 ? known->IsFresh() : known->to == to)) {
        job = known;
      }
    }
    if (job == nullptr) {
      job = std::make_shared<Job>();
      job->question = question;
      job->to = to == 0 ? size : to;
      const bool taken = pool_->TrySubmit([this, job, count] {
        auto result = count(job->to, cancelled_);
        MutexLock held(&mu_);
        if (result.ok()) {
          job->sums = std::make_shared<const T>(*std::move(result));
        } else {
          job->status = result.status();
        }
        job->done = true;
        job->done_at = std::chrono::steady_clock::now();
        changed_.SignalAll();
      });
      if (!taken) return Busy();
      jobs_.push_back(job);
      if (jobs_.size() > kKept) jobs_.pop_front();
    }
    const auto until = std::chrono::steady_clock::now() + wait_;
    while (!job->done) {
      const auto left = until - std::chrono::steady_clock::now();
      if (left <= left.zero()) return Busy();
      changed_.WaitFor(&mu_, left);
    }
    job->told = true;
    if (!job->status.ok()) {
      jobs_.remove(job);
      return job->status;
    }
    return Answer{job->to, job->sums};
  }

 private:
  static constexpr size_t kKept = 4;

  // Guarded by mu_, but for what is set before the job is known to others.
  struct Job {
    std::string question;
    uint64_t to = 0;
    bool done = false;
    std::chrono::steady_clock::time_point done_at;
    // The call that began it, or one like it, has the answer.
    bool told = false;
    absl::Status status;
    std::shared_ptr<const T> sums;

    // Whoever asked may still come back for it.
    bool IsFresh() const {
      return !told && (!done || std::chrono::steady_clock::now() - done_at <
                                    std::chrono::minutes(1));
    }
  };

  static absl::Status Busy() {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the log is still being counted; repeat the call");
  }

  const std::chrono::milliseconds wait_;
  std::atomic<bool> cancelled_{false};
  Mutex mu_;
  CondVar changed_;
  // Oldest first.
  std::list<std::shared_ptr<Job>> jobs_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<base::WorkerPool> pool_;
};

}  // namespace consentry::oversight

#endif  // CONSENTRY_GATEWAY_OVERSIGHT_COUNTED_H_
