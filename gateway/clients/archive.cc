#include "gateway/clients/archive.h"

#include <utility>

#include "gateway/clients/client_table.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {

absl::StatusOr<std::shared_ptr<const Configuration>> ConfigurationArchive::Load(
    store::Connection* connection, std::string_view hash) {
  {
    MutexLock lock(&mu_);
    for (const auto& kept : kept_) {
      if (kept->hash() == hash) return kept;
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto bundle, ReadBundle(connection, hash));
  CONSENTRY_ASSIGN_OR_RETURN(auto stored_policy,
                             ReadPolicy(connection, bundle.policy_hash()));
  Configuration::Sources sources;
  CONSENTRY_ASSIGN_OR_RETURN(sources.policy,
                             CompilePolicy(std::move(stored_policy)));
  for (const auto& client : bundle.clients()) {
    CONSENTRY_ASSIGN_OR_RETURN(auto version,
                               ReadClientVersion(connection, client.hash()));
    sources.clients.push_back(std::move(version));
  }
  sources.suspended_purposes = {bundle.suspended_purposes().begin(),
                                bundle.suspended_purposes().end()};
  sources.engine_version = bundle.engine_version();
  auto made = Configuration::Build(std::move(sources), &uses_);
  if (made->hash() != hash) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a stored configuration does not match its hash");
  }
  MutexLock lock(&mu_);
  kept_.push_front(made);
  if (kept_.size() > kKept) kept_.pop_back();
  return made;
}

}  // namespace consentry::clients
