#ifndef CONSENTRY_GATEWAY_RPC_ERROR_MAP_H_
#define CONSENTRY_GATEWAY_RPC_ERROR_MAP_H_

#include <grpcpp/support/status.h>

#include <string_view>

#include "absl/status/status.h"

namespace consentry::rpc {

// The one place where an error leaves the gateway.
//
// An error with a reason (MakeError) goes out with its code, its message on one
// line, and google.rpc.Status details of at most kMaxErrorDetailBytes:
// ErrorInfo, and BadRequest as far as it fits. A reason about the subject goes
// out as ACCESS_DENIED, with one constant message, unless `may_explain`.
//
// Any other error is a fault of the gateway: its text never leaves. The caller
// gets INTERNAL with an id; the operating log has the id, the code and
// `method`.
grpc::Status ToGrpcStatus(const absl::Status& status, bool may_explain,
                          std::string_view method);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_ERROR_MAP_H_
