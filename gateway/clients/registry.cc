#include "gateway/clients/registry.h"

#include <algorithm>
#include <utility>

#include "gateway/clients/client_table.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {

absl::StatusOr<std::shared_ptr<const Configuration>> Registry::Load(
    store::Connection* connection, int64_t epoch,
    std::shared_ptr<const Policy> compiled) {
  CONSENTRY_ASSIGN_OR_RETURN(const store::v1::StoredBundle bundle,
                             ReadNewestBundle(connection));
  Configuration::Sources sources;
  sources.epoch = epoch;
  sources.engine_version = options_.engine_version;
  sources.extra_permissions = options_.extra_permissions;
  const auto before = current();
  if (compiled != nullptr && compiled->hash == bundle.policy_hash()) {
    sources.policy = std::move(compiled);
  } else if (before != nullptr &&
             before->policy().hash == bundle.policy_hash()) {
    sources.policy = before->shared_policy();
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(auto stored,
                               ReadPolicy(connection, bundle.policy_hash()));
    CONSENTRY_ASSIGN_OR_RETURN(sources.policy,
                               CompilePolicy(std::move(stored)));
  }
  CONSENTRY_ASSIGN_OR_RETURN(sources.clients, ReadClients(connection));
  sources.suspended_purposes.insert(bundle.suspended_purposes().begin(),
                                    bundle.suspended_purposes().end());
  return Configuration::Build(std::move(sources), &uses_);
}

void Registry::Publish(std::shared_ptr<const Configuration> configuration) {
  MutexLock lock(&mu_);
  if (current_ == nullptr || current_->epoch() <= configuration->epoch()) {
    current_.swap(configuration);
  }
}

std::shared_ptr<const Configuration> Registry::current() const {
  MutexLock lock(&mu_);
  return current_;
}

absl::StatusOr<Caller> Registry::Authenticate(const crypto::SpkiHash& key,
                                              int64_t now_us) const {
  Caller caller;
  caller.configuration = current();
  if (caller.configuration != nullptr) {
    caller.registration = caller.configuration->FindByKey(key);
  }
  if (caller.registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "no registration has the key of this certificate");
  }
  CONSENTRY_RETURN_IF_ERROR(caller.registration->CheckState(now_us));
  return caller;
}

std::vector<ExpiryWarning> Registry::Expiring(int64_t now_us,
                                              int64_t within_us) const {
  std::vector<ExpiryWarning> warnings;
  const auto configuration = current();
  if (configuration == nullptr) return warnings;
  for (const auto& [id, registration] : configuration->registrations()) {
    const int64_t left = registration->expire_us() - now_us;
    if (registration->client().state() == v1::CLIENT_STATE_ACTIVE &&
        left <= within_us) {
      warnings.push_back({id, registration->expire_us()});
    }
  }
  std::sort(warnings.begin(), warnings.end(),
            [](const ExpiryWarning& a, const ExpiryWarning& b) {
              return a.expire_us < b.expire_us;
            });
  return warnings;
}

}  // namespace consentry::clients
