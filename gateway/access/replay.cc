#include "gateway/access/replay.h"

#include <utility>

#include "proto/support/error.h"

namespace consentry::access {

absl::StatusOr<ReadPlan> PlanOf(
    std::shared_ptr<const clients::Configuration> configuration,
    const store::v1::Leaf& leaf) {
  ReadPlan plan;
  plan.configuration = std::move(configuration);
  plan.registration = plan.configuration->FindById(leaf.client_id());
  const auto purpose = plan.bundle().FindPurpose(leaf.purpose());
  if (plan.registration == nullptr || !purpose) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND,
                     "no decision with this id, or not open to this caller");
  }
  plan.purpose = *purpose;
  plan.channel = static_cast<policy::Channel>(leaf.channel());
  for (const std::string& name : leaf.fields()) {
    const auto field = plan.bundle().FindField(name);
    if (!field) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "an entry names a field that its catalog lacks");
    }
    plan.fields.push_back(*field);
  }
  return plan;
}

policy::DecisionRequest RequestOf(const ReadPlan& plan,
                                  const store::v1::Leaf& leaf) {
  policy::DecisionRequest request;
  request.purpose = plan.purpose;
  request.channel = plan.channel;
  request.fields = plan.fields;
  request.time_us = leaf.time_us();
  request.gpc = (leaf.signals() & 1) != 0;
  request.recipient = plan.registration->country();
  request.safeguard = plan.registration->safeguard();
  switch (leaf.decision_mode()) {
    case 1:
      request.mode = policy::DecisionMode::kOutput;
      break;
    case 2:
      request.mode = policy::DecisionMode::kReviewed;
      break;
    default:
      break;
  }
  return request;
}

}  // namespace consentry::access
