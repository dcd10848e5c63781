#include "gateway/rpc/rights_service.h"

#include <memory>
#include <utility>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/access/transparency.h"
#include "gateway/delivery/task_desk.h"
#include "gateway/erasure/erasure_desk.h"
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
    Api::WithGenericMethod_RevokeAgent<
        Api::WithGenericMethod_ListAgents<Below>>>;
// What staff have to tell recipients.
template <class Below>
using Tasks = Api::WithCallbackMethod_ListRecipientTasks<
    Api::WithCallbackMethod_CompleteRecipientTask<Below>>;
template <class Below>
using Erasing = Api::WithCallbackMethod_PreviewErasure<
    Api::WithCallbackMethod_GetErasureCertificate<
        Api::WithCallbackMethod_PlaceLegalHold<
            Api::WithCallbackMethod_LiftLegalHold<
                Api::WithCallbackMethod_ListLegalHolds<Below>>>>>;

using Served = Api::WithCallbackMethod_GetTransparencyView<
    UnservedCases<UnservedReports<UnservedAgents<Erasing<Tasks<Api::Service>>>>>>;

class RightsServer final : public Served {
 public:
  RightsServer(Pipeline* pipeline, const RightsCapabilities& capabilities)
      : pipeline_(pipeline), can_(capabilities) {}

  grpc::ServerUnaryReactor* ListRecipientTasks(
      grpc::CallbackServerContext* context,
      const v1::ListRecipientTasksRequest* request,
      v1::ListRecipientTasksResponse* response) override {
    return StartUnary(
        pipeline_, list_tasks_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListRecipientTasksRequest& asked,
               v1::ListRecipientTasksResponse* out, Completion done) {
          can_.tasks->List(CallerOf(call, asked.context()), asked,
                           Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* CompleteRecipientTask(
      grpc::CallbackServerContext* context,
      const v1::CompleteRecipientTaskRequest* request,
      v1::RecipientTask* response) override {
    return StartUnary(
        pipeline_, complete_task_, context, request, response, Validator(),
        [this](const CallInfo& call,
               const v1::CompleteRecipientTaskRequest& asked,
               v1::RecipientTask* out, Completion done) {
          can_.tasks->Complete(
              CallerOf(call, asked.context()), asked,
              [out, done = std::move(done)](
                  absl::StatusOr<v1::RecipientTask> task) mutable {
                const absl::Status status = task.status();
                if (status.ok()) *out = *std::move(task);
                done(status);
              });
        });
  }

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

  grpc::ServerUnaryReactor* PreviewErasure(
      grpc::CallbackServerContext* context,
      const v1::PreviewErasureRequest* request,
      v1::ErasurePlan* response) override {
    return StartUnary(
        pipeline_, preview_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::PreviewErasureRequest& asked,
               v1::ErasurePlan* out, Completion done) {
          can_.erasure->Preview(CallerOf(call, asked.context()), asked,
                                Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetErasureCertificate(
      grpc::CallbackServerContext* context,
      const v1::GetErasureCertificateRequest* request,
      v1::ErasureCertificate* response) override {
    return StartUnary(
        pipeline_, certificate_, context, request, response, Validator(),
        [this](const CallInfo& call,
               const v1::GetErasureCertificateRequest& asked,
               v1::ErasureCertificate* out, Completion done) {
          can_.erasure->GetCertificate(CallerOf(call, asked.context()), asked,
                                       Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* PlaceLegalHold(
      grpc::CallbackServerContext* context,
      const v1::PlaceLegalHoldRequest* request,
      v1::LegalHold* response) override {
    return StartUnary(
        pipeline_, place_hold_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::PlaceLegalHoldRequest& asked,
               v1::LegalHold* out, Completion done) {
          can_.erasure->PlaceHold(CallerOf(call, asked.context()), asked,
                                  Changed(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* LiftLegalHold(
      grpc::CallbackServerContext* context,
      const v1::LiftLegalHoldRequest* request,
      v1::LegalHold* response) override {
    return StartUnary(
        pipeline_, lift_hold_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::LiftLegalHoldRequest& asked,
               v1::LegalHold* out, Completion done) {
          can_.erasure->LiftHold(CallerOf(call, asked.context()), asked,
                                 Changed(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ListLegalHolds(
      grpc::CallbackServerContext* context,
      const v1::ListLegalHoldsRequest* request,
      v1::ListLegalHoldsResponse* response) override {
    return StartUnary(
        pipeline_, list_holds_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListLegalHoldsRequest& asked,
               v1::ListLegalHoldsResponse* out, Completion done) {
          can_.erasure->ListHolds(CallerOf(call, asked.context()), asked,
                                  Deliver(out, std::move(done)));
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.RightsService/" + name);
  }

  // Ends a call with the outcome of a change: its entry is written already.
  template <class T>
  static absl::AnyInvocable<void(absl::StatusOr<T>)> Changed(T* out,
                                                             Completion done) {
    return [out, done = std::move(done)](absl::StatusOr<T> result) mutable {
      const absl::Status status = result.status();
      if (status.ok()) *out = *std::move(result);
      done(status);
    };
  }

  Pipeline* const pipeline_;
  const RightsCapabilities can_;
  const Method* const list_tasks_ = Get("ListRecipientTasks");
  const Method* const complete_task_ = Get("CompleteRecipientTask");
  const Method* const transparency_ = Get("GetTransparencyView");
  const Method* const preview_ = Get("PreviewErasure");
  const Method* const certificate_ = Get("GetErasureCertificate");
  const Method* const place_hold_ = Get("PlaceLegalHold");
  const Method* const lift_hold_ = Get("LiftLegalHold");
  const Method* const list_holds_ = Get("ListLegalHolds");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRightsService(
    Pipeline* pipeline, const RightsCapabilities& capabilities) {
  return std::make_unique<RightsServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
