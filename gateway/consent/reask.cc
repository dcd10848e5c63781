#include "gateway/consent/reask.h"

#include <algorithm>

#include "policy/consent/consent_state.h"
#include "policy/engine/rights_tables.h"
#include "policy/rights/clock.h"
#include "policy/rights/holidays.h"

namespace consentry::consent {
namespace {

using store::v1::ConsentEvent;

// Whether an opt-out of this kind closes the class in the regime.
bool Covers(const config::v1::Pack& pack, int kind,
            policy::PurposeClass purpose_class) {
  return std::any_of(
      pack.opt_outs().begin(), pack.opt_outs().end(), [&](const auto& row) {
        return row.opt_out() == kind &&
               std::find(row.classes().begin(), row.classes().end(),
                         purpose_class) != row.classes().end();
      });
}

// An objection to direct marketing is the opt-out of that name.
bool Objects(const config::v1::Pack& pack, int kind,
             policy::PurposeClass purpose_class) {
  using config::v1::ObjectionRule;
  if (kind != config::v1::OptOut::DIRECT_MARKETING) return false;
  return std::any_of(
      pack.objections().begin(), pack.objections().end(), [&](const auto& row) {
        return row.kind() == ObjectionRule::DIRECT_MARKETING &&
               (row.classes().empty() ||
                std::find(row.classes().begin(), row.classes().end(),
                          purpose_class) != row.classes().end());
      });
}

}  // namespace

void AddRefusals(std::span<const ConsentEvent> events, std::string_view purpose,
                 Refusals* refusals) {
  const policy::ConsentState state = policy::DeriveConsent(events, purpose);
  const bool stands = state.status == policy::ConsentStatus::kGiven;
  for (const ConsentEvent& event : events) {
    if (event.purpose() != purpose ||
        (event.type() != ConsentEvent::REFUSED &&
         event.type() != ConsentEvent::WITHDRAWN)) {
      continue;
    }
    if (stands) continue;
    refusals->last_us =
        std::max(refusals->last_us,
                 std::min(event.captured_at_us(), event.received_at_us()));
  }
}

ReaskAnswer CheckReask(const policy::Bundle& bundle,
                       const policy::SubjectFacts& facts,
                       policy::PurposeId purpose, const Refusals& refusals,
                       int64_t now_us) {
  const auto purpose_class = bundle.purpose(purpose).purpose_class();
  ReaskAnswer answer;
  for (const policy::RegimeId regime :
       policy::AttachedRegimes(bundle, facts, now_us)) {
    const auto* rule = policy::ReaskOf(bundle, regime, purpose_class, now_us);
    if (rule == nullptr) continue;
    int64_t since_us = refusals.last_us;
    for (const auto& [kind, made_us] : refusals.opt_outs) {
      const config::v1::Pack& pack = bundle.pack(regime);
      if (Covers(pack, kind, purpose_class) ||
          Objects(pack, kind, purpose_class)) {
        since_us = std::max(since_us, made_us == 0 ? now_us : made_us);
      }
    }
    if (since_us == 0) continue;
    policy::Reckoning reckoning;
    reckoning.utc_offset_minutes = bundle.profile().utc_offset_minutes();
    // The time is over once its last day has ended.
    const int64_t end_us = policy::EndOf(rule->wait(), since_us, reckoning,
                                         policy::Holidays::Shipped()) +
                           1'000'000;
    const bool waits = end_us > now_us;
    if (waits) answer.not_before_us = std::max(answer.not_before_us, end_us);
    answer.two_steps |= rule->two_steps();
    if (waits || rule->two_steps()) {
      answer.rules.push_back(policy::RuleName(bundle, regime, rule->rule()));
    }
  }
  return answer;
}

}  // namespace consentry::consent
