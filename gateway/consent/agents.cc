#include "gateway/consent/agents.h"

#include <algorithm>

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

absl::Status NoAgent() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no such agent may act for this customer");
}

}  // namespace

std::vector<AgentAct> ActsOf(const std::set<int>& opt_outs) {
  std::set<AgentAct> acts;
  for (const int kind : opt_outs) {
    switch (kind) {
      case v1::OPT_OUT_KIND_SENSITIVE_DATA:
        acts.insert(AgentAct::kLimitSensitive);
        break;
      case v1::OPT_OUT_KIND_PROFILING:
      case v1::OPT_OUT_KIND_AUTOMATED_DECISIONS:
        acts.insert(AgentAct::kOptOutOfProfiling);
        break;
      case v1::OPT_OUT_KIND_DIRECT_MARKETING:
        acts.insert(AgentAct::kObject);
        break;
      default:
        acts.insert(AgentAct::kOptOutOfSale);
        break;
    }
  }
  return {acts.begin(), acts.end()};
}

absl::StatusOr<AgentPower> PowerOver(const Agents* agents,
                                     store::Connection* connection,
                                     std::string_view agent_id,
                                     std::span<const AgentAct> acts,
                                     std::span<const uint64_t> subjects,
                                     int64_t now_us) {
  if (agents == nullptr) return NoAgent();
  auto power = agents->Find(connection, agent_id, acts, now_us);
  if (absl::IsNotFound(power.status())) return NoAgent();
  CONSENTRY_RETURN_IF_ERROR(power.status());
  if (std::find(subjects.begin(), subjects.end(), power->subject) ==
      subjects.end()) {
    return NoAgent();
  }
  CONSENTRY_RETURN_IF_ERROR(power->fault);
  return power;
}

}  // namespace consentry::consent
