#include "proto/support/error.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "google/rpc/error_details.pb.h"

namespace consentry {
namespace {

constexpr char kInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
constexpr char kDomain[] = "consentry.dev";
constexpr int kMaxViolations = 32;

constexpr std::string_view kPrefix = "ERROR_REASON_";

std::string_view ShortName(v1::ErrorReason reason) {
  std::string_view name = v1::ErrorReason_Name(reason);
  if (name.substr(0, kPrefix.size()) == kPrefix) {
    name.remove_prefix(kPrefix.size());
  }
  return name;
}

template <class Message>
Message Payload(const absl::Status& status, const char* url) {
  Message message;
  if (auto cord = status.GetPayload(url)) {
    if (!message.ParseFromString(std::string(*cord))) message.Clear();
  }
  return message;
}

}  // namespace

absl::StatusCode CodeOf(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_FIELD_INVALID:
    case v1::ERROR_REASON_PAGE_TOKEN_INVALID:
    case v1::ERROR_REASON_CONFIG_INVALID:
    case v1::ERROR_REASON_VALUE_MALFORMED:
    case v1::ERROR_REASON_VALUE_OUT_OF_RANGE:
    case v1::ERROR_REASON_FIELD_UNKNOWN:
    case v1::ERROR_REASON_IDENTIFIER_MISSING:
    case v1::ERROR_REASON_IDENTIFIER_CONFLICT:
    case v1::ERROR_REASON_ROW_DUPLICATE:
    case v1::ERROR_REASON_ROW_UNREADABLE:
      return absl::StatusCode::kInvalidArgument;
    case v1::ERROR_REASON_TOO_LARGE:
    case v1::ERROR_REASON_RATE_LIMITED:
    case v1::ERROR_REASON_BUDGET_EXHAUSTED:
      return absl::StatusCode::kResourceExhausted;
    case v1::ERROR_REASON_REQUEST_ID_REUSED:
    case v1::ERROR_REASON_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case v1::ERROR_REASON_ETAG_MISMATCH:
    case v1::ERROR_REASON_CONTENDED:
    case v1::ERROR_REASON_UNKNOWN_OUTCOME:
      return absl::StatusCode::kAborted;
    case v1::ERROR_REASON_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case v1::ERROR_REASON_STATE_INVALID:
    case v1::ERROR_REASON_SENDER_MISSING:
    case v1::ERROR_REASON_LEGAL_HOLD:
      return absl::StatusCode::kFailedPrecondition;
    case v1::ERROR_REASON_CLIENT_UNKNOWN:
    case v1::ERROR_REASON_CLIENT_REVOKED:
    case v1::ERROR_REASON_CLIENT_EXPIRED:
    case v1::ERROR_REASON_TOKEN_INVALID:
    case v1::ERROR_REASON_TOKEN_REQUIRED:
    case v1::ERROR_REASON_LOGIN_TOO_OLD:
      return absl::StatusCode::kUnauthenticated;
    case v1::ERROR_REASON_AUDIT_UNAVAILABLE:
    case v1::ERROR_REASON_KEY_UNAVAILABLE:
    case v1::ERROR_REASON_STORE_UNAVAILABLE:
    case v1::ERROR_REASON_STOPPING:
      return absl::StatusCode::kUnavailable;
    case v1::ERROR_REASON_DATA_CORRUPT:
      return absl::StatusCode::kDataLoss;
    case v1::ERROR_REASON_NOT_IMPLEMENTED:
      return absl::StatusCode::kUnimplemented;
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return absl::StatusCode::kDeadlineExceeded;
    case v1::ERROR_REASON_INTERNAL:
    case v1::ERROR_REASON_UNSPECIFIED:
      return absl::StatusCode::kInternal;
    default:
      return absl::StatusCode::kPermissionDenied;
  }
}

absl::Status MakeError(v1::ErrorReason reason, std::string_view message) {
  absl::Status status(CodeOf(reason),
                      absl::string_view(message.data(), message.size()));
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(ShortName(reason)));
  info.set_domain(kDomain);
  status.SetPayload(kInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

std::optional<v1::ErrorReason> ReasonOf(const absl::Status& status) {
  const auto info = Payload<google::rpc::ErrorInfo>(status, kInfoUrl);
  v1::ErrorReason reason;
  if (info.domain() == kDomain &&
      v1::ErrorReason_Parse(std::string(kPrefix) + info.reason(), &reason)) {
    return reason;
  }
  return std::nullopt;
}

void AddErrorMetadata(absl::Status* status, std::string_view key,
                      std::string_view value) {
  auto info = Payload<google::rpc::ErrorInfo>(*status, kInfoUrl);
  (*info.mutable_metadata())[std::string(key)] = std::string(value);
  status->SetPayload(kInfoUrl, absl::Cord(info.SerializeAsString()));
}

void AddFieldViolation(absl::Status* status, const FieldViolation& violation) {
  auto bad = Payload<google::rpc::BadRequest>(*status, kBadRequestUrl);
  if (bad.field_violations_size() >= kMaxViolations) return;
  auto* added = bad.add_field_violations();
  added->set_field(violation.field);
  added->set_description(violation.description);
  status->SetPayload(kBadRequestUrl, absl::Cord(bad.SerializeAsString()));
}

}  // namespace consentry
