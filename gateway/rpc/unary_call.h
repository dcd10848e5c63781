#ifndef CONSENTRY_GATEWAY_RPC_UNARY_CALL_H_
#define CONSENTRY_GATEWAY_RPC_UNARY_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "gateway/rpc/fault_list.h"
#include "gateway/rpc/person_scope.h"
#include "gateway/rpc/pipeline.h"

namespace consentry::rpc {

// One unary call through the pipeline. Owns itself: deleted in OnDone, never
// before. Finish is called exactly once, also after cancellation.
template <class Response>
class UnaryCall final : public grpc::ServerUnaryReactor,
                        private CallBase,
                        private Completer {
 public:
  UnaryCall(Pipeline* pipeline, const Method* method, Response* response)
      : CallBase(pipeline, method), response_(response) {}

  // `validate(request, FaultList*)` collects what is wrong with the request;
  // `handle(const CallInfo&, const Request&, Response*, Completion)` must not
  // block and may complete on another thread. Both run on the calling thread.
  template <class Request, class Validate, class Handle>
  void Run(const grpc::ServerContextBase& context, const Request& request,
           Validate validate, Handle handle) {
    absl::Status status = pipeline()->Admit(context, true, &info());
    const Request* asked = &request;
    if (status.ok()) {
      FaultList faults;
      status = BindPerson(info(), &asked, &bound_, &faults);
      if (status.ok()) {
        validate(*asked, &faults);
        status = faults.ToStatus();
      }
    }
    if (!status.ok()) {
      Complete(status, {});
      return;
    }
    // What is thrown after the handler took the completion is answered by the
    // completion's destructor; before that likewise.
    try {
      handle(static_cast<const CallInfo&>(info()), *asked, response_,
             Completion(this));
    } catch (...) {
    }
  }

 private:
  // gRPC takes answers from the moment on at which the method has returned and
  // the call is bound to this reactor. Until then Finish() only notes them, and
  // whoever committed the read might let its tickets go too early.
  enum class State { kUnbound, kWaiting, kBound };

  void Complete(const absl::Status& ended, Tickets tickets) override {
    const absl::Status status = pipeline()->BeforeRelease(info(), ended);
    if (!status.ok()) response_->Clear();
    grpc::Status answer = pipeline()->Finish(info(), status);
    if (!tickets.empty() &&
        state_.load(std::memory_order_acquire) == State::kUnbound) {
      answer_ = std::move(answer);
      tickets_ = std::move(tickets);
      State unbound = State::kUnbound;
      if (state_.compare_exchange_strong(unbound, State::kWaiting,
                                         std::memory_order_acq_rel)) {
        return;
      }
      answer = std::move(answer_);
      tickets = std::move(tickets_);
    }
    Finish(std::move(answer));  // May delete this.
  }

  // Asked first right after the call was bound, before it can end. Both
  // reactions are a few instructions: they run where they come up, instead of
  // waking an executor thread for each call.
  bool InternalInlineable() override {
    if (state_.exchange(State::kBound, std::memory_order_acq_rel) ==
        State::kWaiting) {
      const Tickets tickets = std::move(tickets_);
      Finish(std::move(answer_));
    }
    return true;
  }
  void OnCancel() override { MarkCancelled(); }
  void OnDone() override { delete this; }

  Response* const response_;
  // The request of a customer, with her subject in it; else null.
  std::unique_ptr<google::protobuf::Message> bound_;
  std::atomic<State> state_{State::kUnbound};
  // Of an answer that waits for the call to be bound.
  grpc::Status answer_;
  Tickets tickets_;
};

template <class Request, class Response, class Validate, class Handle>
grpc::ServerUnaryReactor* StartUnary(Pipeline* pipeline, const Method* method,
                                     const grpc::ServerContextBase* context,
                                     const Request* request, Response* response,
                                     Validate validate, Handle handle) {
  auto* call = new UnaryCall<Response>(pipeline, method, response);
  call->Run(*context, *request, std::move(validate), std::move(handle));
  return call;
}

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_UNARY_CALL_H_
