#include "gateway/rpc/unserved.h"

#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

class UnservedCall final : public grpc::ServerGenericBidiReactor,
                           private CallBase {
 public:
  UnservedCall(Pipeline* pipeline, const Method* method,
               const grpc::ServerContextBase& context)
      : CallBase(pipeline, method) {
    absl::Status status = this->pipeline()->Admit(context, true, &info());
    if (status.ok()) {
      status = MakeError(v1::ERROR_REASON_NOT_IMPLEMENTED,
                         "the method is part of the API and not served yet");
    }
    Finish(this->pipeline()->Finish(info(), status));
  }

 private:
  void OnDone() override { delete this; }
};

class UnknownCall final : public grpc::ServerGenericBidiReactor {
 public:
  UnknownCall() {
    Finish(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such method"));
  }

 private:
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerGenericBidiReactor* UnservedMethods::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  const Method* method = pipeline_->methods().Find(context->method());
  if (method == nullptr) return new UnknownCall;
  return new UnservedCall(pipeline_, method, *context);
}

}  // namespace consentry::rpc
