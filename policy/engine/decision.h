#ifndef CONSENTRY_POLICY_ENGINE_DECISION_H_
#define CONSENTRY_POLICY_ENGINE_DECISION_H_

#include <cstdint>
#include <vector>

#include "policy/engine/types.h"

namespace consentry::policy {

struct FieldDecision {
  FieldId field{};
  bool permitted = false;
  // With a permit: what the value must pass through. NONE or stronger; never
  // UNSPECIFIED or DROP.
  Transform transform = config::v1::Transform::UNSPECIFIED;
  // With a denial.
  Reason reason = v1::ERROR_REASON_UNSPECIFIED;
  // The rule that denied; kNoRule where the denial follows from SPEC.md itself
  // (unknown field, no basis declared, context, retention of the catalog).
  RuleId rule = kNoRule;

  friend bool operator==(const FieldDecision&, const FieldDecision&) = default;
};

// The basis relied on in one regime for at least one permitted field.
struct BasisUsed {
  RegimeId regime{};
  BasisId basis = kNoBasis;

  friend bool operator==(const BasisUsed&, const BasisUsed&) = default;
};

// What the receiver owes along with the data.
enum Obligation : uint32_t {
  // The subject may have a person look at the decision.
  kOweHumanOnRequest = 1 << 0,
  // A person looks at the output before it has effect.
  kOweHumanBeforeEffect = 1 << 1,
  // The subject is told before the decision.
  kOweNotice = 1 << 2,
};

// The answer of Decide. Reuse one object: after the first calls nothing is
// allocated any more.
struct Decision {
  // At least one asked field is permitted; with no field asked, the purpose is.
  bool permitted = false;
  // With a denial: the reason, by the fixed order of SPEC.md, and its rule.
  Reason reason = v1::ERROR_REASON_UNSPECIFIED;
  RuleId rule = kNoRule;
  // One per asked field, in the order asked.
  std::vector<FieldDecision> fields;
  // Attached regimes, ascending.
  std::vector<RegimeId> regimes;
  // Ascending, each pair once.
  std::vector<BasisUsed> bases;
  // The rules that determined the outcome: of permitted fields all that
  // permitted, of denied ones the one that denied. Ascending, each once.
  std::vector<RuleId> rules;
  // Index into SubjectFacts::consents of the consent that was relied on or
  // found wanting; -1: none was looked for, or there is none.
  int32_t consent = -1;
  // Of Obligation.
  uint32_t obligations = 0;
  // The earliest time at which the same question may be answered differently
  // although no fact changes: a rule begins or ends, a consent, context or
  // retention runs out, a birthday, an hour of the owner's pack. kNever: none.
  int64_t decided_until_us = kNever;

  friend bool operator==(const Decision&, const Decision&) = default;

  void Clear() {
    permitted = false;
    reason = v1::ERROR_REASON_UNSPECIFIED;
    rule = kNoRule;
    fields.clear();
    regimes.clear();
    bases.clear();
    rules.clear();
    consent = -1;
    obligations = 0;
    decided_until_us = kNever;
  }
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_DECISION_H_
