#ifndef CONSENTRY_GATEWAY_SCREENING_OUTCOME_DESK_H_
#define CONSENTRY_GATEWAY_SCREENING_OUTCOME_DESK_H_

#include <functional>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/screening/screener.h"

namespace consentry::screening {

// Takes reports of what became of outputs: in any order, before their output or
// after it, as often as one likes. A complaint counts as a refusal in the
// customer's pressure. One change with one entry for each call. Safe for many
// threads.
class OutcomeDesk {
 public:
  // Outlives the desk.
  explicit OutcomeDesk(const ScreeningParts* parts) : parts_(parts) {}

  using Done =
      absl::AnyInvocable<void(absl::StatusOr<v1::RecordOutcomeResponse>)>;
  // What is wrong with one outcome by itself.
  using Check = std::function<absl::Status(const v1::Outcome&)>;

  // Results of single outcomes: those of `check`, FIELD_INVALID for a time that
  // has not come, NOT_FOUND for an id of a screening that leads nowhere.
  void Record(const access::Caller& caller,
              const v1::RecordOutcomeRequest& request, const Check& check,
              Done done);

 private:
  absl::StatusOr<v1::ErrorReason> RecordOne(store::ChangeContext& context,
                                            const access::Caller& caller,
                                            const v1::Outcome& outcome,
                                            store::v1::Leaf* leaf) const;

  const ScreeningParts* const parts_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_OUTCOME_DESK_H_
