#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

template <class Request>
void CheckEntryName(const Request& request, FaultList* faults) {
  if (request.entry_case() == Request::ENTRY_NOT_SET) {
    faults->Add("entry", "needs an index or a reference");
  }
  CheckToken(request.reference(), "reference", kMaxTokenBytes, faults);
}

}  // namespace

void Validate(const v1::GetAuditLogRequest&, FaultList*) {}

void Validate(const v1::GetAuditEntryRequest& request, FaultList* faults) {
  CheckEntryName(request, faults);
}

void Validate(const v1::QueryAuditEntriesRequest& request, FaultList* faults) {
  if (request.has_subject()) {
    CheckSubject(true, request.subject(), "subject", faults);
  }
  if (!request.client_id().empty()) {
    CheckKey(request.client_id(), "client_id", faults);
  }
  CheckText(request.acting_person(), "acting_person", kMaxContextBytes, faults);
  if (!request.purpose().empty()) {
    CheckKey(request.purpose(), "purpose", faults);
  }
  if (!v1::Effect_IsValid(request.effect())) {
    faults->Add("effect", "no such effect");
  }
  if (!v1::ErrorReason_IsValid(request.reason())) {
    faults->Add("reason", "no such reason");
  }
  if (!request.event().empty()) CheckKey(request.event(), "event", faults);
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::GetCheckpointRequest&, FaultList*) {}

void Validate(const v1::ProveInclusionRequest& request, FaultList* faults) {
  CheckEntryName(request, faults);
}

void Validate(const v1::ProveConsistencyRequest& request, FaultList* faults) {
  if (request.old_size() == 0) faults->Add("old_size", "must be at least 1");
  if (request.new_size() != 0 && request.new_size() < request.old_size()) {
    faults->Add("new_size", "must not be below old_size");
  }
}

void Validate(const v1::ExportAuditEntriesRequest& request, FaultList* faults) {
  if (request.to_index() != 0 && request.to_index() < request.from_index()) {
    faults->Add("to_index", "must not be below from_index");
  }
}

void Validate(const v1::TailAuditEntriesRequest&, FaultList*) {}

}  // namespace consentry::rpc
