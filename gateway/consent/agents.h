#ifndef CONSENTRY_GATEWAY_CONSENT_AGENTS_H_
#define CONSENTRY_GATEWAY_CONSENT_AGENTS_H_

#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/store/engine.h"

namespace consentry::consent {

// What somebody may do for a customer.
enum class AgentAct {
  // And renew.
  kGive,
  kRefuse,
  kWithdraw,
  // Of sale, sharing and targeted advertising.
  kOptOutOfSale,
  kLimitSensitive,
  // And of automated decisions.
  kOptOutOfProfiling,
  // To direct marketing.
  kObject,
};

// The acts that opting out of these kinds (v1::OptOutKind) comes to.
std::vector<AgentAct> ActsOf(const std::set<int>& opt_outs);

struct AgentPower {
  // Number of the customer whose agent it is.
  uint64_t subject = 0;
  // Holds parental responsibility, rather than a signed permission.
  bool guardian = false;
  // Why it does not reach to the acts asked about: STATE_INVALID once it has
  // ended, PERMISSION_MISSING.
  absl::Status fault;
};

// Who may act for whom, as the ledger needs to know it; the part that records
// agents implements it. Safe for many threads.
class Agents {
 public:
  virtual ~Agents() = default;

  // The power of the agent "agt_...", as far as it reaches to all of `acts` at
  // `now_us`. NotFound when there is no such agent. Inside of a change or a
  // read.
  virtual absl::StatusOr<AgentPower> Find(store::Connection* connection,
                                          std::string_view agent_id,
                                          std::span<const AgentAct> acts,
                                          int64_t now_us) const = 0;
};

// The agent's power over one of `subjects`; the fault where it does not reach
// to `acts`. NOT_FOUND for one who is nobody's agent, and for one who is
// somebody else's alike. `agents` null: nobody is known.
absl::StatusOr<AgentPower> PowerOver(const Agents* agents,
                                     store::Connection* connection,
                                     std::string_view agent_id,
                                     std::span<const AgentAct> acts,
                                     std::span<const uint64_t> subjects,
                                     int64_t now_us);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_AGENTS_H_
