#ifndef CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_
#define CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_

#include <cstdint>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/output_decision.h"
#include "policy/conduct/conduct.h"

namespace consentry::screening {

// The fourth step of an output: does law want a human before it takes effect
// (GDPR Art. 22, UK GDPR Art. 22A to 22D, 11 CCR 7200, C.R.S. 6-1-1306,
// CQLR c. P-39.1 s. 12.1). Which outputs that are, and with which legal gate
// they may go without, stands in the packs' rules on automated decisions.
struct Significance {
  conduct::Action action = conduct::Action::kRelease;
};

// Of a decision that permits; of one that denies nothing is asked. Pure.
Significance SignificanceOf(const access::OutputDecision& decision,
                            bool reviewed);

// What whoever delivers an output owes the customer beside it, of the
// obligations (policy::Obligation) that it was decided with. Pure.
std::vector<v1::OutputDuty> DutiesOf(uint32_t obligations);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_
