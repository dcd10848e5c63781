#ifndef CONSENTRY_GATEWAY_SCREENING_RECHECK_H_
#define CONSENTRY_GATEWAY_SCREENING_RECHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "gateway/access/output_decision.h"
#include "gateway/screening/pressure_rows.h"
#include "gateway/screening/release_rows.h"
#include "gateway/screening/screener.h"
#include "gateway/store/engine.h"
#include "policy/conduct/pressure.h"

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
  // With kOver: NOT_PERMITTED, or FAIRNESS where nothing else stands against
  // it, and the ids of the monitors that do.
  v1::VerdictClass verdict_class = v1::VERDICT_CLASS_NOT_PERMITTED;
  std::vector<std::string> monitors;
  access::OutputPlan plan;
  access::OutputDecision decision;
  ScreeningRow row;
  // With kHolds and kLater.
  store::v1::ScreenedOutput words;
  // As conduct::Judgement has them, by now.
  std::optional<int64_t> quiet_from_us;
  std::optional<int64_t> retry_us;
  // With kHolds, for delivery: what must be charged (ChargeDue) before it is
  // handed over, since a human released it without asking the budgets.
  std::optional<conduct::Contact> due;
  // What that was judged on.
  Pressure pressure;
};

// The plan by which the engine of a stored output would ask for it at `now_us`;
// fills in who that is. Errors of access::MakeOutputPlan.
absl::StatusOr<access::OutputPlan> PlanOf(const ScreeningParts& parts,
                                          const ScreeningRow& row,
                                          int64_t now_us,
                                          access::Caller* engine);

// Decides anew whether the output of a release may still reach its customer: by
// law and choice, and by what is known about her now. What is said about the
// output itself was judged when it was released, and stands. What the fairness
// monitors of its model version say is asked by now, unless a human let it
// pass: what they would block or hold does not hold any more. `for_delivery`:
// looks at the time and at pressure too; a budget that the release was charged
// to is not asked twice. Reads the store; errors are the
// store's or the gateway's.
absl::StatusOr<Rechecked> Recheck(const ScreeningParts& parts,
                                  store::Connection* connection,
                                  const ReleaseRow& release, int64_t now_us,
                                  int64_t as_of_change, bool for_delivery);

// What the rules of conduct say about words that a human wants to put in the
// place of a held or released output's own: FIELD_INVALID (new_outcome) where
// they break one for which the output was not held in the first place. What
// depends on the customer and on the time is left to Recheck. On the
// committer's thread, inside a change.
absl::Status JudgeAltered(const ScreeningParts& parts,
                          store::ChangeContext& context,
                          const ScreeningRow& row, const v1::Output& altered);

// Charges what is `due` in a change of its own. False: something else was
// charged meanwhile, or the customer or the output changed; look again. Waits
// for the committer: not from one of its threads.
absl::StatusOr<bool> ChargeDue(const ScreeningParts& parts,
                               const Rechecked& checked);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RECHECK_H_
