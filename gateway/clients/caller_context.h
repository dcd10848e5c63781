#ifndef CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_
#define CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_

#include <functional>
#include <memory>
#include <string>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/clients/configuration.h"

namespace consentry::clients {

// The configuration in force, at the time of the call. Cheap; any thread.
using ConfigurationSource =
    std::function<std::shared_ptr<const Configuration>()>;

// Who asks and what for, as the pipeline established it from the connection:
// nothing here was claimed by the caller but `context`.
struct CallerContext {
  std::string client_id;
  // The method, "DataService.ReadSubject", and its audit event, "data.read".
  std::string method;
  std::string event;
  // As in the request, with signals of the transport's metadata merged in.
  v1::CallContext context;
  // Reasons about subjects are told (decisions.explain).
  bool may_explain = false;
};

// All of a leaf that comes from the call: time, event, caller, context, bundle.
store::v1::Leaf LeafOf(const Configuration& configuration,
                       const CallerContext& caller, int64_t now_us);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_
