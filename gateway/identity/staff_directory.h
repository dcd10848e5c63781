#ifndef CONSENTRY_GATEWAY_IDENTITY_STAFF_DIRECTORY_H_
#define CONSENTRY_GATEWAY_IDENTITY_STAFF_DIRECTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/identity.pb.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/root_key.h"
#include "gateway/crypto/secret.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::identity {

// Opaque ids of staff: "stf_" and 24 characters, a keyed hash of issuer and
// login. The log holds these and no name. Immutable; safe for many threads.
class StaffPseudonyms {
 public:
  explicit StaffPseudonyms(const crypto::RootKey& root);
  std::string Of(std::string_view issuer, std::string_view login) const;

 private:
  const crypto::GuardedKey key_;
};

// Who the pseudonyms are: names as tokens told them, sealed, with a retention
// of their own (PROTOCOLS F4). What it forgot nobody can look up any more; the
// entries of the log stay. Safe for many threads.
class StaffDirectory {
 public:
  struct Options {
    // All outlive the directory.
    const crypto::EpochFile* epochs = nullptr;
    store::Committer* committer = nullptr;
    clients::ConfigurationSource configuration;
    // Months after the one in which somebody was last seen.
    uint32_t retention_months = 36;
  };
  explicit StaffDirectory(Options options) : options_(std::move(options)) {}

  // Notes who came, unless it stands there for this month already. `seen` holds
  // issuer, login, name and e-mail. Does not wait: the entry follows; a failure
  // is tried again when she comes next.
  void Note(const std::string& person, const store::v1::StaffEntry& seen,
            int64_t now_us);

  // NOT_FOUND.
  absl::StatusOr<v1::StaffMember> Find(store::Connection* connection,
                                       const std::string& person) const;

  // Forgets whose month is over; one entry when there was anybody. Waits.
  absl::Status Sweep(store::Connection* reader, int64_t now_us);

 private:
  store::Change ChangeFor(const std::string& person,
                          const store::v1::StaffEntry& seen) const;
  void Forget(const std::string& person);

  const Options options_;
  Mutex mu_;
  // What was noted in this process, or is about to be: a digest of the entry
  // and its month. Bounded; forgotten as a whole.
  std::map<std::string, std::string> noted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_STAFF_DIRECTORY_H_
