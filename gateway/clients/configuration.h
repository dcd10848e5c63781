#ifndef CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_H_
#define CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/configuration.pb.h"
#include "gateway/clients/registration.h"
#include "policy/engine/bundle.h"

namespace consentry::clients {

// A policy with the text that it was compiled from. Immutable.
struct Policy {
  store::v1::StoredPolicy sources;
  std::shared_ptr<const policy::Bundle> bundle;
  // SHA-256 of the serialised sources, 32 bytes.
  std::string hash;
};

// Serialises in the order of field numbers; the same content gives the same
// bytes in every run of one program version.
std::string CanonicalBytes(const google::protobuf::Message& message);
// 32 bytes.
std::string Sha256(std::string_view bytes);

// CONFIG_INVALID with all that is wrong in any of the texts.
absl::StatusOr<std::shared_ptr<const Policy>> CompilePolicy(
    store::v1::StoredPolicy sources);

// What was used by each client in this process, by id. Safe for many threads.
class ClientUses {
 public:
  // Always the same object for the same id.
  std::shared_ptr<ClientUse> Of(std::string_view client_id);

 private:
  Mutex mu_;
  std::map<std::string, std::shared_ptr<ClientUse>, std::less<>> uses_
      ABSL_GUARDED_BY(mu_);
};

// Everything that decisions are made under, at one moment: policy,
// registrations, suspensions. Immutable; any thread may call. Shared by
// shared_ptr: a call keeps the one that it began with.
class Configuration {
 public:
  struct Sources {
    // Number of the change that made it.
    int64_t epoch = 0;
    std::shared_ptr<const Policy> policy;
    // As stored; revoked ones too, so that their callers are told so.
    std::vector<v1::Client> clients;
    std::set<std::string, std::less<>> suspended_purposes;
    std::string engine_version;
    // Given to every service, such as decisions.explain under --dev.
    PermissionSet extra_permissions;
  };
  static std::shared_ptr<const Configuration> Build(Sources sources,
                                                    ClientUses* uses);

  int64_t epoch() const { return sources_.epoch; }
  const Policy& policy() const { return *sources_.policy; }
  std::shared_ptr<const Policy> shared_policy() const {
    return sources_.policy;
  }
  const policy::Bundle& bundle() const { return *sources_.policy->bundle; }
  // SHA-256 that names policy, registrations, suspensions and program; 32
  // bytes.
  const std::string& hash() const { return hash_; }
  const store::v1::StoredBundle& stored() const { return stored_; }

  // Null when there is none.
  const Registration* FindByKey(const crypto::SpkiHash& key) const;
  const Registration* FindById(std::string_view id) const;
  // Sorted by id.
  const std::map<std::string, std::unique_ptr<const Registration>, std::less<>>&
  registrations() const {
    return by_id_;
  }

  bool IsSuspended(std::string_view purpose) const {
    return sources_.suspended_purposes.find(purpose) !=
           sources_.suspended_purposes.end();
  }
  const Sources& sources() const { return sources_; }

  // The purpose that a caller states: PURPOSE_NOT_ALLOWED for one that does
  // not exist or is not in the registration; SUSPENDED. Repeats the name only
  // when it is one of the registry's.
  absl::StatusOr<policy::PurposeId> ResolvePurpose(
      const Registration& registration, std::string_view purpose) const;

  struct KeyHash {
    size_t operator()(const crypto::SpkiHash& key) const;
  };

 private:
  Configuration() = default;

  Sources sources_;
  std::string hash_;
  store::v1::StoredBundle stored_;
  std::map<std::string, std::unique_ptr<const Registration>, std::less<>>
      by_id_;
  std::unordered_map<crypto::SpkiHash, const Registration*, KeyHash> by_key_;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CONFIGURATION_H_
