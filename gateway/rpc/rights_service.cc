#include "gateway/rpc/rights_service.h"

#include <memory>
#include <utility>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/access/transparency.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"

namespace consentry::rpc {
namespace {

using Api = v1::RightsService;

// Methods of RightsService that nothing takes yet: cases, their reports, agents
// and tasks of recipients.
template <class Below>
using UnservedCases = Api::WithGenericMethod_SubmitRightsCase<
    Api::WithGenericMethod_GetRightsCase<Api::WithGenericMethod_ListRightsCases<
        Api::WithGenericMethod_VerifyRightsCase<
            Api::WithGenericMethod_ExtendRightsCase<
                Api::WithGenericMethod_PauseRightsCase<
                    Api::WithGenericMethod_RefuseRightsCase<
                        Api::WithGenericMethod_ApproveRightsCase<
                            Api::WithGenericMethod_CompleteRightsCase<
                                Api::WithGenericMethod_CancelRightsCase<
                                    Api::WithGenericMethod_AppealRightsCase<
                                        Below>>>>>>>>>>>;
template <class Below>
using UnservedReports = Api::WithGenericMethod_DownloadReport<Below>;
template <class Below>
using UnservedAgents = Api::WithGenericMethod_AuthorizeAgent<
    Api::WithGenericMethod_RevokeAgent<Api::WithGenericMethod_ListAgents<
        Api::WithGenericMethod_ListRecipientTasks<
            Api::WithGenericMethod_CompleteRecipientTask<Below>>>>>;
template <class Below>
using UnservedErasure = Api::WithGenericMethod_PreviewErasure<
    Api::WithGenericMethod_GetErasureCertificate<
        Api::WithGenericMethod_PlaceLegalHold<
            Api::WithGenericMethod_LiftLegalHold<
                Api::WithGenericMethod_ListLegalHolds<Below>>>>>;

using Served = Api::WithCallbackMethod_GetTransparencyView<UnservedCases<
    UnservedReports<UnservedAgents<UnservedErasure<Api::Service>>>>>;

class RightsServer final : public Served {
 public:
  RightsServer(Pipeline* pipeline, const RightsCapabilities& capabilities)
      : pipeline_(pipeline), can_(capabilities) {}

  grpc::ServerUnaryReactor* GetTransparencyView(
      grpc::CallbackServerContext* context,
      const v1::GetTransparencyViewRequest* request,
      v1::TransparencyView* response) override {
    return StartUnary(
        pipeline_, transparency_, context, request, response, Validator(),
        [this](const CallInfo& call,
               const v1::GetTransparencyViewRequest& asked,
               v1::TransparencyView* out, Completion done) {
          can_.transparency->View(CallerOf(call, asked.context()), asked,
                                  Deliver(out, std::move(done)));
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.RightsService/" + name);
  }

  Pipeline* const pipeline_;
  const RightsCapabilities can_;
  const Method* const transparency_ = Get("GetTransparencyView");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRightsService(
    Pipeline* pipeline, const RightsCapabilities& capabilities) {
  return std::make_unique<RightsServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
