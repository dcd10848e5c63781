#include <string>
#include <string_view>

#include "gateway/crypto/ids.h"
#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"
#include "proto/support/timestamp.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

constexpr size_t kMaxTextBytes = 4000;
constexpr size_t kMaxEtagBytes = 32;
constexpr int32_t kMaxLeaseSeconds = 28'800;

// Free text: anything that is UTF-8.
void CheckWords(std::string_view text, bool required, std::string_view field,
                FaultList* faults) {
  if (text.empty()) {
    if (required) faults->Add(std::string(field), "is required");
  } else if (text.size() > kMaxTextBytes) {
    faults->Add(std::string(field), "has more than 4000 bytes");
  } else if (!IsUtf8(text)) {
    faults->Add(std::string(field), "is not UTF-8");
  }
}

void CheckReview(std::string_view id, bool required, FaultList* faults) {
  if (id.empty() && !required) return;
  if (!crypto::ParseId(crypto::IdKind::kReview, id).ok()) {
    faults->Add("id", "is not an id");
  }
}

}  // namespace

void Validate(const v1::RequestReviewRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  const std::string& target = request.target();
  if (!target.empty() && !target.starts_with("dec_") &&
      !crypto::ParseId(crypto::IdKind::kScreening, target).ok() &&
      !crypto::ParseId(crypto::IdKind::kVulnerability, target).ok()) {
    faults->Add("target", "is no output, decision or vulnerability");
  }
  CheckToken(target, "target", kMaxTokenBytes, faults);
  switch (request.trigger()) {
    case v1::REVIEW_TRIGGER_CUSTOMER:
    case v1::REVIEW_TRIGGER_FACT_CONFLICT:
      if (target.empty()) faults->Add("target", "is required");
      break;
    case v1::REVIEW_TRIGGER_HAND_OVER:
      break;
    default:
      faults->Add("trigger", "must be CUSTOMER, HAND_OVER or FACT_CONFLICT");
  }
  CheckWords(request.statement(), false, "statement", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListReviewsRequest& request, FaultList* faults) {
  if (!v1::ReviewState_IsValid(request.state())) {
    faults->Add("state", "no such state");
  }
  if (!v1::ReviewTrigger_IsValid(request.trigger())) {
    faults->Add("trigger", "no such trigger");
  }
  CheckTime(request.has_due_before(), request.due_before(), "due_before",
            faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::ClaimReviewRequest& request, FaultList* faults) {
  CheckReview(request.id(), false, faults);
  if (request.lease_seconds() < 0 ||
      request.lease_seconds() > kMaxLeaseSeconds) {
    faults->Add("lease_seconds", "must be 1 to 28800, or 0 for 1800");
  }
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ReleaseReviewRequest& request, FaultList* faults) {
  CheckReview(request.id(), true, faults);
  CheckWords(request.question(), false, "question", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ShowReviewRequest& request, FaultList* faults) {
  CheckReview(request.id(), true, faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::DecideReviewRequest& request, FaultList* faults) {
  CheckReview(request.id(), true, faults);
  if (request.verdict() == v1::REVIEW_VERDICT_UNSPECIFIED ||
      !v1::ReviewVerdict_IsValid(request.verdict())) {
    faults->Add("verdict", "is required");
  }
  CheckKey(request.reason_code(), "reason_code", faults);
  CheckWords(request.rationale(), true, "rationale", faults);
  CheckWords(request.new_outcome(), false, "new_outcome", faults);
  if (request.etag().empty()) faults->Add("etag", "is required");
  CheckToken(request.etag(), "etag", kMaxEtagBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::AddStatementRequest& request, FaultList* faults) {
  CheckReview(request.id(), true, faults);
  CheckWords(request.statement(), true, "statement", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListCustomerReviewsRequest& request,
              FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckContext(request.context(), faults);
  CheckPage(request.page_size(), kMaxCustomerPage, request.page_token(),
            faults);
}

void Validate(const v1::GetReviewFiguresRequest& request, FaultList* faults) {
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckTime(request.has_to_time(), request.to_time(), "to_time", faults);
  if (request.has_from_time() && request.has_to_time() &&
      MicrosOf(request.from_time()) >= MicrosOf(request.to_time())) {
    faults->Add("to_time", "must be after from_time");
  }
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
