#include "gateway/base/threads.h"

#include <pthread.h>

#include <string>
#include <utility>

namespace consentry::base {

void NameThisThread(Constant name) {
  const std::string cut(name.text().substr(0, 15));
  pthread_setname_np(pthread_self(), cut.c_str());
}

Thread::Thread(Constant name, absl::AnyInvocable<void()> body)
    : thread_([name, run = std::move(body)]() mutable {
        NameThisThread(name);
        run();
      }) {}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

WorkerPool::WorkerPool(Constant name, size_t threads, size_t capacity)
    : capacity_(capacity) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name] {
      NameThisThread(name);
      Run();
    });
  }
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(absl::AnyInvocable<void()> task) {
  {
    MutexLock lock(&mu_);
    if (stopping_ || tasks_.size() >= capacity_) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.Signal();
  return true;
}

void WorkerPool::Run() {
  for (;;) {
    absl::AnyInvocable<void()> task;
    {
      MutexLock lock(&mu_);
      while (tasks_.empty() && !stopping_) wake_.Wait(&mu_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

Periodic::Periodic(Constant name, std::chrono::milliseconds interval,
                   std::function<void()> body)
    : interval_(interval),
      body_(std::move(body)),
      thread_(name, [this] { Run(); }) {}

Periodic::~Periodic() { Stop(); }

void Periodic::Wake() {
  MutexLock lock(&mu_);
  woken_ = true;
  wake_.Signal();
}

void Periodic::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    wake_.Signal();
  }
  thread_.Join();
}

void Periodic::Run() {
  for (;;) {
    {
      MutexLock lock(&mu_);
      const auto until = std::chrono::steady_clock::now() + interval_;
      while (!woken_ && !stopping_) {
        const auto left = until - std::chrono::steady_clock::now();
        if (left <= left.zero()) break;
        wake_.WaitFor(&mu_, left);
      }
      if (stopping_) return;
      woken_ = false;
    }
    body_();
  }
}

}  // namespace consentry::base
