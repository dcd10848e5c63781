#ifndef CONSENTRY_POLICY_ENGINE_EXPLAIN_H_
#define CONSENTRY_POLICY_ENGINE_EXPLAIN_H_

#include <string>
#include <vector>

#include "policy/engine/engine.h"

namespace consentry::policy {

// One step of a decision, in words. Holds no value of the subject: no date, no
// place, no identifier of hers beyond the event id of a consent.
struct ExplanationStep {
  // "purpose", "regimes", "restriction", "choices", "age", "basis", "consent",
  // "sensitive", "transfer", "context", "retention", "automated_decision",
  // "owner", "outcome".
  std::string step;
  std::string text;
  // Empty where no rule speaks.
  std::string rule;
  std::string citation;
  // The citation was checked against the text of the law.
  bool checked = false;
};

struct Explanation {
  // In the order of SPEC.md.
  std::vector<ExplanationStep> steps;

  // One line per step, for a terminal.
  std::string ToText() const;
};

// Explains `decision`, which Decide gave for the same bundle, facts and
// request.
Explanation Explain(const Bundle& bundle, const SubjectFacts& facts,
                    const DecisionRequest& request, const Decision& decision);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_EXPLAIN_H_
