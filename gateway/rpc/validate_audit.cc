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

// Free text of the register and lists of keys, in bytes and items.
constexpr size_t kMaxBreachText = 8192;
constexpr int kMaxBreachKeys = 64;

void CheckKeys(const Strings& keys, const std::string& field,
               FaultList* faults) {
  if (keys.size() > kMaxBreachKeys) {
    faults->AddTooMany(field, kMaxBreachKeys);
    return;
  }
  for (int i = 0; i < keys.size(); ++i) {
    CheckKey(keys[i], At(field, i), faults);
  }
}

void CheckParagraphs(std::string_view text, std::string field,
                     FaultList* faults) {
  if (text.size() > kMaxBreachText) faults->AddTooMany(field, kMaxBreachText);
}

void CheckBreach(bool present, const v1::Breach& breach, FaultList* faults) {
  if (!present) {
    faults->Add("breach", "is required");
    return;
  }
  if (!breach.has_aware_time()) faults->Add("breach.aware_time", "is required");
  CheckTime(breach.has_aware_time(), breach.aware_time(), "breach.aware_time",
            faults);
  CheckTime(breach.has_authority_time(), breach.authority_time(),
            "breach.authority_time", faults);
  CheckTime(breach.has_subjects_time(), breach.subjects_time(),
            "breach.subjects_time", faults);
  CheckTime(breach.has_end_time(), breach.end_time(), "breach.end_time",
            faults);
  CheckParagraphs(breach.nature(), "breach.nature", faults);
  CheckParagraphs(breach.consequences(), "breach.consequences", faults);
  CheckParagraphs(breach.measures(), "breach.measures", faults);
  CheckParagraphs(breach.not_told_because(), "breach.not_told_because", faults);
  CheckText(breach.contact(), "breach.contact", kMaxContextBytes, faults);
  CheckKeys(breach.subject_categories(), "breach.subject_categories", faults);
  CheckKeys(breach.data_categories(), "breach.data_categories", faults);
  CheckKeys(breach.regimes(), "breach.regimes", faults);
  if (breach.subject_count() < 0) {
    faults->Add("breach.subject_count", "must not be negative");
  }
  if (breach.record_count() < 0) {
    faults->Add("breach.record_count", "must not be negative");
  }
}

}  // namespace

void Validate(const v1::GetProcessingRecordRequest& request,
              FaultList* faults) {
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
}

void Validate(const v1::ListExposuresRequest& request, FaultList* faults) {
  if (request.client_id().empty() && request.acting_person().empty() &&
      request.purpose().empty() && request.subjects().empty() &&
      !request.has_from_time() && !request.has_to_time()) {
    faults->Add("client_id", "or another restriction is required");
  }
  if (!request.client_id().empty()) {
    CheckKey(request.client_id(), "client_id", faults);
  }
  CheckText(request.acting_person(), "acting_person", kMaxContextBytes, faults);
  if (!request.purpose().empty()) {
    CheckKey(request.purpose(), "purpose", faults);
  }
  if (!request.subjects().empty()) {
    CheckSubjects(request.subjects(), kMaxExposureSubjects, faults);
  }
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::CreateBreachRequest& request, FaultList* faults) {
  CheckBreach(request.has_breach(), request.breach(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::UpdateBreachRequest& request, FaultList* faults) {
  CheckBreach(request.has_breach(), request.breach(), faults);
  CheckToken(request.breach().id(), "breach.id", kMaxTokenBytes, faults);
  if (request.breach().id().empty()) faults->Add("breach.id", "is required");
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListBreachesRequest& request, FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

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
