#include "proto/support/field_faults.h"

#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace consentry {

std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  google::rpc::BadRequest bad;
  const auto cord =
      status.GetPayload("type.googleapis.com/google.rpc.BadRequest");
  if (!cord || !bad.ParseFromString(std::string(*cord))) return violations;
  for (auto& each : *bad.mutable_field_violations()) {
    violations.push_back({std::move(*each.mutable_field()),
                          std::move(*each.mutable_description())});
  }
  return violations;
}

}  // namespace consentry
