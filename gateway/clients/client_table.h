#ifndef CONSENTRY_GATEWAY_CLIENTS_CLIENT_TABLE_H_
#define CONSENTRY_GATEWAY_CLIENTS_CLIENT_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/configuration.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/store/engine.h"

// Registrations and bundles in the store (tables clients, bundles,
// bundle_history). Writers run inside a Change, on the committer's connection;
// none of them looks at what is in memory, since several changes may stand in
// one transaction.
namespace consentry::clients {

// Every registration, revoked ones too, sorted by id.
absl::StatusOr<std::vector<v1::Client>> ReadClients(
    store::Connection* connection);
// NOT_FOUND.
absl::StatusOr<v1::Client> ReadClient(store::Connection* connection,
                                      std::string_view id);

// ALREADY_EXISTS when the id or the key belongs to a registration, a revoked
// one included: neither is ever used again for something else.
absl::Status InsertClient(store::Connection* writer, const v1::Client& client);
// The row with the client's id becomes `client`. ALREADY_EXISTS when its key is
// another registration's.
absl::Status ReplaceClient(store::Connection* writer, const v1::Client& client);

// NotFound when nothing was ever put in force.
absl::StatusOr<store::v1::StoredBundle> ReadNewestBundle(
    store::Connection* connection);
absl::StatusOr<store::v1::StoredBundle> ReadBundle(
    store::Connection* connection, std::string_view hash);
absl::StatusOr<store::v1::StoredPolicy> ReadPolicy(
    store::Connection* connection, std::string_view hash);
// A registration as it was, by the hash in a StoredBundle.
absl::StatusOr<v1::Client> ReadClientVersion(store::Connection* connection,
                                             std::string_view hash);

struct BundleVersion {
  int64_t change_number = 0;
  std::string hash;
};
// Newest first, before `before` (exclusive; INT64_MAX: from the newest).
absl::StatusOr<std::vector<BundleVersion>> ReadBundleHistory(
    store::Connection* connection, int64_t before, int limit);

// Keeps the policy and gives its hash. Idempotent.
absl::StatusOr<std::string> WritePolicy(store::Connection* writer,
                                        const store::v1::StoredPolicy& policy);

// Makes the bundle of what the tables now hold, with `policy_hash`, suspended
// purposes and program, keeps it with the registrations it names, and notes
// that it is in force from `change_number` on. Its hash.
absl::StatusOr<std::string> WriteBundle(
    store::Connection* writer, int64_t change_number,
    std::string_view policy_hash,
    const std::vector<std::string>& suspended_purposes,
    std::string_view engine_version);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CLIENT_TABLE_H_
