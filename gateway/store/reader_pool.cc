#include "gateway/store/reader_pool.h"

#include <algorithm>
#include <thread>

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::store {

ReaderPool::Lease& ReaderPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    GiveBack();
    pool_ = std::exchange(other.pool_, nullptr);
    connection_ = std::exchange(other.connection_, nullptr);
  }
  return *this;
}

void ReaderPool::Lease::GiveBack() {
  if (pool_ == nullptr) return;
  pool_->Return(connection_);
  pool_ = nullptr;
  connection_ = nullptr;
}

size_t ReaderPool::DefaultSize() {
  return std::max(1u, std::thread::hardware_concurrency()) + 2;
}

absl::StatusOr<std::unique_ptr<ReaderPool>> ReaderPool::Open(Engine* engine,
                                                             size_t size) {
  std::unique_ptr<ReaderPool> pool(new ReaderPool());
  for (size_t i = 0; i < size; ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(auto connection, engine->ConnectReader());
    pool->Return(connection.get());
    pool->connections_.push_back(std::move(connection));
  }
  return pool;
}

ReaderPool::~ReaderPool() = default;

absl::StatusOr<ReaderPool::Lease> ReaderPool::Acquire(
    std::chrono::milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  MutexLock lock(&mu_);
  while (free_.empty()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) {
      return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                       "all reader connections are in use");
    }
    returned_.WaitFor(&mu_, left);
  }
  Connection* connection = free_.back();
  free_.pop_back();
  return Lease(this, connection);
}

void ReaderPool::Return(Connection* connection) {
  {
    MutexLock lock(&mu_);
    free_.push_back(connection);
  }
  returned_.Signal();
}

}  // namespace consentry::store
