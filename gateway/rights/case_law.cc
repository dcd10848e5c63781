#include "gateway/rights/case_law.h"

#include <algorithm>

#include "policy/engine/rights_tables.h"

namespace consentry::rights {
namespace {

using config::v1::Agents;
using store::v1::CaseClock;
using store::v1::RightsCaseDoc;

std::vector<policy::Pause> PausesOf(const RightsCaseDoc& doc) {
  std::vector<policy::Pause> pauses;
  for (const auto& pause : doc.pauses()) {
    pauses.push_back({pause.reason(), pause.from_us(), pause.to_us()});
  }
  return pauses;
}

policy::Reckoning ReckoningOf(const CaseClock& clock) {
  policy::Reckoning reckoning;
  reckoning.calendar = clock.calendar();
  reckoning.ends_on_working_day = clock.ends_on_working_day();
  reckoning.pause_within_days = clock.pause_within_days();
  reckoning.utc_offset_minutes = clock.utc_offset_minutes();
  return reckoning;
}

// An appeal has the time that the rule gives for it.
config::v1::ClockRule RuleOf(const CaseClock& clock) {
  config::v1::ClockRule rule = clock.rule();
  if (!clock.appeal()) return rule;
  *rule.mutable_respond() = rule.appeal();
  if (rule.has_appeal_extension()) {
    *rule.mutable_extension() = rule.appeal_extension();
  } else {
    rule.clear_extension();
  }
  rule.clear_acknowledge();
  return rule;
}

template <class Reason>
bool Extends(const RightsCaseDoc& doc, int64_t now_us, Reason reason) {
  if (doc.extended()) return false;
  return std::any_of(doc.clocks().begin(), doc.clocks().end(),
                     [&](const CaseClock& clock) {
                       const config::v1::ClockRule rule = RuleOf(clock);
                       return rule.has_extension() && reason(rule) &&
                              now_us <= TimesOf(doc, clock).answer_by_us;
                     });
}

bool HoldsSensitive(const policy::Bundle& bundle, policy::RegimeId regime,
                    const std::vector<std::string>& kinds_held) {
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const policy::FieldId field{static_cast<uint16_t>(i)};
    const std::string& kind = bundle.kind(bundle.kind_of(field)).key();
    if (std::find(kinds_held.begin(), kinds_held.end(), kind) !=
            kinds_held.end() &&
        policy::IsSensitive(bundle, regime, field)) {
      return true;
    }
  }
  return false;
}

}  // namespace

CaseLaw LawOf(const policy::Bundle& bundle, const policy::SubjectFacts& facts,
              const std::vector<std::string>& kinds_held, v1::RightsKind kind,
              int64_t received_us) {
  CaseLaw law;
  const auto right = policy::RightOf(kind);
  for (const policy::RegimeId regime :
       policy::AttachedRegimes(bundle, facts, received_us)) {
    const auto grants = policy::GrantsOf(bundle, regime, right, received_us);
    if (grants.empty()) {
      law.without_right.push_back(bundle.regime(regime));
      continue;
    }
    CaseClock clock;
    clock.set_regime(bundle.regime(regime));
    *clock.mutable_rule() = *grants.front().clock;
    const policy::Reckoning reckoning =
        policy::ReckoningFor(bundle, regime, received_us);
    clock.set_calendar(reckoning.calendar);
    clock.set_utc_offset_minutes(reckoning.utc_offset_minutes);
    clock.set_ends_on_working_day(reckoning.ends_on_working_day);
    clock.set_pause_within_days(reckoning.pause_within_days);
    law.clocks.push_back(std::move(clock));
    const bool sensitive = HoldsSensitive(bundle, regime, kinds_held);
    for (const policy::RightGrant& grant : grants) {
      int level = grant.row->verification();
      if (sensitive)
        level = std::max<int>(level, grant.row->verification_sensitive());
      if (grant.clock->unverified()) level = v1::VERIFICATION_LEVEL_NONE;
      law.required = static_cast<v1::VerificationLevel>(
          std::max<int>(law.required, level));
      law.agents = law.agents && grant.row->agents() != Agents::NOBODY;
      law.ask_customer_too =
          law.ask_customer_too ||
          grant.row->agents() == Agents::PERMISSION_AND_SUBJECT;
    }
  }
  if (policy::IsUnverified(kind)) law.required = v1::VERIFICATION_LEVEL_NONE;
  return law;
}

policy::ClockTimes TimesOf(const RightsCaseDoc& doc, const CaseClock& clock) {
  const auto pauses = PausesOf(doc);
  policy::ClockHistory history;
  history.received_us = doc.received_us();
  history.extended = doc.extended();
  history.pauses = pauses;
  return policy::TimesOf(RuleOf(clock), history, ReckoningOf(clock),
                         policy::Holidays::Shipped());
}

int64_t DueOf(const RightsCaseDoc& doc) {
  int64_t running = INT64_MAX;
  int64_t any = INT64_MAX;
  for (const CaseClock& clock : doc.clocks()) {
    const policy::ClockTimes times = TimesOf(doc, clock);
    any = std::min(any, times.answer_by_us);
    if (!times.stopped_since_us) {
      running = std::min(running, times.answer_by_us);
    }
  }
  if (running != INT64_MAX) return running;
  return any == INT64_MAX ? 0 : any;
}

int64_t AcknowledgeByOf(const RightsCaseDoc& doc) {
  int64_t earliest = 0;
  for (const CaseClock& clock : doc.clocks()) {
    const auto by = TimesOf(doc, clock).acknowledge_by_us;
    if (by && (earliest == 0 || *by < earliest)) earliest = *by;
  }
  return earliest;
}

bool SomeClockStops(const RightsCaseDoc& doc, std::string_view reason,
                    int64_t now_us) {
  return std::any_of(
      doc.clocks().begin(), doc.clocks().end(), [&](const CaseClock& clock) {
        return policy::StopsClock(RuleOf(clock), reason, doc.received_us(),
                                  now_us, ReckoningOf(clock));
      });
}

bool SomeClockExtends(const RightsCaseDoc& doc, std::string_view reason,
                      int64_t now_us) {
  return Extends(doc, now_us, [reason](const config::v1::ClockRule& rule) {
    const auto& reasons = rule.extension_reasons();
    return reasons.empty() ||
           std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
  });
}

bool MayStillExtend(const RightsCaseDoc& doc, int64_t now_us) {
  return Extends(doc, now_us,
                 [](const config::v1::ClockRule&) { return true; });
}

std::optional<int64_t> AppealBy(const CaseClock& clock, int64_t refused_us) {
  if (!clock.rule().has_appeal() || clock.appeal()) return std::nullopt;
  if (!clock.rule().has_appeal_within()) return INT64_MAX;
  return policy::EndOf(clock.rule().appeal_within(), refused_us,
                       ReckoningOf(clock), policy::Holidays::Shipped());
}

const config::v1::GroundRule* GroundOf(const policy::Bundle& bundle,
                                       const RightsCaseDoc& doc,
                                       std::string_view id,
                                       std::string* regime) {
  const auto right = policy::RightOf(static_cast<v1::RightsKind>(doc.kind()));
  for (const CaseClock& clock : doc.clocks()) {
    const auto found = bundle.FindRegime(clock.regime());
    if (!found) continue;
    const auto* ground =
        policy::FindGround(bundle, *found, right, id, doc.received_us());
    if (ground != nullptr) {
      *regime = clock.regime();
      return ground;
    }
  }
  return nullptr;
}

policy::CaseStanding StandingOf(const RightsCaseDoc& doc) {
  policy::CaseStanding standing;
  standing.kind = static_cast<v1::RightsKind>(doc.kind());
  standing.state = static_cast<v1::RightsState>(doc.state());
  standing.verified = doc.verified() >= doc.required();
  standing.nobody = doc.subject_id().empty();
  standing.approved = doc.has_approved_by();
  bool granted = false;
  bool whole = false;
  for (const auto& outcome : doc.outcomes()) {
    const bool refused =
        outcome.disposition() == v1::RIGHTS_DISPOSITION_REFUSED ||
        outcome.disposition() == v1::RIGHTS_DISPOSITION_KEPT ||
        outcome.disposition() == v1::RIGHTS_DISPOSITION_FAILED;
    standing.refuses_some = standing.refuses_some || refused;
    whole = whole || (refused && outcome.target() == "*");
    granted = granted || !refused;
  }
  standing.refuses_all = whole || (standing.refuses_some && !granted &&
                                   doc.kind() == v1::RIGHTS_KIND_RECTIFICATION);
  return standing;
}

}  // namespace consentry::rights
