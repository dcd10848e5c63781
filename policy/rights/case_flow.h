#ifndef CONSENTRY_POLICY_RIGHTS_CASE_FLOW_H_
#define CONSENTRY_POLICY_RIGHTS_CASE_FLOW_H_

#include <optional>
#include <string_view>

#include "consentry/config/v1/pack.pb.h"
#include "consentry/v1/rights_service.pb.h"

// What may happen to a case, and where it goes then. Pure.
namespace consentry::policy {

// What somebody does with a case.
enum class CaseAction {
  // The requester was identified as surely as needed.
  kVerify,
  kExtend,
  kPause,
  kResume,
  // An outcome with a refusal, or one that somebody must approve, stands.
  kPlan,
  kApprove,
  // The answer goes out.
  kComplete,
  kCancel,
  // A refusal is contested.
  kAppeal,
  // The wait of an erasure is over, or its job ended.
  kErased,
};

// What of a case decides where it goes.
struct CaseStanding {
  v1::RightsKind kind = v1::RIGHTS_KIND_UNSPECIFIED;
  v1::RightsState state = v1::RIGHTS_STATE_UNSPECIFIED;
  // The requester is identified as surely as the strictest regime asks.
  bool verified = false;
  // Nobody is held who could be meant.
  bool nobody = false;
  bool approved = false;
  // Of the planned outcomes.
  bool refuses_all = false;
  bool refuses_some = false;
};

// The state after the action; nullopt: not in this state (STATE_INVALID).
std::optional<v1::RightsState> After(const CaseStanding& standing,
                                     CaseAction action);

// Not answered yet.
bool IsOpen(v1::RightsState state);

// "customer", "staff" or "gateway"; empty when closed.
std::string_view WaitsFor(const CaseStanding& standing);

// Whether the kind takes effect before anybody was identified (PROTOCOLS G5).
bool IsUnverified(v1::RightsKind kind);
// Whether a grant of it must be approved by a second person: what changes or
// destroys data. A refusal of any kind must.
bool NeedsApproval(v1::RightsKind kind);
// Whether it is answered with a report.
bool HasReport(v1::RightsKind kind);

// The right of the packs that a kind of case asks for.
config::v1::Right::Value RightOf(v1::RightsKind kind);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_RIGHTS_CASE_FLOW_H_
