#include "gateway/clients/client_admin.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/clients/certificate_chain.h"
#include "gateway/clients/client_change.h"
#include "gateway/clients/client_rules.h"
#include "gateway/clients/client_table.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::clients {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = kSecondUs * 24 * 3600;
constexpr uint32_t kDefaultDays = 90;
// Clocks of callers may be behind.
constexpr int64_t kBackdateUs = 300 * kSecondUs;

absl::Status Invalid(const std::vector<FieldViolation>& faults) {
  if (faults.empty()) return absl::OkStatus();
  absl::Status status = MakeError(v1::ERROR_REASON_FIELD_INVALID,
                                  "the registration is not valid");
  for (const FieldViolation& fault : faults) {
    AddFieldViolation(&status, fault);
  }
  return status;
}

absl::Status InvalidField(std::string field, std::string description) {
  return Invalid({{std::move(field), std::move(description)}});
}

absl::Status CheckNotRevoked(const v1::Client& client) {
  if (client.state() != v1::CLIENT_STATE_REVOKED) return absl::OkStatus();
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "the registration was revoked; register a new one");
}

absl::Status Taken() {
  return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                   "a registration with this id or key exists, or existed");
}

// A gateway that nobody may administer could only be mended offline.
absl::Status CheckNotLastAdmin(store::Connection* connection,
                               const v1::Client& client, int64_t now_us) {
  if (client.role() != v1::ROLE_ADMIN) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(const auto clients, ReadClients(connection));
  const bool other = std::any_of(
      clients.begin(), clients.end(), [&](const v1::Client& candidate) {
        return candidate.id() != client.id() &&
               candidate.role() == v1::ROLE_ADMIN &&
               candidate.state() == v1::CLIENT_STATE_ACTIVE &&
               MicrosOf(candidate.expire_time()) > now_us;
      });
  if (other) return absl::OkStatus();
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "this is the last administrator; register another first");
}

void ClearOutput(v1::Client* client) {
  client->clear_state();
  client->clear_version();
  client->clear_etag();
  client->clear_create_time();
  client->clear_update_time();
  client->clear_issued_certificate_pem();
  client->clear_public_key_hash();
  client->clear_proposal_id();
}

void Touch(v1::Client* client, int64_t now_us) {
  client->set_version(client->version() + 1);
  SetTime(now_us, client->mutable_update_time());
}

// The row as `wanted` changes it, whatever it is when that is applied.
absl::StatusOr<v1::Client> Updated(const v1::Client& row,
                                   const v1::Client& wanted) {
  CONSENTRY_RETURN_IF_ERROR(CheckNotRevoked(row));
  if (ShowClient(row, 0).etag() != wanted.etag()) {
    return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                     "the registration changed; read it again");
  }
  v1::Client next = wanted;
  ClearOutput(&next);
  next.set_public_key_hash(row.public_key_hash());
  next.set_state(row.state());
  next.set_version(row.version());
  *next.mutable_create_time() = row.create_time();
  // A registration does not outlive the certificate it was made for.
  if (!next.has_expire_time() ||
      MicrosOf(next.expire_time()) > MicrosOf(row.expire_time())) {
    *next.mutable_expire_time() = row.expire_time();
  }
  return next;
}

}  // namespace

v1::Client ShowClient(const v1::Client& stored, int64_t now_us) {
  v1::Client shown = stored;
  shown.set_etag("v" + std::to_string(stored.version()));
  if (shown.state() == v1::CLIENT_STATE_ACTIVE &&
      MicrosOf(stored.expire_time()) <= now_us) {
    shown.set_state(v1::CLIENT_STATE_EXPIRED);
  }
  return shown;
}

template <class Request>
absl::StatusOr<ClientAdmin::Credential> ClientAdmin::TakeCredential(
    const Request& request, const std::string& client_id, int64_t end_us,
    bool dry) const {
  const int64_t now_us = options_.clock->NowUs();
  Credential credential;
  if (request.credential_case() == Request::kCertificatePem) {
    const auto info = crypto::ParseCertificate(request.certificate_pem());
    if (!info.ok() || info->is_authority || !info->for_client) {
      return InvalidField("certificate_pem",
                          "is no certificate for a client that can be used");
    }
    if (!crypto::CheckValidity(*info, now_us).ok()) {
      return InvalidField("certificate_pem", "is not valid now");
    }
    if (!options_.trusted_roots.empty() &&
        !CheckChain(request.certificate_pem(), options_.trusted_roots, now_us)
             .ok()) {
      return InvalidField("certificate_pem",
                          "does not come from a trusted authority");
    }
    credential.key = info->spki;
    credential.end_us =
        end_us == 0 ? info->not_after_us : std::min(end_us, info->not_after_us);
    return credential;
  }
  if (options_.authority == nullptr) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "no authority is configured (tls.authority_key); register "
                     "a certificate instead");
  }
  const uint32_t days =
      request.valid_days() == 0 ? kDefaultDays : request.valid_days();
  // From the log's time where the clock was ahead once: reads go by it, so that
  // renewing is the way out.
  const int64_t not_after_us =
      std::max(now_us, options_.writer->NowUs()) + int64_t{days} * kDayUs;
  const auto issued = options_.authority->IssueClientFor(
      request.signing_request_pem(), client_id, now_us - kBackdateUs,
      not_after_us);
  if (!issued.ok()) {
    return InvalidField("signing_request_pem",
                        "is no signing request that can be used");
  }
  credential.key = issued->spki;
  credential.end_us =
      end_us == 0 ? not_after_us : std::min(end_us, not_after_us);
  if (!dry) credential.issued_pem = issued->certificate_pem;
  return credential;
}

ClientAdmin::ClientAdmin(Options options) : options_(std::move(options)) {
  if (options_.proposals == nullptr) return;
  // A kept request of one type, made an edit.
  const auto set = [this]<class Message>(const char* method, Message,
                                         auto make) {
    options_.proposals->SetBuilder(
        method,
        [make](const store::v1::StoredProposal& proposal)
            -> absl::StatusOr<ConfigurationWriter::Edit> {
          Message kept;
          if (!kept.ParseFromString(proposal.request())) {
            return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                             "a kept proposal does not parse");
          }
          return make(kept);
        });
  };
  set("AdminService.CreateClient", v1::Client(),
      [this](const v1::Client& client) { return InsertEdit(client, ""); });
  set("AdminService.UpdateClient", v1::Client(), &ClientAdmin::UpdateEdit);
  set("AdminService.RenewClient", v1::Client(),
      [](const v1::Client& renewed) { return RenewEdit(renewed, ""); });
  set("AdminService.Suspend", v1::SuspendRequest(), &ClientAdmin::SuspendEdit);
}

store::ChangeCompletion ClientAdmin::ShowStored(Done done) const {
  return [done = std::move(done),
          clock = options_.clock](store::ChangeOutcome outcome) mutable {
    if (!outcome.status.ok()) {
      done(std::move(outcome.status));
      return;
    }
    v1::Client client;
    if (!client.ParseFromString(outcome.result)) {
      done(MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a kept result does not parse"));
      return;
    }
    done(ShowClient(client, clock->NowUs()));
  };
}

void ClientAdmin::Commit(ConfigurationWriter::Plan plan, Done done) {
  options_.writer->Commit(std::move(plan), ShowStored(std::move(done)));
}

void ClientAdmin::Propose(const CallerContext& caller,
                          const google::protobuf::Message& request,
                          std::string target, std::vector<std::string> changes,
                          std::optional<store::RequestBinding> binding,
                          v1::Client shown, Done done) {
  store::v1::StoredProposal proposal;
  proposal.set_method(caller.method);
  proposal.set_request(CanonicalBytes(request));
  proposal.set_target(std::move(target));
  for (std::string& line : changes) proposal.add_changes(std::move(line));
  options_.proposals->Propose(
      caller, std::move(proposal), std::move(binding),
      [shown = std::move(shown)](const std::string& id) {
        v1::Client answer = shown;
        answer.set_proposal_id(id);
        return answer.SerializeAsString();
      },
      ShowStored(std::move(done)));
}

void ClientAdmin::Create(const CallerContext& caller,
                         const v1::CreateClientRequest& request, Done done) {
  const int64_t now_us = options_.clock->NowUs();
  v1::Client client = request.client();
  ClearOutput(&client);
  const auto configuration = options_.registry->current();
  absl::Status status =
      Invalid(CheckClient(client, configuration->bundle(), now_us, "client."));
  const auto credential = TakeCredential(
      request, client.id(),
      client.has_expire_time() ? MicrosOf(client.expire_time()) : 0,
      request.validate_only());
  if (status.ok()) status = credential.status();
  if (!status.ok()) {
    done(std::move(status));
    return;
  }
  client.set_public_key_hash(FormatKey(credential->key));
  SetTime(credential->end_us, client.mutable_expire_time());
  client.set_state(v1::CLIENT_STATE_ACTIVE);
  client.set_version(1);
  if (request.validate_only()) {
    const bool taken = configuration->FindById(client.id()) != nullptr ||
                       configuration->FindByKey(credential->key) != nullptr;
    if (taken) {
      done(Taken());
    } else {
      done(ShowClient(client, now_us));
    }
    return;
  }
  v1::CreateClientRequest canonical = request;
  canonical.clear_request_id();
  auto binding = BindRequest(caller, request.request_id(), canonical);
  if (NeedsApproval(caller)) {
    if (configuration->FindById(client.id()) != nullptr ||
        configuration->FindByKey(credential->key) != nullptr) {
      done(Taken());
      return;
    }
    v1::Client shown = client;
    shown.set_state(v1::CLIENT_STATE_PROPOSED);
    shown.set_issued_certificate_pem(credential->issued_pem);
    Propose(caller, client, "client " + client.id(),
            DescribeChange(v1::Client(), client), std::move(binding),
            std::move(shown), std::move(done));
    return;
  }
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  plan.request = std::move(binding);
  plan.edit = InsertEdit(client, credential->issued_pem);
  Commit(std::move(plan), std::move(done));
}

ConfigurationWriter::Edit ClientAdmin::InsertEdit(const v1::Client& client,
                                                  std::string issued) const {
  return [client, issued = std::move(issued), registry = options_.registry](
             store::Connection* writer, int64_t now,
             ConfigurationDraft* draft) -> absl::Status {
    // The policy may have changed since it was asked for.
    CONSENTRY_RETURN_IF_ERROR(Invalid(
        CheckClient(client, registry->current()->bundle(), now, "client.")));
    v1::Client row = client;
    SetTime(now, row.mutable_create_time());
    SetTime(now, row.mutable_update_time());
    CONSENTRY_RETURN_IF_ERROR(InsertClient(writer, row));
    draft->details.push_back("client=" + row.id());
    row.set_issued_certificate_pem(issued);
    draft->result = row.SerializeAsString();
    return absl::OkStatus();
  };
}

void ClientAdmin::Update(const CallerContext& caller,
                         const v1::UpdateClientRequest& request, Done done) {
  const auto configuration = options_.registry->current();
  const int64_t now_us = options_.clock->NowUs();
  const Registration* before = configuration->FindById(request.client().id());
  absl::Status status = absl::OkStatus();
  v1::Client wanted = request.client();
  if (before == nullptr) {
    status = MakeError(v1::ERROR_REASON_NOT_FOUND, "no client has this id");
  } else {
    wanted.set_role(before->client().role());
    status = Invalid(
        CheckClient(wanted, configuration->bundle(), now_us, "client."));
  }
  if (!status.ok()) {
    done(std::move(status));
    return;
  }
  if (request.validate_only()) {
    auto next = Updated(before->client(), wanted);
    if (next.ok()) {
      Touch(&*next, now_us);
      next = ShowClient(*next, now_us);
    }
    done(std::move(next));
    return;
  }
  v1::UpdateClientRequest canonical = request;
  canonical.clear_request_id();
  auto binding = BindRequest(caller, request.request_id(), canonical);
  if (NeedsApproval(caller)) {
    const auto next = Updated(before->client(), wanted);
    if (!next.ok()) {
      done(next.status());
      return;
    }
    if (Widens(before->client(), *next)) {
      Propose(caller, wanted, "client " + wanted.id(),
              DescribeChange(before->client(), *next), std::move(binding),
              before->client(), std::move(done));
      return;
    }
  }
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  plan.negative = true;
  plan.request = std::move(binding);
  // What was found to be no more must still be so where it is applied: the etag
  // sees to that.
  plan.edit = UpdateEdit(wanted);
  Commit(std::move(plan), std::move(done));
}

ConfigurationWriter::Edit ClientAdmin::UpdateEdit(const v1::Client& wanted) {
  return [wanted](store::Connection* writer, int64_t now,
                  ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(const v1::Client row,
                               ReadClient(writer, wanted.id()));
    CONSENTRY_ASSIGN_OR_RETURN(v1::Client next, Updated(row, wanted));
    Touch(&next, now);
    CONSENTRY_RETURN_IF_ERROR(ReplaceClient(writer, next));
    draft->details.push_back("client=" + wanted.id());
    draft->result = next.SerializeAsString();
    return absl::OkStatus();
  };
}

void ClientAdmin::Renew(const CallerContext& caller,
                        const v1::RenewClientRequest& request, Done done) {
  const auto credential = TakeCredential(request, request.id(), 0, false);
  if (!credential.ok()) {
    done(credential.status());
    return;
  }
  v1::RenewClientRequest canonical = request;
  canonical.clear_request_id();
  auto binding = BindRequest(caller, request.request_id(), canonical);
  v1::Client renewed;
  renewed.set_id(request.id());
  renewed.set_public_key_hash(FormatKey(credential->key));
  SetTime(credential->end_us, renewed.mutable_expire_time());
  const auto configuration = options_.registry->current();
  const Registration* before = configuration->FindById(request.id());
  // Whoever gives a system another key can be that system. One operator alone
  // is not kept from it by waiting, and customers would wait with her.
  if (before != nullptr && request.id() != caller.client_id &&
      before->key() != credential->key && NeedsApproval(caller) &&
      options_.proposals->mode() == ApprovalRules::Mode::kByAnother) {
    absl::Status status = CheckNotRevoked(before->client());
    if (status.ok() && configuration->FindByKey(credential->key) != nullptr) {
      status = Taken();
    }
    if (!status.ok()) {
      done(std::move(status));
      return;
    }
    v1::Client shown = before->client();
    shown.set_issued_certificate_pem(credential->issued_pem);
    Propose(caller, renewed, "client " + request.id(), {"another key"},
            std::move(binding), std::move(shown), std::move(done));
    return;
  }
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  plan.negative = true;
  plan.request = std::move(binding);
  plan.edit = RenewEdit(renewed, credential->issued_pem);
  Commit(std::move(plan), std::move(done));
}

ConfigurationWriter::Edit ClientAdmin::RenewEdit(const v1::Client& renewed,
                                                 std::string issued) {
  return [renewed, issued = std::move(issued)](
             store::Connection* writer, int64_t now,
             ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(v1::Client row,
                               ReadClient(writer, renewed.id()));
    CONSENTRY_RETURN_IF_ERROR(CheckNotRevoked(row));
    row.set_public_key_hash(renewed.public_key_hash());
    *row.mutable_expire_time() = renewed.expire_time();
    Touch(&row, now);
    CONSENTRY_RETURN_IF_ERROR(ReplaceClient(writer, row));
    draft->details.push_back("client=" + renewed.id());
    row.set_issued_certificate_pem(issued);
    draft->result = row.SerializeAsString();
    return absl::OkStatus();
  };
}

void ClientAdmin::Revoke(const CallerContext& caller,
                         const v1::RevokeClientRequest& request, Done done) {
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  plan.negative = true;
  plan.caller.context.set_reason_code(request.reason_code());
  v1::RevokeClientRequest canonical = request;
  canonical.clear_request_id();
  plan.request = BindRequest(caller, request.request_id(), canonical);
  plan.edit = [id = request.id()](store::Connection* writer, int64_t now,
                                  ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(v1::Client row, ReadClient(writer, id));
    CONSENTRY_RETURN_IF_ERROR(CheckNotLastAdmin(writer, row, now));
    row.set_state(v1::CLIENT_STATE_REVOKED);
    Touch(&row, now);
    CONSENTRY_RETURN_IF_ERROR(ReplaceClient(writer, row));
    draft->details.push_back("client=" + id);
    draft->details.push_back("state=revoked");
    draft->result = row.SerializeAsString();
    return absl::OkStatus();
  };
  Commit(std::move(plan), std::move(done));
}

ConfigurationWriter::Edit ClientAdmin::SuspendClient(
    const v1::SuspendRequest& request) {
  return [id = request.client_id(), lift = request.lift()](
             store::Connection* writer, int64_t now,
             ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(v1::Client row, ReadClient(writer, id));
    CONSENTRY_RETURN_IF_ERROR(CheckNotRevoked(row));
    if (!lift) CONSENTRY_RETURN_IF_ERROR(CheckNotLastAdmin(writer, row, now));
    row.set_state(lift ? v1::CLIENT_STATE_ACTIVE : v1::CLIENT_STATE_SUSPENDED);
    Touch(&row, now);
    CONSENTRY_RETURN_IF_ERROR(ReplaceClient(writer, row));
    draft->details.push_back("client=" + id);
    return absl::OkStatus();
  };
}

ConfigurationWriter::Edit ClientAdmin::SuspendPurpose(
    const v1::SuspendRequest& request) {
  return [purpose = request.purpose(), lift = request.lift()](
             store::Connection*, int64_t,
             ConfigurationDraft* draft) -> absl::Status {
    if (lift) {
      draft->suspended_purposes.erase(purpose);
    } else {
      draft->suspended_purposes.insert(purpose);
    }
    draft->details.push_back("purpose=" + purpose);
    return absl::OkStatus();
  };
}

ConfigurationWriter::Edit ClientAdmin::SuspendEdit(
    const v1::SuspendRequest& request) {
  const bool of_purpose = request.target_case() == v1::SuspendRequest::kPurpose;
  return [edit = of_purpose ? SuspendPurpose(request) : SuspendClient(request),
          lift = request.lift()](store::Connection* writer, int64_t now,
                                 ConfigurationDraft* draft) {
    draft->details.push_back(lift ? "state=active" : "state=suspended");
    return edit(writer, now, draft);
  };
}

void ClientAdmin::Suspend(const CallerContext& caller,
                          const v1::SuspendRequest& request, SuspendDone done) {
  const bool of_purpose = request.target_case() == v1::SuspendRequest::kPurpose;
  if (of_purpose &&
      !options_.registry->current()->bundle().FindPurpose(request.purpose())) {
    done(MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "the purpose registry has no such purpose"));
    return;
  }
  CallerContext told = caller;
  told.context.set_reason_code(request.reason_code());
  v1::SuspendRequest canonical = request;
  canonical.clear_request_id();
  auto binding = BindRequest(told, request.request_id(), canonical);
  auto end = [done = std::move(done)](store::ChangeOutcome outcome) mutable {
    if (outcome.status.ok()) {
      done(Suspended{outcome.log_index, std::move(outcome.result)});
    } else {
      done(std::move(outcome.status));
    }
  };
  if (request.lift() && NeedsApproval(caller)) {
    store::v1::StoredProposal proposal;
    proposal.set_method(caller.method);
    proposal.set_request(canonical.SerializeAsString());
    proposal.set_target(of_purpose ? "purpose " + request.purpose()
                                   : "client " + request.client_id());
    proposal.add_changes("lifts the suspension");
    options_.proposals->Propose(
        told, std::move(proposal), std::move(binding),
        [](const std::string& id) { return id; }, std::move(end));
    return;
  }
  ConfigurationWriter::Plan plan;
  plan.caller = std::move(told);
  plan.negative = !request.lift();
  plan.request = std::move(binding);
  plan.edit = SuspendEdit(canonical);
  options_.writer->Commit(std::move(plan), std::move(end));
}

}  // namespace consentry::clients
