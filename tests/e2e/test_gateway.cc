#include "tests/e2e/test_gateway.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/testing/status_matchers.h"

namespace consentry::testing {
namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

}  // namespace

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TestGateway::TestGateway(
    const std::function<void(server::InitialiseOptions*)>& change) {
  server::PrepareProcess();
  server::InitialiseOptions options;
  options.folder = folder();
  options.home = "DE";
  options.name = "Test Shop";
  options.contact = "privacy@shop.example";
  if (change) change(&options);
  const auto made = server::Initialise(options);
  EXPECT_OK(made);
}

TestGateway::~TestGateway() { Stop().IgnoreError(); }

void TestGateway::Start(const server::ServerOptions& options) {
  auto opened = server::Server::Open(folder(), options);
  ASSERT_OK(opened);
  server_ = *std::move(opened);
}

absl::Status TestGateway::Stop() {
  if (server_ == nullptr) return absl::OkStatus();
  const absl::Status status = server_->Stop();
  server_.reset();
  return status;
}

Identity TestGateway::Made(const std::string& name) const {
  return {ReadAll(File("clients/" + name + ".pem")),
          ReadAll(File("clients/" + name + ".key"))};
}

Identity TestGateway::Issue(const std::string& name, int days) const {
  const auto authority = crypto::CertificateAuthority::LoadFiles(
      File("tls/authority.pem"), File("tls/authority.key"));
  EXPECT_OK(authority);
  const int64_t now_us = base::Clock::System()->NowUs();
  const auto issued =
      (*authority)->IssueClient(name, now_us - kDayUs, now_us + days * kDayUs);
  EXPECT_OK(issued);
  return {issued->certificate_pem,
          std::string(reinterpret_cast<const char*>(issued->key_pem.data()),
                      issued->key_pem.size())};
}

Identity TestGateway::Register(const v1::Client& client, int days) {
  Identity identity = Issue(client.id(), days);
  auto admin = v1::AdminService::NewStub(Connect(Made("operator")));
  v1::CreateClientRequest request;
  *request.mutable_client() = client;
  request.set_certificate_pem(identity.certificate);
  grpc::ClientContext context;
  v1::Client made;
  const grpc::Status status = admin->CreateClient(&context, request, &made);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return identity;
}

std::shared_ptr<grpc::Channel> TestGateway::Connect(
    const Identity& identity) const {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = ReadAll(File("tls/authority.pem"));
  tls.pem_cert_chain = identity.certificate;
  tls.pem_private_key = identity.key;
  // A channel of its own for each, not one shared by target.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(server_->address(),
                                   grpc::SslCredentials(tls), arguments);
}

v1::ErrorReason ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) {
    return v1::ERROR_REASON_UNSPECIFIED;
  }
  for (const auto& any : details.details()) {
    google::rpc::ErrorInfo info;
    v1::ErrorReason reason;
    if (any.UnpackTo(&info) && info.domain() == "consentry.dev" &&
        v1::ErrorReason_Parse("ERROR_REASON_" + info.reason(), &reason)) {
      return reason;
    }
  }
  return v1::ERROR_REASON_UNSPECIFIED;
}

v1::Client ServiceClient(const std::string& id, const std::string& purpose) {
  v1::Client client;
  client.set_id(id);
  client.set_role(v1::ROLE_SERVICE);
  client.add_purposes(purpose);
  client.add_read_categories("user");
  client.add_write_categories("user");
  client.add_sources("crm");
  client.set_country("DE");
  return client;
}

}  // namespace consentry::testing
