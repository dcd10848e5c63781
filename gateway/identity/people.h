#ifndef CONSENTRY_GATEWAY_IDENTITY_PEOPLE_H_
#define CONSENTRY_GATEWAY_IDENTITY_PEOPLE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/identity.pb.h"
#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/person.h"
#include "gateway/clients/registration.h"
#include "gateway/identity/key_source.h"
#include "gateway/identity/logins.h"
#include "gateway/identity/role_mappings.h"
#include "gateway/identity/staff_directory.h"
#include "gateway/identity/token.h"
#include "gateway/store/reader_pool.h"
#include "proto/support/mutex.h"

namespace consentry::identity {

// A person of one call, with what her being it rests on.
struct KnownPerson {
  clients::Person person;
  // Of a customer's link.
  std::string issuer;
  std::string login;
  uint64_t links = 0;  // Logins::generation() that it was read under.
};

// Who the tokens of calls stand for (PROTOCOLS H2). Verifying takes processor
// time alone, some 100 microseconds, and once for each token until it ends; a
// customer's link is one short read. Keys of issuers are fetched by a thread of
// its own. Safe for many threads.
class People {
 public:
  struct Options {
    // Defaults filled in, checked. All else outlives this.
    config::v1::Identity config;
    // Null: the mapping of `config`.
    const RoleMappings* roles = nullptr;
    const StaffPseudonyms* pseudonyms = nullptr;
    StaffDirectory* staff = nullptr;
    const Logins* logins = nullptr;
    store::ReaderPool* readers = nullptr;
    const base::Clock* clock = nullptr;
    // Null: FetchKeys.
    KeySource::Fetch fetch = nullptr;
    // False: whoever owns this calls RunOnce.
    bool background = true;
  };
  explicit People(Options options);
  People(const People&) = delete;
  People& operator=(const People&) = delete;
  ~People();

  // `token` as it came, without "Bearer"; `by`: the registration of the
  // certificate that the call came with, and the SHA-256 of that certificate.
  // TOKEN_INVALID with its fault: those of ParseToken, KeySet and CheckClaims;
  // "not_delegated" (the registration carries no tokens, or none of this
  // person's roles), "client" (the token was given to another client),
  // "keys" (the issuer's are not to be had), "confirmation" (bound to another
  // certificate). ACCESS_DENIED for a customer whom nobody linked, which is
  // what one is told who asks about somebody unknown.
  absl::StatusOr<KnownPerson> Identify(std::string_view token,
                                       const clients::Registration& by,
                                       std::string_view certificate_sha256,
                                       int64_t now_us);

  // Whether a customer is still linked: asked again before an answer is handed
  // over, so that unlinking ends what is in flight. ACCESS_DENIED.
  absl::Status CheckStillLinked(const KnownPerson& known) const;

  // For status and doctor: "identity_keys_missing: https://login.example".
  std::vector<std::string> Warnings(int64_t now_us) const;

  // One round of what the background thread does. Waits.
  void RunOnce();
  void Stop();

 private:
  // What a token was found to say; kept by the hash of its text.
  struct Verified {
    size_t issuer = 0;
    std::shared_ptr<const KeySet> keys;  // That it was verified with.
    RoleMappings::Mapping mapping;       // That gave the roles.
    TokenFacts facts;
    uint32_t roles = 0;
    std::string person;  // Staff.
  };

  absl::StatusOr<std::shared_ptr<const Verified>> Verify(std::string_view token,
                                                         int64_t now_us);
  std::shared_ptr<const Verified> Remembered(const std::string& hash,
                                             int64_t now_us);
  absl::Status LinkTo(KnownPerson* known) const;

  const Options options_;
  std::vector<std::unique_ptr<KeySource>> sources_;  // One for each issuer.
  Mutex mu_;
  std::map<std::string, std::shared_ptr<const Verified>> known_
      ABSL_GUARDED_BY(mu_);
  std::atomic<bool> stopping_{false};
  int64_t swept_us_ = 0;  // Of the background thread.
  std::unique_ptr<base::Periodic> keeper_;
};

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_PEOPLE_H_
