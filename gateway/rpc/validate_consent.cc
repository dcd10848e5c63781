#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {

void Validate(const v1::RecordConsentRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 1, faults);
  if (request.action() != v1::CONSENT_ACTION_GIVE &&
      request.action() != v1::CONSENT_ACTION_REFUSE) {
    faults->Add("action", "must be GIVE or REFUSE");
  }
  if (request.has_notice()) {
    CheckNotice(request.notice(), "notice", faults);
  } else if (request.action() == v1::CONSENT_ACTION_GIVE) {
    faults->Add("notice", "is required for GIVE");
  }
  CheckTime(request.has_capture_time(), request.capture_time(), "capture_time",
            faults);
  CheckTime(request.has_valid_until(), request.valid_until(), "valid_until",
            faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckText(request.method(), "method", kMaxMethodBytes, faults);
  CheckText(request.evidence(), "evidence", kMaxEvidenceBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::WithdrawConsentRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 0, faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckText(request.method(), "method", kMaxMethodBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::OptOutRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (request.kinds().empty()) faults->Add("kinds", "is required");
  if (request.kinds_size() > kMaxOptOuts) {
    faults->AddTooMany("kinds", kMaxOptOuts);
  } else {
    for (int i = 0; i < request.kinds_size(); ++i) {
      if (request.kinds(i) == v1::OPT_OUT_KIND_UNSPECIFIED ||
          !v1::OptOutKind_IsValid(request.kinds(i))) {
        faults->Add(At("kinds", i), "no such kind of opt-out");
      }
    }
  }
  CheckChannel(request.channel(), "channel", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetConsentStateRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 0, faults);
  CheckTime(request.has_as_of(), request.as_of(), "as_of", faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::ListConsentEventsRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (!request.purpose().empty()) {
    CheckKey(request.purpose(), "purpose", faults);
  }
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
