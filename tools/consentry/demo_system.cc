#include "tools/consentry/demo_system.h"

#include "proto/support/status_macros.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"

namespace consentry::tools {

v1::SubjectRef Crm(std::string_view number) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
  ref.mutable_identifier()->set_namespace_("crm");
  ref.mutable_identifier()->set_value(std::string(number));
  return ref;
}

absl::Status Unexpected(const std::string& what) {
  return absl::InternalError("the tour went off its way: " + what);
}

absl::Status FromRpc(const grpc::Status& status) {
  const std::string reason = ReasonOf(status);
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      (reason.empty() ? "" : reason + ": ") + status.error_message());
}

v1::ReadSubjectRequest Question(std::string_view customer,
                                const std::string& purpose,
                                const std::vector<std::string>& fields,
                                v1::Channel channel) {
  v1::ReadSubjectRequest request;
  *request.mutable_subject() = Crm(customer);
  request.set_purpose(purpose);
  *request.mutable_fields() = {fields.begin(), fields.end()};
  request.set_channel(channel);
  return request;
}

absl::StatusOr<System> System::Connect(const DemoTour::Options& options,
                                       const std::string& client) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto channel,
      tools::Connect(options.address, CredentialsIn(options.folder, client)));
  return System(std::move(channel));
}

absl::StatusOr<v1::ReadSubjectResponse> System::Read(
    const v1::ReadSubjectRequest& request) const {
  grpc::ClientContext call;
  v1::ReadSubjectResponse response;
  const grpc::Status status = v1::DataService::NewStub(channel_)->ReadSubject(
      &call, request, &response);
  if (!status.ok()) return FromRpc(status);
  return response;
}

}  // namespace consentry::tools
