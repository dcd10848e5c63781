#include "gateway/rpc/rights_service.h"

#include <sodium.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/access/transparency.h"
#include "gateway/delivery/task_desk.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/rights/agent_book.h"
#include "gateway/rights/case_completion.h"
#include "gateway/rights/case_desk.h"
#include "gateway/rights/case_reads.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/stream_call.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"

namespace consentry::rpc {
namespace {

using Api = v1::RightsService;

template <class Below>
using Cases = Api::WithCallbackMethod_SubmitRightsCase<
    Api::WithCallbackMethod_GetRightsCase<Api::WithCallbackMethod_ListRightsCases<
        Api::WithCallbackMethod_VerifyRightsCase<
            Api::WithCallbackMethod_ExtendRightsCase<
                Api::WithCallbackMethod_PauseRightsCase<
                    Api::WithCallbackMethod_RefuseRightsCase<
                        Api::WithCallbackMethod_ApproveRightsCase<
                            Api::WithCallbackMethod_CompleteRightsCase<
                                Api::WithCallbackMethod_CancelRightsCase<
                                    Api::WithCallbackMethod_AppealRightsCase<
                                        Api::WithCallbackMethod_DownloadReport<
                                            Below>>>>>>>>>>>>;
template <class Below>
using AgentMethods =
    Api::WithCallbackMethod_AuthorizeAgent<Api::WithCallbackMethod_RevokeAgent<
        Api::WithCallbackMethod_ListAgents<Below>>>;
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
    Api::WithCallbackMethod_LiftRestriction<
        Cases<AgentMethods<Tasks<Erasing<Api::Service>>>>>>;

// Hands a report over, 64 KiB at a time.
class ReportSource final : public StreamSource<v1::DownloadReportResponse> {
 public:
  ReportSource(rights::CaseCompletion* completion, const CallInfo* call,
               v1::DownloadReportRequest request)
      : completion_(completion), call_(call), request_(std::move(request)) {}

  void Next(v1::DownloadReportResponse* out, NextCompletion done) override {
    if (opened_) {
      Piece(out, std::move(done));
      return;
    }
    opened_ = true;
    completion_->Download(
        CallerOf(*call_, request_.context()), request_,
        [this, out, done = std::move(done)](
            absl::StatusOr<access::Released<std::string>> answer) mutable {
          if (!answer.ok()) {
            done.End(answer.status());
            return;
          }
          report_ = std::move(answer->response);
          at_ = std::min<uint64_t>(request_.offset(), report_.size());
          Piece(out, std::move(done));
        });
  }

 private:
  static constexpr size_t kPieceBytes = 64 << 10;

  void Piece(v1::DownloadReportResponse* out, NextCompletion done) {
    if (ended_) {
      done.End(absl::OkStatus());
      return;
    }
    out->set_offset(at_);
    out->set_data(report_.substr(at_, kPieceBytes));
    at_ += out->data().size();
    if (at_ >= report_.size()) {
      ended_ = true;
      uint8_t digest[crypto_hash_sha256_BYTES];
      crypto_hash_sha256(digest,
                         reinterpret_cast<const unsigned char*>(report_.data()),
                         report_.size());
      out->set_digest(absl::BytesToHexString(absl::string_view(
          reinterpret_cast<const char*>(digest), sizeof digest)));
    }
    done.Message();
  }

  rights::CaseCompletion* const completion_;
  const CallInfo* const call_;
  const v1::DownloadReportRequest request_;
  std::string report_;
  uint64_t at_ = 0;
  bool opened_ = false;
  bool ended_ = false;
};

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

  grpc::ServerUnaryReactor* SubmitRightsCase(
      grpc::CallbackServerContext* context,
      const v1::SubmitRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(submit_, context, request, response,
                  &rights::CaseDesk::Submit);
  }

  grpc::ServerUnaryReactor* VerifyRightsCase(
      grpc::CallbackServerContext* context,
      const v1::VerifyRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(verify_, context, request, response,
                  &rights::CaseDesk::Verify);
  }

  grpc::ServerUnaryReactor* ExtendRightsCase(
      grpc::CallbackServerContext* context,
      const v1::ExtendRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(extend_, context, request, response,
                  &rights::CaseDesk::Extend);
  }

  grpc::ServerUnaryReactor* PauseRightsCase(
      grpc::CallbackServerContext* context,
      const v1::PauseRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(pause_, context, request, response, &rights::CaseDesk::Pause);
  }

  grpc::ServerUnaryReactor* RefuseRightsCase(
      grpc::CallbackServerContext* context,
      const v1::RefuseRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(refuse_, context, request, response,
                  &rights::CaseDesk::Refuse);
  }

  grpc::ServerUnaryReactor* ApproveRightsCase(
      grpc::CallbackServerContext* context,
      const v1::ApproveRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(approve_, context, request, response,
                  &rights::CaseDesk::Approve);
  }

  grpc::ServerUnaryReactor* CancelRightsCase(
      grpc::CallbackServerContext* context,
      const v1::CancelRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(cancel_, context, request, response,
                  &rights::CaseDesk::Cancel);
  }

  grpc::ServerUnaryReactor* AppealRightsCase(
      grpc::CallbackServerContext* context,
      const v1::AppealRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return OnCase(appeal_, context, request, response,
                  &rights::CaseDesk::Appeal);
  }

  grpc::ServerUnaryReactor* LiftRestriction(
      grpc::CallbackServerContext* context,
      const v1::LiftRestrictionRequest* request,
      v1::RightsCase* response) override {
    return OnCase(lift_, context, request, response,
                  &rights::CaseDesk::LiftRestriction);
  }

  grpc::ServerUnaryReactor* CompleteRightsCase(
      grpc::CallbackServerContext* context,
      const v1::CompleteRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return StartUnary(
        pipeline_, complete_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CompleteRightsCaseRequest& asked,
               v1::RightsCase* out, Completion done) {
          can_.completion->Complete(CallerOf(call, asked.context()), asked,
                                    Answer(&call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetRightsCase(
      grpc::CallbackServerContext* context,
      const v1::GetRightsCaseRequest* request,
      v1::RightsCase* response) override {
    return StartUnary(
        pipeline_, get_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetRightsCaseRequest& asked,
               v1::RightsCase* out, Completion done) {
          can_.case_reads->Get(CallerOf(call, asked.context()), asked,
                               Deliver(out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* ListRightsCases(
      grpc::CallbackServerContext* context,
      const v1::ListRightsCasesRequest* request,
      v1::ListRightsCasesResponse* response) override {
    return StartUnary(
        pipeline_, list_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListRightsCasesRequest& asked,
               v1::ListRightsCasesResponse* out, Completion done) {
          can_.case_reads->List(CallerOf(call, asked.context()), asked,
                                Deliver(out, std::move(done)));
        });
  }

  grpc::ServerWriteReactor<v1::DownloadReportResponse>* DownloadReport(
      grpc::CallbackServerContext* context,
      const v1::DownloadReportRequest* request) override {
    return StartStream<v1::DownloadReportResponse>(
        pipeline_, download_, context, request, Validator(),
        [this](const CallInfo& call, const v1::DownloadReportRequest& asked)
            -> absl::StatusOr<
                std::unique_ptr<StreamSource<v1::DownloadReportResponse>>> {
          return std::make_unique<ReportSource>(can_.completion, &call, asked);
        });
  }

  grpc::ServerUnaryReactor* AuthorizeAgent(
      grpc::CallbackServerContext* context,
      const v1::AuthorizeAgentRequest* request, v1::Agent* response) override {
    return OnAgent(authorize_, context, request, response,
                   &rights::AgentBook::Authorize);
  }

  grpc::ServerUnaryReactor* RevokeAgent(grpc::CallbackServerContext* context,
                                        const v1::RevokeAgentRequest* request,
                                        v1::Agent* response) override {
    return OnAgent(revoke_, context, request, response,
                   &rights::AgentBook::Revoke);
  }

  grpc::ServerUnaryReactor* ListAgents(
      grpc::CallbackServerContext* context,
      const v1::ListAgentsRequest* request,
      v1::ListAgentsResponse* response) override {
    return StartUnary(
        pipeline_, list_agents_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListAgentsRequest& asked,
               v1::ListAgentsResponse* out, Completion done) {
          can_.case_reads->ListAgents(CallerOf(call, asked.context()), asked,
                                      Deliver(out, std::move(done)));
        });
  }

 private:
  // Ends a call with the outcome of a change: its entry is written. What is
  // refused has its own.
  template <class T>
  absl::AnyInvocable<void(absl::StatusOr<T>)> Answer(const CallInfo* call,
                                                     T* out,
                                                     Completion done) const {
    return [this, call, out,
            done = std::move(done)](absl::StatusOr<T> answer) mutable {
      const absl::Status status = answer.status();
      if (status.ok()) {
        *out = *std::move(answer);
      } else {
        pipeline_->NoteRefusal(*call, status);
      }
      done(status);
    };
  }

  // A change that reads the store first: on a worker. A task that is refused is
  // destroyed, which ends its call.
  template <class Request, class Response, class Desk, class Member>
  grpc::ServerUnaryReactor* OnWorker(const Method* method,
                                     grpc::CallbackServerContext* context,
                                     const Request* request, Response* response,
                                     Desk* desk, Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, desk, member](const CallInfo& call, const Request& asked,
                             Response* out, Completion done) {
          can_.workers->TrySubmit(
              [&call, &asked, desk, member,
               end = Answer(&call, out, std::move(done))]() mutable {
                (desk->*member)(CallerOf(call, asked.context()), asked,
                                std::move(end));
              });
        });
  }
  template <class Request, class Member>
  grpc::ServerUnaryReactor* OnCase(const Method* method,
                                   grpc::CallbackServerContext* context,
                                   const Request* request,
                                   v1::RightsCase* response, Member member) {
    return OnWorker(method, context, request, response, can_.cases, member);
  }
  template <class Request, class Member>
  grpc::ServerUnaryReactor* OnAgent(const Method* method,
                                    grpc::CallbackServerContext* context,
                                    const Request* request, v1::Agent* response,
                                    Member member) {
    return OnWorker(method, context, request, response, can_.agents, member);
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

  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.RightsService/" + name);
  }

  Pipeline* const pipeline_;
  const RightsCapabilities can_;
  const Method* const transparency_ = Get("GetTransparencyView");
  const Method* const list_tasks_ = Get("ListRecipientTasks");
  const Method* const complete_task_ = Get("CompleteRecipientTask");
  const Method* const preview_ = Get("PreviewErasure");
  const Method* const certificate_ = Get("GetErasureCertificate");
  const Method* const place_hold_ = Get("PlaceLegalHold");
  const Method* const lift_hold_ = Get("LiftLegalHold");
  const Method* const list_holds_ = Get("ListLegalHolds");
  const Method* const lift_ = Get("LiftRestriction");
  const Method* const submit_ = Get("SubmitRightsCase");
  const Method* const get_ = Get("GetRightsCase");
  const Method* const list_ = Get("ListRightsCases");
  const Method* const verify_ = Get("VerifyRightsCase");
  const Method* const extend_ = Get("ExtendRightsCase");
  const Method* const pause_ = Get("PauseRightsCase");
  const Method* const refuse_ = Get("RefuseRightsCase");
  const Method* const approve_ = Get("ApproveRightsCase");
  const Method* const complete_ = Get("CompleteRightsCase");
  const Method* const cancel_ = Get("CancelRightsCase");
  const Method* const appeal_ = Get("AppealRightsCase");
  const Method* const download_ = Get("DownloadReport");
  const Method* const authorize_ = Get("AuthorizeAgent");
  const Method* const revoke_ = Get("RevokeAgent");
  const Method* const list_agents_ = Get("ListAgents");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeRightsService(
    Pipeline* pipeline, const RightsCapabilities& capabilities) {
  return std::make_unique<RightsServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
