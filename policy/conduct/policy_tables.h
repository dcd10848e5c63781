#ifndef CONSENTRY_POLICY_CONDUCT_POLICY_TABLES_H_
#define CONSENTRY_POLICY_CONDUCT_POLICY_TABLES_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::conduct {

// "policy.txtpb" (ConductPolicy) and "zones.txtpb" (PlaceZonesTable), in this
// order.
absl::Span<const EmbeddedFile> EmbeddedConductPolicy();

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_POLICY_TABLES_H_
