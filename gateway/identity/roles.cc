#include "gateway/identity/roles.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "consentry/v1/admin_service.pb.h"

namespace consentry::identity {
namespace {

using config::v1::StaffRole;

uint32_t Bit(StaffRole::Value role) {
  switch (role) {
    case StaffRole::ADMIN:
      return 1u << v1::ROLE_ADMIN;
    case StaffRole::COMPLIANCE:
      return 1u << v1::ROLE_COMPLIANCE;
    case StaffRole::DPO:
      return 1u << v1::ROLE_DPO;
    case StaffRole::REVIEWER:
      return 1u << v1::ROLE_REVIEWER;
    case StaffRole::SYSTEM_USER:
      return 1u << v1::ROLE_SERVICE;
    default:
      return 0;
  }
}

bool Holds(const std::optional<std::vector<std::string>>& values,
           const std::string& value) {
  return values &&
         std::find(values->begin(), values->end(), value) != values->end();
}

bool Matches(const config::v1::RoleMapping& mapping, const JsonObject& claims) {
  if (mapping.email().empty() && mapping.group().empty() &&
      mapping.claim().empty()) {
    return false;
  }
  if (!mapping.email().empty()) {
    const auto email = claims.Text("email");
    if (!email || !claims.IsTrue("email_verified") ||
        !absl::EqualsIgnoreCase(*email, mapping.email())) {
      return false;
    }
  }
  if (!mapping.group().empty() &&
      !Holds(claims.Texts("groups"), mapping.group())) {
    return false;
  }
  return mapping.claim().empty() ||
         Holds(claims.TextsAt({mapping.claim().begin(), mapping.claim().end()}),
               mapping.value());
}

}  // namespace

uint32_t RolesOf(const config::v1::Issuer& issuer, const JsonObject& claims) {
  uint32_t roles = 0;
  for (const config::v1::RoleMapping& mapping : issuer.roles()) {
    if (!Matches(mapping, claims)) continue;
    for (const int role : mapping.roles()) {
      roles |= Bit(static_cast<StaffRole::Value>(role));
    }
  }
  return roles;
}

}  // namespace consentry::identity
