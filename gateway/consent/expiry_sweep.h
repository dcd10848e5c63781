#ifndef CONSENTRY_GATEWAY_CONSENT_EXPIRY_SWEEP_H_
#define CONSENTRY_GATEWAY_CONSENT_EXPIRY_SWEEP_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "gateway/consent/ledger_changes.h"

namespace consentry::consent {

// Records that consents came to their end, by an EXPIRED event for each.
// Decisions do not wait for it: they look at the end itself. Safe for many
// threads; waits for the committer, so it is for a thread of its own.
class ExpirySweep {
 public:
  // Subjects of one step, which is one change with one entry.
  static constexpr size_t kSubjectsPerStep = 64;

  // `options` outlives the sweep.
  explicit ExpirySweep(const LedgerOptions& options) : options_(options) {}

  // Takes up to kSubjectsPerStep subjects of whom a consent may have ended.
  // Returns how many there were; fewer than that: none is left. Idempotent.
  absl::StatusOr<size_t> Step();
  // Steps until none is left, at most `most`.
  absl::Status Run(size_t most = 100);

 private:
  const LedgerOptions options_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_EXPIRY_SWEEP_H_
