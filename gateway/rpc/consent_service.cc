#include "gateway/rpc/consent_service.h"

#include <memory>
#include <utility>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"
#include "gateway/rpc/watch_stream.h"

namespace consentry::rpc {
namespace {

using Api = v1::ConsentService;

template <class Below>
using Signalling = Api::WithCallbackMethod_RecordSignal<
    Api::WithCallbackMethod_CreateUnsubscribeLink<
        Api::WithCallbackMethod_WithdrawByToken<Below>>>;

template <class Below>
using Choosing =
    Api::WithCallbackMethod_RecordConsent<Api::WithCallbackMethod_RenewConsent<
        Api::WithCallbackMethod_WithdrawConsent<Api::WithCallbackMethod_OptOut<
            Api::WithCallbackMethod_RecordSoftOptIn<
                Api::WithCallbackMethod_StartDoubleOptIn<
                    Api::WithCallbackMethod_CompleteDoubleOptIn<Below>>>>>>>;

template <class Below>
using Asking = Api::WithCallbackMethod_GetConsentState<
    Api::WithCallbackMethod_ListConsentEvents<
        Api::WithCallbackMethod_GetConsentReceipt<
            Api::WithCallbackMethod_CheckReask<Below>>>>;

template <class Below>
using Noticing = Api::WithCallbackMethod_CreateNotice<
    Api::WithCallbackMethod_ListNotices<Below>>;

using Served = Choosing<Asking<
    Noticing<Signalling<Api::WithCallbackMethod_WatchChanges<Api::Service>>>>>;

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
  ConsentServer(Pipeline* pipeline, const ConsentCapabilities& capabilities)
      : pipeline_(pipeline),
        can_(capabilities),
        waiters_("watch-stream", 2, 256) {}

  grpc::ServerWriteReactor<v1::WatchChangesResponse>* WatchChanges(
      grpc::CallbackServerContext* context,
      const v1::WatchChangesRequest* request) override {
    return StartStream<v1::WatchChangesResponse>(
        pipeline_, watch_, context, request, Validator(),
        [this](const CallInfo& call, const v1::WatchChangesRequest& asked) {
          return MakeWatchSource(can_.watcher, &waiters_, &call, asked);
        });
  }

  grpc::ServerUnaryReactor* RecordConsent(
      grpc::CallbackServerContext* context,
      const v1::RecordConsentRequest* request,
      v1::RecordConsentResponse* response) override {
    return Change(record_, context, request, response, can_.ledger,
                  &consent::Ledger::Record);
  }

  grpc::ServerUnaryReactor* RenewConsent(
      grpc::CallbackServerContext* context,
      const v1::RenewConsentRequest* request,
      v1::RecordConsentResponse* response) override {
    return Change(renew_, context, request, response, can_.ledger,
                  &consent::Ledger::Renew);
  }

  grpc::ServerUnaryReactor* WithdrawConsent(
      grpc::CallbackServerContext* context,
      const v1::WithdrawConsentRequest* request,
      v1::WithdrawConsentResponse* response) override {
    return Change(withdraw_, context, request, response, can_.ledger,
                  &consent::Ledger::Withdraw);
  }

  grpc::ServerUnaryReactor* OptOut(grpc::CallbackServerContext* context,
                                   const v1::OptOutRequest* request,
                                   v1::OptOutResponse* response) override {
    return Change(opt_out_, context, request, response, can_.ledger,
                  &consent::Ledger::OptOut);
  }

  grpc::ServerUnaryReactor* RecordSoftOptIn(
      grpc::CallbackServerContext* context,
      const v1::RecordSoftOptInRequest* request,
      v1::RecordSoftOptInResponse* response) override {
    return Change(soft_opt_in_, context, request, response, can_.ledger,
                  &consent::Ledger::RecordSoftOptIn);
  }

  grpc::ServerUnaryReactor* StartDoubleOptIn(
      grpc::CallbackServerContext* context,
      const v1::StartDoubleOptInRequest* request,
      v1::StartDoubleOptInResponse* response) override {
    return Change(start_opt_in_, context, request, response,
                  can_.double_opt_ins, &consent::DoubleOptIns::Start);
  }

  grpc::ServerUnaryReactor* CompleteDoubleOptIn(
      grpc::CallbackServerContext* context,
      const v1::CompleteDoubleOptInRequest* request,
      v1::RecordConsentResponse* response) override {
    return Change(complete_opt_in_, context, request, response,
                  can_.double_opt_ins, &consent::DoubleOptIns::Complete);
  }

  grpc::ServerUnaryReactor* GetConsentReceipt(
      grpc::CallbackServerContext* context,
      const v1::GetConsentReceiptRequest* request,
      v1::ConsentReceipt* response) override {
    return Ask(receipt_, context, request, response, can_.receipts,
               &consent::Receipts::Get);
  }

  grpc::ServerUnaryReactor* CheckReask(
      grpc::CallbackServerContext* context,
      const v1::CheckReaskRequest* request,
      v1::CheckReaskResponse* response) override {
    return Ask(reask_, context, request, response, can_.ledger,
               &consent::Ledger::Reask);
  }

  grpc::ServerUnaryReactor* GetConsentState(
      grpc::CallbackServerContext* context,
      const v1::GetConsentStateRequest* request,
      v1::GetConsentStateResponse* response) override {
    return Ask(state_, context, request, response, can_.ledger,
               &consent::Ledger::GetState);
  }

  grpc::ServerUnaryReactor* ListConsentEvents(
      grpc::CallbackServerContext* context,
      const v1::ListConsentEventsRequest* request,
      v1::ListConsentEventsResponse* response) override {
    return Ask(events_, context, request, response, can_.ledger,
               &consent::Ledger::ListEvents);
  }

  grpc::ServerUnaryReactor* CreateNotice(grpc::CallbackServerContext* context,
                                         const v1::CreateNoticeRequest* request,
                                         v1::Notice* response) override {
    return StartUnary(
        pipeline_, create_notice_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::CreateNoticeRequest& asked,
               v1::Notice* out, Completion done) {
          can_.notices->Create(CallerOf(call, {}), asked,
                               [out, done = std::move(done)](
                                   absl::StatusOr<v1::Notice> made) mutable {
                                 if (made.ok()) *out = *std::move(made);
                                 done(made.status());
                               });
        });
  }

  grpc::ServerUnaryReactor* ListNotices(
      grpc::CallbackServerContext* context,
      const v1::ListNoticesRequest* request,
      v1::ListNoticesResponse* response) override {
    return StartUnary(
        pipeline_, list_notices_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::ListNoticesRequest& asked,
               v1::ListNoticesResponse* out, Completion done) {
          // A refused task is destroyed, which ends its call.
          can_.workers->TrySubmit([this, &call, &asked, out,
                                   done = std::move(done)]() mutable {
            auto page = can_.notices->List(CallerOf(call, {}), asked);
            if (!page.ok()) {
              done(page.status());
              return;
            }
            *out = *std::move(page);
            store::v1::Leaf leaf = LeafOf(call);
            leaf.set_released_nothing(true);
            CommitEntry(can_.committer, std::move(leaf),
                        [done = std::move(done)](const absl::Status& status,
                                                 store::ReleaseTicket ticket,
                                                 uint64_t) mutable {
                          Tickets tickets;
                          tickets.push_back(std::move(ticket));
                          done(status, std::move(tickets));
                        });
          });
        });
  }

  grpc::ServerUnaryReactor* RecordSignal(
      grpc::CallbackServerContext* context,
      const v1::RecordSignalRequest* request,
      v1::RecordSignalResponse* response) override {
    return Change(signal_, context, request, response, &can_.ledger->signals(),
                  &consent::Signals::Record);
  }

  grpc::ServerUnaryReactor* CreateUnsubscribeLink(
      grpc::CallbackServerContext* context,
      const v1::CreateUnsubscribeLinkRequest* request,
      v1::CreateUnsubscribeLinkResponse* response) override {
    return Change(link_, context, request, response,
                  &can_.ledger->unsubscribes(),
                  &consent::Unsubscribes::CreateLink);
  }

  grpc::ServerUnaryReactor* WithdrawByToken(
      grpc::CallbackServerContext* context,
      const v1::WithdrawByTokenRequest* request,
      v1::WithdrawByTokenResponse* response) override {
    return StartUnary(
        pipeline_, click_, context, request, response, Validator(),
        [this](const CallInfo& call, const v1::WithdrawByTokenRequest& asked,
               v1::WithdrawByTokenResponse* out, Completion done) {
          can_.ledger->unsubscribes().Withdraw(
              CallerOf(call, {}), asked,
              Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.ConsentService/" + name);
  }

  // A change of choices, by a member of a part of the ledger.
  template <class Request, class Response, class Part, class Member>
  grpc::ServerUnaryReactor* Change(const Method* method,
                                   grpc::CallbackServerContext* context,
                                   const Request* request, Response* response,
                                   Part* part, Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, part, member](const CallInfo& call, const Request& asked,
                             Response* out, Completion done) {
          (part->*member)(CallerOf(call, asked.context()), asked,
                          Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

  // A question about choices. Whoever is no service may ask about all.
  template <class Request, class Response, class Part, class Member>
  grpc::ServerUnaryReactor* Ask(const Method* method,
                                grpc::CallbackServerContext* context,
                                const Request* request, Response* response,
                                Part* part, Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, part, member](const CallInfo& call, const Request& asked,
                             Response* out, Completion done) {
          (part->*member)(CallerOf(call, asked.context()), asked,
                          !call.IsService(),
                          Deliver(pipeline_, &call, out, std::move(done)));
        });
  }

  Pipeline* const pipeline_;
  const ConsentCapabilities can_;
  base::WorkerPool waiters_;
  const Method* const record_ = Get("RecordConsent");
  const Method* const renew_ = Get("RenewConsent");
  const Method* const withdraw_ = Get("WithdrawConsent");
  const Method* const opt_out_ = Get("OptOut");
  const Method* const soft_opt_in_ = Get("RecordSoftOptIn");
  const Method* const start_opt_in_ = Get("StartDoubleOptIn");
  const Method* const complete_opt_in_ = Get("CompleteDoubleOptIn");
  const Method* const receipt_ = Get("GetConsentReceipt");
  const Method* const reask_ = Get("CheckReask");
  const Method* const state_ = Get("GetConsentState");
  const Method* const watch_ = Get("WatchChanges");
  const Method* const events_ = Get("ListConsentEvents");
  const Method* const create_notice_ = Get("CreateNotice");
  const Method* const list_notices_ = Get("ListNotices");
  const Method* const signal_ = Get("RecordSignal");
  const Method* const link_ = Get("CreateUnsubscribeLink");
  const Method* const click_ = Get("WithdrawByToken");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeConsentService(
    Pipeline* pipeline, const ConsentCapabilities& capabilities) {
  return std::make_unique<ConsentServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
