#ifndef CONSENTRY_GATEWAY_RIGHTS_OUTGOING_H_
#define CONSENTRY_GATEWAY_RIGHTS_OUTGOING_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/store/v1/rights.pb.h"
#include "gateway/store/change.h"

namespace consentry::rights {

// What a case sets off elsewhere. All are called inside of a change and queue
// or write with it, so that neither stands without the other; none waits.
// Empty ones do nothing, but for `erase`, without which no erasure is approved.
struct Outgoing {
  // Writes to the customer's contact point: the key of a text and what its
  // placeholders take. A failure does not stop the case; its step says so.
  std::function<absl::Status(store::ChangeContext&, uint64_t subject,
                             std::string_view text, std::string_view language,
                             std::map<std::string, std::string> arguments)>
      tell;
  // Recipients that hold data of the subject learn of "rectification",
  // "restriction" or "restriction_lifted", for these fields (empty: all).
  std::function<absl::Status(store::ChangeContext&, uint64_t subject,
                             std::string_view event,
                             const std::vector<std::string>& targets)>
      tell_recipients;

  // The outcome for each field if the subject were erased now.
  std::function<absl::StatusOr<std::vector<store::v1::CaseOutcome>>(
      store::Connection*, uint64_t subject)>
      plan_erasure;
  // Decides the erasure and adds its subjects to the leaf, and takes it back.
  // Both write the heads of the subjects themselves. The case's outcomes say
  // what is kept on which ground.
  std::function<absl::Status(store::ChangeContext&, uint64_t subject,
                             const store::v1::RightsCaseDoc&, store::v1::Leaf*)>
      erase;
  std::function<absl::Status(store::ChangeContext&, std::string_view case_id,
                             store::v1::Leaf*)>
      cancel_erasure;

  // Whom an output or a decision ("scr_...", "dec_...") is about; 0: there is
  // no such one. For workers, not inside of a change.
  std::function<absl::StatusOr<uint64_t>(store::Connection*,
                                         const std::string& decision)>
      find_decision;
  // Puts the case's decision, about doc.decision_subject, before a human, with
  // what the customer wrote. The id of the review, whose outcome comes back by
  // CaseDesk::Reviewed.
  std::function<absl::StatusOr<std::string>(store::ChangeContext&,
                                            const store::v1::RightsCaseDoc&,
                                            const std::string& statement)>
      review;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_OUTGOING_H_
