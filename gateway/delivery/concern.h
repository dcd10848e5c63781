#ifndef CONSENTRY_GATEWAY_DELIVERY_CONCERN_H_
#define CONSENTRY_GATEWAY_DELIVERY_CONCERN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/configuration.h"
#include "gateway/delivery/notice_rows.h"
#include "gateway/delivery/recipients.h"
#include "policy/engine/bundle.h"

// Who has to be told what. Pure; safe for many threads.
namespace consentry::delivery {

// A change of what may be done with a customer's data.
struct Concern {
  // As RecipientNotice.event.
  std::string event;
  // Purposes that it is about, or fields of a rectification.
  std::vector<std::string> targets;
  // Whoever received or wrote anything of her is told, whatever the purpose.
  bool concerns_all = false;
  // Watchers alone are told: nothing was taken away.
  bool only_watchers = false;
};

// What "scope=state" of an audit entry (store.v1.LeafSubject.changes) means for
// recipients; none for what does not concern them, and for "restriction" of an
// erasure, which has a way of its own:
//   <purpose>=withdrawn|refused|expired|invalidated|uncertain   withdrawal
//   <purpose>=given                                             consent
//   opt_out.<kind>=set, gpc=set    opt_out, for purposes of these classes
//   objection.<purpose or *>=set   objection
//   restricted=set|lifted          restriction, restriction_lifted
std::optional<Concern> ConcernOf(const policy::Bundle& bundle,
                                 std::string_view change);

// Whether any registration follows changes as they happen. Where none does, a
// concern of watchers alone needs no look at who received what: an import of a
// million consents would cost a million of them.
bool AnybodyWatches(const clients::Configuration& configuration);

// One notice to be written.
struct Planned {
  NoticeChannel channel = NoticeChannel::kTask;
  std::string client_id;
  uint64_t subject = 0;
  std::string event;
  std::vector<std::string> targets;
};

// The notices that `concern`, caused by `originator`, makes for `recipients`.
// Whoever caused it knows of it already, and gets it on its stream alone.
void PlanNotices(const clients::Configuration& configuration,
                 const Concern& concern, std::string_view originator,
                 const std::vector<Recipient>& recipients,
                 std::vector<Planned>* planned);

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_CONCERN_H_
