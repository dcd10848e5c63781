#include "gateway/rpc/fault_list.h"

#include "absl/strings/str_cat.h"

namespace consentry::rpc {

void FaultList::AddTooMany(std::string field, size_t most) {
  if (limit_ == 0) limit_ = most;
  Add(std::move(field), absl::StrCat("more than ", most));
}

absl::Status FaultList::ToStatus() const {
  if (faults_.empty()) return absl::OkStatus();
  absl::Status status =
      limit_ != 0
          ? MakeError(v1::ERROR_REASON_TOO_LARGE,
                      "a part of the request is over its bound")
          : MakeError(v1::ERROR_REASON_FIELD_INVALID,
                      absl::StrCat(
                          "the request is not valid: ", faults_.front().field,
                          " ", faults_.front().description));
  if (limit_ != 0) AddErrorMetadata(&status, "limit", std::to_string(limit_));
  for (const FieldViolation& fault : faults_) {
    AddFieldViolation(&status, fault);
  }
  return status;
}

}  // namespace consentry::rpc
