#ifndef CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_

namespace consentry::access {
class Transparency;
}  // namespace consentry::access
namespace consentry::delivery {
class TaskDesk;
}  // namespace consentry::delivery
namespace consentry::erasure {
class ErasureDesk;
}  // namespace consentry::erasure

namespace consentry::rpc {

// What RightsService stands on. All outlive the service.
struct RightsCapabilities {
  access::Transparency* transparency = nullptr;
  const erasure::ErasureDesk* erasure = nullptr;
  const delivery::TaskDesk* tasks = nullptr;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_RIGHTS_SERVICE_H_
