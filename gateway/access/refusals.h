#ifndef CONSENTRY_GATEWAY_ACCESS_REFUSALS_H_
#define CONSENTRY_GATEWAY_ACCESS_REFUSALS_H_

#include <memory>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/access/caller.h"
#include "gateway/base/clock.h"
#include "gateway/clients/repeated_denials.h"
#include "gateway/store/committer.h"

namespace consentry::access {

// Entries about calls that were refused for a reason about the caller: state,
// purpose, field, budget. The first of a kind is on stable storage before the
// caller hears of it; repetitions within a second are counted and written as
// one. Safe for many threads.
class Refusals {
 public:
  // Both outlive the object.
  Refusals(store::Committer* committer, const base::Clock* clock);
  // As Flush(all).
  ~Refusals();

  // Records `status`, then calls `done` with it; with AUDIT_UNAVAILABLE when
  // the entry could not be written. `purpose` is what the caller stated; a
  // purpose that the configuration does not know is not repeated in the log.
  // Errors of the gateway itself are passed on without an entry.
  void Record(const clients::Configuration& configuration, const Caller& caller,
              std::string_view purpose, absl::Status status,
              absl::AnyInvocable<void(absl::Status)> done);

  // Writes the entries that are due for counted repetitions. Call about once a
  // second; `all` before the end.
  void Flush(bool all);

 private:
  void Write(const store::v1::Leaf& leaf,
             absl::AnyInvocable<void(absl::Status)> done);

  store::Committer* const committer_;
  const base::Clock* const clock_;
  clients::RepeatedDenials repeated_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_REFUSALS_H_
