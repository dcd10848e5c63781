#ifndef CONSENTRY_GATEWAY_RIGHTS_CONSENT_AGENTS_H_
#define CONSENTRY_GATEWAY_RIGHTS_CONSENT_AGENTS_H_

#include "gateway/consent/agents.h"
#include "gateway/rights/agent_book.h"

namespace consentry::rights {

// What the ledger of choices asks of the book of agents. A guardian may all; an
// agent what its permission names, until that ends or is revoked. Safe for many
// threads.
class ConsentAgents final : public consent::Agents {
 public:
  // `book` outlives the object.
  explicit ConsentAgents(const AgentBook* book) : book_(book) {}

  absl::StatusOr<consent::AgentPower> Find(
      store::Connection* connection, std::string_view agent_id,
      std::span<const consent::AgentAct> acts, int64_t now_us) const override;

 private:
  const AgentBook* const book_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CONSENT_AGENTS_H_
