#ifndef CONSENTRY_GATEWAY_RPC_UNSERVED_H_
#define CONSENTRY_GATEWAY_RPC_UNSERVED_H_

#include <grpcpp/generic/async_generic_service.h>

#include "gateway/rpc/pipeline.h"

namespace consentry::rpc {

// Answers whatever no registered service takes. A method of the API passes the
// pipeline as any other and is then answered NOT_IMPLEMENTED; another path is
// answered UNIMPLEMENTED. The request is not read.
class UnservedMethods final : public grpc::CallbackGenericService {
 public:
  // `pipeline` outlives the server.
  explicit UnservedMethods(Pipeline* pipeline) : pipeline_(pipeline) {}

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

 private:
  Pipeline* const pipeline_;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_UNSERVED_H_
