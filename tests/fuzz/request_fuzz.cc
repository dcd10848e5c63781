// Any bytes that parse as a request are checked without a fault of ours. What
// is said about them, to the caller and to the log, is well formed and does not
// depend on anything personal in them.

#include <google/protobuf/message.h>
#include <google/rpc/status.pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "consentry/v1/annotations.pb.h"
#include "gateway/rpc/error_map.h"
#include "gateway/rpc/limits.h"
#include "gateway/rpc/validate.h"
#include "proto/support/redact.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using fuzz::Require;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

namespace {

bool IsPersonal(const FieldDescriptor* field) {
  return field->options().GetExtension(v1::data_class) >=
         v1::DATA_CLASS_PERSONAL;
}

// Other data in every field that is classed as personal: as much of it.
void Replace(Message* message) {
  const Reflection* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
        IsPersonal(field)) {
      if (field->is_repeated()) {
        for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
          reflection->SetRepeatedString(message, field, i, "other");
        }
      } else {
        reflection->SetString(message, field, "other");
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
               !IsPersonal(field)) {
      if (!field->is_repeated()) {
        Replace(reflection->MutableMessage(message, field));
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        Replace(reflection->MutableRepeatedMessage(message, field, i));
      }
    }
  }
}

void CheckAnswer(const absl::Status& status) {
  const grpc::Status answer = rpc::ToGrpcStatus(status, true, "Fuzz");
  Require(!answer.ok() &&
          answer.error_details().size() <= rpc::kMaxErrorDetailBytes);
  Require(answer.error_message().find('\n') == std::string::npos);
  google::rpc::Status details;
  Require(details.ParseFromString(answer.error_details()) &&
          details.code() == static_cast<int>(answer.error_code()));
}

template <class Request>
void Check(const uint8_t* data, size_t size) {
  Request request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  rpc::FaultList faults;
  rpc::Validate(request, &faults);
  const absl::Status status = faults.ToStatus();
  Require(faults.empty() == status.ok());
  if (!status.ok()) CheckAnswer(status);

  const std::string line = Redact(request);
  Require(line.find('\n') == std::string::npos &&
          line.size() <= kMaxRedactedLine + 3);
  Replace(&request);
  Require(Redact(request) == line);
}

using Checker = void (*)(const uint8_t*, size_t);

constexpr Checker kCheckers[] = {
    Check<v1::ReadSubjectRequest>,
    Check<v1::BatchReadSubjectsRequest>,
    Check<v1::SelectSubjectsRequest>,
    Check<v1::WriteRecordRequest>,
    Check<v1::ImportRecordsRequest>,
    Check<v1::RecordConsentRequest>,
    Check<v1::OptOutRequest>,
    Check<v1::GetConsentStateRequest>,
    Check<v1::QueryAuditEntriesRequest>,
    Check<v1::ProveConsistencyRequest>,
    Check<v1::CreateClientRequest>,
    Check<v1::UpdatePolicyRequest>,
    Check<v1::StreamReadsRequest>,
    Check<v1::CheckAccessRequest>,
    Check<v1::ExplainDecisionRequest>,
    Check<v1::WithdrawConsentRequest>,
    Check<v1::ListConsentEventsRequest>,
    Check<v1::GetAuditLogRequest>,
    Check<v1::GetAuditEntryRequest>,
    Check<v1::GetCheckpointRequest>,
    Check<v1::ProveInclusionRequest>,
    Check<v1::ExportAuditEntriesRequest>,
    Check<v1::TailAuditEntriesRequest>,
    Check<v1::GetClientRequest>,
    Check<v1::ListClientsRequest>,
    Check<v1::UpdateClientRequest>,
    Check<v1::RenewClientRequest>,
    Check<v1::RevokeClientRequest>,
    Check<v1::GetPolicyRequest>,
    Check<v1::ListPolicyVersionsRequest>,
    Check<v1::GetStatusRequest>,
    Check<v1::SuspendRequest>,
    Check<v1::ListMergesRequest>,
    Check<v1::MergeSubjectsRequest>,
    Check<v1::UndoMergeRequest>,
    Check<v1::DismissMergeRequest>,
    Check<v1::PreviewErasureRequest>,
    Check<v1::GetErasureCertificateRequest>,
    Check<v1::PlaceLegalHoldRequest>,
    Check<v1::LiftLegalHoldRequest>,
    Check<v1::ListLegalHoldsRequest>,
    Check<v1::ScreenOutputRequest>,
    Check<v1::BatchScreenOutputsRequest>,
    Check<v1::FetchOutputsRequest>,
    Check<v1::RecordOutcomeRequest>,
    Check<v1::Outcome>,
    Check<v1::ListScreeningsRequest>,
    Check<v1::GetCaseRequest>,
    Check<v1::RequestReviewRequest>,
    Check<v1::ListReviewsRequest>,
    Check<v1::ClaimReviewRequest>,
    Check<v1::ReleaseReviewRequest>,
    Check<v1::ShowReviewRequest>,
    Check<v1::DecideReviewRequest>,
    Check<v1::AddStatementRequest>,
    Check<v1::ListCustomerReviewsRequest>,
    Check<v1::GetReviewFiguresRequest>,
    Check<v1::SetVulnerabilityRequest>,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  kCheckers[data[0] % std::size(kCheckers)](data + 1, size - 1);
  return 0;
}
