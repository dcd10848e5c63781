#ifndef CONSENTRY_POLICY_RIGHTS_TABLES_H_
#define CONSENTRY_POLICY_RIGHTS_TABLES_H_

#include "absl/types/span.h"
#include "proto/support/embedded.h"

namespace consentry::policy {

// "holidays.txtpb".
absl::Span<const EmbeddedFile> EmbeddedRightsTables();

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_RIGHTS_TABLES_H_
