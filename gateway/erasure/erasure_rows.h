#ifndef CONSENTRY_GATEWAY_ERASURE_ERASURE_ROWS_H_
#define CONSENTRY_GATEWAY_ERASURE_ERASURE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/erasure.pb.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/erasure/erasure_state.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::erasure {

// A row of `erasures`. Not found: NOT_FOUND; one that does not open:
// DATA_CORRUPT. Stateless; safe for many threads.
struct Erasure {
  int64_t id = 0;
  ErasureState state = ErasureState::kWaiting;
  // Of the customer that it was decided for; 0 once nothing is left of her.
  uint64_t subject = 0;
  store::v1::ErasureJob job;

  // Begun and not done: finished before anything else.
  bool under_way() const {
    return state == ErasureState::kResealing ||
           state == ErasureState::kResealed ||
           state == ErasureState::kDestroyed;
  }
};

absl::StatusOr<Erasure> ReadErasure(store::Connection* connection,
                                    const crypto::EpochKeys& epochs,
                                    int64_t id);
// The newest of the case; none when there is none.
absl::StatusOr<std::optional<Erasure>> FindByCase(
    store::Connection* connection, const crypto::EpochKeys& epochs,
    std::string_view case_id);
// Erasures that were decided for this customer and are not cancelled or done,
// oldest first.
absl::StatusOr<std::vector<Erasure>> FindOpen(store::Connection* connection,
                                              const crypto::EpochKeys& epochs,
                                              uint64_t subject);

// Inserts or replaces it, and when it is next to be looked at: at `due_us`,
// INT64_MAX for never.
absl::Status WriteErasure(store::ChangeContext& context,
                          const crypto::EpochKeys& epochs,
                          const Erasure& erasure, int64_t due_us);
// Ids of up to `limit` erasures that are under way, then of those whose hour
// has come.
absl::StatusOr<std::vector<int64_t>> ListDue(store::Connection* connection,
                                             int64_t now_us, int64_t limit);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_ERASURE_ROWS_H_
