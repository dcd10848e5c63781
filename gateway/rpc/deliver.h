#ifndef CONSENTRY_GATEWAY_RPC_DELIVER_H_
#define CONSENTRY_GATEWAY_RPC_DELIVER_H_

#include <utility>

#include "absl/status/statusor.h"
#include "gateway/access/governed_reads.h"
#include "gateway/rpc/call.h"

namespace consentry::rpc {

// What a governed read ends with, handed to a call with its tickets.
template <class Response>
access::Done<Response> Deliver(Response* response, Completion done) {
  return [response, done = std::move(done)](
             absl::StatusOr<access::Released<Response>> released) mutable {
    if (!released.ok()) {
      done(released.status());
      return;
    }
    *response = std::move(released->response);
    done(absl::OkStatus(), std::move(released->tickets));
  };
}

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_DELIVER_H_
