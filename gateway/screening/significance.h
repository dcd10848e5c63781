#ifndef CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_
#define CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_

#include "gateway/access/output_decision.h"
#include "policy/conduct/conduct.h"

namespace consentry::screening {

// The fourth step of an output: does law want a human before it takes effect
// (GDPR Art. 22, UK GDPR Art. 22A to 22D, 11 CCR 7200, C.R.S. 6-1-1306,
// CQLR c. P-39.1 s. 12.1). Which outputs that are, and with which legal gate
// they may go without, stands in the packs' rules on automated decisions.
struct Significance {
  conduct::Action action = conduct::Action::kRelease;
  // A human may be asked afterwards.
  bool on_request = false;
  // The customer is told before the decision.
  bool notice = false;
};

// Of a decision that permits; of one that denies nothing is asked. Pure.
Significance SignificanceOf(const access::OutputDecision& decision,
                            bool reviewed);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SIGNIFICANCE_H_
