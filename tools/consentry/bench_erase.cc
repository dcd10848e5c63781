#include <grpcpp/grpcpp.h>

#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"
#include "tools/consentry/bench_run.h"

namespace consentry::tools {
namespace {

// What a document that was looked at might hash to.
constexpr char kEvidence[] =
    "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::chrono::milliseconds kLookAgain(5);
constexpr std::chrono::seconds kPatience(60);

absl::Status FromRpc(const grpc::Status& status, const char* what) {
  if (status.ok()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(what, " failed: ", status.error_message()));
}

}  // namespace

absl::StatusOr<double> EraseOne(const std::shared_ptr<grpc::Channel>& staff,
                                const std::shared_ptr<grpc::Channel>& officer,
                                uint64_t number) {
  const auto stub = v1::RightsService::NewStub(staff);
  v1::RightsCase opened;
  {
    grpc::ClientContext context;
    v1::SubmitRightsCaseRequest request;
    *request.mutable_subject() = BenchSubject(number);
    request.set_kind(v1::RIGHTS_KIND_ERASURE);
    request.set_channel(v1::CHANNEL_POST);
    CONSENTRY_RETURN_IF_ERROR(FromRpc(
        stub->SubmitRightsCase(&context, request, &opened), "a request"));
  }
  {
    grpc::ClientContext context;
    v1::VerifyRightsCaseRequest request;
    request.set_id(opened.id());
    request.set_etag(opened.etag());
    request.set_level(v1::VERIFICATION_LEVEL_LOGIN);
    request.set_evidence_digest(kEvidence);
    CONSENTRY_RETURN_IF_ERROR(FromRpc(
        stub->VerifyRightsCase(&context, request, &opened), "identifying"));
  }
  // The gateway's clock, which tells when the keys went, is this one.
  const auto begin = std::chrono::system_clock::now();
  {
    grpc::ClientContext context;
    v1::ApproveRightsCaseRequest request;
    request.set_id(opened.id());
    request.set_etag(opened.etag());
    CONSENTRY_RETURN_IF_ERROR(
        FromRpc(v1::RightsService::NewStub(officer)->ApproveRightsCase(
                    &context, request, &opened),
                "an approval"));
  }
  v1::GetErasureCertificateRequest request;
  request.set_id(opened.id());
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    grpc::ClientContext context;
    v1::ErasureCertificate certificate;
    const grpc::Status status =
        stub->GetErasureCertificate(&context, request, &certificate);
    if (status.ok()) {
      return static_cast<double>(
          MicrosOf(certificate.destroy_time()) -
          std::chrono::duration_cast<std::chrono::microseconds>(
              begin.time_since_epoch())
              .count());
    }
    if (status.error_code() != grpc::StatusCode::FAILED_PRECONDITION) {
      return FromRpc(status, "a certificate");
    }
    if (std::chrono::steady_clock::now() > end) {
      return absl::DeadlineExceededError("an erasure did not end");
    }
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace consentry::tools
