#ifndef CONSENTRY_GATEWAY_SCREENING_RECHECK_H_
#define CONSENTRY_GATEWAY_SCREENING_RECHECK_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "gateway/access/output_decision.h"
#include "gateway/screening/release_rows.h"
#include "gateway/screening/screener.h"
#include "gateway/store/engine.h"

namespace consentry::screening {

// What a release is worth now.
struct Rechecked {
  enum class State {
    kHolds,
    // Not now: quiet hours, a budget, or a time that has not come.
    kLater,
    // Never again.
    kOver,
  };
  State state = State::kOver;
  access::OutputPlan plan;
  access::OutputDecision decision;
  ScreeningRow row;
  // With kHolds and kLater, where they were asked for.
  store::v1::ScreenedOutput words;
};

// Decides anew whether the output of a release may still reach its customer: by
// law and choice, and by what is known about her now. What is said about the
// output itself was judged when it was released, and stands. `for_delivery`:
// opens the words, and looks at the time and at pressure too. Reads the store;
// errors are the store's or the gateway's.
absl::StatusOr<Rechecked> Recheck(const ScreeningParts& parts,
                                  store::Connection* connection,
                                  const ReleaseRow& release, int64_t now_us,
                                  int64_t as_of_change, bool for_delivery);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RECHECK_H_
