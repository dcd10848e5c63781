#ifndef CONSENTRY_GATEWAY_ERASURE_HOLD_CHANGES_H_
#define CONSENTRY_GATEWAY_ERASURE_HOLD_CHANGES_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/erasure/holds.h"
#include "gateway/store/change.h"

namespace consentry::erasure {

// Sets a hold, inside of a change; `doc` without times of its own.
// STATE_INVALID when an erasure of the customer has begun: what it destroys is
// gone.
absl::StatusOr<Hold> PlaceHoldIn(const ErasureParts& parts,
                                 store::ChangeContext& context,
                                 uint64_t subject, store::v1::HeldBack doc,
                                 store::v1::Leaf* leaf);

// Ends a hold. Erasures that it stopped, or that kept something for it, are due
// at once. STATE_INVALID for one that is not in force.
absl::StatusOr<Hold> LiftHoldIn(const ErasureParts& parts,
                                store::ChangeContext& context,
                                std::string_view public_id,
                                store::v1::Leaf* leaf);

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_HOLD_CHANGES_H_
