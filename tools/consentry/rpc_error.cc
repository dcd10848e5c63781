#include "tools/consentry/rpc_error.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include "tools/consentry/exit_code.h"
#include "tools/consentry/printable.h"

namespace consentry::tools {
namespace {

struct Details {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
};

Details DetailsOf(const grpc::Status& status) {
  Details details;
  google::rpc::Status rpc;
  if (!rpc.ParseFromString(status.error_details())) return details;
  for (const auto& any : rpc.details()) {
    if (any.Is<google::rpc::ErrorInfo>()) {
      any.UnpackTo(&details.info);
    } else if (any.Is<google::rpc::BadRequest>()) {
      any.UnpackTo(&details.bad_request);
    }
  }
  return details;
}

bool EndsWith(const std::string& text, const std::string& end) {
  return !end.empty() && text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

const char* Advice(const grpc::Status& status, const std::string& reason) {
  if (reason == "CLIENT_UNKNOWN") {
    return "Register it: consentry client add";
  }
  if (reason == "PERMISSION_MISSING") {
    return "The registration that asks may not do this: name another with "
           "--as.";
  }
  if (reason == "CLIENT_EXPIRED") {
    return "Renew it: consentry client renew";
  }
  if (reason == "AUDIT_UNAVAILABLE") {
    return "Nothing is released while the audit log cannot be written: look at "
           "the disk, then restart the gateway.";
  }
  if (reason.empty() && status.error_code() == grpc::StatusCode::UNAVAILABLE) {
    return "Is the gateway running, and does it accept this certificate?";
  }
  return nullptr;
}

}  // namespace

std::string ReasonOf(const grpc::Status& status) {
  return DetailsOf(status).info.reason();
}

int PrintError(const grpc::Status& status, std::ostream& err) {
  const Details details = DetailsOf(status);
  const std::string& reason = details.info.reason();
  err << "consentry: ";
  if (!reason.empty()) err << Printable(reason) << ": ";
  err << Printable(status.error_message()) << "\n";
  for (const auto& violation : details.bad_request.field_violations()) {
    // The message tells the first fault of a request itself.
    if (details.bad_request.field_violations_size() == 1 &&
        EndsWith(status.error_message(), violation.description())) {
      break;
    }
    err << "  " << Printable(violation.field()) << ": "
        << Printable(violation.description()) << "\n";
  }
  for (const auto& [key, value] : details.info.metadata()) {
    err << "  " << Printable(key) << " = " << Printable(value) << "\n";
  }
  if (const char* advice = Advice(status, reason)) err << advice << "\n";
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::FAILED_PRECONDITION:
      return kExitNo;
    default:
      return reason == "TOO_LARGE" ? kExitNo : kExitError;
  }
}

}  // namespace consentry::tools
