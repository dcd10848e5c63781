#include "gateway/screening/significance.h"

namespace consentry::screening {

Significance SignificanceOf(const access::OutputDecision& decision,
                            bool reviewed) {
  Significance found;
  if (!decision.permitted) return found;
  const uint32_t owed = decision.decision.obligations;
  found.on_request = (owed & policy::kOweHumanOnRequest) != 0;
  found.notice = (owed & policy::kOweNotice) != 0;
  // A rule that asks for a human before effect and one whose legal gate does
  // not stand both come as a review that is required.
  if (!reviewed && (decision.review_required ||
                    (owed & policy::kOweHumanBeforeEffect) != 0)) {
    found.action = conduct::Action::kHold;
  }
  return found;
}

}  // namespace consentry::screening
