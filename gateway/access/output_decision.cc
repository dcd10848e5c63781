#include "gateway/access/output_decision.h"

#include <algorithm>
#include <utility>

#include "gateway/access/answer.h"
#include "gateway/access/grant_issuer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/clients/registration.h"
#include "policy/engine/engine.h"
#include "policy/packs/fideslang.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

// Of Leaf.decision_mode.
constexpr uint32_t kAsOutput = 1;
constexpr uint32_t kAsReviewed = 2;

// The table of seals that reviews begin at; see crypto/seal_context.h.
constexpr uint32_t kFirstReviewTable = 310;
constexpr uint32_t kLastReviewTable = 319;

bool IsKnownCategory(const policy::Bundle& bundle,
                     const std::string& category) {
  if (policy::IsFideslangCategory(category)) return true;
  for (const auto& kind : bundle.catalog().kinds()) {
    for (const auto& field : kind.fields()) {
      if (clients::CategoryBelow(field.category(), category)) return true;
    }
  }
  return false;
}

absl::Status AddInputs(const std::string& category, OutputPlan* plan) {
  const policy::Bundle& bundle = plan->plan.bundle();
  if (!IsKnownCategory(bundle, category)) {
    absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                    "an input is of no known category");
    AddFieldViolation(&status, {"output.input_categories", "not known"});
    return status;
  }
  bool any = false;
  for (size_t i = 0; i < bundle.field_count(); ++i) {
    const auto field = static_cast<policy::FieldId>(i);
    if (!bundle.NeededAs(plan->plan.purpose, field)) continue;
    const config::v1::Field& entry = bundle.field(field);
    const bool reveals =
        std::any_of(entry.reveals().begin(), entry.reveals().end(),
                    [&](const std::string& revealed) {
                      return clients::CategoryBelow(revealed, category);
                    });
    if (!reveals && !clients::CategoryBelow(entry.category(), category)) {
      continue;
    }
    any = true;
    if (!plan->plan.registration->MayRead(field)) {
      absl::Status status =
          MakeError(v1::ERROR_REASON_CATEGORY_NOT_ALLOWED,
                    "an input is of a category that the registration does not "
                    "read");
      AddFieldViolation(&status, {"output.input_categories", "not allowed"});
      return status;
    }
    if (std::find(plan->plan.fields.begin(), plan->plan.fields.end(), field) ==
        plan->plan.fields.end()) {
      plan->plan.fields.push_back(field);
    }
  }
  if (!any) plan->beyond_purpose = true;
  return absl::OkStatus();
}

// The first field that is denied; UNSPECIFIED: none is.
v1::ErrorReason DenialOf(const policy::Decision& decision) {
  for (const policy::FieldDecision& field : decision.fields) {
    if (!field.permitted) return field.reason;
  }
  return decision.permitted ? v1::ERROR_REASON_UNSPECIFIED : decision.reason;
}

bool NeedsReview(const policy::Decision& decision) {
  if (decision.reason == v1::ERROR_REASON_REVIEW_REQUIRED) return true;
  return std::any_of(decision.fields.begin(), decision.fields.end(),
                     [](const policy::FieldDecision& field) {
                       return field.reason == v1::ERROR_REASON_REVIEW_REQUIRED;
                     });
}

}  // namespace

std::vector<store::SubjectVersion> OutputDecision::versions() const {
  std::vector<store::SubjectVersion> versions;
  for (const auto& member : snapshot.members) {
    versions.push_back(
        {static_cast<int64_t>(member->subject()), member->version()});
  }
  if (versions.empty()) versions.push_back({});
  return versions;
}

absl::StatusOr<OutputPlan> MakeOutputPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const Caller& caller, const OutputQuestion& question, int64_t now_us,
    bool decided_before) {
  OutputPlan made;
  ReadPlan& plan = made.plan;
  plan.configuration = std::move(configuration);
  plan.registration = plan.configuration->FindById(caller.client_id);
  if (plan.registration == nullptr) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "the registration is gone");
  }
  CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckState(now_us));
  CONSENTRY_ASSIGN_OR_RETURN(
      plan.purpose,
      plan.configuration->ResolvePurpose(*plan.registration, question.purpose));
  if (question.channel == v1::CHANNEL_UNSPECIFIED ||
      !v1::Channel_IsValid(question.channel) ||
      !plan.registration->AllowsChannel(question.channel)) {
    return MakeError(v1::ERROR_REASON_CHANNEL_NOT_ALLOWED,
                     "the channel is not in the registration");
  }
  plan.channel = static_cast<policy::Channel>(question.channel);
  if (!decided_before) {
    CONSENTRY_RETURN_IF_ERROR(plan.registration->CheckContext(caller.context));
  }
  for (const std::string& category : question.input_categories) {
    CONSENTRY_RETURN_IF_ERROR(AddInputs(category, &made));
  }
  if (plan.fields.size() > policy::kMaxFieldsPerRequest) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "the inputs stand for more than 64 fields");
  }
  return made;
}

absl::StatusOr<SubjectName> NameOf(const vault::SubjectReader& reader,
                                   const crypto::OpaqueTokens& tokens,
                                   const Caller& caller,
                                   const v1::SubjectRef& ref) {
  SubjectName name;
  if (ref.ref_case() != v1::SubjectRef::kPseudonym) {
    CONSENTRY_ASSIGN_OR_RETURN(name.key, reader.MakeKey(ref));
    return name;
  }
  const auto subject = tokens.Decode(crypto::TokenKind::kPseudonym,
                                     ref.pseudonym(), caller.client_id);
  if (!subject.ok() || *subject == 0) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "a pseudonym is not one of this caller");
  }
  name.subject = *subject;
  return name;
}

absl::StatusOr<OutputDecision> DecideOutput(const OutputPlan& plan,
                                            const Caller& caller,
                                            Snapshot snapshot, int64_t now_us,
                                            bool reviewed) {
  OutputDecision made;
  made.snapshot = std::move(snapshot);
  made.mode = reviewed ? kAsReviewed : kAsOutput;
  if (!made.known()) {
    made.decision = DenyAll(plan.plan, v1::ERROR_REASON_SUBJECT_UNKNOWN);
    made.reason = v1::ERROR_REASON_SUBJECT_UNKNOWN;
    return made;
  }
  policy::DecisionRequest request;
  request.purpose = plan.plan.purpose;
  request.channel = plan.plan.channel;
  request.fields = plan.plan.fields;
  request.time_us = now_us;
  request.gpc = caller.context.signals().global_privacy_control();
  request.recipient = plan.plan.registration->country();
  request.safeguard = plan.plan.registration->safeguard();
  request.mode = reviewed ? policy::DecisionMode::kReviewed
                          : policy::DecisionMode::kOutput;
  const auto decide = [&] {
    return policy::Decide(plan.plan.bundle(), *made.snapshot.facts, request,
                          &made.decision);
  };
  absl::Status decided = decide();
  if (decided.ok() && !reviewed && NeedsReview(made.decision)) {
    // What else stands against it is hidden behind the review that is due.
    made.review_required = true;
    made.mode = kAsReviewed;
    request.mode = policy::DecisionMode::kReviewed;
    decided = decide();
  }
  if (!decided.ok()) {
    return MakeError(v1::ERROR_REASON_INTERNAL,
                     "an output could not be decided");
  }
  made.reason = plan.beyond_purpose ? v1::ERROR_REASON_FIELD_NOT_ALLOWED
                                    : DenialOf(made.decision);
  made.permitted = made.reason == v1::ERROR_REASON_UNSPECIFIED;
  return made;
}

store::v1::Leaf OutputLeaf(const OutputPlan& plan, const Caller& caller,
                           const OutputDecision& decision, int64_t now_us,
                           std::string_view log_origin) {
  ReadLeaf made(plan.plan, caller, now_us, log_origin);
  made.Add(decision.snapshot, decision.decision, /*released=*/0);
  store::v1::Leaf leaf = std::move(made).Take();
  leaf.set_decision_mode(decision.mode);
  return leaf;
}

std::optional<crypto::Grant> OutputGrant(const OutputPlan& plan,
                                         const OutputDecision& decision) {
  if (!decision.permitted) return std::nullopt;
  return GrantIssuer::Issue(plan.plan.bundle(), plan.plan.purpose,
                            decision.decision);
}

absl::StatusOr<policy::PurposeId> ReviewPurpose(const policy::Bundle& bundle) {
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

absl::StatusOr<crypto::Grant> ReviewGrant(const policy::Bundle& bundle) {
  CONSENTRY_ASSIGN_OR_RETURN(const policy::PurposeId purpose,
                             ReviewPurpose(bundle));
  policy::Decision decision;
  decision.permitted = true;
  auto grant = GrantIssuer::Issue(bundle, purpose, decision);
  if (grant) return *std::move(grant);
  return MakeError(v1::ERROR_REASON_INTERNAL, "no grant was issued");
}

absl::StatusOr<crypto::Plaintext> OpenOfOutput(
    const crypto::Grant& grant, const crypto::SubjectKeys& keys,
    const crypto::FieldContext& context, std::string_view sealed) {
  const auto table = static_cast<uint32_t>(context.table);
  if (context.table != crypto::FieldTable::kScreenedOutput &&
      (table < kFirstReviewTable || table > kLastReviewTable)) {
    return absl::InvalidArgumentError("not a part of an output or review");
  }
  return crypto::Opener::Open(grant, keys, context, sealed);
}

}  // namespace consentry::access
