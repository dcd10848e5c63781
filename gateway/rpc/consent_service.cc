#include <memory>
#include <utility>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "gateway/consent/ledger.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"

namespace consentry::rpc {
namespace {

using Api = v1::ConsentService;

// Methods of ConsentService that nothing takes yet.
template <class Below>
using Unserved = Api::WithGenericMethod_ListConsentEvents<
    Api::WithGenericMethod_RenewConsent<
        Api::WithGenericMethod_CreateNotice<Api::WithGenericMethod_ListNotices<
            Api::WithGenericMethod_StartDoubleOptIn<
                Api::WithGenericMethod_CompleteDoubleOptIn<
                    Api::WithGenericMethod_GetConsentReceipt<
                        Api::WithGenericMethod_RecordSignal<
                            Api::WithGenericMethod_CheckReask<
                                Api::WithGenericMethod_CreateUnsubscribeLink<
                                    Api::WithGenericMethod_WithdrawByToken<
                                        Api::WithGenericMethod_WatchChanges<
                                            Below>>>>>>>>>>>>;

using Served = Api::WithCallbackMethod_RecordConsent<
    Api::WithCallbackMethod_WithdrawConsent<Api::WithCallbackMethod_OptOut<
        Api::WithCallbackMethod_GetConsentState<Unserved<Api::Service>>>>>;

// The ledger's answer, handed to a call with its tickets. What it refuses has
// its entry: nobody learns who is a customer by trying unseen.
template <class Response>
consent::Done<Response> Deliver(Pipeline* pipeline, const CallInfo* call,
                                Response* response, Completion done) {
  return [pipeline, call, response, done = std::move(done)](
             absl::StatusOr<consent::Answer<Response>> answer) mutable {
    if (!answer.ok()) {
      pipeline->NoteRefusal(*call, answer.status());
      done(answer.status());
      return;
    }
    *response = std::move(answer->response);
    done(absl::OkStatus(), std::move(answer->tickets));
  };
}

class ConsentServer final : public Served {
 public:
  ConsentServer(Pipeline* pipeline, consent::Ledger* ledger)
      : pipeline_(pipeline), ledger_(ledger) {}

  grpc::ServerUnaryReactor* RecordConsent(
      grpc::CallbackServerContext* context,
      const v1::RecordConsentRequest* request,
      v1::RecordConsentResponse* response) override {
    return StartUnary(
        pipeline_, record_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::RecordConsentRequest& asked,
               v1::RecordConsentResponse* out, Completion done) {
          ledger_->Record(CallerOf(call, asked.context()), asked,
                          Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* WithdrawConsent(
      grpc::CallbackServerContext* context,
      const v1::WithdrawConsentRequest* request,
      v1::WithdrawConsentResponse* response) override {
    return StartUnary(
        pipeline_, withdraw_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::WithdrawConsentRequest& asked,
               v1::WithdrawConsentResponse* out, Completion done) {
          ledger_->Withdraw(CallerOf(call, asked.context()), asked,
                            Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* OptOut(grpc::CallbackServerContext* context,
                                   const v1::OptOutRequest* request,
                                   v1::OptOutResponse* response) override {
    return StartUnary(
        pipeline_, opt_out_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::OptOutRequest& asked,
               v1::OptOutResponse* out, Completion done) {
          ledger_->OptOut(CallerOf(call, asked.context()), asked,
                          Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

  grpc::ServerUnaryReactor* GetConsentState(
      grpc::CallbackServerContext* context,
      const v1::GetConsentStateRequest* request,
      v1::GetConsentStateResponse* response) override {
    return StartUnary(
        pipeline_, state_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::GetConsentStateRequest& asked,
               v1::GetConsentStateResponse* out, Completion done) {
          ledger_->GetState(CallerOf(call, asked.context()), asked,
                            !call.IsService(),
                            Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.ConsentService/" + name);
  }

  Pipeline* const pipeline_;
  consent::Ledger* const ledger_;
  const Method* const record_ = Get("RecordConsent");
  const Method* const withdraw_ = Get("WithdrawConsent");
  const Method* const opt_out_ = Get("OptOut");
  const Method* const state_ = Get("GetConsentState");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeConsentService(Pipeline* pipeline,
                                                  consent::Ledger* ledger) {
  return std::make_unique<ConsentServer>(pipeline, ledger);
}

}  // namespace consentry::rpc
