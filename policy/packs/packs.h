#ifndef CONSENTRY_POLICY_PACKS_PACKS_H_
#define CONSENTRY_POLICY_PACKS_PACKS_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::policy {

// What the program brings along: protobuf text in static memory, valid as long
// as the program runs. Any thread may call these.

// The legal packs, sorted: "eu-gdpr.txtpb" holds one consentry.config.v1.Pack.
absl::Span<const EmbeddedFile> EmbeddedPacks();

// What `consentry init` gives a small shop: "catalog.txtpb" (Catalog) and
// "purposes.txtpb" (PurposeRegistry). Both go with the packs above.
absl::Span<const EmbeddedFile> EmbeddedDefaults();

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_PACKS_PACKS_H_
