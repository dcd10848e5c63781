#ifndef CONSENTRY_GATEWAY_IDENTITY_KEY_SOURCE_H_
#define CONSENTRY_GATEWAY_IDENTITY_KEY_SOURCE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/identity.pb.h"
#include "gateway/identity/key_set.h"
#include "proto/support/mutex.h"

namespace consentry::identity {

// The keys of one issuer, kept fresh from the outside: whoever owns it calls
// Refresh on a background thread every few seconds. Safe for many threads.
class KeySource {
 public:
  // The text of the key set. Waits.
  using Fetch =
      std::function<absl::StatusOr<std::string>(const config::v1::Issuer&)>;

  // `issuer` has its defaults filled in.
  KeySource(const config::v1::Issuer& issuer, Fetch fetch);

  // Null before the first success, and when the newest is older than the
  // issuer's stale_hours.
  std::shared_ptr<const KeySet> keys(int64_t now_us) const;

  // A token named a key that the newest set does not hold: perhaps it is new.
  // The next Refresh fetches, unless one did within the last minute. Whoever
  // sends made-up ids gets no more than that.
  void Want();

  // Fetches when it is time: a file every minute, an URL as configured, either
  // after a failure every half minute. A set that does not parse, or cannot be
  // had, leaves the one before in use until it is stale. Whether it fetched,
  // or what went wrong.
  absl::StatusOr<bool> Refresh(int64_t now_us);

 private:
  const config::v1::Issuer issuer_;
  const Fetch fetch_;
  mutable Mutex mu_;
  std::shared_ptr<const KeySet> keys_ ABSL_GUARDED_BY(mu_);
  int64_t fetched_us_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t tried_us_ ABSL_GUARDED_BY(mu_) = 0;
  bool tried_ ABSL_GUARDED_BY(mu_) = false;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;
};

// For production: a file, or HttpsGet, which `cancelled` ends.
absl::StatusOr<std::string> FetchKeys(const config::v1::Issuer& issuer,
                                      const std::atomic<bool>* cancelled);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_KEY_SOURCE_H_
