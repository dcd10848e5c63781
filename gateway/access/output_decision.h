#ifndef CONSENTRY_GATEWAY_ACCESS_OUTPUT_DECISION_H_
#define CONSENTRY_GATEWAY_ACCESS_OUTPUT_DECISION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/common.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/opener.h"
#include "gateway/store/change.h"
#include "gateway/vault/subject_reader.h"
#include "policy/engine/decision.h"

namespace consentry::access {

// What an output on its way to a customer asks for, apart from the customer.
struct OutputQuestion {
  std::string purpose;
  v1::Channel channel = v1::CHANNEL_UNSPECIFIED;
  // Categories of the inputs that it was made from.
  std::vector<std::string> input_categories;
};

// Such a question, bound to one configuration. Its fields are all those of the
// purpose whose category is one of the inputs', or below it.
struct OutputPlan {
  ReadPlan plan;
  // An input is of a category of which the purpose has no field: nobody may be
  // treated so under it.
  bool beyond_purpose = false;
};

// Checks all that depends on the caller alone. As MakeReadPlan, and
// FIELD_INVALID for a category that neither the catalog nor fideslang knows,
// CATEGORY_NOT_ALLOWED for one that the registration does not read.
// `decided_before`: the caller is not there; the context that its registration
// asks for was looked at when the output came.
absl::StatusOr<OutputPlan> MakeOutputPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const Caller& caller, const OutputQuestion& question, int64_t now_us,
    bool decided_before = false);

// The name of a customer as a call gives it: FIELD_INVALID for what can be
// none, or a pseudonym of another caller.
absl::StatusOr<SubjectName> NameOf(const vault::SubjectReader& reader,
                                   const crypto::OpaqueTokens& tokens,
                                   const Caller& caller,
                                   const v1::SubjectRef& ref);

// Whether one customer may be treated so.
struct OutputDecision {
  Snapshot snapshot;
  policy::Decision decision;
  // Every input may be used; with no input the purpose may be pursued. Left to
  // a human where `review_required`.
  bool permitted = false;
  bool review_required = false;
  // With a denial.
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  // Of Leaf.decision_mode.
  uint32_t mode = 0;

  bool known() const { return snapshot.known(); }
  // All members, as a change or a read is committed on.
  std::vector<store::SubjectVersion> versions() const;
};

// `reviewed`: a person has looked at it, so that the rules on automated
// decisions are kept. INTERNAL when it cannot be decided.
absl::StatusOr<OutputDecision> DecideOutput(const OutputPlan& plan,
                                            const Caller& caller,
                                            Snapshot snapshot, int64_t now_us,
                                            bool reviewed);

// The entry of such a decision, without what came of it. Its subjects are
// OutputDecision::versions(), or one that nobody is.
store::v1::Leaf OutputLeaf(const OutputPlan& plan, const Caller& caller,
                           const OutputDecision& decision, int64_t now_us,
                           std::string_view log_origin);

// What opens the words of an output for whoever delivers it: a decision that
// permits it. nullopt otherwise.
std::optional<crypto::Grant> OutputGrant(const OutputPlan& plan,
                                         const OutputDecision& decision);

// The purpose under which people look at what machines decided: the first of
// class HUMAN_REVIEW by key. STATE_INVALID where the registry knows none.
absl::StatusOr<policy::PurposeId> ReviewPurpose(const policy::Bundle& bundle);

// What opens the words of an output, or of a review, for staff who look into it
// (PROTOCOLS C5), under that purpose. Values of the vault they get by a
// governed read alone.
absl::StatusOr<crypto::Grant> ReviewGrant(const policy::Bundle& bundle);

// Words of outputs and of reviews, and nothing of the vault. INVALID_ARGUMENT
// for a value of any other table; else as crypto::Opener.
absl::StatusOr<crypto::Plaintext> OpenOfOutput(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_OUTPUT_DECISION_H_
