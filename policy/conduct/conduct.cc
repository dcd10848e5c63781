#include "policy/conduct/conduct.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "policy/conduct/evidence_time.h"
#include "policy/conduct/judges.h"
#include "policy/engine/civil.h"
#include "policy/engine/places.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductType;
using config::v1::RuleInfo;

constexpr v1::VulnerabilityKind kEveryVulnerability[] = {
    v1::VULNERABILITY_KIND_MINOR, v1::VULNERABILITY_KIND_DEBT,
    v1::VULNERABILITY_KIND_BEREAVEMENT, v1::VULNERABILITY_KIND_DISABILITY,
    v1::VULNERABILITY_KIND_DISTRESS};

void AddUnreadable(std::string_view id, Action action, std::string_view message,
                   Judgement* out) {
  RuleInfo rule;
  rule.set_id("output." + std::string(id));
  rule.set_citation("own policy: what cannot be judged does not go out");
  AddFinding(rule, action, v1::VERDICT_CLASS_CONDUCT, message, out);
}

bool IsMinor(const SubjectState& subject, int below) {
  return subject.age_unreadable || (subject.age && *subject.age < below) ||
         subject.vulnerabilities.contains(v1::VULNERABILITY_KIND_MINOR) ||
         subject.vulnerabilities_unreadable;
}

std::set<v1::VulnerabilityKind> VulnerabilitiesOf(const SubjectState& subject,
                                                  bool minor) {
  std::set<v1::VulnerabilityKind> kinds = subject.vulnerabilities;
  if (subject.vulnerabilities_unreadable) {
    kinds.insert(std::begin(kEveryVulnerability),
                 std::end(kEveryVulnerability));
  }
  if (minor) kinds.insert(v1::VULNERABILITY_KIND_MINOR);
  return kinds;
}

// 0: told first.
int RankOf(v1::VerdictClass verdict_class) {
  switch (verdict_class) {
    case v1::VERDICT_CLASS_NOT_PERMITTED:
      return 0;
    case v1::VERDICT_CLASS_CONDUCT:
      return 1;
    default:
      return 2;
  }
}

void SortAndJoin(Judgement* out) {
  std::vector<Finding>& findings = out->findings;
  const auto key = [](const Finding& f) {
    return std::tie(f.start, f.length, f.rule, f.message, f.citation, f.action,
                    f.verdict_class);
  };
  std::sort(
      findings.begin(), findings.end(),
      [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
  findings.erase(std::unique(findings.begin(), findings.end()), findings.end());
  std::vector<std::string>& missing = out->missing_disclosures;
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
}

void TakeTheWorst(Judgement* out) {
  bool only_pressure = true;
  for (const Finding& finding : out->findings) {
    if (finding.action > out->action) out->action = finding.action;
    only_pressure =
        only_pressure && (finding.action != Action::kBlock ||
                          finding.verdict_class == v1::VERDICT_CLASS_PRESSURE);
  }
  int rank = 3;
  for (const Finding& finding : out->findings) {
    if (finding.action != out->action) continue;
    if (RankOf(finding.verdict_class) < rank) {
      rank = RankOf(finding.verdict_class);
      out->verdict_class = finding.verdict_class;
    }
  }
  if (out->action == Action::kBlock) out->charge.reset();
  if (out->action != Action::kBlock || !only_pressure) out->retry_us.reset();
}

}  // namespace

bool Applies(const Scope& scope, const Case& at) {
  const auto has = [](uint32_t mask, int value) {
    return mask == 0 || (value >= 0 && value < 32 && (mask >> value & 1) != 0);
  };
  const Question& question = at.question;
  if (question.time_us < scope.from_us || question.time_us >= scope.to_us ||
      !has(scope.classes, question.purpose_class) ||
      !has(scope.channels, question.channel) ||
      !has(scope.kinds, at.output.kind())) {
    return false;
  }
  if (scope.places.empty() && scope.regimes.empty()) return true;
  for (const std::string& regime : question.regimes) {
    if (std::find(scope.regimes.begin(), scope.regimes.end(), regime) !=
        scope.regimes.end()) {
      return true;
    }
  }
  for (const std::string& residence : question.subject.residences) {
    for (const std::string& place : scope.places) {
      if (policy::Matches(place, residence)) return true;
    }
  }
  return false;
}

Action ActionOf(config::v1::ConductAction::Value action) {
  switch (action) {
    case config::v1::ConductAction::HOLD:
      return Action::kHold;
    case config::v1::ConductAction::BLOCK:
      return Action::kBlock;
    default:
      return Action::kRelease;
  }
}

bool IsPressing(ConductType::Value type) {
  return type == ConductType::SCARCITY || type == ConductType::URGENCY ||
         type == ConductType::SOCIAL_PROOF;
}

void AddFinding(const RuleInfo& rule, Action action,
                v1::VerdictClass verdict_class, std::string_view message,
                Judgement* out) {
  if (action == Action::kRelease) return;
  Finding finding;
  finding.rule = rule.id();
  finding.citation = rule.citation();
  finding.message = std::string(message);
  finding.action = action;
  finding.verdict_class = verdict_class;
  out->findings.push_back(std::move(finding));
}

void AddClaimFinding(const Case& at, const RuleInfo& rule, Action action,
                     v1::VerdictClass verdict_class, std::string_view message,
                     const TextFinding& claim, Judgement* out) {
  if (action == Action::kRelease) return;
  AddFinding(rule, action, verdict_class, message, out);
  Finding& finding = out->findings.back();
  finding.start = claim.start;
  finding.length = claim.length;
  if (const auto* about = at.tables.scanner->FindClaim(claim.claim)) {
    for (const auto& citation : about->citations()) {
      finding.citation += "; " + citation.text();
    }
  }
}

Judgement Judge(const Rulebook& rules, const Question& question) {
  static const std::vector<TextFinding>* const kNoClaims =
      new std::vector<TextFinding>();
  const Rulebook::Tables& tables = rules.tables();
  const v1::Output& output = *question.output;
  Judgement out;
  if (question.time_us < 0 || question.time_us >= policy::kMaxTimeUs) {
    AddUnreadable("time", Action::kBlock, "the time cannot be judged", &out);
    TakeTheWorst(&out);
    return out;
  }
  Case at{.tables = tables,
          .question = question,
          .output = output,
          .deliver_us = question.time_us,
          .claims =
              question.scan != nullptr ? question.scan->findings : *kNoClaims};
  if (output.has_deliver_time()) {
    const auto time = TimeOf(output.deliver_time());
    if (!time) {
      AddUnreadable("deliver_time", Action::kBlock,
                    "the time of delivery is none", &out);
    } else {
      at.deliver_us = std::max(at.deliver_us, *time);
    }
  }
  if (!std::isfinite(output.score())) {
    AddUnreadable("score", Action::kBlock, "the score is no number", &out);
  }
  const bool text_read = output.text().empty() ||
                         (question.scan != nullptr && question.scan->complete);
  if (!text_read) {
    AddUnreadable("text", Action::kHold,
                  "the text is too long or claims too much to be judged whole",
                  &out);
  }
  at.minor = IsMinor(question.subject, tables.minor_below_age);
  at.vulnerabilities = VulnerabilitiesOf(question.subject, at.minor);
  at.pressing = !text_read || std::any_of(at.claims.begin(), at.claims.end(),
                                          [](const TextFinding& f) {
                                            return IsPressing(f.type);
                                          });
  // Only rules about the vulnerable ask for them.
  if (!at.vulnerabilities.empty()) at.topics = tables.topics.Of(output);

  JudgeClaims(at, &out);
  JudgePrice(at, &out);
  JudgeProfiling(at, &out);
  JudgeVulnerability(at, &out);
  JudgeDisclosure(at, &out);
  JudgePressure(at, &out);
  SortAndJoin(&out);
  TakeTheWorst(&out);
  return out;
}

}  // namespace consentry::conduct
