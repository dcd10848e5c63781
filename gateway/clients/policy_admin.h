#ifndef CONSENTRY_GATEWAY_CLIENTS_POLICY_ADMIN_H_
#define CONSENTRY_GATEWAY_CLIENTS_POLICY_ADMIN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/configuration.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/registry.h"
#include "gateway/store/engine.h"

namespace consentry::clients {

// The policy in force, its past, and putting a new one into force. Safe for
// many threads.
class PolicyAdmin {
 public:
  // Both outlive this.
  PolicyAdmin(ConfigurationWriter* writer, Registry* registry)
      : writer_(writer), registry_(registry) {}

  // In force, or by the hash of a bundle, hexadecimal: NOT_FOUND.
  absl::StatusOr<v1::Policy> Get(store::Connection* connection,
                                 std::string_view hash) const;

  // Newest first, without texts, from before `before` (INT64_MAX: the newest).
  // `next`: where the following page begins, 0 when there is none.
  absl::StatusOr<std::vector<v1::Policy>> List(store::Connection* connection,
                                               int64_t before, int limit,
                                               int64_t* next) const;

  // Replaces the texts that are given. CONFIG_INVALID with everything wrong in
  // any of them, ETAG_MISMATCH. Compiles on the calling thread: some
  // milliseconds.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Policy>)>;
  void Update(const CallerContext& caller,
              const v1::UpdatePolicyRequest& request, Done done);

  // For start: puts `sources` into force unless they are what was last given
  // this way, whatever was put into force since by Update. One entry; waits.
  absl::Status LoadFiles(store::Connection* connection,
                         store::v1::StoredPolicy sources);

 private:
  ConfigurationWriter* const writer_;
  Registry* const registry_;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_POLICY_ADMIN_H_
