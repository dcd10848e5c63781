#ifndef CONSENTRY_GATEWAY_CONSENT_AGENTS_H_
#define CONSENTRY_GATEWAY_CONSENT_AGENTS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"

namespace consentry::consent {

// What somebody may do for a customer.
struct AgentPower {
  // Holds parental responsibility, rather than a signed permission.
  bool guardian = false;
};

// Who may act for whom, as the ledger needs to know it; the part that records
// agents implements it. Safe for many threads.
class Agents {
 public:
  virtual ~Agents() = default;

  // The power of the agent "agt_..." over the subject whose keys these are.
  // NotFound when there is no such agent, or of another customer, or the power
  // has ended or not begun at `now_us`. Inside of a change or a read.
  virtual absl::StatusOr<AgentPower> Find(store::Connection* connection,
                                          const crypto::SubjectKeys& keys,
                                          std::string_view agent_id,
                                          int64_t now_us) const = 0;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_AGENTS_H_
