#ifndef CONSENTRY_GATEWAY_ACCESS_REVIEW_GRANT_H_
#define CONSENTRY_GATEWAY_ACCESS_REVIEW_GRANT_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/access/grant_issuer.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/opener.h"
#include "policy/engine/bundle.h"

namespace consentry::access {

// The purpose under which people look at what machines decided: the first of
// class HUMAN_REVIEW by key. STATE_INVALID where the registry knows none.
absl::StatusOr<policy::PurposeId> HumanReviewPurpose(
    const policy::Bundle& bundle);

// What opens the words of a review, and of what is reviewed, for its reviewer
// (PROTOCOLS C5). Values of the vault she gets by a governed read alone.
absl::StatusOr<crypto::Grant> HumanReviewGrant(const policy::Bundle& bundle);

// What customers and reviewers wrote in a review. INVALID_ARGUMENT for a value
// of any other table; else as crypto::Opener.
absl::StatusOr<crypto::Plaintext> OpenOfReview(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_REVIEW_GRANT_H_
