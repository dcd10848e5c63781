#include "gateway/clients/permissions.h"

#include <array>
#include <cstddef>

namespace consentry::clients {
namespace {

using v1::Role;

constexpr uint32_t Bit(Role role) { return 1u << role; }

constexpr uint32_t kService = Bit(v1::ROLE_SERVICE);
constexpr uint32_t kAdmin = Bit(v1::ROLE_ADMIN);
constexpr uint32_t kCompliance = Bit(v1::ROLE_COMPLIANCE);
constexpr uint32_t kDpo = Bit(v1::ROLE_DPO);
constexpr uint32_t kReviewer = Bit(v1::ROLE_REVIEWER);
constexpr uint32_t kOffice = kCompliance | kDpo;
constexpr uint32_t kCustomer = Bit(v1::ROLE_CUSTOMER);

struct Row {
  std::string_view name;
  // Roles that hold it.
  uint32_t roles;
  // Roles whose registrations may be given it one by one.
  uint32_t grantable;
};

// Customers come with tokens, never with a certificate. What they hold is about
// their own subject alone: see rpc/person_scope.h.
constexpr Row kRows[] = {
    {"data.read", kService, 0},
    {"data.check", kService, 0},
    {"data.write", kService, 0},
    {"data.import", 0, kService},
    {"data.select", 0, kService},
    {"data.legal_facts", 0, kService},
    {"decisions.explain", kOffice, kService},
    {"consent.record", kCustomer, kService},
    {"consent.parental", 0, kService},
    {"consent.withdraw", kService | kCustomer, 0},
    {"consent.opt_out", kService | kCustomer, 0},
    {"consent.read", kService | kOffice | kCustomer, 0},
    {"consent.watch", 0, kService},
    {"notices.write", kAdmin, 0},
    {"notices.read", kService | kAdmin | kOffice | kCustomer, 0},
    {"audit.read", kOffice, 0},
    {"audit.export", kOffice, 0},
    {"clients.write", kAdmin, 0},
    {"clients.read", kAdmin | kOffice, 0},
    {"policy.write", kAdmin, 0},
    {"policy.read", kAdmin | kOffice, 0},
    {"subjects.merge", kAdmin, 0},
    {"status.read", kAdmin | kOffice, 0},
    {"rights.submit", kOffice | kCustomer, kService},
    {"rights.read", kOffice | kCustomer, kService},
    {"rights.verify", kOffice, kService},
    {"rights.decide", kOffice, 0},
    {"rights.approve", kDpo, 0},
    {"rights.download", kOffice | kCustomer, kService},
    {"holds.write", kDpo, 0},
    {"holds.read", kOffice, 0},
    {"agents.write", kOffice, 0},
    {"agents.read", kOffice | kCustomer, 0},
    {"tasks.read", kOffice, 0},
    {"tasks.write", kOffice, 0},
    {"screening.screen", 0, kService},
    {"screening.fetch", 0, kService},
    {"screening.outcome", 0, kService},
    {"screening.read", kOffice, 0},
    {"screening.case", kOffice, 0},
    {"vulnerability.write", kOffice, kService},
    {"vulnerability.clear", kOffice, 0},
    {"vulnerability.read", kOffice | kCustomer, 0},
    {"fairness.write", kOffice, 0},
    {"fairness.read", kOffice, 0},
    {"fairness.audit", kOffice, 0},
    {"reviews.request", kCustomer, kService},
    {"reviews.read", kOffice | kReviewer, 0},
    {"reviews.decide", kReviewer, 0},
    {"reviews.figures", kOffice, 0},
    {"consent.unsubscribe_link", 0, kService},
    {"subjects.login", 0, kService},
    {"breaches.write", kOffice, 0},
    {"breaches.read", kOffice, 0},
    {"processing.read", kOffice, 0},
    {"backups.write", kAdmin, 0},
    {"backups.read", kAdmin | kOffice, 0},
    {"keys.write", kAdmin, 0},
    {"keys.read", kAdmin | kOffice, 0},
    {"retention.run", kAdmin | kOffice, 0},
    {"proposals.approve", kAdmin | kDpo, 0},
    {"staff.read", kOffice, 0},
};
constexpr size_t kCount = std::size(kRows);
static_assert(kCount <= 64);

constexpr std::array<std::string_view, kCount> Names() {
  std::array<std::string_view, kCount> names;
  for (size_t i = 0; i < kCount; ++i) names[i] = kRows[i].name;
  return names;
}
constexpr std::array<std::string_view, kCount> kNames = Names();

}  // namespace

std::optional<PermissionSet> PermissionSet::Of(std::string_view name) {
  for (size_t i = 0; i < kCount; ++i) {
    if (kRows[i].name == name) {
      PermissionSet set;
      set.bits_ = uint64_t{1} << i;
      return set;
    }
  }
  return std::nullopt;
}

PermissionSet PermissionsOf(v1::Role role) {
  PermissionSet set;
  if (role <= v1::ROLE_UNSPECIFIED || role > v1::Role_MAX) return set;
  for (const Row& row : kRows) {
    if ((row.roles & Bit(role)) != 0) set.Add(*PermissionSet::Of(row.name));
  }
  return set;
}

bool MayBeGranted(v1::Role role, std::string_view permission) {
  if (role <= v1::ROLE_UNSPECIFIED || role > v1::Role_MAX) return false;
  for (const Row& row : kRows) {
    if (row.name == permission) return (row.grantable & Bit(role)) != 0;
  }
  return false;
}

std::span<const std::string_view> AllPermissions() { return kNames; }

}  // namespace consentry::clients
