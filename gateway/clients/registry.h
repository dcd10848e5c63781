#ifndef CONSENTRY_GATEWAY_CLIENTS_REGISTRY_H_
#define CONSENTRY_GATEWAY_CLIENTS_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/certificates.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::clients {

// One caller at one moment. Keeps its configuration alive.
struct Caller {
  std::shared_ptr<const Configuration> configuration;
  const Registration* registration = nullptr;  // Of `configuration`.
};

// A registration whose end is near.
struct ExpiryWarning {
  std::string client_id;
  int64_t expire_us = 0;
};

// The configuration in force, in memory: who may call, under which policy. What
// is in force lies in the store; this is its newest state, swapped whole by the
// committer's hooks. Safe for many threads.
class Registry {
 public:
  struct Options {
    std::string engine_version;
    PermissionSet extra_permissions;
  };

  // Empty until the first Publish.
  explicit Registry(Options options) : options_(std::move(options)) {}
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // What the store says on `connection`, as the configuration of `epoch`;
  // changes nothing here. NotFound when the store holds no policy yet. Takes
  // `compiled`, or the policy in force, where its hash is the right one,
  // instead of compiling.
  absl::StatusOr<std::shared_ptr<const Configuration>> Load(
      store::Connection* connection, int64_t epoch,
      std::shared_ptr<const Policy> compiled = nullptr);

  // Puts `configuration` in force unless a newer one is.
  void Publish(std::shared_ptr<const Configuration> configuration);

  // Never null once something was published.
  std::shared_ptr<const Configuration> current() const;

  // The caller with that key, now: CLIENT_UNKNOWN, CLIENT_REVOKED,
  // CLIENT_EXPIRED, SUSPENDED. Call it again before data is released: it then
  // sees what was revoked meanwhile.
  absl::StatusOr<Caller> Authenticate(const crypto::SpkiHash& key,
                                      int64_t now_us) const;

  // Active registrations that end within `within_us`, soonest first.
  std::vector<ExpiryWarning> Expiring(int64_t now_us, int64_t within_us) const;

  const Options& options() const { return options_; }

 private:
  const Options options_;
  ClientUses uses_;
  mutable Mutex mu_;
  std::shared_ptr<const Configuration> current_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_REGISTRY_H_
