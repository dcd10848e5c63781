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
#include "gateway/clients/proposals.h"
#include "gateway/clients/registry.h"
#include "gateway/store/engine.h"

namespace consentry::clients {

// Row of meta: when the gateway's first policy came into force, microseconds.
inline constexpr char kFounded[] = "founded_us";

// The policy in force, its past, and putting a new one into force. Safe for
// many threads.
class PolicyAdmin {
 public:
  // Both outlive this.
  PolicyAdmin(ConfigurationWriter* writer, Registry* registry)
      : writer_(writer), registry_(registry) {}

  // From now on a new policy waits where approval is needed. Once, before any
  // call; it outlives this.
  void WaitIn(Proposals* proposals);

  // In force, or by the hash of a bundle, hexadecimal: NOT_FOUND.
  absl::StatusOr<v1::Policy> Get(store::Connection* connection,
                                 std::string_view hash) const;

  // Newest first, without texts, from before `before` (INT64_MAX: the newest).
  // `next`: where the following page begins, 0 when there is none.
  absl::StatusOr<std::vector<v1::Policy>> List(store::Connection* connection,
                                               int64_t before, int limit,
                                               int64_t* next) const;

  // Replaces the texts that are given. Where approval is needed it becomes a
  // proposal: the answer is the policy in force, with its proposal_id.
  // CONFIG_INVALID with everything wrong in
  // any of them, ETAG_MISMATCH. Compiles on the calling thread: some
  // milliseconds.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Policy>)>;
  void Update(const CallerContext& caller,
              const v1::UpdatePolicyRequest& request, Done done);

  // For start: puts `sources` into force unless they are what was last given
  // this way, whatever was put into force since by Update. Where approval is
  // needed they become a proposal, and the policy in force stays. What the
  // program itself changed waits for nobody: other texts of packs in force, and
  // with `all_packs`, those that are new. An entry for each of both; waits.
  // Once, before any call.
  absl::Status LoadFiles(store::Connection* connection,
                         store::v1::StoredPolicy sources, bool all_packs);

 private:
  // The policy, compiled from the one in force and the texts of a request, and
  // the edit that puts it into force if the etag still holds.
  absl::StatusOr<std::shared_ptr<const Policy>> Compiled(
      const v1::UpdatePolicyRequest& request) const;
  static ConfigurationWriter::Edit UpdateEdit(
      std::shared_ptr<const Policy> policy, std::string etag);
  ConfigurationWriter::Edit FilesEdit(
      std::shared_ptr<const Policy> policy) const;
  absl::Status UpdatePacks();
  // `policy` null: the files hold what they held.
  absl::Status ProposeFiles(store::Connection* connection,
                            const CallerContext& self, const Policy* policy);

  ConfigurationWriter* const writer_;
  Registry* const registry_;
  Proposals* proposals_ = nullptr;
  // As LoadFiles got them.
  store::v1::StoredPolicy files_;
  bool all_packs_ = false;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_POLICY_ADMIN_H_
