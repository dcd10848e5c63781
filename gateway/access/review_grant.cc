#include "gateway/access/review_grant.h"

#include "policy/engine/decision.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// The range of reviews.
constexpr crypto::FieldTable kFirstOfReview{310};
constexpr crypto::FieldTable kLastOfReview{319};

}  // namespace

absl::StatusOr<policy::PurposeId> HumanReviewPurpose(
    const policy::Bundle& bundle) {
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const policy::PurposeId purpose{static_cast<uint16_t>(i)};
    if (bundle.purpose(purpose).purpose_class() ==
        config::v1::PurposeClass::HUMAN_REVIEW) {
      return purpose;
    }
  }
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "no purpose of class HUMAN_REVIEW is registered");
}

absl::StatusOr<crypto::Grant> HumanReviewGrant(const policy::Bundle& bundle) {
  CONSENTRY_ASSIGN_OR_RETURN(const policy::PurposeId purpose,
                             HumanReviewPurpose(bundle));
  policy::Decision decision;
  decision.permitted = true;
  auto grant = GrantIssuer::Issue(bundle, purpose, decision);
  if (grant) return *std::move(grant);
  return MakeError(v1::ERROR_REASON_INTERNAL, "no grant was issued");
}

absl::StatusOr<crypto::Plaintext> OpenOfReview(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed) {
  if (context.table < kFirstOfReview || context.table > kLastOfReview) {
    return absl::InvalidArgumentError("not words of a review");
  }
  return crypto::Opener::Open(grant, keys, context, sealed);
}

}  // namespace consentry::access
