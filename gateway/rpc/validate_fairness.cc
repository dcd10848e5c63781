#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

constexpr size_t kMaxProfileBytes = 256 << 10;
constexpr size_t kMaxEtagBytes = 64;
constexpr size_t kMaxVersionBytes = 64;
constexpr size_t kMaxIdBytes = 64;

void CheckProfileId(const std::string& id, const char* field, bool required,
                    FaultList* faults) {
  if (id.empty() && !required) return;
  CheckKey(id, field, faults);
}

void CheckReportId(const std::string& id, FaultList* faults) {
  if (id.empty()) faults->Add("id", "is required");
  CheckToken(id, "id", kMaxIdBytes, faults);
}

}  // namespace

void Validate(const v1::GetFairnessProfileRequest& request, FaultList* faults) {
  CheckProfileId(request.id(), "id", true, faults);
}

void Validate(const v1::ListFairnessProfilesRequest& request,
              FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::PutFairnessProfileRequest& request, FaultList* faults) {
  const v1::FairnessProfile& profile = request.profile();
  CheckProfileId(profile.id(), "profile.id", false, faults);
  if (profile.text().empty()) faults->Add("profile.text", "is required");
  if (profile.text().size() > kMaxProfileBytes) {
    faults->AddTooMany("profile.text", kMaxProfileBytes);
  }
  CheckToken(profile.etag(), "profile.etag", kMaxEtagBytes, faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListFairnessMonitorsRequest& request,
              FaultList* faults) {
  CheckProfileId(request.profile_id(), "profile_id", false, faults);
  CheckProfileId(request.model(), "model", false, faults);
  if (!v1::FairnessVerdict_IsValid(request.verdict())) {
    faults->Add("verdict", "no such verdict");
  }
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::RunFairnessAuditRequest& request, FaultList* faults) {
  CheckProfileId(request.profile_id(), "profile_id", true, faults);
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  CheckToken(request.model_version(), "model_version", kMaxVersionBytes,
             faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetFairnessReportRequest& request, FaultList* faults) {
  CheckReportId(request.id(), faults);
}

void Validate(const v1::ListFairnessReportsRequest& request,
              FaultList* faults) {
  CheckProfileId(request.profile_id(), "profile_id", false, faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::DownloadFairnessReportRequest& request,
              FaultList* faults) {
  CheckReportId(request.id(), faults);
  if (request.format() != v1::FAIRNESS_REPORT_FORMAT_HTML &&
      request.format() != v1::FAIRNESS_REPORT_FORMAT_JSON) {
    faults->Add("format", "must be HTML or JSON");
  }
}

}  // namespace consentry::rpc
