#ifndef CONSENTRY_POLICY_CONDUCT_TABLES_H_
#define CONSENTRY_POLICY_CONDUCT_TABLES_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::conduct {

// Protobuf text of consentry.config.v1.ConductRules, in several files that are
// read together: "claims.txtpb", and one per language.
absl::Span<const EmbeddedFile> EmbeddedConductRules();

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_TABLES_H_
