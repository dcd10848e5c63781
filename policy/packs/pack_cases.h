#ifndef CONSENTRY_POLICY_PACKS_PACK_CASES_H_
#define CONSENTRY_POLICY_PACKS_PACK_CASES_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::policy {

// The cases of the shipped packs, sorted by name: "eu-gdpr/minors.txtpb" holds
// one consentry.config.v1.PolicyCaseFile; "catalog.txtpb" (Catalog) and
// "purposes.txtpb" (PurposeRegistry) are what the cases speak of. Static
// memory, any thread.
absl::Span<const EmbeddedFile> EmbeddedCases();

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_PACKS_PACK_CASES_H_
