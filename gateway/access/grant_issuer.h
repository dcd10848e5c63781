#ifndef CONSENTRY_GATEWAY_ACCESS_GRANT_ISSUER_H_
#define CONSENTRY_GATEWAY_ACCESS_GRANT_ISSUER_H_

#include <optional>

#include "gateway/crypto/grant.h"
#include "policy/engine/bundle.h"
#include "policy/engine/decision.h"

namespace consentry::access {

// The one place where a Grant is made: from a decision that permits.
class GrantIssuer {
 public:
  // nullopt for a decision that denies.
  static std::optional<crypto::Grant> Issue(const policy::Bundle& bundle,
                                            policy::PurposeId purpose,
                                            const policy::Decision& decision) {
    if (!decision.permitted) return std::nullopt;
    return crypto::Grant(bundle.purpose(purpose).key());
  }
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_GRANT_ISSUER_H_
