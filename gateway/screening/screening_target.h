#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENING_TARGET_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENING_TARGET_H_

#include <string_view>

#include "gateway/review/review_queue.h"
#include "gateway/screening/screener.h"

namespace consentry::screening {

// Outputs as reviews see them: held ones, and released ones that a customer
// contests or that were drawn for a look. What a human lets pass waits for the
// channel that fetches it, and is decided anew there: a withdrawal that came in
// between binds it. A released one that is not upheld is revoked first. Safe
// for many threads.
class ScreeningTarget final : public review::ReviewTarget {
 public:
  // Outlives the target.
  explicit ScreeningTarget(const ScreeningParts* parts) : parts_(parts) {}

  // With kReleaseChanged the new outcome becomes the text of a message, page or
  // reply, the label of a segment, persona or decision, the ranking of a
  // recommendation (a line each), the amount ("12.50 EUR") of a price or offer;
  // FIELD_INVALID where it cannot, or breaks a rule of conduct. Whatever else
  // the engine said with its own outcome goes: text, explanation, score,
  // evidence. A reversed decision is favourable where it was not, and the other
  // way round; whatever else is reversed is blocked.
  absl::Status Apply(store::ChangeContext& context, std::string_view target,
                     review::Ruling ruling, std::string_view new_outcome,
                     store::v1::Leaf* leaf) override;

  absl::StatusOr<review::TargetCase> Describe(
      store::Connection* connection, std::string_view target,
      const crypto::Grant& grant) override;

 private:
  absl::Status TakeBack(store::ChangeContext& context, const ScreeningRow& row,
                        store::v1::Leaf* leaf) const;

  const ScreeningParts* const parts_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENING_TARGET_H_
