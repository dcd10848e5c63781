#include "tools/consentry/grpc_import.h"

#include <optional>
#include <string>
#include <utility>

#include "consentry/v1/data_service.grpc.pb.h"

namespace consentry::tools {
namespace {

using v1::ImportRecordsRequest;
using v1::ImportRecordsResponse;

class GrpcImport final : public ImportTransport {
 public:
  GrpcImport(const std::shared_ptr<grpc::Channel>& channel, grpc::Status* ended)
      : stub_(v1::DataService::NewStub(channel)), ended_(ended) {
    call_ = stub_->ImportRecords(&context_);
  }

  ~GrpcImport() override {
    if (finished_) return;
    context_.TryCancel();
    call_->Finish();
  }

  absl::Status Send(const ImportRecordsRequest& message) override {
    if (call_->Write(message)) return absl::OkStatus();
    return absl::CancelledError("the call has ended");
  }

  absl::Status DoneSending() override {
    if (call_->WritesDone()) return absl::OkStatus();
    return absl::CancelledError("the call has ended");
  }

  std::optional<ImportRecordsResponse> Receive() override {
    ImportRecordsResponse response;
    if (!call_->Read(&response)) return std::nullopt;
    return response;
  }

  absl::Status Finish() override {
    finished_ = true;
    const grpc::Status status = call_->Finish();
    if (ended_ != nullptr) *ended_ = status;
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                        status.error_message());
  }

 private:
  const std::unique_ptr<v1::DataService::Stub> stub_;
  grpc::Status* const ended_;
  grpc::ClientContext context_;
  std::unique_ptr<
      grpc::ClientReaderWriter<ImportRecordsRequest, ImportRecordsResponse>>
      call_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<ImportTransport> OpenImport(
    const std::shared_ptr<grpc::Channel>& channel, grpc::Status* ended) {
  return std::make_unique<GrpcImport>(channel, ended);
}

}  // namespace consentry::tools
