#ifndef CONSENTRY_TESTS_E2E_TEST_GATEWAY_H_
#define CONSENTRY_TESTS_E2E_TEST_GATEWAY_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "consentry/v1/admin_service.pb.h"
#include "consentry/v1/errors.pb.h"
#include "gateway/crypto/certificates.h"
#include "gateway/server/initialise.h"
#include "gateway/server/server.h"
#include "tests/testing/temp_dir.h"

namespace consentry::testing {

// A key pair with the certificate for it, as files of PEM text.
struct Identity {
  std::string certificate;
  std::string key;
};

// A gateway in a temporary folder, made by `init`, that serves on a free port
// of this machine until it is stopped. Fails the test where it cannot be made.
class TestGateway {
 public:
  // `change` may alter what init is told.
  explicit TestGateway(
      const std::function<void(server::InitialiseOptions*)>& change = nullptr);
  ~TestGateway();

  void Start(const server::ServerOptions& options = {.address = "127.0.0.1:0"});
  absl::Status Stop();
  server::Server* server() { return server_.get(); }
  std::string folder() const { return dir_.File("gateway"); }
  std::string File(const std::string& name) const {
    return folder() + "/" + name;
  }

  // Those that init made: "operator", "compliance".
  Identity Made(const std::string& name) const;
  // A new one from the gateway's own authority for some days, not registered.
  Identity Issue(const std::string& name, int days = 1) const;
  // A new one, registered as the operator does it.
  Identity Register(const v1::Client& client, int days = 1);

  // TLS to the running gateway; an empty identity shows no certificate.
  std::shared_ptr<grpc::Channel> Connect(const Identity& identity) const;

 private:
  TempDir dir_;
  std::unique_ptr<server::Server> server_;
};

std::string ReadAll(const std::string& path);

// The reason in an error's details; UNSPECIFIED where there is none.
v1::ErrorReason ReasonOf(const grpc::Status& status);

// A service that may read and write everything for one purpose.
v1::Client ServiceClient(const std::string& id, const std::string& purpose);

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_E2E_TEST_GATEWAY_H_
