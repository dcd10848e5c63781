#ifndef CONSENTRY_GATEWAY_IDENTITY_ROLES_H_
#define CONSENTRY_GATEWAY_IDENTITY_ROLES_H_

#include <cstdint>

#include "consentry/config/v1/identity.pb.h"
#include "gateway/identity/json.h"

namespace consentry::identity {

// What the issuer's mapping makes of a person of staff: bits 1 << v1::Role. A
// mapping gives its roles when all that it sets holds; one that sets nothing
// gives none. An e-mail address counts only when the token calls it verified.
// Pure.
uint32_t RolesOf(const config::v1::Issuer& issuer, const JsonObject& claims);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_ROLES_H_
