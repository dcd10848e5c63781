#ifndef CONSENTRY_GATEWAY_ERASURE_ERASURE_STATE_H_
#define CONSENTRY_GATEWAY_ERASURE_ERASURE_STATE_H_

#include <cstdint>

namespace consentry::erasure {

// Where an erasure stands. The numbers are stored.
enum class ErasureState : int64_t {
  kWaiting = 1,    // Decided: every read denies. Can be cancelled.
  kHeld = 2,       // A legal hold on everything stops it. Can be cancelled.
  kResealing = 3,  // Has begun: can no longer be cancelled.
  kResealed = 4,   // What is kept lies under new keys; old keys go next.
  kDestroyed = 5,  // The keys are gone; rows go next.
  kKept = 6,       // Done; something is kept until its ground ends.
  kDone = 7,       // Done; nothing of the customer is left.
  kCancelled = 8,
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_ERASURE_STATE_H_
