#include "gateway/screening/conduct_check.h"

#include <algorithm>
#include <utility>

#include "gateway/screening/vulnerability_rows.h"
#include "policy/engine/civil.h"
#include "policy/engine/facts.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr size_t kCountryLetters = 2;
// Declared vulnerabilities of one customer that are looked at.
constexpr size_t kMaxVulnerabilities = 256;

absl::Status FillSubject(store::Connection* connection,
                         const access::Snapshot& snapshot, int64_t now_us,
                         conduct::SubjectState* state) {
  if (!snapshot.known()) return absl::OkStatus();
  const policy::SubjectFacts& facts = *snapshot.facts;
  state->age_unreadable = (facts.unreadable & policy::kUnreadableAge) != 0;
  if (facts.birth_day) {
    state->age = policy::AgeAt(*facts.birth_day, now_us);
  } else if (facts.age_at_least) {
    state->age = *facts.age_at_least;
  }
  for (const auto& member : snapshot.members) {
    for (const auto& residence : member->head().residences()) {
      state->residences.push_back(residence.value());
    }
    const auto held =
        VulnerabilityRows::List(connection, member->keys(), 0,
                                kMaxVulnerabilities, /*in_force_only=*/true);
    if (!held.ok()) {
      if (!absl::IsDataLoss(held.status())) return held.status();
      state->vulnerabilities_unreadable = true;
      continue;
    }
    state->vulnerabilities_unreadable = state->vulnerabilities_unreadable ||
                                        held->size() >= kMaxVulnerabilities;
    for (const VulnerabilityRow& row : *held) {
      if (!row.InForce(now_us)) continue;
      if (row.doc.kind() == v1::VULNERABILITY_KIND_UNSPECIFIED) {
        // One that a restore knows of and cannot name: it may be any.
        state->vulnerabilities_unreadable = true;
      } else {
        state->vulnerabilities.insert(
            static_cast<v1::VulnerabilityKind>(row.doc.kind()));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string PlaceOf(const access::Snapshot& snapshot) {
  for (const auto& member : snapshot.members) {
    for (const auto& residence : member->head().residences()) {
      return residence.value().substr(0, kCountryLetters);
    }
  }
  return "";
}

conduct::TextScan ConductCheck::Scan(const v1::Output& output) const {
  // The language that an engine states is its own word: all rules are used.
  return options_.scanner->Scan(output.text());
}

absl::Status ConductCheck::Gather(store::Connection* connection,
                                  const access::OutputPlan& plan,
                                  const access::OutputDecision& decision,
                                  const v1::Output& output,
                                  const std::vector<int64_t>& own_prices,
                                  int64_t now_us, Evidence* evidence) const {
  const policy::Bundle& bundle = plan.plan.bundle();
  const config::v1::Purpose& purpose = bundle.purpose(plan.plan.purpose);
  conduct::Question& question = evidence->question;
  question = {};
  question.output = &output;
  question.scan = &evidence->scan;
  question.purpose = purpose.key();
  question.purpose_class = purpose.purpose_class();
  question.channel = plan.plan.channel;
  for (const policy::RegimeId regime : decision.decision.regimes) {
    question.regimes.push_back(bundle.regime(regime));
  }
  question.time_us = now_us;
  CONSENTRY_RETURN_IF_ERROR(
      FillSubject(connection, decision.snapshot, now_us, &question.subject));
  CONSENTRY_ASSIGN_OR_RETURN(
      evidence->pressure,
      PressureRows::Read(connection, decision.snapshot.members));
  question.subject.contacts = evidence->pressure.history;
  evidence->place = PlaceOf(decision.snapshot);
  if (output.item().empty()) return absl::OkStatus();
  if (output.has_price()) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto shown,
                               options_.items->Shown(connection, output.item(),
                                                     now_us, evidence->place));
    question.others = OthersOf(shown, output.price(), own_prices);
  }
  if (!evidence->scan.findings.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        question.deadlines,
        options_.items->Ends(connection, output.item(), now_us));
  }
  return absl::OkStatus();
}

conduct::Judgement ConductCheck::Judge(const Evidence& evidence) const {
  return conduct::Judge(*options_.rules, evidence.question);
}

}  // namespace consentry::screening
