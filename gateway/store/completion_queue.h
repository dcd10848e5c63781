#ifndef CONSENTRY_GATEWAY_STORE_COMPLETION_QUEUE_H_
#define CONSENTRY_GATEWAY_STORE_COMPLETION_QUEUE_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "gateway/base/threads.h"
#include "proto/support/mutex.h"

namespace consentry::store {

// Tells callers their outcomes, in order, on a thread of its own, so that the
// stages go on with the next batch meanwhile. Safe for many threads.
class CompletionQueue {
 public:
  CompletionQueue();
  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;
  ~CompletionQueue() { Close(); }

  // After Close() it runs on the calling thread.
  void Push(absl::AnyInvocable<void()> completion);
  void PushAll(std::vector<absl::AnyInvocable<void()>> completions);

  // Runs what was pushed, then ends the thread.
  void Close();

 private:
  void Run();

  Mutex mu_;
  CondVar wake_;
  std::vector<absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  base::Thread thread_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_COMPLETION_QUEUE_H_
