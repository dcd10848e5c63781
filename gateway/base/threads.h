#ifndef CONSENTRY_GATEWAY_BASE_THREADS_H_
#define CONSENTRY_GATEWAY_BASE_THREADS_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "gateway/base/constant.h"
#include "proto/support/mutex.h"

namespace consentry::base {

// Names the calling thread, for debuggers and /proc (15 characters).
void NameThisThread(Constant name);

// A named thread, joined by the destructor. What it runs must end by itself.
class Thread {
 public:
  Thread(Constant name, absl::AnyInvocable<void()> body);
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread() { Join(); }

  // Waits for the end; further calls do nothing. Not from the thread itself.
  void Join();

 private:
  std::thread thread_;
};

// A few threads for work that waits (key derivation, bulk, network), away from
// the threads that answer calls. Safe for many threads.
class WorkerPool {
 public:
  // `capacity` is the number of waiting tasks beyond which TrySubmit refuses.
  WorkerPool(Constant name, size_t threads, size_t capacity);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Runs what was accepted, then ends.
  ~WorkerPool();

  // False, and `task` untouched by any thread, when too many wait.
  bool TrySubmit(absl::AnyInvocable<void()> task);

 private:
  void Run();

  const size_t capacity_;
  Mutex mu_;
  CondVar wake_;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

// A named thread that does the same again and again: `body` runs one `interval`
// after its last end, or as soon as Wake() was called. Never twice at a time.
// Safe for many threads.
class Periodic {
 public:
  Periodic(Constant name, std::chrono::milliseconds interval,
           std::function<void()> body);
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;
  // As Stop().
  ~Periodic();

  // One more run, without waiting for it. Calls during a run come to one more
  // run after it.
  void Wake();

  // Waits for the end of a run; none begins afterwards. Not from `body`.
  void Stop();

 private:
  void Run();

  const std::chrono::milliseconds interval_;
  const std::function<void()> body_;
  Mutex mu_;
  CondVar wake_;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Thread thread_;
};

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_THREADS_H_
