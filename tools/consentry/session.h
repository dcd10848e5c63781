#ifndef CONSENTRY_TOOLS_CONSENTRY_SESSION_H_
#define CONSENTRY_TOOLS_CONSENTRY_SESSION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class Channel;
}
namespace consentry::server {
class Server;
}

namespace consentry::tools {

// A certificate to call with: PEM files.
struct Credentials {
  std::string certificate_file;
  std::string key_file;
  // The authority of the gateway's certificate.
  std::string authority_file;
};

// A channel over mutual TLS. NotFound when a file is missing.
absl::StatusOr<std::shared_ptr<grpc::Channel>> Connect(
    const std::string& address, const Credentials& credentials);

// How a command reaches a gateway: the one that runs, or, when none does, one
// that the command itself starts on loopback over the same folder and stops at
// its end. Either way the command is a client of the API, so that nothing goes
// round policy and audit.
class Session {
 public:
  struct Options {
    // The folder that `consentry init` made.
    std::string folder;
    // Whose certificate: FOLDER/clients/NAME.pem and .key. Empty: the only
    // system that has one there; those that init made are no systems.
    std::string client;
    // Instead of the address in the configuration.
    std::string address;
    bool dev = false;
  };

  // NotFound for a missing folder or certificate; FailedPrecondition when a
  // gateway holds the folder but does not answer.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const Options& options);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  // Of the gateway in use.
  const std::string& address() const { return address_; }
  bool embedded() const { return server_ != nullptr; }

 private:
  Session() = default;

  std::unique_ptr<server::Server> server_;
  std::string address_;
  std::shared_ptr<grpc::Channel> channel_;
};

// FOLDER/clients/CLIENT.{pem,key} and FOLDER/tls/authority.pem.
Credentials CredentialsIn(const std::string& folder, const std::string& client);

// Where the configuration in `folder` says that the gateway listens.
absl::StatusOr<std::string> AddressIn(const std::string& folder);

// Where it says that the business sits, ISO 3166-1 alpha-2.
absl::StatusOr<std::string> HomeIn(const std::string& folder);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SESSION_H_
