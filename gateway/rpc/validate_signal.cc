#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {

// The signal itself is for its decoder, which tells the place of every fault.
void Validate(const v1::RecordSignalRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckTime(request.has_capture_time(), request.capture_time(), "capture_time",
            faults);
  CheckChannel(request.channel(), "channel", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::CreateUnsubscribeLinkRequest& request,
              FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPurposes(request.purposes(), 1, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

// Every token that is not good is answered in the same words, whatever it is.
void Validate(const v1::WithdrawByTokenRequest& request, FaultList* faults) {
  CheckRequestId(request.request_id(), faults);
}

}  // namespace consentry::rpc
