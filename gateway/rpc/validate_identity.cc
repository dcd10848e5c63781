#include "gateway/crypto/ids.h"
#include "gateway/identity/token.h"
#include "gateway/rpc/limits.h"
#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"

namespace consentry::rpc {
namespace {

void CheckId(crypto::IdKind kind, std::string_view id, std::string field,
             FaultList* faults) {
  if (!crypto::ParseId(kind, id).ok()) {
    faults->Add(std::move(field), "is no id of this kind");
  }
}

void CheckIssuer(std::string_view issuer, FaultList* faults) {
  CheckText(issuer, "issuer", kMaxIssuerBytes, faults);
  if (issuer.empty()) faults->Add("issuer", "is required");
}

}  // namespace

void Validate(const v1::ApproveProposalRequest& request, FaultList* faults) {
  CheckId(crypto::IdKind::kProposal, request.id(), "id", faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::RejectProposalRequest& request, FaultList* faults) {
  CheckId(crypto::IdKind::kProposal, request.id(), "id", faults);
  if (!request.reason_code().empty()) {
    CheckKey(request.reason_code(), "reason_code", faults, kMaxContextBytes);
  }
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListProposalsRequest& request, FaultList* faults) {
  if (!v1::ProposalState_IsValid(request.state())) {
    faults->Add("state", "is none of those listed");
  }
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
}

void Validate(const v1::LinkLoginRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckIssuer(request.issuer(), faults);
  CheckText(request.login(), "login", identity::kMaxLoginBytes, faults);
  if (request.login().empty()) faults->Add("login", "is required");
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::UnlinkLoginRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckIssuer(request.issuer(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ResolveStaffRequest& request, FaultList* faults) {
  CheckId(crypto::IdKind::kStaff, request.acting_person(), "acting_person",
          faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
