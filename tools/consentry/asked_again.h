#ifndef CONSENTRY_TOOLS_CONSENTRY_ASKED_AGAIN_H_
#define CONSENTRY_TOOLS_CONSENTRY_ASKED_AGAIN_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <thread>

#include "tools/consentry/rpc_error.h"

namespace consentry::tools {

// Repeats a call as long as the gateway answers that it is still counting its
// log, ten minutes at most.
inline grpc::Status AskUntilCounted(
    const std::function<grpc::Status(grpc::ClientContext*)>& call) {
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::minutes(10);
  while (true) {
    grpc::ClientContext context;
    const grpc::Status status = call(&context);
    if (status.ok() || ReasonOf(status) != "STORE_UNAVAILABLE" ||
        std::chrono::steady_clock::now() > until) {
      return status;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_ASKED_AGAIN_H_
