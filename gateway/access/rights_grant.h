#ifndef CONSENTRY_GATEWAY_ACCESS_RIGHTS_GRANT_H_
#define CONSENTRY_GATEWAY_ACCESS_RIGHTS_GRANT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/access/grant_issuer.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/opener.h"
#include "policy/engine/bundle.h"

namespace consentry::access {

// What opens a customer's data for her own case: her report, what she wrote,
// what she wants corrected (PROTOCOLS C5, G6). The right decides, and no rule
// of a purpose stands against it; but the registry must know a purpose of class
// RIGHTS_FULFILMENT, the first by key, which the entry names.
// STATE_INVALID where it knows none.
absl::StatusOr<crypto::Grant> RightsGrant(const policy::Bundle& bundle);

// What stands in a case itself: the customer's words and the pieces of her
// report. INVALID_ARGUMENT for a value of any other table; else as
// crypto::Opener.
absl::StatusOr<crypto::Plaintext> OpenOfCase(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_RIGHTS_GRANT_H_
