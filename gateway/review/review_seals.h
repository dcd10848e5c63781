#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_SEALS_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_SEALS_H_

#include "gateway/crypto/seal_context.h"

// Tables of this part inside of seals. The numbers are stored: they are never
// reused and stay in the part's ranges (70 to 79, 310 to 319, 65610 to 65619).
namespace consentry::review {

// A review, without what anybody wrote.
inline constexpr crypto::FactTable kReviewDocTable{70};
// What the customer and reviewers wrote in it.
inline constexpr crypto::FieldTable kReviewWordsTable{310};
// The same of reviews about nobody who is held.
inline constexpr crypto::SystemTable kSystemReviewDocTable{65610};
inline constexpr crypto::SystemTable kSystemReviewWordsTable{65611};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_SEALS_H_
