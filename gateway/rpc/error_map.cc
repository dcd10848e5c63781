#include "gateway/rpc/error_map.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "gateway/access/answer.h"
#include "gateway/base/log.h"
#include "gateway/crypto/ids.h"
#include "gateway/rpc/limits.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/support/error.h"
#include "proto/support/utf8.h"

namespace consentry::rpc {
namespace {

constexpr base::LogEvent kFault = {base::LogLevel::kError, 7001, "rpc.fault"};

constexpr char kInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

std::string OneLine(absl::string_view text) {
  std::string line(text.substr(0, kMaxErrorMessageBytes));
  for (char& c : line) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7f) c = ' ';
  }
  // A cut may have split a character.
  while (!line.empty() && !IsUtf8(line)) line.pop_back();
  return line;
}

// Payloads in one message, violations dropped from the end until it fits.
std::string Details(const absl::Status& status, const std::string& message) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(message);
  if (const auto info = status.GetPayload(kInfoUrl)) {
    auto* any = details.add_details();
    any->set_type_url(kInfoUrl);
    any->set_value(std::string(*info));
  }
  google::rpc::BadRequest bad;
  if (const auto payload = status.GetPayload(kBadRequestUrl)) {
    bad.ParseFromString(std::string(*payload));
  }
  while (bad.field_violations_size() > 0 &&
         details.ByteSizeLong() + bad.ByteSizeLong() + 64 >
             kMaxErrorDetailBytes) {
    bad.mutable_field_violations()->RemoveLast();
  }
  if (bad.field_violations_size() > 0) {
    details.add_details()->PackFrom(bad);
  }
  if (details.ByteSizeLong() > kMaxErrorDetailBytes) {
    details.clear_message();
  }
  if (details.ByteSizeLong() > kMaxErrorDetailBytes) return "";
  return details.SerializeAsString();
}

grpc::Status Send(const absl::Status& status) {
  const std::string message = OneLine(status.message());
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message,
                      Details(status, message));
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, bool may_explain,
                          std::string_view method) {
  if (status.ok()) return grpc::Status::OK;
  const auto reason = ReasonOf(status);
  if (!reason.has_value() || *reason == v1::ERROR_REASON_INTERNAL ||
      status.code() == absl::StatusCode::kInternal) {
    const std::string id = crypto::NewId(crypto::IdKind::kJob).substr(4);
    base::Log(kFault, {{"id", base::LogId{id}},
                       {"method", base::LogId{method}},
                       {"status", status}});
    absl::Status fault =
        MakeError(v1::ERROR_REASON_INTERNAL,
                  absl::StrCat("a fault of the gateway; its log names ", id));
    AddErrorMetadata(&fault, "log_id", id);
    return Send(fault);
  }
  if (access::IsAboutSubject(*reason) && !may_explain) {
    return Send(MakeError(v1::ERROR_REASON_ACCESS_DENIED, "access denied"));
  }
  return Send(status);
}

}  // namespace consentry::rpc
