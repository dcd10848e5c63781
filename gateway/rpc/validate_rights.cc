#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {

void Validate(const v1::GetTransparencyViewRequest& request,
              FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckLanguage(request.language(), "language", faults);
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
