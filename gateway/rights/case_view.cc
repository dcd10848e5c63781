#include "gateway/rights/case_view.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/rights/case_law.h"
#include "proto/support/timestamp.h"

namespace consentry::rights {
namespace {

using store::v1::CaseClock;
using store::v1::RightsCaseDoc;

bool WasRefused(const RightsCaseDoc& doc) {
  return doc.state() == v1::RIGHTS_STATE_REFUSED ||
         doc.state() == v1::RIGHTS_STATE_PARTIAL;
}

v1::RightsClock ShowClock(const RightsCaseDoc& doc, const CaseClock& clock) {
  const policy::ClockTimes times = TimesOf(doc, clock);
  v1::RightsClock shown;
  shown.set_regime(clock.regime());
  if (times.acknowledge_by_us) {
    SetTime(*times.acknowledge_by_us, shown.mutable_acknowledge_by());
  }
  SetTime(times.answer_by_us, shown.mutable_answer_by());
  shown.set_extended(doc.extended() && clock.rule().has_extension());
  if (times.stopped_since_us) {
    SetTime(*times.stopped_since_us, shown.mutable_paused_since());
  }
  if (WasRefused(doc)) {
    const auto by = AppealBy(clock, doc.closed_us());
    if (by && *by != INT64_MAX) SetTime(*by, shown.mutable_appeal_by());
  }
  // Whoever counts after must know what was counted with.
  shown.set_citation(
      clock.calendar().empty()
          ? absl::StrCat(clock.rule().rule().citation(),
                         "; no holiday table: Saturdays and Sundays alone")
          : absl::StrCat(clock.rule().rule().citation(), "; holidays ",
                         clock.calendar()));
  return shown;
}

}  // namespace

v1::RightsCase ShowCase(const RightsCaseDoc& doc, const CaseShown& options) {
  v1::RightsCase shown;
  shown.set_id(doc.id());
  if (options.subject) shown.set_subject_id(doc.subject_id());
  shown.set_kind(static_cast<v1::RightsKind>(doc.kind()));
  shown.set_state(static_cast<v1::RightsState>(doc.state()));
  SetTime(doc.received_us(), shown.mutable_receive_time());
  shown.set_channel(static_cast<v1::Channel>(doc.channel()));
  shown.set_language(doc.language());
  for (const CaseClock& clock : doc.clocks()) {
    *shown.add_clocks() = ShowClock(doc, clock);
  }
  if (const int64_t due = DueOf(doc); due != 0) {
    SetTime(due, shown.mutable_due_time());
  }
  shown.set_verified(static_cast<v1::VerificationLevel>(doc.verified()));
  shown.set_verification_required(
      static_cast<v1::VerificationLevel>(doc.required()));
  for (const auto& outcome : doc.outcomes()) {
    v1::RightsOutcome* out = shown.add_outcomes();
    out->set_target(outcome.target());
    out->set_disposition(
        static_cast<v1::RightsDisposition>(outcome.disposition()));
    out->set_ground(outcome.ground());
    out->set_document(outcome.document());
    if (outcome.keep_until_us() != 0) {
      SetTime(outcome.keep_until_us(), out->mutable_keep_until());
    }
  }
  shown.set_agent_id(doc.agent_id());
  shown.set_appeals(doc.appeals());
  shown.set_appealed_by(doc.appealed_by());
  if (options.steps) {
    for (const auto& step : doc.steps()) {
      v1::RightsStep* out = shown.add_steps();
      SetTime(step.time_us(), out->mutable_time());
      out->set_event(step.event());
      out->set_client_id(step.client_id());
      out->set_acting_person(step.acting_person());
      out->set_reason_code(step.reason_code());
    }
  }
  policy::CaseStanding standing = StandingOf(doc);
  if (!options.subject) standing.nobody = false;
  shown.set_waits_for(std::string(policy::WaitsFor(standing)));
  shown.set_etag(std::to_string(doc.version()));
  SetTime(doc.created_us(), shown.mutable_create_time());
  if (doc.closed_us() != 0) {
    SetTime(doc.closed_us(), shown.mutable_complete_time());
  }
  return shown;
}

}  // namespace consentry::rights
