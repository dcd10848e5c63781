#include "audit/log/integrator.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "audit/merkle/hash.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

// Bounds what one step holds in memory, and what is hashed again after a crash.
constexpr uint64_t kStep = 16384;
constexpr uint64_t kSyncEvery = uint64_t{1} << 18;
// How soon a Stop() is seen while the log is idle.
constexpr auto kIdle = std::chrono::milliseconds(50);
constexpr auto kGather = std::chrono::milliseconds(10);

}  // namespace

Integrator::Integrator(const LogReader* log, Tree* tree,
                       CheckpointStore* checkpoints, const Options& options)
    : log_(log), tree_(tree), checkpoints_(checkpoints), options_(options) {}

Integrator::~Integrator() { Stop(); }

absl::Status Integrator::Integrate(uint64_t end) {
  uint64_t unsynced = 0;
  while (tree_->size() < end) {
    const uint64_t begin = tree_->size();
    const uint64_t step = std::min(end, begin + kStep);
    std::vector<Hash> hashes;
    hashes.reserve(static_cast<size_t>(step - begin));
    CONSENTRY_RETURN_IF_ERROR(
        log_->Scan(begin, step, [&](uint64_t, std::string_view entry) {
          hashes.push_back(LeafHash(entry));
          return true;
        }));
    CONSENTRY_RETURN_IF_ERROR(tree_->Append(hashes));
    unsynced += step - begin;
    if (unsynced >= kSyncEvery) {
      CONSENTRY_RETURN_IF_ERROR(tree_->Sync());
      unsynced = 0;
    }
  }
  return absl::OkStatus();
}

absl::Status Integrator::CatchUp() {
  // A tree with more leaves than the log is of another state: made again, so
  // that checkpoints, not leftovers, judge the log.
  if (tree_->size() > log_->size()) CONSENTRY_RETURN_IF_ERROR(tree_->Clear());
  return Integrate(log_->size());
}

absl::Status Integrator::SignNow() {
  if (checkpoints_ == nullptr) return absl::OkStatus();
  const absl::StatusOr<SignedCheckpoint> made = checkpoints_->Sign(*tree_);
  CONSENTRY_RETURN_IF_ERROR(made.status());
  MutexLock lock(&mu_);
  signed_size_ = made->checkpoint.size;
  changed_.SignalAll();
  return absl::OkStatus();
}

void Integrator::Note(const absl::Status& status) {
  MutexLock lock(&mu_);
  status_ = status;
  changed_.SignalAll();
}

void Integrator::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Integrator::Run() {
  auto next_checkpoint = std::chrono::steady_clock::now();
  uint64_t synced = 0;
  for (;;) {
    bool stop = false;
    bool wanted = false;
    {
      MutexLock lock(&mu_);
      stop = stop_;
      wanted = wanted_size_ > signed_size_;
    }
    absl::Status status = Integrate(log_->size());
    const bool due =
        wanted || std::chrono::steady_clock::now() >= next_checkpoint;
    if (status.ok() && (due || stop)) {
      const uint64_t size = tree_->size();
      if (size - synced >= kSyncEvery || stop) {
        status = tree_->Sync();
        synced = size;
      }
      if (status.ok()) status = SignNow();
      next_checkpoint =
          std::chrono::steady_clock::now() + options_.checkpoint_interval;
    }
    Note(status);
    if (stop || absl::IsDataLoss(status)) return;
    // Entries that come are gathered for a moment: many small steps would take
    // processor time from those who write them. Also waits after a fault, and
    // at the end of a log whose writer has closed, where there is no more.
    if (status.ok()) log_->WaitForMore(tree_->size(), kIdle);
    MutexLock lock(&mu_);
    if (!stop_) changed_.WaitFor(&mu_, status.ok() ? kGather : kIdle);
  }
}

void Integrator::Stop() {
  {
    MutexLock lock(&mu_);
    stop_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status Integrator::WaitForCheckpoint(uint64_t size,
                                           std::chrono::nanoseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(&mu_);
  wanted_size_ = std::max(wanted_size_, size);
  while (signed_size_ < size) {
    if (absl::IsDataLoss(status_)) return status_;
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      return absl::DeadlineExceededError("no checkpoint covers the entry yet");
    }
    changed_.WaitFor(&mu_, deadline - now);
  }
  return absl::OkStatus();
}

absl::Status Integrator::status() const {
  MutexLock lock(&mu_);
  return status_;
}

}  // namespace consentry::audit
