#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

void CheckId(std::string_view value, FaultList* faults) {
  if (value.empty()) {
    faults->Add("id", "is required");
  } else {
    CheckToken(value, "id", kMaxTokenBytes, faults);
  }
}

void CheckRequiredText(std::string_view value, const char* field,
                       FaultList* faults) {
  if (value.empty()) {
    faults->Add(field, "is required");
  } else {
    CheckText(value, field, kMaxLabelBytes, faults);
  }
}

}  // namespace

void Validate(const v1::PreviewErasureRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (!request.fields().empty()) CheckFields(request.fields(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::GetErasureCertificateRequest& request,
              FaultList* faults) {
  CheckId(request.id(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::PlaceLegalHoldRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (!request.fields().empty()) CheckFields(request.fields(), faults);
  CheckRequiredText(request.ground(), "ground", faults);
  CheckRequiredText(request.document(), "document", faults);
  CheckTime(request.has_end_time(), request.end_time(), "end_time", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::LiftLegalHoldRequest& request, FaultList* faults) {
  CheckId(request.id(), faults);
  CheckKey(request.reason_code(), "reason_code", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListLegalHoldsRequest& request, FaultList* faults) {
  if (request.has_subject()) {
    CheckSubject(true, request.subject(), "subject", faults);
  }
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
