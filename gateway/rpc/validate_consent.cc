#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

// Empty: nobody acts for the customer.
void CheckAgent(const std::string& id, FaultList* faults) {
  if (!id.empty()) CheckKey(id, "agent_id", faults);
}

}  // namespace

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
  CheckAgent(request.agent_id(), faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::WithdrawConsentRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 0, faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckText(request.method(), "method", kMaxMethodBytes, faults);
  CheckAgent(request.agent_id(), faults);
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
  CheckAgent(request.agent_id(), faults);
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

void Validate(const v1::RenewConsentRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 1, faults);
  if (request.has_notice()) {
    CheckNotice(request.notice(), "notice", faults);
  } else {
    faults->Add("notice", "is required");
  }
  CheckTime(request.has_valid_until(), request.valid_until(), "valid_until",
            faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckText(request.method(), "method", kMaxMethodBytes, faults);
  CheckAgent(request.agent_id(), faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::CreateNoticeRequest& request, FaultList* faults) {
  CheckNotice(request.notice().ref(), "notice.ref", faults);
  if (request.notice().text().size() > kMaxNoticeTextBytes) {
    faults->Add("notice.text", "at most 64 KiB");
  }
  if (request.notice().purposes_size() > kMaxNoticePurposes) {
    faults->AddTooMany("notice.purposes", kMaxNoticePurposes);
  } else {
    for (int i = 0; i < request.notice().purposes_size(); ++i) {
      CheckKey(request.notice().purposes(i), At("notice.purposes", i), faults);
    }
  }
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListNoticesRequest& request, FaultList* faults) {
  if (!request.id().empty()) CheckKey(request.id(), "id", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::RecordSoftOptInRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckKey(request.purpose(), "purpose", faults);
  if (!request.has_sale_time()) faults->Add("sale_time", "is required");
  CheckTime(request.has_sale_time(), request.sale_time(), "sale_time", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::StartDoubleOptInRequest& request, FaultList* faults) {
  CheckIdentifier(request.identifier(), "identifier", faults);
  CheckPurposes(request.purposes(), 1, faults);
  if (request.has_notice()) {
    CheckNotice(request.notice(), "notice", faults);
  } else {
    faults->Add("notice", "is required");
  }
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::CompleteDoubleOptInRequest& request,
              FaultList* faults) {
  if (request.handle().empty()) faults->Add("handle", "is required");
  CheckToken(request.handle(), "handle", kMaxTokenBytes, faults);
  if (request.code().empty()) faults->Add("code", "is required");
  CheckText(request.code(), "code", kMaxTokenBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetConsentReceiptRequest& request, FaultList* faults) {
  if (request.event_id().empty()) faults->Add("event_id", "is required");
  CheckToken(request.event_id(), "event_id", kMaxTokenBytes, faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::CheckReaskRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckKey(request.purpose(), "purpose", faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
