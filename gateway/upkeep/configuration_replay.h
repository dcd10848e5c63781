#ifndef CONSENTRY_GATEWAY_UPKEEP_CONFIGURATION_REPLAY_H_
#define CONSENTRY_GATEWAY_UPKEEP_CONFIGURATION_REPLAY_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/store/change.h"

namespace consentry::upkeep {

// What was taken away of the configuration behind a backup, as far as the log
// tells it. Where it tells only that something changed, a person has to look:
// until then the registration, or every purpose, is suspended. What was lifted
// since stays suspended too.
class ConfigurationReplay {
 public:
  // In the order of the log.
  void Add(const store::v1::Leaf& leaf);
  bool empty() const {
    return revoked_.empty() && suspended_.empty() && changed_.empty() &&
           purposes_.empty() && policy_.empty();
  }

  struct Counts {
    int64_t revoked = 0;
    int64_t suspended = 0;
    // Registrations that changed, in ways that are lost, and were left in force
    // since no other administrator would have been.
    int64_t left = 0;
    int64_t purposes = 0;
    // Another policy was in force, and every purpose is suspended.
    bool policy_lost = false;
  };
  // Inside of a change of the configuration; tells what it does as details of
  // the entry.
  absl::StatusOr<Counts> Apply(store::ChangeContext& context,
                               std::string_view engine_version,
                               store::v1::Leaf* leaf) const;

 private:
  // Ids of clients.
  std::set<std::string> revoked_;
  std::set<std::string> suspended_;
  // Renewed, or changed by an administrator.
  std::set<std::string> changed_;
  // Suspended.
  std::set<std::string> purposes_;
  // Hash of the last policy put in force, hexadecimal.
  std::string policy_;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_CONFIGURATION_REPLAY_H_
