#ifndef CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_

namespace consentry::access {
class Transparency;
}  // namespace consentry::access
namespace consentry::delivery {
class TaskDesk;
}  // namespace consentry::delivery
namespace consentry::base {
class WorkerPool;
}  // namespace consentry::base
namespace consentry::erasure {
class ErasureDesk;
}  // namespace consentry::erasure
namespace consentry::rights {
class AgentBook;
class CaseCompletion;
class CaseDesk;
class CaseReads;
}  // namespace consentry::rights

namespace consentry::rpc {

// What RightsService stands on. All outlive the service.
struct RightsCapabilities {
  access::Transparency* transparency = nullptr;
  const erasure::ErasureDesk* erasure = nullptr;
  const delivery::TaskDesk* tasks = nullptr;
  rights::CaseDesk* cases = nullptr;
  rights::CaseReads* case_reads = nullptr;
  rights::CaseCompletion* completion = nullptr;
  rights::AgentBook* agents = nullptr;
  // For changes that read the store first.
  base::WorkerPool* workers = nullptr;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_
