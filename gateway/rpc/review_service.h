#ifndef CONSENTRY_GATEWAY_RPC_REVIEW_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_REVIEW_SERVICE_H_

namespace consentry::base {
class WorkerPool;
}  // namespace consentry::base
namespace consentry::review {
class ReviewDesk;
class ReviewReads;
}  // namespace consentry::review

namespace consentry::rpc {

// What ReviewService stands on. All outlive the service.
struct ReviewCapabilities {
  review::ReviewDesk* desk = nullptr;
  const review::ReviewReads* reads = nullptr;
  // For changes that read the store first.
  base::WorkerPool* workers = nullptr;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_REVIEW_SERVICE_H_
