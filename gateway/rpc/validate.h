#ifndef CONSENTRY_GATEWAY_RPC_VALIDATE_H_
#define CONSENTRY_GATEWAY_RPC_VALIDATE_H_

#include "consentry/v1/admin_service.pb.h"
#include "consentry/v1/audit_service.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/rpc/fault_list.h"

// What a request must look like before anything is looked up: shape, bounds,
// characters (limits.h). Whether what it names exists and is allowed is for the
// handlers. All faults of a request are collected. Pure; any thread.
namespace consentry::rpc {

void Validate(const v1::ReadSubjectRequest& request, FaultList* faults);
void Validate(const v1::BatchReadSubjectsRequest& request, FaultList* faults);
void Validate(const v1::StreamReadsRequest& request, FaultList* faults);
void Validate(const v1::SelectSubjectsRequest& request, FaultList* faults);
void Validate(const v1::WriteRecordRequest& request, FaultList* faults);
void Validate(const v1::ImportRecordsRequest& request, FaultList* faults);
void Validate(const v1::CheckAccessRequest& request, FaultList* faults);
void Validate(const v1::ExplainDecisionRequest& request, FaultList* faults);

void Validate(const v1::RecordConsentRequest& request, FaultList* faults);
void Validate(const v1::WithdrawConsentRequest& request, FaultList* faults);
void Validate(const v1::OptOutRequest& request, FaultList* faults);
void Validate(const v1::GetConsentStateRequest& request, FaultList* faults);
void Validate(const v1::ListConsentEventsRequest& request, FaultList* faults);
void Validate(const v1::RenewConsentRequest& request, FaultList* faults);
void Validate(const v1::CreateNoticeRequest& request, FaultList* faults);
void Validate(const v1::ListNoticesRequest& request, FaultList* faults);
void Validate(const v1::RecordSoftOptInRequest& request, FaultList* faults);
void Validate(const v1::StartDoubleOptInRequest& request, FaultList* faults);
void Validate(const v1::CompleteDoubleOptInRequest& request, FaultList* faults);
void Validate(const v1::GetConsentReceiptRequest& request, FaultList* faults);
void Validate(const v1::CheckReaskRequest& request, FaultList* faults);
void Validate(const v1::RecordSignalRequest& request, FaultList* faults);
void Validate(const v1::CreateUnsubscribeLinkRequest& request,
              FaultList* faults);
void Validate(const v1::WithdrawByTokenRequest& request, FaultList* faults);

void Validate(const v1::GetAuditLogRequest& request, FaultList* faults);
void Validate(const v1::GetAuditEntryRequest& request, FaultList* faults);
void Validate(const v1::QueryAuditEntriesRequest& request, FaultList* faults);
void Validate(const v1::GetCheckpointRequest& request, FaultList* faults);
void Validate(const v1::ProveInclusionRequest& request, FaultList* faults);
void Validate(const v1::ProveConsistencyRequest& request, FaultList* faults);
void Validate(const v1::ExportAuditEntriesRequest& request, FaultList* faults);
void Validate(const v1::TailAuditEntriesRequest& request, FaultList* faults);
void Validate(const v1::GetProcessingRecordRequest& request, FaultList* faults);
void Validate(const v1::ListExposuresRequest& request, FaultList* faults);
void Validate(const v1::CreateBreachRequest& request, FaultList* faults);
void Validate(const v1::UpdateBreachRequest& request, FaultList* faults);
void Validate(const v1::ListBreachesRequest& request, FaultList* faults);

void Validate(const v1::SubmitRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::GetRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::ListRightsCasesRequest& request, FaultList* faults);
void Validate(const v1::VerifyRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::ExtendRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::PauseRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::RefuseRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::ApproveRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::CompleteRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::CancelRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::AppealRightsCaseRequest& request, FaultList* faults);
void Validate(const v1::LiftRestrictionRequest& request, FaultList* faults);
void Validate(const v1::DownloadReportRequest& request, FaultList* faults);
void Validate(const v1::AuthorizeAgentRequest& request, FaultList* faults);
void Validate(const v1::RevokeAgentRequest& request, FaultList* faults);
void Validate(const v1::ListAgentsRequest& request, FaultList* faults);
void Validate(const v1::GetTransparencyViewRequest& request, FaultList* faults);
void Validate(const v1::PreviewErasureRequest& request, FaultList* faults);
void Validate(const v1::GetErasureCertificateRequest& request,
              FaultList* faults);
void Validate(const v1::PlaceLegalHoldRequest& request, FaultList* faults);
void Validate(const v1::LiftLegalHoldRequest& request, FaultList* faults);
void Validate(const v1::ListLegalHoldsRequest& request, FaultList* faults);

void Validate(const v1::CreateClientRequest& request, FaultList* faults);
void Validate(const v1::GetClientRequest& request, FaultList* faults);
void Validate(const v1::ListClientsRequest& request, FaultList* faults);
void Validate(const v1::UpdateClientRequest& request, FaultList* faults);
void Validate(const v1::RenewClientRequest& request, FaultList* faults);
void Validate(const v1::RevokeClientRequest& request, FaultList* faults);
void Validate(const v1::GetPolicyRequest& request, FaultList* faults);
void Validate(const v1::UpdatePolicyRequest& request, FaultList* faults);
void Validate(const v1::DiffPolicyRequest& request, FaultList* faults);
void Validate(const v1::ListPolicyVersionsRequest& request, FaultList* faults);
void Validate(const v1::ListMergesRequest& request, FaultList* faults);
void Validate(const v1::MergeSubjectsRequest& request, FaultList* faults);
void Validate(const v1::UndoMergeRequest& request, FaultList* faults);
void Validate(const v1::DismissMergeRequest& request, FaultList* faults);
void Validate(const v1::GetKeyStatusRequest& request, FaultList* faults);
void Validate(const v1::RotateKeysRequest& request, FaultList* faults);
void Validate(const v1::CreateBackupRequest& request, FaultList* faults);
void Validate(const v1::ListBackupsRequest& request, FaultList* faults);
void Validate(const v1::RunRetentionRequest& request, FaultList* faults);
void Validate(const v1::GetStatusRequest& request, FaultList* faults);
void Validate(const v1::SuspendRequest& request, FaultList* faults);
void Validate(const v1::ApproveProposalRequest& request, FaultList* faults);
void Validate(const v1::RejectProposalRequest& request, FaultList* faults);
void Validate(const v1::ListProposalsRequest& request, FaultList* faults);
void Validate(const v1::LinkLoginRequest& request, FaultList* faults);
void Validate(const v1::UnlinkLoginRequest& request, FaultList* faults);
void Validate(const v1::ResolveStaffRequest& request, FaultList* faults);

void Validate(const v1::ListRecipientTasksRequest& request, FaultList* faults);
void Validate(const v1::CompleteRecipientTaskRequest& request,
              FaultList* faults);
void Validate(const v1::WatchChangesRequest& request, FaultList* faults);

void Validate(const v1::ScreenOutputRequest& request, FaultList* faults);
void Validate(const v1::BatchScreenOutputsRequest& request, FaultList* faults);
void Validate(const v1::StreamOutputsRequest& request, FaultList* faults);
void Validate(const v1::FetchOutputsRequest& request, FaultList* faults);
void Validate(const v1::ListRevokedReleasesRequest& request, FaultList* faults);
void Validate(const v1::RecordOutcomeRequest& request, FaultList* faults);
// One of several.
void Validate(const v1::Outcome& outcome, FaultList* faults);
void Validate(const v1::GetScreeningRequest& request, FaultList* faults);
void Validate(const v1::ListScreeningsRequest& request, FaultList* faults);
void Validate(const v1::GetCaseRequest& request, FaultList* faults);
void Validate(const v1::SetVulnerabilityRequest& request, FaultList* faults);
void Validate(const v1::ClearVulnerabilityRequest& request, FaultList* faults);
void Validate(const v1::ListVulnerabilitiesRequest& request, FaultList* faults);
void Validate(const v1::GetFairnessProfileRequest& request, FaultList* faults);
void Validate(const v1::ListFairnessProfilesRequest& request,
              FaultList* faults);
void Validate(const v1::PutFairnessProfileRequest& request, FaultList* faults);
void Validate(const v1::RunFairnessAuditRequest& request, FaultList* faults);
void Validate(const v1::GetFairnessReportRequest& request, FaultList* faults);
void Validate(const v1::ListFairnessReportsRequest& request, FaultList* faults);
void Validate(const v1::DownloadFairnessReportRequest& request,
              FaultList* faults);
void Validate(const v1::ListFairnessMonitorsRequest& request,
              FaultList* faults);

// As a function object, for StartUnary and its siblings.
struct Validator {
  template <class Request>
  void operator()(const Request& request, FaultList* faults) const {
    Validate(request, faults);
  }
};

void Validate(const v1::RequestReviewRequest& request, FaultList* faults);
void Validate(const v1::ListReviewsRequest& request, FaultList* faults);
void Validate(const v1::ClaimReviewRequest& request, FaultList* faults);
void Validate(const v1::ReleaseReviewRequest& request, FaultList* faults);
void Validate(const v1::ShowReviewRequest& request, FaultList* faults);
void Validate(const v1::DecideReviewRequest& request, FaultList* faults);
void Validate(const v1::AddStatementRequest& request, FaultList* faults);
void Validate(const v1::ListCustomerReviewsRequest& request, FaultList* faults);
void Validate(const v1::GetReviewFiguresRequest& request, FaultList* faults);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_VALIDATE_H_
