#include "tools/consentry/registration.h"

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/key_pair.h"

namespace consentry::tools {

grpc::Status RegisterWithNewKey(const std::shared_ptr<grpc::Channel>& admin,
                                const v1::Client& client, uint32_t valid_days,
                                const std::string& folder,
                                v1::Client* registered) {
  const auto fault = [](const absl::Status& status) {
    return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                        std::string(status.message()));
  };
  const auto pair = MakeKeyPair(client.id());
  if (!pair.ok()) return fault(pair.status());
  const std::string stem = folder + "/clients/" + client.id();
  const absl::Status kept = WritePrivate(stem + ".key", pair->key_pem);
  if (absl::IsAlreadyExists(kept)) {
    return fault(absl::AlreadyExistsError(
        stem +
        ".key is there already; a registration gets a new certificate "
        "by: consentry client renew " +
        client.id()));
  }
  if (!kept.ok()) return fault(kept);

  v1::CreateClientRequest request;
  *request.mutable_client() = client;
  request.set_signing_request_pem(pair->signing_request_pem);
  request.set_valid_days(valid_days);
  grpc::ClientContext call;
  grpc::Status status = v1::AdminService::NewStub(admin)->CreateClient(
      &call, request, registered);
  if (status.ok()) {
    const absl::Status written =
        WritePrivate(stem + ".pem", registered->issued_certificate_pem());
    if (!written.ok()) status = fault(written);
  }
  if (!status.ok()) {
    std::error_code ignored;
    std::filesystem::remove(stem + ".key", ignored);
  }
  return status;
}

}  // namespace consentry::tools
