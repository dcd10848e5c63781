#ifndef CONSENTRY_GATEWAY_CLIENTS_REGISTRATION_H_
#define CONSENTRY_GATEWAY_CLIENTS_REGISTRATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/clients/permissions.h"
#include "gateway/clients/rate_limiter.h"
#include "gateway/clients/subject_budget.h"
#include "gateway/crypto/certificates.h"
#include "policy/engine/bundle.h"

namespace consentry::clients {

// Bounds of a registration's limits, and what 0 stands for.
inline constexpr uint32_t kDefaultCallsPerSecond = 1000;
inline constexpr uint32_t kMaxCallsPerSecond = 100'000;
inline constexpr uint32_t kDefaultSubjectsPerHour = 10'000;
inline constexpr uint32_t kMaxSubjectsPerHour = 10'000'000;

// What one client has used up. Lives across configurations, ends with the
// process. Safe for many threads.
struct ClientUse {
  RateLimiter rate{kDefaultCallsPerSecond};
  SubjectBudget budget{kDefaultSubjectsPerHour};
};

// One registration, compiled against the bundle of its configuration: names
// became handles, prefixes became sets. Immutable but for `use`; any thread may
// call. Handles are those of that bundle alone.
class Registration {
 public:
  // `client` as stored. Names that the bundle does not know are passed over:
  // they allow nothing.
  static std::unique_ptr<const Registration> Compile(
      const v1::Client& client, const policy::Bundle& bundle,
      PermissionSet extra, std::shared_ptr<ClientUse> use);

  const v1::Client& client() const { return client_; }
  const std::string& id() const { return client_.id(); }
  uint64_t version() const { return client_.version(); }
  const crypto::SpkiHash& key() const { return key_; }
  const PermissionSet& permissions() const { return permissions_; }
  // What of the person's `roles` (bits 1 << v1::Role) it may carry tokens of.
  uint32_t Carries(uint32_t roles) const { return roles & delegable_; }
  // What a call may that carries a token of a person with these roles: what
  // they hold of `may_delegate`, and nothing of the registration's own beside.
  PermissionSet PermissionsFor(uint32_t roles) const;
  int64_t expire_us() const { return expire_us_; }

  bool AllowsPurpose(policy::PurposeId purpose) const {
    return purposes_[policy::Index(purpose)];
  }
  // By category, the values that it reveals included: a registration that may
  // not see a category does not get a field from which it follows.
  bool MayRead(policy::FieldId field) const {
    return readable_[policy::Index(field)];
  }
  bool MayWrite(policy::FieldId field) const {
    return writable_[policy::Index(field)];
  }
  bool AllowsChannel(v1::Channel channel) const {
    return channels_ == 0 || (channels_ >> channel & 1) != 0;
  }
  bool AllowsSource(std::string_view source) const;
  // Whether it may report consents to the purpose, given on that notice.
  bool MayAttest(std::string_view purpose, std::string_view notice_id) const;

  // Where the data goes and what allows the transfer, for DecisionRequest.
  policy::JurisdictionId country() const { return country_; }
  policy::Safeguard safeguard() const { return safeguard_; }

  // CONTEXT_REQUIRED, naming what is missing, unless `context` holds what the
  // registration makes mandatory.
  absl::Status CheckContext(const v1::CallContext& context) const;

  // State and end: CLIENT_REVOKED, SUSPENDED, CLIENT_EXPIRED.
  absl::Status CheckState(int64_t now_us) const;

  ClientUse& use() const { return *use_; }

 private:
  Registration() = default;

  v1::Client client_;
  crypto::SpkiHash key_{};
  PermissionSet permissions_;
  uint32_t delegable_ = 0;  // Bits 1 << Role.
  int64_t expire_us_ = 0;
  uint64_t channels_ = 0;  // Bit 1 << Channel; 0: all.
  std::vector<bool> purposes_;
  std::vector<bool> readable_;
  std::vector<bool> writable_;
  policy::JurisdictionId country_ = policy::kNoJurisdiction;
  policy::Safeguard safeguard_ = config::v1::Safeguard::UNSPECIFIED;
  std::shared_ptr<ClientUse> use_;
};

// The safeguard that a registration's `transfer_ground` names: "", "adequacy",
// "scc", "bcr", "certification", "explicit_consent", "derogation". False for
// another word.
bool ParseTransferGround(std::string_view word, policy::Safeguard* safeguard);

// The hash of a public key as the API writes it, 64 hexadecimal digits.
std::string FormatKey(const crypto::SpkiHash& key);
// Nothing but what FormatKey makes.
absl::StatusOr<crypto::SpkiHash> ParseKey(std::string_view text);

// Whether `category` is `prefix` or below it: "user.contact" holds
// "user.contact.email" and not "user.contacts".
bool CategoryBelow(std::string_view category, std::string_view prefix);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_REGISTRATION_H_
