#ifndef CONSENTRY_GATEWAY_STORE_TURN_SUM_H_
#define CONSENTRY_GATEWAY_STORE_TURN_SUM_H_

#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "gateway/store/engine.h"

namespace consentry::store {

// Rows that many changes add to, such as counters: what the changes of one
// transaction add is written once for all of them, and stands in the store
// exactly when they do (ChangeContext::AddTo). On the committer's store thread.
class TurnSum {
 public:
  // What one change adds; its kind is known to the sum alone.
  using Increment = std::shared_ptr<const void>;

  virtual ~TurnSum() = default;

  // Writes what the changes of a transaction add up to, in their order, inside
  // of it. Only changes that succeeded are told. An error: none of them is kept
  // now; each is tried again by itself. `now_us`: of the last of them.
  virtual absl::Status Write(Connection* connection,
                             std::span<const Increment> increments,
                             int64_t now_us) = 0;
  // What was written is in the store. Short, no I/O.
  virtual void Kept() = 0;
  // It is not, or nobody knows. Also after an error of Write.
  virtual void Dropped() = 0;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_TURN_SUM_H_
