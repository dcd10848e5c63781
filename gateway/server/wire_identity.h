#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_IDENTITY_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_IDENTITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/threads.h"
#include "gateway/clients/proposals.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/root_key.h"
#include "gateway/identity/login_desk.h"
#include "gateway/identity/people.h"
#include "gateway/server/config.h"

namespace consentry::server {

// Faults of `identity` and `approvals` of a configuration, by field; empty:
// none. What files and addresses point to is not looked at.
std::vector<FieldViolation> CheckIdentity(
    const config::v1::GatewayConfig& message);
void FillIdentityDefaults(config::v1::GatewayConfig* message);

// How changes of power take effect in this gateway. `connection` reads when the
// gateway was founded: its setup ends so many hours later.
absl::StatusOr<clients::ApprovalRules> ApprovalRulesOf(
    const config::v1::GatewayConfig& message, bool dev,
    store::Connection* connection);

// The parts that know people, in the order in which they lean on each other.
// Everything in Options outlives them.
class IdentityParts {
 public:
  struct Options {
    const config::v1::Identity* config = nullptr;
    const identity::RoleMappings* roles = nullptr;
    const crypto::RootKey* root = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const base::Clock* clock = nullptr;
    // All but `issuers` and `logins`, which are set here.
    identity::LoginDesk::Options desk;
  };
  explicit IdentityParts(Options options);
  // Ends the background thread; calls may still be answered.
  void Stop() { people_->Stop(); }

  identity::People* people() { return people_.get(); }
  identity::StaffDirectory* staff() { return &staff_; }
  identity::LoginDesk* desk() { return &desk_; }
  identity::Logins* logins() { return &logins_; }

 private:
  const identity::StaffPseudonyms pseudonyms_;
  identity::Logins logins_;
  identity::StaffDirectory staff_;
  identity::LoginDesk desk_;
  std::unique_ptr<identity::People> people_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_IDENTITY_H_
