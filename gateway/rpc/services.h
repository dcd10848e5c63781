#ifndef CONSENTRY_GATEWAY_RPC_SERVICES_H_
#define CONSENTRY_GATEWAY_RPC_SERVICES_H_

#include <memory>

#include "gateway/rpc/pipeline.h"

namespace grpc {
class Service;
}  // namespace grpc
namespace consentry::access {
class AuditReader;
class Explainer;
class GovernedReads;
class GovernedWrites;
class Selection;
}  // namespace consentry::access
namespace consentry::oversight {
class BreachRegister;
class Exposures;
class RecordsOfProcessing;
}  // namespace consentry::oversight

// The services of the API, each a thin adapter between the pipeline and one
// capability. What they are given outlives them; they outlive the server.
// Methods that a service does not take fall to UnservedMethods.
namespace consentry::rpc {

struct DataCapabilities {
  access::GovernedReads* reads = nullptr;
  access::Selection* selection = nullptr;
  access::Explainer* explainer = nullptr;
  access::GovernedWrites* writes = nullptr;
};
std::unique_ptr<grpc::Service> MakeDataService(Pipeline* pipeline,
                                               DataCapabilities capabilities);

struct ConsentCapabilities;  // consent_service.h
std::unique_ptr<grpc::Service> MakeConsentService(
    Pipeline* pipeline, const ConsentCapabilities& capabilities);

struct AuditCapabilities {
  access::AuditReader* reader = nullptr;
  oversight::RecordsOfProcessing* processing = nullptr;
  oversight::Exposures* exposures = nullptr;
  oversight::BreachRegister* breaches = nullptr;
};
std::unique_ptr<grpc::Service> MakeAuditService(Pipeline* pipeline,
                                                AuditCapabilities capabilities);

struct ReviewCapabilities;  // review_service.h
std::unique_ptr<grpc::Service> MakeReviewService(
    Pipeline* pipeline, const ReviewCapabilities& capabilities);

struct RightsCapabilities;  // rights_service.h
std::unique_ptr<grpc::Service> MakeRightsService(
    Pipeline* pipeline, const RightsCapabilities& capabilities);

struct ScreeningCapabilities;  // screening_service.h
std::unique_ptr<grpc::Service> MakeScreeningService(
    Pipeline* pipeline, const ScreeningCapabilities& capabilities);

struct AdminCapabilities;  // admin_service.h
std::unique_ptr<grpc::Service> MakeAdminService(
    Pipeline* pipeline, const AdminCapabilities& capabilities);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_SERVICES_H_
