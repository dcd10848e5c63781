#ifndef CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_
#define CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/clients/configuration.h"
#include "gateway/clients/person.h"

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
  // As in the request, with signals of the transport's metadata merged in. With
  // a token of staff, its acting person is the one that the token proves.
  v1::CallContext context;
  // Reasons about subjects are told (decisions.explain).
  bool may_explain = false;
  // Whose token the call carries; nullopt: the client speaks for itself.
  std::optional<Person> person;

  // A customer's own call: what she chooses is her own act (actor SELF), what
  // she asks is about her. The subject of the request is hers already; whatever
  // else a request may name (a case, a decision) must be looked at by whoever
  // serves it: it is hers when its subject is `customer()`.
  bool IsCustomer() const { return person.has_value() && person->IsCustomer(); }
  // The number of her subject; 0: no customer's call.
  uint64_t customer() const { return IsCustomer() ? person->subject : 0; }
};

// Who asked, for what is kept of a request and bound to whoever made it
// (request_id, page tokens): the client, and the person behind it.
std::string RequesterOf(const CallerContext& caller);

// All of a leaf that comes from the call: time, event, caller, context, bundle.
store::v1::Leaf LeafOf(const Configuration& configuration,
                       const CallerContext& caller, int64_t now_us);

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CALLER_CONTEXT_H_
