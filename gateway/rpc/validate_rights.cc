#include <string>
#include <string_view>

#include "gateway/crypto/ids.h"
#include "gateway/rpc/validate.h"
#include "gateway/rpc/validate_common.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

constexpr int kMaxTargets = 64;
constexpr size_t kMaxStatementBytes = 4000;
constexpr size_t kMaxEtagBytes = 32;
constexpr int kMaxRedactions = 256;
constexpr size_t kMaxNameBytes = 256;
constexpr size_t kHexDigest = 64;

// "rgt_" and 24 characters.
void CheckId(std::string_view id, crypto::IdKind kind, FaultList* faults) {
  if (!crypto::ParseId(kind, id).ok()) faults->Add("id", "is not an id");
}

// Free text of a customer: anything that is UTF-8.
void CheckStatement(std::string_view text, FaultList* faults) {
  if (text.size() > kMaxStatementBytes) {
    faults->Add("statement", "has more than 4000 bytes");
  } else if (!IsUtf8(text)) {
    faults->Add("statement", "is not UTF-8");
  }
}

void CheckTargets(const Strings& targets, std::string_view field,
                  FaultList* faults) {
  if (targets.size() > kMaxTargets) {
    faults->AddTooMany(std::string(field), kMaxTargets);
    return;
  }
  for (int i = 0; i < targets.size(); ++i) {
    const std::string& target = targets[i];
    const bool wildcard = target.ends_with(".*");
    CheckKey(wildcard ? std::string_view(target).substr(0, target.size() - 2)
                      : std::string_view(target),
             At(field, i), faults, kMaxFieldNameBytes);
  }
}

template <class Request>
void CheckCase(const Request& request, FaultList* faults) {
  CheckId(request.id(), crypto::IdKind::kRightsRequest, faults);
  CheckContext(request.context(), faults);
  if constexpr (requires { request.etag(); }) {
    CheckToken(request.etag(), "etag", kMaxEtagBytes, faults);
  }
  if constexpr (requires { request.request_id(); }) {
    CheckRequestId(request.request_id(), faults);
  }
}

template <class Request>
void CheckReason(const Request& request, bool required, FaultList* faults) {
  if (!request.reason_code().empty()) {
    CheckKey(request.reason_code(), "reason_code", faults);
  } else if (required) {
    faults->Add("reason_code", "is required");
  }
}

}  // namespace

void Validate(const v1::SubmitRightsCaseRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  if (request.kind() == v1::RIGHTS_KIND_UNSPECIFIED ||
      !v1::RightsKind_IsValid(request.kind())) {
    faults->Add("kind", "no such kind of right");
  }
  if (request.purposes_size() > kMaxTargets) {
    faults->AddTooMany("purposes", kMaxTargets);
  } else {
    for (int i = 0; i < request.purposes_size(); ++i) {
      CheckKey(request.purposes(i), At("purposes", i), faults);
    }
  }
  CheckTargets(request.fields(), "fields", faults);
  if (request.corrections_size() > kMaxTargets) {
    faults->AddTooMany("corrections", kMaxTargets);
  } else {
    for (const auto& [name, value] : request.corrections()) {
      CheckKey(name, "corrections", faults, kMaxFieldNameBytes);
      CheckValue(value, "corrections", faults);
    }
  }
  CheckTime(request.has_receive_time(), request.receive_time(), "receive_time",
            faults);
  CheckChannel(request.channel(), "channel", faults);
  if (!request.language().empty()) {
    CheckLanguage(request.language(), "language", faults);
  }
  CheckStatement(request.statement(), faults);
  CheckToken(request.agent_id(), "agent_id", kMaxTokenBytes, faults);
  CheckToken(request.decision_id(), "decision_id", kMaxTokenBytes, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::GetRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
}

void Validate(const v1::ListRightsCasesRequest& request, FaultList* faults) {
  if (request.has_subject()) {
    CheckSubject(true, request.subject(), "subject", faults);
  }
  if (!v1::RightsKind_IsValid(request.kind())) {
    faults->Add("kind", "no such kind of right");
  }
  if (!v1::RightsState_IsValid(request.state())) {
    faults->Add("state", "no such state");
  }
  CheckTime(request.has_due_before(), request.due_before(), "due_before",
            faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::VerifyRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckToken(request.code(), "code", kMaxTokenBytes, faults);
  CheckToken(request.evidence_digest(), "evidence_digest", kHexDigest, faults);
}

void Validate(const v1::ExtendRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckReason(request, true, faults);
}

void Validate(const v1::PauseRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckReason(request, !request.resume(), faults);
}

void Validate(const v1::RefuseRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckTargets(request.targets(), "targets", faults);
  CheckKey(request.ground(), "ground", faults);
}

void Validate(const v1::ApproveRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
}

void Validate(const v1::CompleteRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckTargets(request.others_checked(), "others_checked", faults);
  if (request.redactions_size() > kMaxRedactions) {
    faults->AddTooMany("redactions", kMaxRedactions);
  }
}

void Validate(const v1::CancelRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
}

void Validate(const v1::AppealRightsCaseRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckStatement(request.statement(), faults);
}

void Validate(const v1::LiftRestrictionRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  CheckReason(request, true, faults);
}

void Validate(const v1::DownloadReportRequest& request, FaultList* faults) {
  CheckCase(request, faults);
  if (request.format() == v1::REPORT_FORMAT_UNSPECIFIED ||
      !v1::ReportFormat_IsValid(request.format())) {
    faults->Add("format", "no such format");
  }
}

void Validate(const v1::AuthorizeAgentRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckText(request.agent().display_name(), "agent.display_name", kMaxNameBytes,
            faults);
  CheckToken(request.agent().permission_digest(), "agent.permission_digest",
             kHexDigest, faults);
  CheckTime(request.agent().has_expire_time(), request.agent().expire_time(),
            "agent.expire_time", faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::RevokeAgentRequest& request, FaultList* faults) {
  CheckId(request.id(), crypto::IdKind::kAgent, faults);
  CheckContext(request.context(), faults);
  CheckRequestId(request.request_id(), faults);
}

void Validate(const v1::ListAgentsRequest& request, FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckPage(request.page_size(), kMaxPageSize, request.page_token(), faults);
  CheckContext(request.context(), faults);
}

void Validate(const v1::GetTransparencyViewRequest& request,
              FaultList* faults) {
  CheckSubject(request.has_subject(), request.subject(), "subject", faults);
  CheckLanguage(request.language(), "language", faults);
  CheckTime(request.has_from_time(), request.from_time(), "from_time", faults);
  CheckContext(request.context(), faults);
}

}  // namespace consentry::rpc
