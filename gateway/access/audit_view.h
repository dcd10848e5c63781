#ifndef CONSENTRY_GATEWAY_ACCESS_AUDIT_VIEW_H_
#define CONSENTRY_GATEWAY_ACCESS_AUDIT_VIEW_H_

#include <cstdint>
#include <string_view>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/audit_service.pb.h"
#include "gateway/crypto/opaque_token.h"

namespace consentry::access {

// An entry of the log as compliance staff see it. `bytes` are the leaf's own,
// for its hash. Pure.
v1::AuditEntry ViewOf(uint64_t index, const store::v1::Leaf& leaf,
                      std::string_view bytes,
                      const crypto::OpaqueTokens& tokens);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_AUDIT_VIEW_H_
