#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENING_UPKEEP_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENING_UPKEEP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/screening/screener.h"
#include "gateway/store/change.h"

namespace consentry::screening {

// For how many days outputs are held.
int64_t KeepDays(const config::v1::Screening& settings);

// What is forgotten of outputs, and when: releases at their end; screened
// outputs, outcomes, counts of amounts and ended vulnerabilities after
// `keep_days`; outcomes of outputs that never came after 30 days; pressure when
// nothing was added for `keep_days`. Safe for many threads.
class ScreeningUpkeep {
 public:
  static constexpr int64_t kRowsPerStep = 512;

  // Outlives the object.
  explicit ScreeningUpkeep(const ScreeningParts* parts) : parts_(parts) {}

  // One change of at most kRowsPerStep rows, with an entry; none when there is
  // nothing to do. How many rows went. Waits for the committer.
  absl::StatusOr<int64_t> Step();
  absl::Status Run(int most = 100);

  // Of an erased customer: releases that have not ended are revoked first. How
  // many rows were touched, at most `limit`.
  absl::StatusOr<int64_t> Forget(store::ChangeContext& context,
                                 uint64_t subject, int64_t limit) const;

 private:
  absl::StatusOr<int64_t> DropOld(store::ChangeContext& context) const;

  const ScreeningParts* const parts_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENING_UPKEEP_H_
