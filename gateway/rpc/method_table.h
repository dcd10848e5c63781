#ifndef CONSENTRY_GATEWAY_RPC_METHOD_TABLE_H_
#define CONSENTRY_GATEWAY_RPC_METHOD_TABLE_H_

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/clients/permissions.h"
#include "google/protobuf/descriptor.h"

namespace consentry::rpc {

// What the API says about one method, looked up once at start. Immutable.
struct Method {
  // "/consentry.v1.DataService/ReadSubject", as on the wire.
  std::string path;
  // "DataService.ReadSubject", for logs and entries.
  std::string name;
  clients::PermissionSet permission;
  std::string permission_name;
  std::string audit_event;
  // Its answer holds customer data or audit entries: the registration is
  // checked once more before it is handed over.
  bool releases = false;
  // A customer's own token may call it: its request names a subject, which is
  // then hers, or what it names is compared with her subject by its handler.
  bool for_customers = false;
};

// All methods of all services of the API, the unserved ones too.
class MethodTable {
 public:
  // FailedPrecondition, naming each method, when one lacks `permission` or
  // `audit_event`, or names a permission that no role knows: the server must
  // not start.
  static absl::StatusOr<std::unique_ptr<const MethodTable>> Create(
      std::span<const google::protobuf::ServiceDescriptor* const> services);

  // Of every service file of consentry.v1 that the program holds.
  static absl::StatusOr<std::unique_ptr<const MethodTable>> CreateForApi();

  // Null for a path that is no method of ours.
  const Method* Find(std::string_view path) const;
  // The same for a method that must exist; ends the process otherwise.
  const Method* Get(std::string_view path) const;

  const std::vector<std::string>& services() const { return services_; }

 private:
  MethodTable() = default;

  std::map<std::string, Method, std::less<>> methods_;
  std::vector<std::string> services_;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_METHOD_TABLE_H_
