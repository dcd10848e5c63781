#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_RIGHTS_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_RIGHTS_H_

#include <memory>

#include "audit/log/audit_log.h"
#include "gateway/base/threads.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/oversight/breach_register.h"
#include "gateway/rights/agent_book.h"
#include "gateway/rights/case_completion.h"
#include "gateway/rights/case_desk.h"
#include "gateway/rights/case_reads.h"
#include "gateway/rights/case_retention.h"
#include "gateway/rights/consent_agents.h"
#include "gateway/rights/outgoing.h"
#include "gateway/server/wire_delivery.h"

namespace consentry::server {

// The parts that serve customers' cases, in the order in which they stand on
// one another.
struct RightsParts {
  std::unique_ptr<rights::AgentBook> agents;
  // For the ledger of choices, which is made before the rest.
  std::unique_ptr<rights::ConsentAgents> consent_agents;
  std::unique_ptr<rights::CaseDesk> cases;
  std::unique_ptr<rights::CaseReads> reads;
  std::unique_ptr<rights::CaseCompletion> completion;
  std::unique_ptr<rights::CaseRetention> retention;
  // Removes answered cases that were kept long enough, day by day.
  std::unique_ptr<base::Periodic> sweep;

  // After recovery.
  void Start();
  // Waits for the end of a step.
  void Stop() { sweep.reset(); }
};

// The agents alone, into `parts`.
void WireAgents(rights::AgentBook::Options options, RightsParts* parts);

// What the rest is made of; all outlives them. `cases.agents` and
// `cases.outgoing` are set here.
struct RightsWiring {
  rights::CaseDesk::Options cases;
  const erasure::ErasureDesk* erasures = nullptr;
  const Delivery* delivery = nullptr;
  base::WorkerPool* workers = nullptr;
  trail::TrailIndex* trail = nullptr;
  const audit::AuditLog* log = nullptr;
  vault::VaultWriter* writer = nullptr;
  const crypto::PageTokens* page_tokens = nullptr;
  // See rights::CaseCompletion::Options.
  decltype(rights::CaseCompletion::Options::add_outputs) add_outputs = nullptr;
  // See rights::Outgoing.
  decltype(rights::Outgoing::find_decision) find_decision = nullptr;
  decltype(rights::Outgoing::review) review = nullptr;
};
// After WireAgents.
void WireRights(RightsWiring wiring, RightsParts* parts);

// What a case sets off at the desk of erasures, and what an erasure does to the
// cases of its customers. The first argument outlives the second.
void WireErasures(const erasure::ErasureDesk* erasures,
                  rights::Outgoing* outgoing);
void WireCases(const rights::CaseDesk* cases, erasure::ErasureParts* parts);

// Adds the dates of cases and breaches to what staff are told; before the
// digest starts. All outlive it.
void TellDates(const rights::CaseDesk* cases,
               const oversight::BreachRegister* breaches,
               store::ReaderPool* readers, delivery::Digest* digest);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_RIGHTS_H_
