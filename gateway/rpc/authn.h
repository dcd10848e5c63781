#ifndef CONSENTRY_GATEWAY_RPC_AUTHN_H_
#define CONSENTRY_GATEWAY_RPC_AUTHN_H_

#include <grpcpp/server_context.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/clients/registry.h"
#include "proto/support/mutex.h"

namespace consentry::rpc {

// What a certificate proves of a connection.
struct PeerKey {
  crypto::SpkiHash key{};
  // SHA-256 of the certificate, DER.
  std::array<uint8_t, 32> certificate{};
};

// The public key of a certificate, by its PEM text. Parsing costs some 20
// microseconds, and a connection shows the same text on every call, so keys are
// remembered: kMost at most, then all are forgotten, which bounds the memory a
// caller with many certificates can take. Safe for many threads.
class CertificateKeys {
 public:
  static constexpr size_t kMost = 1024;

  absl::StatusOr<PeerKey> KeyOf(std::string_view pem);

 private:
  Mutex mu_;
  std::map<std::string, PeerKey, std::less<>> known_ ABSL_GUARDED_BY(mu_);
};

// Who calls. Identity is the registered public key of the certificate that the
// connection proved, and nothing that a call says about itself. Whether a
// registration still holds is asked on every call, so that revoking bites on
// connections that are open. Safe for many threads.
class Authenticator {
 public:
  explicit Authenticator(const clients::Registry* registry)
      : registry_(registry) {}

  // CLIENT_UNKNOWN when the connection is not TLS with a client certificate
  // whose key is registered; CLIENT_REVOKED, CLIENT_EXPIRED, SUSPENDED. `key`
  // is set as soon as it is known, also when the caller is refused then.
  absl::StatusOr<clients::Caller> Authenticate(
      const grpc::ServerContextBase& context, int64_t now_us, PeerKey* key);

 private:
  const clients::Registry* const registry_;
  CertificateKeys keys_;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_AUTHN_H_
