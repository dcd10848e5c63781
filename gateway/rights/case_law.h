#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_LAW_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_LAW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/store/v1/rights.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "policy/engine/bundle.h"
#include "policy/engine/facts.h"
#include "policy/rights/case_flow.h"
#include "policy/rights/clock.h"

// What the attached regimes say about a case: each with its own clock, nothing
// merged (PROTOCOLS G1). Pure; any thread.
namespace consentry::rights {

// How the law stood at receipt.
struct CaseLaw {
  // One for each regime that gives the right.
  std::vector<store::v1::CaseClock> clocks;
  // Attached regimes that do not.
  std::vector<std::string> without_right;
  // What the strictest asks for.
  v1::VerificationLevel required = v1::VERIFICATION_LEVEL_NONE;
  // Every regime that gives it lets an agent with signed permission ask.
  bool agents = true;
  // One of them lets the business ask the customer herself as well.
  bool ask_customer_too = false;
};
// `kinds_held`: keys of the kinds of record that are held of her.
CaseLaw LawOf(const policy::Bundle& bundle, const policy::SubjectFacts& facts,
              const std::vector<std::string>& kinds_held, v1::RightsKind kind,
              int64_t received_us);

// Where the clock of one regime stands.
policy::ClockTimes TimesOf(const store::v1::RightsCaseDoc& doc,
                           const store::v1::CaseClock& clock);

// The earliest answer time among the clocks that run; where all stand still the
// earliest of theirs; 0: no clock.
int64_t DueOf(const store::v1::RightsCaseDoc& doc);
// The earliest time at which receipt must be confirmed; 0: none.
int64_t AcknowledgeByOf(const store::v1::RightsCaseDoc& doc);

// Whether a question for this reason, asked at `now_us`, stops a clock.
bool SomeClockStops(const store::v1::RightsCaseDoc& doc,
                    std::string_view reason, int64_t now_us);

// Whether a clock may still be extended for this reason: within its first time,
// once. Answers of the same reason by another regime are untouched.
bool SomeClockExtends(const store::v1::RightsCaseDoc& doc,
                      std::string_view reason, int64_t now_us);

// Whether there is a reason for which some clock may.
bool MayStillExtend(const store::v1::RightsCaseDoc& doc, int64_t now_us);

// By when an appeal against a refusal at `refused_us` must be made in the
// clock's regime; nullopt: it knows none. INT64_MAX: no end is named.
std::optional<int64_t> AppealBy(const store::v1::CaseClock& clock,
                                int64_t refused_us);

// The ground by its id in any regime of the case, at receipt; null: none knows
// it for this right.
const config::v1::GroundRule* GroundOf(const policy::Bundle& bundle,
                                       const store::v1::RightsCaseDoc& doc,
                                       std::string_view id,
                                       std::string* regime);

policy::CaseStanding StandingOf(const store::v1::RightsCaseDoc& doc);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_LAW_H_
