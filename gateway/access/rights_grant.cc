#include "gateway/access/rights_grant.h"

#include <optional>

#include "policy/engine/decision.h"
#include "proto/support/error.h"

namespace consentry::access {

absl::StatusOr<crypto::Grant> RightsGrant(const policy::Bundle& bundle) {
  policy::Decision decision;
  decision.permitted = true;
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const policy::PurposeId purpose{static_cast<uint16_t>(i)};
    if (bundle.purpose(purpose).purpose_class() !=
        config::v1::PurposeClass::RIGHTS_FULFILMENT) {
      continue;
    }
    if (auto grant = GrantIssuer::Issue(bundle, purpose, decision)) {
      return *std::move(grant);
    }
  }
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "no purpose of class RIGHTS_FULFILMENT is registered");
}

absl::StatusOr<crypto::Plaintext> OpenOfCase(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed) {
  if (context.table != crypto::FieldTable::kRightsWords &&
      context.table != crypto::FieldTable::kRightsReport) {
    return absl::InvalidArgumentError("not a part of a case");
  }
  return crypto::Opener::Open(grant, keys, context, sealed);
}

}  // namespace consentry::access
