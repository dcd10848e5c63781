#include "tools/consentry/session.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "consentry/config/v1/gateway.pb.h"
#include "gateway/server/server.h"
#include "policy/engine/text_config.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

constexpr char kConfigFile[] = "/consentry.txtpb";
constexpr char kDefaultAddress[] = "127.0.0.1:50051";
// How long a running gateway may take to answer a handshake.
constexpr std::chrono::seconds kConnectTimeout(3);
constexpr int kMaxMessageBytes = 16 << 20;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// False as soon as a first try to connect has failed: nobody listens, or the
// certificate is refused.
bool IsAnswered(grpc::Channel* channel) {
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  for (;;) {
    const grpc_connectivity_state state = channel->GetState(true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
        !channel->WaitForStateChange(state, deadline)) {
      return false;
    }
  }
}

}  // namespace

Credentials CredentialsIn(const std::string& folder,
                          const std::string& client) {
  return {folder + "/clients/" + client + ".pem",
          folder + "/clients/" + client + ".key",
          folder + "/tls/authority.pem"};
}

absl::StatusOr<std::string> AddressIn(const std::string& folder) {
  const std::string path = folder + kConfigFile;
  auto text = ReadFile(path);
  if (!text.ok()) {
    return absl::NotFoundError(path +
                               " is missing: make a gateway with `consentry "
                               "init`, or name its folder with --config");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto config,
      policy::ParseText<config::v1::GatewayConfig>(path, *text));
  const std::string& address = config.message.listener().address();
  return address.empty() ? std::string(kDefaultAddress) : address;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(
    const std::string& address, const Credentials& credentials) {
  grpc::SslCredentialsOptions ssl;
  CONSENTRY_ASSIGN_OR_RETURN(ssl.pem_cert_chain,
                             ReadFile(credentials.certificate_file));
  CONSENTRY_ASSIGN_OR_RETURN(ssl.pem_private_key,
                             ReadFile(credentials.key_file));
  CONSENTRY_ASSIGN_OR_RETURN(ssl.pem_root_certs,
                             ReadFile(credentials.authority_file));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(ssl),
                                   arguments);
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const Options& options) {
  std::unique_ptr<Session> session(new Session);
  session->address_ = options.address;
  if (options.address.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(session->address_, AddressIn(options.folder));
  }
  const Credentials credentials =
      CredentialsIn(options.folder, options.client);
  CONSENTRY_ASSIGN_OR_RETURN(session->channel_,
                             Connect(session->address_, credentials));
  if (IsAnswered(session->channel_.get())) return session;

  // Nobody answers: serve for the length of this command.
  server::ServerOptions server_options;
  server_options.dev = options.dev;
  server_options.address = "127.0.0.1:0";
  auto server = server::Server::Open(options.folder, server_options);
  if (absl::IsFailedPrecondition(server.status())) {
    return absl::FailedPreconditionError(
        "a gateway holds " + options.folder + " but does not answer at " +
        session->address_ + " to the certificate of " + options.client);
  }
  if (!server.ok()) return server.status();
  session->server_ = *std::move(server);
  session->address_ = session->server_->address();
  CONSENTRY_ASSIGN_OR_RETURN(session->channel_,
                             Connect(session->address_, credentials));
  return session;
}

Session::~Session() {
  channel_.reset();
  if (server_) (void)server_->Stop();
}

}  // namespace consentry::tools
