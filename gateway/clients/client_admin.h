#ifndef CONSENTRY_GATEWAY_CLIENTS_CLIENT_ADMIN_H_
#define CONSENTRY_GATEWAY_CLIENTS_CLIENT_ADMIN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/base/clock.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/proposals.h"
#include "gateway/clients/registry.h"
#include "gateway/crypto/certificates.h"

namespace consentry::clients {

// A registration as the API shows it: with etag, and EXPIRED where its end has
// passed.
v1::Client ShowClient(const v1::Client& stored, int64_t now_us);

// Registers, changes and ends registrations. Ids and keys are never used twice.
// Safe for many threads; completions run on the committer's threads, or on the
// calling one for what is refused at once.
class ClientAdmin {
 public:
  struct Options {
    ConfigurationWriter* writer = nullptr;
    const Registry* registry = nullptr;
    // Issues certificates for signing requests; null: none is configured.
    const crypto::CertificateAuthority* authority = nullptr;
    // PEM; certificates that are registered must come from one of these. Empty:
    // not looked at.
    std::string trusted_roots;
    const base::Clock* clock = nullptr;
    // Where what gives power waits; null: all takes effect at once.
    Proposals* proposals = nullptr;
  };
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Client>)>;

  explicit ClientAdmin(Options options);

  // What gives power becomes a proposal where approval is needed: the answer
  // then is what stands now, with its proposal_id. FIELD_INVALID with every
  // fault, ALREADY_EXISTS, STATE_INVALID where no authority is configured. With
  // validate_only the answer is what would be registered, without a
  // certificate.
  void Create(const CallerContext& caller,
              const v1::CreateClientRequest& request, Done done);
  // NOT_FOUND, STATE_INVALID (revoked), ETAG_MISMATCH, FIELD_INVALID.
  void Update(const CallerContext& caller,
              const v1::UpdateClientRequest& request, Done done);
  // The old key ends when the call returns.
  void Renew(const CallerContext& caller, const v1::RenewClientRequest& request,
             Done done);
  // STATE_INVALID for the last active administrator.
  void Revoke(const CallerContext& caller,
              const v1::RevokeClientRequest& request, Done done);
  // Suspends a client or a purpose, or lifts that. The answer is the place of
  // the entry in the log, 0 for a repetition, and the proposal that lifting
  // became, if it did.
  struct Suspended {
    uint64_t log_index = 0;
    std::string proposal_id;
  };
  using SuspendDone = absl::AnyInvocable<void(absl::StatusOr<Suspended>)>;
  void Suspend(const CallerContext& caller, const v1::SuspendRequest& request,
               SuspendDone done);

 private:
  struct Credential {
    crypto::SpkiHash key{};
    int64_t end_us = 0;
    std::string issued_pem;
  };
  // Of a request with `certificate_pem` or `signing_request_pem`.
  template <class Request>
  absl::StatusOr<Credential> TakeCredential(const Request& request,
                                            const std::string& client_id,
                                            int64_t end_us, bool dry) const;
  void Commit(ConfigurationWriter::Plan plan, Done done);
  bool NeedsApproval(const CallerContext& caller) const {
    return options_.proposals != nullptr && options_.proposals->Needed(caller);
  }
  // `shown` is what the call answers with, but for the proposal's id.
  void Propose(const CallerContext& caller,
               const google::protobuf::Message& request, std::string target,
               std::vector<std::string> changes,
               std::optional<store::RequestBinding> binding, v1::Client shown,
               Done done);
  store::ChangeCompletion ShowStored(Done done) const;
  // Edits of what was checked, or is checked in them; also for proposals.
  ConfigurationWriter::Edit InsertEdit(const v1::Client& client,
                                       std::string issued) const;
  static ConfigurationWriter::Edit UpdateEdit(const v1::Client& wanted);
  static ConfigurationWriter::Edit RenewEdit(const v1::Client& renewed,
                                             std::string issued);
  static ConfigurationWriter::Edit SuspendEdit(
      const v1::SuspendRequest& request);
  static ConfigurationWriter::Edit SuspendClient(
      const v1::SuspendRequest& request);
  static ConfigurationWriter::Edit SuspendPurpose(
      const v1::SuspendRequest& request);

  const Options options_;
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_CLIENT_ADMIN_H_
