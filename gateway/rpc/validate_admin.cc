#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

void CheckClientId(std::string_view id, std::string field, FaultList* faults) {
  CheckKey(id, std::move(field), faults);
}

template <class Request>
void CheckCredential(const Request& request, FaultList* faults) {
  switch (request.credential_case()) {
    case Request::kCertificatePem:
      if (request.certificate_pem().size() > kMaxPemBytes) {
        faults->AddTooMany("certificate_pem", kMaxPemBytes);
      }
      break;
    case Request::kSigningRequestPem:
      if (request.signing_request_pem().size() > kMaxPemBytes) {
        faults->AddTooMany("signing_request_pem", kMaxPemBytes);
      }
      break;
    case Request::CREDENTIAL_NOT_SET:
      faults->Add("credential", "needs a certificate or a signing request");
      break;
  }
  if (request.valid_days() > kMaxCertificateDays) {
    faults->Add("valid_days", "must be at most 825");
  }
  CheckRequestId(request.request_id(), faults);
}

void CheckReasonCode(std::string_view code, FaultList* faults) {
  if (!code.empty()) CheckKey(code, "reason_code", faults, kMaxContextBytes);
}

void CheckMergeId(std::string_view id, FaultList* faults) {
  CheckToken(id, "id", kMaxTokenBytes, faults);
  if (id.empty()) faults->Add("id", "is required");
}

}  // namespace

void Validate(const v1::CreateClientRequest& request, FaultList* faults) {
  if (!request.has_client()) faults->Add("client", "is required");
  CheckClientId(request.client().id(), "client.id", faults);
  CheckTime(request.client().has_expire_time(), request.client().expire_time(),
            "client.expire_time", faults);
  CheckCredential(request, faults);
}

void Validate(const v1::GetClientRequest& request, FaultList* faults) {
  CheckClientId(request.id(), "id", faults);
}

void Validate(const v1::ListClientsRequest& request, FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::UpdateClientRequest& request, FaultList* faults) {
  if (!request.has_client()) faults->Add("client", "is required");
  CheckClientId(request.client().id(), "client.id", faults);
  CheckTime(request.client().has_expire_time(), request.client().expire_time(),
            "client.expire_time", faults);
  CheckToken(request.client().etag(), "client.etag", kMaxTokenBytes, faults);
  if (request.client().etag().empty()) {
    faults->Add("client.etag", "is required");
  }
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::RenewClientRequest& request, FaultList* faults) {
  CheckClientId(request.id(), "id", faults);
  CheckCredential(request, faults);
}

void Validate(const v1::RevokeClientRequest& request, FaultList* faults) {
  CheckClientId(request.id(), "id", faults);
  CheckReasonCode(request.reason_code(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetPolicyRequest& request, FaultList* faults) {
  if (!request.hash().empty() && request.hash().size() != 64) {
    faults->Add("hash", "must be 64 hexadecimal digits or empty");
  }
}

void Validate(const v1::UpdatePolicyRequest& request, FaultList* faults) {
  // The texts are bounded by the message.
  CheckToken(request.etag(), "etag", kMaxTokenBytes, faults);
  if (request.etag().empty()) faults->Add("etag", "is required");
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::DiffPolicyRequest& request, FaultList* faults) {
  // The texts are bounded by the message.
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
}

void Validate(const v1::ListPolicyVersionsRequest& request, FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::ListMergesRequest& request, FaultList* faults) {
  if (!v1::MergeState_IsValid(request.state())) {
    faults->Add("state", "is none of those listed");
  }
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::MergeSubjectsRequest& request, FaultList* faults) {
  const Strings& ids = request.subject_ids();
  if (ids.size() != 2) {
    faults->Add("subject_ids", "must be two");
  } else if (ids[0] == ids[1]) {
    faults->Add("subject_ids", "must be different");
  }
  for (int i = 0; i < ids.size() && i < 2; ++i) {
    v1::SubjectRef ref;
    ref.set_id(ids[i]);
    CheckSubject(true, ref, At("subject_ids", i), faults);
  }
  CheckText(request.note(), "note", kMaxNoteBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::UndoMergeRequest& request, FaultList* faults) {
  CheckMergeId(request.id(), faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::DismissMergeRequest& request, FaultList* faults) {
  CheckMergeId(request.id(), faults);
  CheckText(request.note(), "note", kMaxNoteBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetKeyStatusRequest&, FaultList*) {}

void Validate(const v1::RotateKeysRequest& request, FaultList* faults) {
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::CreateBackupRequest& request, FaultList* faults) {
  if (!v1::BackupPart_IsValid(request.part())) {
    faults->Add("part", "is none of those listed");
  }
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListBackupsRequest& request, FaultList* faults) {
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::RunRetentionRequest& request, FaultList* faults) {
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetStatusRequest&, FaultList*) {}

void Validate(const v1::SuspendRequest& request, FaultList* faults) {
  switch (request.target_case()) {
    case v1::SuspendRequest::kClientId:
      CheckClientId(request.client_id(), "client_id", faults);
      break;
    case v1::SuspendRequest::kPurpose:
      CheckKey(request.purpose(), "purpose", faults);
      break;
    case v1::SuspendRequest::TARGET_NOT_SET:
      faults->Add("target", "needs a client or a purpose");
      break;
  }
  CheckReasonCode(request.reason_code(), faults);
  CheckRequestId(request.request_id(), faults);
}

}  // namespace consentry::rpc
