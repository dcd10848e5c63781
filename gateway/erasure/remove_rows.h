#ifndef CONSENTRY_GATEWAY_ERASURE_REMOVE_ROWS_H_
#define CONSENTRY_GATEWAY_ERASURE_REMOVE_ROWS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/store/change.h"

namespace consentry::erasure {

// Rows that one change removes, of all tables together.
inline constexpr int64_t kRowsPerChange = 512;

// Removes rows of one customer whose keys, or old keys, are destroyed: names,
// records, history, choices, joins, what imports have seen, and what other
// parts hold. With `keeps` what lies under the current generation stays, with
// the public id and the head. `room` is counted down; nothing above it is
// removed: at 0 or below there may be more. Found by indexes alone.
absl::Status RemoveRowsOf(const ErasureParts& parts,
                          store::ChangeContext& context, uint64_t subject,
                          bool keeps, int64_t* room);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_REMOVE_ROWS_H_
