#include "gateway/store/release_ticket.h"

#include <algorithm>

namespace consentry::store {

ReleaseTicket& ReleaseTicket::operator=(ReleaseTicket&& other) noexcept {
  if (this != &other) {
    Release();
    tracker_ = std::move(other.tracker_);
    batch_ = std::exchange(other.batch_, 0);
  }
  return *this;
}

void ReleaseTicket::Release() {
  const std::shared_ptr<ReleaseTracker> tracker = std::move(tracker_);
  tracker_ = nullptr;
  if (tracker != nullptr) tracker->Return(batch_);
}

bool ReleaseTicket::MustDrop() const {
  return tracker_ != nullptr && tracker_->WantedBefore(batch_);
}

void ReleaseTracker::OpenBatch(uint64_t batch, int64_t reads) {
  if (reads == 0) return;
  MutexLock lock(&mu_);
  left_.emplace(batch, reads);
}

ReleaseTicket ReleaseTracker::Issue(uint64_t batch) {
  return ReleaseTicket(shared_from_this(), batch);
}

void ReleaseTracker::WhenReleasedBefore(uint64_t batch,
                                        absl::AnyInvocable<void()> done) {
  {
    MutexLock lock(&mu_);
    if (!left_.empty() && left_.begin()->first < batch) {
      waiting_.emplace(batch, std::move(done));
      done = nullptr;
      wanted_before_.store(std::max(wanted_before_.load(), batch),
                           std::memory_order_release);
    }
  }
  if (done != nullptr) {
    done();
  } else if (drop_listener_ != nullptr) {
    drop_listener_(batch);
  }
}

void ReleaseTracker::SetDropListener(
    absl::AnyInvocable<void(uint64_t)> listener) {
  drop_listener_ = std::move(listener);
}

int64_t ReleaseTracker::outstanding() const {
  MutexLock lock(&mu_);
  int64_t total = 0;
  for (const auto& [batch, left] : left_) total += left;
  return total;
}

void ReleaseTracker::Return(uint64_t batch) {
  std::vector<absl::AnyInvocable<void()>> ready;
  {
    MutexLock lock(&mu_);
    const auto it = left_.find(batch);
    if (--it->second > 0) return;
    left_.erase(it);
    // Whoever waits for batches below the oldest that is left need not.
    while (!waiting_.empty() &&
           (left_.empty() || left_.begin()->first >= waiting_.begin()->first)) {
      ready.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
    }
  }
  for (absl::AnyInvocable<void()>& done : ready) done();
}

}  // namespace consentry::store
