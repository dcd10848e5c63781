#ifndef CONSENTRY_GATEWAY_RPC_PERSON_SCOPE_H_
#define CONSENTRY_GATEWAY_RPC_PERSON_SCOPE_H_

#include <google/protobuf/message.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "gateway/rpc/call.h"
#include "gateway/rpc/fault_list.h"

// What a token means for the request that it comes with (PROTOCOLS H2). Here,
// before anything is validated or looked up, so that no service can forget it.
namespace consentry::rpc {

// ACCESS_DENIED, which says nothing about anybody.
absl::Status NotHers();

// A fault when the request claims an acting person although a token names one;
// ACCESS_DENIED for a customer's call of a method that is not for customers.
template <class Request>
absl::Status CheckClaims(const CallInfo& call, const Request& request,
                         FaultList* faults) {
  if (call.person() == nullptr) return absl::OkStatus();
  if constexpr (requires { request.context().acting_person(); }) {
    if (!request.context().acting_person().empty()) {
      faults->Add("context.acting_person",
                  "the token of the call names the person");
    }
  }
  return call.IsCustomer() && !call.method().for_customers ? NotHers()
                                                           : absl::OkStatus();
}

// CheckClaims, and for a customer the subject of the request: hers. `*request`
// becomes a copy with it, which `bound` keeps. Whoever names anybody but
// herself, or herself by anything but her id, gets ACCESS_DENIED without any
// lookup.
template <class Request>
absl::Status BindPerson(const CallInfo& call, const Request** request,
                        std::unique_ptr<google::protobuf::Message>* bound,
                        FaultList* faults) {
  if (absl::Status status = CheckClaims(call, **request, faults);
      !status.ok()) {
    return status;
  }
  if (!call.IsCustomer()) return absl::OkStatus();
  if constexpr (requires(Request & r) { r.mutable_subject()->set_id(""); }) {
    const auto& named = (*request)->subject();
    if ((*request)->has_subject() && named.ref_case() != 0 &&
        named.id() != call.person()->subject_id) {
      return NotHers();
    }
    auto own = std::make_unique<Request>(**request);
    own->mutable_subject()->set_id(call.person()->subject_id);
    *request = own.get();
    *bound = std::move(own);
  }
  return absl::OkStatus();
}

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_PERSON_SCOPE_H_
