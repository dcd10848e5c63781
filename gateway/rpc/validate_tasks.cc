#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {

void Validate(const v1::ListRecipientTasksRequest& request, FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::CompleteRecipientTaskRequest& request,
              FaultList* faults) {
  CheckToken(request.id(), "id", kMaxTokenBytes, faults);
  if (request.id().empty()) faults->Add("id", "is required");
  CheckText(request.evidence(), "evidence", kMaxEvidenceBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::WatchChangesRequest& request, FaultList* faults) {
  CheckToken(request.resume_token(), "resume_token", kMaxTokenBytes, faults);
  if (request.purposes_size() > kMaxWatchedPurposes) {
    faults->AddTooMany("purposes", kMaxWatchedPurposes);
  }
  for (const std::string& purpose : request.purposes()) {
    CheckKey(purpose, "purposes", faults);
  }
}

}  // namespace consentry::rpc
