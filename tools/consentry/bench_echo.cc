#include "tools/consentry/bench_echo.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>

#include "consentry/bench/v1/echo.grpc.pb.h"
#include "gateway/server/server.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

constexpr uint32_t kMaxAnswerBytes = 1 << 20;

class EchoServer final : public bench::v1::EchoService::CallbackService {
 public:
  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context,
                                 const bench::v1::EchoRequest* request,
                                 bench::v1::EchoResponse* response) override {
    response->mutable_payload()->assign(
        std::min(request->answer_bytes(), kMaxAnswerBytes), 'x');
    auto* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace

absl::Status ServeEcho(const std::string& folder) {
  server::Server::BlockSignals();
  grpc::SslServerCredentialsOptions tls(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  CONSENTRY_ASSIGN_OR_RETURN(tls.pem_root_certs,
                             ReadFile(folder + "/tls/authority.pem"));
  CONSENTRY_ASSIGN_OR_RETURN(pair.cert_chain,
                             ReadFile(folder + "/tls/server.pem"));
  CONSENTRY_ASSIGN_OR_RETURN(pair.private_key,
                             ReadFile(folder + "/tls/server.key"));
  tls.pem_key_cert_pairs.push_back(pair);
  EchoServer service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(tls),
                           &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError("the echo cannot listen");
  }
  std::cout << "Serving at 127.0.0.1:" << port << ". \n" << std::flush;
  server::Server::WaitForSignal();
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  return absl::OkStatus();
}

}  // namespace consentry::tools
