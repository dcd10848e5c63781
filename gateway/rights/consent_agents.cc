#include "gateway/rights/consent_agents.h"

#include <algorithm>

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rights {
namespace {

using consent::AgentAct;

template <class Repeated>
bool Has(const Repeated& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool Names(const store::v1::AgentDoc& doc, AgentAct act) {
  switch (act) {
    case AgentAct::kGive:
      return Has(doc.choices(), v1::CONSENT_ACTION_GIVE);
    case AgentAct::kRefuse:
      return Has(doc.choices(), v1::CONSENT_ACTION_REFUSE);
    case AgentAct::kWithdraw:
      return Has(doc.choices(), v1::CONSENT_ACTION_WITHDRAW);
    case AgentAct::kOptOutOfSale:
      return Has(doc.kinds(), v1::RIGHTS_KIND_OPT_OUT_OF_SALE);
    case AgentAct::kLimitSensitive:
      return Has(doc.kinds(), v1::RIGHTS_KIND_LIMIT_SENSITIVE);
    case AgentAct::kOptOutOfProfiling:
      return Has(doc.kinds(), v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING);
    case AgentAct::kObject:
      return Has(doc.kinds(), v1::RIGHTS_KIND_OBJECTION);
  }
  return false;
}

absl::Status FaultOf(const store::v1::AgentDoc& doc,
                     std::span<const AgentAct> acts, int64_t now_us) {
  if (doc.revoke_us() != 0) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the agent's permission was revoked");
  }
  if (doc.expire_us() != 0 && doc.expire_us() <= now_us) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the agent's permission has ended");
  }
  const bool reaches = doc.guardian() ||
                       std::all_of(acts.begin(), acts.end(), [&](AgentAct act) {
                         return Names(doc, act);
                       });
  return reaches ? absl::OkStatus()
                 : MakeError(v1::ERROR_REASON_PERMISSION_MISSING,
                             "the agent's permission does not name this act");
}

}  // namespace

absl::StatusOr<consent::AgentPower> ConsentAgents::Find(
    store::Connection* connection, std::string_view agent_id,
    std::span<const AgentAct> acts, int64_t now_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(const AgentBook::Recorded found,
                             book_->Find(connection, agent_id));
  return consent::AgentPower{found.subject, found.doc.guardian(),
                             FaultOf(found.doc, acts, now_us)};
}

}  // namespace consentry::rights
