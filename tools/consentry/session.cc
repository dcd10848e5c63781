#include "tools/consentry/session.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "consentry/config/v1/gateway.pb.h"
#include "gateway/server/server.h"
#include "policy/engine/text_config.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/key_pair.h"

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

absl::StatusOr<config::v1::GatewayConfig> ConfigIn(const std::string& folder) {
  const std::string path = folder + kConfigFile;
  auto text = ReadFile(path);
  if (!text.ok()) {
    return absl::NotFoundError(path +
                               " is missing: make a gateway with `consentry "
                               "init`, or name its folder with --config");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      auto config, policy::ParseText<config::v1::GatewayConfig>(path, *text));
  return std::move(config.message);
}

// Administrators and compliance read no data, so that a command about data is
// for another registration.
absl::StatusOr<std::string> OnlySystemIn(const std::string& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& file :
       std::filesystem::directory_iterator(folder + "/clients", error)) {
    if (file.path().extension() != ".pem") continue;
    const std::string name = file.path().stem().string();
    if (name != "operator" && name != "compliance" && name != "dpo") {
      names.insert(name);
    }
  }
  if (names.size() == 1) return *names.begin();
  if (names.empty()) {
    return absl::NotFoundError(
        "no system is registered in " + folder +
        " that may ask for data: see `consentry client add --help`");
  }
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + name;
  return absl::InvalidArgumentError("which system asks? --as with one of: " +
                                    list);
}

// What a handshake would not say.
absl::Status CheckCertificate(const Credentials& credentials,
                              const std::string& folder,
                              const std::string& client) {
  std::error_code ignored;
  if (!std::filesystem::exists(credentials.certificate_file, ignored)) {
    return absl::NotFoundError(
        "there is no certificate of " + client + " in " + folder +
        "/clients: register it by `consentry client add " + client +
        (client == "dpo" || client == "reviewer" ? " --role " + client : "") +
        "`, or name another registration with --as");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string pem,
                             ReadFile(credentials.certificate_file));
  CONSENTRY_ASSIGN_OR_RETURN(const absl::Time end, CertificateEnd(pem));
  if (end < absl::Now()) {
    return absl::FailedPreconditionError(
        "the certificate of " + client + " ended on " +
        absl::FormatTime("%Y-%m-%d", end, absl::UTCTimeZone()) +
        ": renew it by `consentry client renew " + client +
        "`, or an administrator's by `consentry renew`");
  }
  return absl::OkStatus();
}

}  // namespace

Credentials CredentialsIn(const std::string& folder,
                          const std::string& client) {
  return {folder + "/clients/" + client + ".pem",
          folder + "/clients/" + client + ".key",
          folder + "/tls/authority.pem"};
}

absl::StatusOr<std::string> AddressIn(const std::string& folder) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto config, ConfigIn(folder));
  const std::string& address = config.listener().address();
  return address.empty() ? std::string(kDefaultAddress) : address;
}

absl::StatusOr<std::string> HomeIn(const std::string& folder) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto config, ConfigIn(folder));
  return config.controller().home().substr(0, 2);
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
  std::string client = options.client;
  if (client.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(client, OnlySystemIn(options.folder));
  }
  const Credentials credentials = CredentialsIn(options.folder, client);
  CONSENTRY_RETURN_IF_ERROR(
      CheckCertificate(credentials, options.folder, client));
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
        session->address_ + " to the certificate of " + client +
        "; does it listen elsewhere (serve --listen), or still start?");
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
