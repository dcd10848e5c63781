#ifndef CONSENTRY_POLICY_CONDUCT_JUDGES_H_
#define CONSENTRY_POLICY_CONDUCT_JUDGES_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook_tables.h"

// The parts of Judge(), one file each. They add findings and never look at each
// other's.
namespace consentry::conduct {

// What is worked out once about a question.
struct Case {
  const Rulebook::Tables& tables;
  const Question& question;
  const v1::Output& output;
  // When it reaches the customer: now, or the time it is to be delivered.
  int64_t deliver_us = 0;
  bool minor = false;
  // Unreadable: all of them. MINOR with `minor`.
  std::set<v1::VulnerabilityKind> vulnerabilities;
  // The claims of the text; empty without a scan.
  const std::vector<TextFinding>& claims;
  bool pressing = false;
  std::set<std::string> topics;
};

// Whether a row speaks of this output, on this day.
bool Applies(const Scope& scope, const Case& at);

Action ActionOf(config::v1::ConductAction::Value action);
bool IsPressing(config::v1::ConductType::Value type);

// Nothing where `action` is RELEASE.
void AddFinding(const config::v1::RuleInfo& rule, Action action,
                v1::VerdictClass verdict_class, std::string_view message,
                Judgement* out);
// The same about a claim, with its place and the law behind it.
void AddClaimFinding(const Case& at, const config::v1::RuleInfo& rule,
                     Action action, v1::VerdictClass verdict_class,
                     std::string_view message, const TextFinding& claim,
                     Judgement* out);

void JudgeClaims(const Case& at, Judgement* out);
void JudgePrice(const Case& at, Judgement* out);
void JudgeProfiling(const Case& at, Judgement* out);
void JudgeVulnerability(const Case& at, Judgement* out);
void JudgeDisclosure(const Case& at, Judgement* out);
// Sets retry_us and charge, as if nothing else were found.
void JudgePressure(const Case& at, Judgement* out);

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_JUDGES_H_
