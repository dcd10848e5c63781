#include "gateway/screening/significance.h"

namespace consentry::screening {

Significance SignificanceOf(const access::OutputDecision& decision,
                            bool reviewed) {
  Significance found;
  if (!decision.permitted) return found;
  const uint32_t owed = decision.decision.obligations;
  // A rule that asks for a human before effect and one whose legal gate does
  // not stand both come as a review that is required.
  if (!reviewed && (decision.review_required ||
                    (owed & policy::kOweHumanBeforeEffect) != 0)) {
    found.action = conduct::Action::kHold;
  }
  return found;
}

std::vector<v1::OutputDuty> DutiesOf(uint32_t obligations) {
  std::vector<v1::OutputDuty> duties;
  if ((obligations & policy::kOweNotice) != 0) {
    duties.push_back(v1::OUTPUT_DUTY_NOTICE);
  }
  if ((obligations & policy::kOweHumanOnRequest) != 0) {
    duties.push_back(v1::OUTPUT_DUTY_HUMAN_ON_REQUEST);
  }
  return duties;
}

}  // namespace consentry::screening
