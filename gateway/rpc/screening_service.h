#ifndef CONSENTRY_GATEWAY_RPC_SCREENING_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_SCREENING_SERVICE_H_

namespace consentry::base {
class WorkerPool;
}  // namespace consentry::base
namespace consentry::fairness {
class AuditDesk;
class FairnessDesk;
}  // namespace consentry::fairness
namespace consentry::screening {
class OutcomeDesk;
class ReleaseDesk;
class Screener;
class ScreeningReads;
class VulnerabilityDesk;
}  // namespace consentry::screening

namespace consentry::rpc {

// What ScreeningService stands on. All outlive the service.
struct ScreeningCapabilities {
  screening::Screener* screener = nullptr;
  screening::ReleaseDesk* releases = nullptr;
  screening::OutcomeDesk* outcomes = nullptr;
  screening::ScreeningReads* reads = nullptr;
  const screening::VulnerabilityDesk* vulnerabilities = nullptr;
  const fairness::FairnessDesk* fairness = nullptr;
  fairness::AuditDesk* audits = nullptr;
  // For changes that read the store first.
  base::WorkerPool* workers = nullptr;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_SCREENING_SERVICE_H_
