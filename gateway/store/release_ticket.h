#ifndef CONSENTRY_GATEWAY_STORE_RELEASE_TICKET_H_
#define CONSENTRY_GATEWAY_STORE_RELEASE_TICKET_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "proto/support/mutex.h"

namespace consentry::store {

class ReleaseTracker;

// The right to hand over what one read committed. Destroy it right after the
// bytes were handed to the transport, or were dropped: a withdrawal that came
// later is answered only when all earlier tickets are gone. Movable; may be
// destroyed by any thread.
class ReleaseTicket {
 public:
  ReleaseTicket() = default;
  ReleaseTicket(ReleaseTicket&& other) noexcept
      : tracker_(std::exchange(other.tracker_, nullptr)),
        batch_(other.batch_) {}
  ReleaseTicket& operator=(ReleaseTicket&& other) noexcept;
  ~ReleaseTicket() { Release(); }

  void Release();

  // True: a withdrawal waits for this ticket. Whoever still holds bytes back
  // (a stream whose reader is slow) drops them.
  bool MustDrop() const;

  // Batches count upward from 1; 0: no ticket.
  uint64_t batch() const { return batch_; }

 private:
  friend class ReleaseTracker;
  ReleaseTicket(std::shared_ptr<ReleaseTracker> tracker, uint64_t batch)
      : tracker_(std::move(tracker)), batch_(batch) {}

  std::shared_ptr<ReleaseTracker> tracker_;
  uint64_t batch_ = 0;
};

// Counts the tickets of each batch. Safe for many threads.
class ReleaseTracker : public std::enable_shared_from_this<ReleaseTracker> {
 public:
  // Called by the committer's thread, in the order of batches, before any
  // ticket of the batch is issued. `reads` may be 0.
  void OpenBatch(uint64_t batch, int64_t reads);
  ReleaseTicket Issue(uint64_t batch);

  // Calls `done` once no ticket of a batch before `batch` is left: at once, by
  // this thread, or later, by the thread that releases the last.
  void WhenReleasedBefore(uint64_t batch, absl::AnyInvocable<void()> done);

  // Called, by the thread that calls WhenReleasedBefore, with `batch` whenever
  // a withdrawal begins to wait: holders of undelivered bytes of earlier
  // batches drop them. Set once, before use.
  void SetDropListener(absl::AnyInvocable<void(uint64_t batch)> listener);

  int64_t outstanding() const;

 private:
  friend class ReleaseTicket;
  void Return(uint64_t batch);
  bool WantedBefore(uint64_t batch) const {
    return batch < wanted_before_.load(std::memory_order_acquire);
  }

  mutable Mutex mu_;
  // Batches with tickets left, oldest first.
  std::map<uint64_t, int64_t> left_ ABSL_GUARDED_BY(mu_);
  std::multimap<uint64_t, absl::AnyInvocable<void()>> waiting_
      ABSL_GUARDED_BY(mu_);
  absl::AnyInvocable<void(uint64_t)> drop_listener_;
  std::atomic<uint64_t> wanted_before_{0};
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_RELEASE_TICKET_H_
