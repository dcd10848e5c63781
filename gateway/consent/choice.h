#ifndef CONSENTRY_GATEWAY_CONSENT_CHOICE_H_
#define CONSENTRY_GATEWAY_CONSENT_CHOICE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/configuration.h"
#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_changes.h"

namespace consentry::consent {

// One act of a customer, about one or more purposes, whoever tells of it.
struct Choice {
  // Of every event: all but id, purpose, time of receipt, and what is found out
  // when it is recorded. `captured_at_us` 0: when it is received.
  store::v1::ConsentEvent event;
  std::vector<std::string> purposes;
  // Beside `purposes`: months after which a consent ends that names no end; 0:
  // it has none.
  std::vector<uint32_t> months;
  // "agt_...", as the caller names it; empty: nobody acts for the customer.
  std::string agent_id;
};

// The retention of each purpose, for Choice::months.
std::vector<uint32_t> MonthsOf(const clients::Configuration& configuration,
                               const std::vector<std::string>& purposes);

// Whose act it is: her own, for a customer's own call (PROTOCOLS G3), else what
// the client reports.
void SetActor(const clients::CallerContext& caller,
              store::v1::ConsentEvent* event);

void SetNotice(const v1::NoticeRef& notice, store::v1::ConsentEvent* event);

// States by purpose, as changes gather them for their answer.
using States = std::map<std::string, v1::ConsentState>;

// The heads of all who are joined with the one that is edited, but for those
// who were erased.
absl::StatusOr<std::vector<store::v1::SubjectHead>> JoinedHeads(
    const LedgerOptions& options, store::ChangeContext* context,
    vault::HeadEdit& head);

// Adds the choice to the ledger of the subject whose head is edited. A consent
// that its notice does not carry becomes an INVALIDATED event. Refused for an
// agent whose power does not reach to it (agents.h); MINOR for a child's
// consent that nobody responsible for her authorised.
absl::StatusOr<Appended> AppendChoice(const LedgerOptions& options,
                                      const Choice& choice,
                                      store::ChangeContext* context,
                                      vault::HeadEdit* head);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_CHOICE_H_
