#ifndef CONSENTRY_GATEWAY_SCREENING_VERDICT_H_
#define CONSENTRY_GATEWAY_SCREENING_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/output_decision.h"
#include "gateway/screening/fairness_gate.h"
#include "gateway/screening/significance.h"
#include "policy/conduct/conduct.h"

namespace consentry::screening {

// What all steps said about one output.
struct Steps {
  const access::OutputDecision* treatment = nullptr;
  const conduct::Judgement* conduct = nullptr;
  // Absent: nobody watches the model.
  std::optional<FairnessGate::Answer> fairness;
  Significance significance;
  // A human let it pass: what asked for a human is settled, what blocks is not.
  bool reviewed = false;
};

// The worst of all, and all that its engine may know of why.
struct Outcome {
  v1::Verdict verdict = v1::VERDICT_UNSPECIFIED;
  v1::VerdictClass verdict_class = v1::VERDICT_CLASS_UNSPECIFIED;
  // With HELD.
  v1::ReviewTrigger trigger = v1::REVIEW_TRIGGER_UNSPECIFIED;
  // What held or blocked it, by id: conduct rules, monitors, rules of packs.
  std::vector<std::string> rules;
  // With PRESSURE.
  std::optional<int64_t> retry_us;
};

// Blocked before held before released; of equals NOT_PERMITTED, CONDUCT,
// FAIRNESS, SIGNIFICANT, PRESSURE. Pure.
Outcome VerdictOf(const access::OutputPlan& plan, const Steps& steps);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_VERDICT_H_
