#ifndef CONSENTRY_GATEWAY_RPC_UNARY_CALL_H_
#define CONSENTRY_GATEWAY_RPC_UNARY_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/status.h"
#include "gateway/rpc/fault_list.h"
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
    if (status.ok()) {
      FaultList faults;
      validate(request, &faults);
      status = faults.ToStatus();
    }
    if (!status.ok()) {
      Complete(status);
      return;
    }
    // What is thrown after the handler took the completion is answered by the
    // completion's destructor; before that likewise.
    try {
      handle(static_cast<const CallInfo&>(info()), request, response_,
             Completion(this));
    } catch (...) {
    }
  }

 private:
  void Complete(const absl::Status& ended) override {
    const absl::Status status = pipeline()->BeforeRelease(info(), ended);
    if (!status.ok()) response_->Clear();
    Finish(pipeline()->Finish(info(), status));
  }
  void OnCancel() override { MarkCancelled(); }
  void OnDone() override { delete this; }
  // Both reactions are a few instructions: run them where they come up, instead
  // of waking an executor thread for each call.
  bool InternalInlineable() override { return true; }

  Response* const response_;
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
