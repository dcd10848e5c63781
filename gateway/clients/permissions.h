#ifndef CONSENTRY_GATEWAY_CLIENTS_PERMISSIONS_H_
#define CONSENTRY_GATEWAY_CLIENTS_PERMISSIONS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "consentry/v1/admin_service.pb.h"

namespace consentry::clients {

// One of the permissions that methods name in their options, as a bit. What may
// be asked for is this table and no other: a method that names an unknown
// permission stops the server from starting.
class PermissionSet {
 public:
  constexpr PermissionSet() = default;

  // nullopt for a name that is not in the table.
  static std::optional<PermissionSet> Of(std::string_view name);

  constexpr void Add(PermissionSet other) { bits_ |= other.bits_; }
  constexpr bool Contains(PermissionSet all) const {
    return (bits_ & all.bits_) == all.bits_;
  }
  constexpr bool operator==(const PermissionSet&) const = default;

 private:
  uint64_t bits_ = 0;
};

// What a role holds by itself (DESIGN section 8, PROTOCOLS H). No role but
// SERVICE reads customer data; ADMIN neither reads data nor the audit.
PermissionSet PermissionsOf(v1::Role role);

// Whether a registration of this role may name `permission` beyond its role's.
// Only services carry extras, and only those that the API lists.
bool MayBeGranted(v1::Role role, std::string_view permission);

// Every name, for tests and messages.
std::span<const std::string_view> AllPermissions();

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_PERMISSIONS_H_
