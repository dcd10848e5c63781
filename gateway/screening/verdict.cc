#include "gateway/screening/verdict.h"

#include <algorithm>
#include <array>

namespace consentry::screening {
namespace {

using conduct::Action;

// In the order in which an engine is told of them.
constexpr std::array kOrder = {
    v1::VERDICT_CLASS_NOT_PERMITTED, v1::VERDICT_CLASS_CONDUCT,
    v1::VERDICT_CLASS_FAIRNESS,      v1::VERDICT_CLASS_SIGNIFICANT,
    v1::VERDICT_CLASS_PRESSURE,
};

size_t PlaceOf(v1::VerdictClass verdict_class) {
  return static_cast<size_t>(
      std::find(kOrder.begin(), kOrder.end(), verdict_class) - kOrder.begin());
}

// The worst so far.
class Worst {
 public:
  void Take(Action action, v1::VerdictClass verdict_class) {
    if (action == Action::kRelease) return;
    if (action > action_ ||
        (action == action_ && PlaceOf(verdict_class) < PlaceOf(class_))) {
      action_ = action;
      class_ = verdict_class;
    }
  }
  Action action() const { return action_; }
  v1::VerdictClass verdict_class() const { return class_; }

 private:
  Action action_ = Action::kRelease;
  v1::VerdictClass class_ = v1::VERDICT_CLASS_UNSPECIFIED;
};

v1::ReviewTrigger TriggerOf(v1::VerdictClass verdict_class) {
  switch (verdict_class) {
    case v1::VERDICT_CLASS_SIGNIFICANT:
      return v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION;
    case v1::VERDICT_CLASS_FAIRNESS:
      return v1::REVIEW_TRIGGER_FAIRNESS;
    default:
      return v1::REVIEW_TRIGGER_CONDUCT;
  }
}

}  // namespace

Outcome VerdictOf(const access::OutputPlan& plan, const Steps& steps) {
  Worst worst;
  Outcome outcome;
  // A human has seen what she was asked about and has let it pass.
  const auto settled = [&](Action action) {
    return steps.reviewed && action == Action::kHold ? Action::kRelease
                                                     : action;
  };
  if (!steps.treatment->permitted) {
    worst.Take(Action::kBlock, v1::VERDICT_CLASS_NOT_PERMITTED);
  }
  for (const conduct::Finding& finding : steps.conduct->findings) {
    const Action action = settled(finding.action);
    if (action == Action::kRelease) continue;
    worst.Take(action, finding.verdict_class);
    outcome.rules.push_back(finding.rule);
  }
  if (steps.fairness) {
    const Action action = settled(steps.fairness->action);
    worst.Take(action, v1::VERDICT_CLASS_FAIRNESS);
    if (action != Action::kRelease) {
      outcome.rules.insert(outcome.rules.end(),
                           steps.fairness->monitors.begin(),
                           steps.fairness->monitors.end());
    }
  }
  const Action significant = settled(steps.significance.action);
  worst.Take(significant, v1::VERDICT_CLASS_SIGNIFICANT);
  if (significant != Action::kRelease) {
    for (const policy::RuleId rule : steps.treatment->decision.rules) {
      outcome.rules.emplace_back(plan.plan.bundle().rule(rule).id);
    }
  }
  std::sort(outcome.rules.begin(), outcome.rules.end());
  outcome.rules.erase(std::unique(outcome.rules.begin(), outcome.rules.end()),
                      outcome.rules.end());
  outcome.verdict_class = worst.verdict_class();
  switch (worst.action()) {
    case Action::kRelease:
      outcome.verdict = v1::VERDICT_RELEASED;
      break;
    case Action::kHold:
      outcome.verdict = v1::VERDICT_HELD;
      // Law's own question goes before the business's.
      outcome.trigger = significant == Action::kHold
                            ? v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION
                            : TriggerOf(worst.verdict_class());
      break;
    case Action::kBlock:
      outcome.verdict = v1::VERDICT_BLOCKED;
      break;
  }
  if (outcome.verdict_class == v1::VERDICT_CLASS_PRESSURE) {
    outcome.retry_us = steps.conduct->retry_us;
  }
  return outcome;
}

}  // namespace consentry::screening
