#ifndef CONSENTRY_GATEWAY_STORE_READER_POOL_H_
#define CONSENTRY_GATEWAY_STORE_READER_POOL_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::store {

// Reader connections, opened once, keyed once, lent one call at a time. Safe
// for many threads.
class ReaderPool {
 public:
  // A connection on loan, given back by the destructor. Movable. Must not
  // outlive the pool.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          connection_(std::exchange(other.connection_, nullptr)) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { GiveBack(); }

    Connection* get() const { return connection_; }
    Connection* operator->() const { return connection_; }
    Connection& operator*() const { return *connection_; }
    void GiveBack();

   private:
    friend class ReaderPool;
    Lease(ReaderPool* pool, Connection* connection)
        : pool_(pool), connection_(connection) {}
    ReaderPool* pool_ = nullptr;
    Connection* connection_ = nullptr;
  };

  // Cores + 2: reads run on threads as many as cores, and two more may be held
  // by long work (exports, quality reports) without stopping them.
  static size_t DefaultSize();

  // `engine` must outlive the pool.
  static absl::StatusOr<std::unique_ptr<ReaderPool>> Open(
      Engine* engine, size_t size = DefaultSize());
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;
  // All leases must have ended.
  ~ReaderPool();

  // Waits at most `bound` for a free connection, then STORE_UNAVAILABLE. The
  // one used last is lent first: its page cache is warm.
  absl::StatusOr<Lease> Acquire(
      std::chrono::milliseconds bound = std::chrono::milliseconds(2000));

  size_t size() const { return connections_.size(); }

 private:
  ReaderPool() = default;
  void Return(Connection* connection);

  std::vector<std::unique_ptr<Connection>> connections_;  // Constant.
  Mutex mu_;
  CondVar returned_;
  std::vector<Connection*> free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_READER_POOL_H_
