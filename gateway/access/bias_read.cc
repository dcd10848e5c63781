#include "gateway/access/bias_read.h"

#include <algorithm>
#include <utility>

#include "gateway/access/grant_issuer.h"
#include "gateway/access/shape.h"
#include "gateway/vault/field_number.h"
#include "policy/engine/engine.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {

absl::StatusOr<ReadPlan> MakeBiasPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const std::string& purpose, const std::vector<std::string>& fields) {
  ReadPlan plan;
  plan.configuration = std::move(configuration);
  const policy::Bundle& bundle = plan.bundle();
  const auto id = bundle.FindPurpose(purpose);
  if (!id || bundle.purpose(*id).purpose_class() !=
                 config::v1::PurposeClass::BIAS_DETECTION) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "no purpose of class BIAS_DETECTION has this key");
  }
  if (plan.configuration->IsSuspended(purpose)) {
    return MakeError(v1::ERROR_REASON_SUSPENDED, "the purpose is suspended");
  }
  plan.purpose = *id;
  for (const std::string& name : fields) {
    const auto field = bundle.FindField(name);
    if (!field || !bundle.NeededAs(plan.purpose, *field)) {
      absl::Status status =
          MakeError(v1::ERROR_REASON_FIELD_NOT_ALLOWED,
                    "a field may not be read for this purpose");
      AddErrorMetadata(&status, "field", name);
      return status;
    }
    if (std::find(plan.fields.begin(), plan.fields.end(), *field) !=
        plan.fields.end()) {
      continue;
    }
    const config::v1::RecordKind& kind = bundle.kind(bundle.kind_of(*field));
    auto at = std::find(plan.kinds.begin(), plan.kinds.end(), kind.key());
    if (at == plan.kinds.end()) {
      plan.kinds.push_back(kind.key());
      plan.kind_is_single.push_back(kind.single());
      at = plan.kinds.end() - 1;
    }
    plan.fields.push_back(*field);
    plan.numbers.push_back(vault::FieldNumber(bundle.field_name(*field)));
    plan.kind_of_field.push_back(static_cast<size_t>(at - plan.kinds.begin()));
  }
  return plan;
}

absl::StatusOr<BiasRead> ReadForBias(
    const vault::SubjectReader& reader, store::Connection* connection,
    const ReadPlan& plan, uint64_t subject, int64_t now_us,
    const vault::SubjectReader::HeadOptions& options) {
  BiasRead read;
  SubjectName name;
  name.subject = subject;
  CONSENTRY_ASSIGN_OR_RETURN(
      const Snapshot snapshot,
      TakeSnapshot(reader, connection, plan, name, options));
  if (!snapshot.known()) {
    read.until_us = now_us;
    return read;
  }
  read.person = snapshot.members[0]->subject();
  for (const auto& member : snapshot.members) {
    read.person = std::min(read.person, member->subject());
  }
  const policy::Bundle& bundle = plan.bundle();
  policy::DecisionRequest request;
  request.purpose = plan.purpose;
  request.channel = plan.channel;
  request.fields = plan.fields;
  request.time_us = now_us;
  // The business itself asks, where it sits.
  request.recipient = bundle.FindJurisdiction(bundle.profile().home())
                          .value_or(policy::kNoJurisdiction);
  policy::Decision decision;
  CONSENTRY_RETURN_IF_ERROR(
      policy::Decide(bundle, *snapshot.facts, request, &decision));
  read.until_us = decision.decided_until_us;
  const auto grant = GrantIssuer::Issue(bundle, plan.purpose, decision);
  if (!grant) return read;
  CONSENTRY_ASSIGN_OR_RETURN(
      Shaped shaped,
      Shape(plan, snapshot, decision, *grant, now_us,
            // Tokens tell nobody apart by what the bias is about.
            [](std::string_view) { return std::string(); }));
  read.fields = std::move(shaped.fields);
  read.until_us = std::min(read.until_us, shaped.until_us);
  // Of kinds that are no profile the newest record that has it.
  for (const v1::Record& record : shaped.records) {
    for (const v1::Field& field : record.fields()) {
      const bool there = std::any_of(
          read.fields.begin(), read.fields.end(),
          [&](const v1::Field& other) { return other.name() == field.name(); });
      if (!there) *read.fields.Add() = field;
    }
  }
  return read;
}

absl::StatusOr<crypto::Grant> BiasGrant(const ReadPlan& plan) {
  policy::Decision decision;
  decision.permitted = true;
  auto grant = GrantIssuer::Issue(plan.bundle(), plan.purpose, decision);
  if (grant) return *std::move(grant);
  return MakeError(v1::ERROR_REASON_INTERNAL, "no grant was issued");
}

}  // namespace consentry::access
