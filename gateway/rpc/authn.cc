#include "gateway/rpc/authn.h"

#include <grpcpp/security/auth_context.h>

#include <memory>

#include "consentry/v1/errors.pb.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rpc {
namespace {

// Names of gRPC 1.51's properties of a TLS connection.
constexpr char kCertificate[] = "x509_pem_cert";
constexpr char kSecurityLevel[] = "security_level";
constexpr std::string_view kEncrypted = "TSI_PRIVACY_AND_INTEGRITY";

absl::Status NoCertificate() {
  return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                   "the connection shows no client certificate");
}

}  // namespace

absl::StatusOr<PeerKey> CertificateKeys::KeyOf(std::string_view pem) {
  {
    MutexLock lock(&mu_);
    if (const auto it = known_.find(pem); it != known_.end()) {
      return it->second;
    }
  }
  const auto info = crypto::ParseCertificate(pem);
  if (!info.ok()) {
    return MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN,
                     "the client certificate is of no kind that is accepted");
  }
  MutexLock lock(&mu_);
  if (known_.size() >= kMost) known_.clear();
  const PeerKey key{info->spki, info->fingerprint};
  known_.emplace(pem, key);
  return key;
}

absl::StatusOr<clients::Caller> Authenticator::Authenticate(
    const grpc::ServerContextBase& context, int64_t now_us, PeerKey* key) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return NoCertificate();
  const auto level = auth->FindPropertyValues(kSecurityLevel);
  if (level.size() != 1 ||
      std::string_view(level[0].data(), level[0].size()) != kEncrypted) {
    return NoCertificate();
  }
  const auto pem = auth->FindPropertyValues(kCertificate);
  if (pem.size() != 1) return NoCertificate();
  CONSENTRY_ASSIGN_OR_RETURN(
      *key, keys_.KeyOf(std::string_view(pem[0].data(), pem[0].size())));
  return registry_->Authenticate(key->key, now_us);
}

}  // namespace consentry::rpc
