#include "gateway/store/completion_queue.h"

#include <iterator>
#include <utility>

namespace consentry::store {

CompletionQueue::CompletionQueue() : thread_("complete", [this] { Run(); }) {}

void CompletionQueue::Push(absl::AnyInvocable<void()> completion) {
  {
    MutexLock lock(&mu_);
    if (!closed_) {
      waiting_.push_back(std::move(completion));
      completion = nullptr;
    }
  }
  if (completion != nullptr) {
    completion();
  } else {
    wake_.Signal();
  }
}

void CompletionQueue::PushAll(
    std::vector<absl::AnyInvocable<void()>> completions) {
  if (completions.empty()) return;
  bool first = false;
  {
    MutexLock lock(&mu_);
    if (!closed_) {
      first = waiting_.empty();
      waiting_.insert(waiting_.end(),
                      std::make_move_iterator(completions.begin()),
                      std::make_move_iterator(completions.end()));
      completions.clear();
    }
  }
  if (first) wake_.Signal();
  for (absl::AnyInvocable<void()>& completion : completions) completion();
}

void CompletionQueue::Close() {
  {
    MutexLock lock(&mu_);
    closed_ = true;
  }
  wake_.Signal();
  thread_.Join();
}

void CompletionQueue::Run() {
  for (;;) {
    std::vector<absl::AnyInvocable<void()>> batch;
    {
      MutexLock lock(&mu_);
      while (waiting_.empty() && !closed_) wake_.Wait(&mu_);
      if (waiting_.empty()) return;
      batch.swap(waiting_);
    }
    for (absl::AnyInvocable<void()>& completion : batch) {
      completion();
      completion = nullptr;  // What it captured ends here, tickets included.
    }
  }
}

}  // namespace consentry::store
