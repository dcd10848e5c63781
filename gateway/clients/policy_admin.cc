#include "gateway/clients/policy_admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/clients/client_rules.h"
#include "gateway/clients/client_table.h"
#include "gateway/store/schema.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::clients {
namespace {

// meta: hash of the policy that the files last held.
constexpr std::string_view kFilesHash = "policy_files_hash";

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// The hash of the policy's own text: another registration does not change it.
std::string EtagOf(std::string_view policy_hash) {
  return Hex(policy_hash.substr(0, 16));
}

v1::Policy Show(const Policy& policy, std::string_view bundle_hash) {
  v1::Policy shown;
  shown.set_hash(Hex(bundle_hash));
  shown.set_etag(EtagOf(policy.hash));
  shown.set_catalog(policy.sources.catalog());
  shown.set_purposes(policy.sources.purposes());
  shown.set_owner_pack(policy.sources.owner_pack());
  for (const auto& located : policy.bundle->packs()) {
    if (located.message.kind() == config::v1::Pack::OWNER) continue;
    shown.add_packs(
        absl::StrCat(located.message.id(), " ", located.message.version()));
  }
  for (const policy::Fault& warning : policy.bundle->warnings()) {
    shown.add_warnings(warning.ToString());
  }
  return shown;
}

// Another class for a purpose must not make of a registration what no
// registration may be.
absl::Status CheckRegistrations(store::Connection* writer,
                                const policy::Bundle& bundle) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto clients, ReadClients(writer));
  absl::Status status;
  for (const v1::Client& client : clients) {
    if (client.state() == v1::CLIENT_STATE_REVOKED ||
        !MixesClasses(client, bundle)) {
      continue;
    }
    if (status.ok()) {
      status = MakeError(v1::ERROR_REASON_CONFIG_INVALID,
                         absl::StrCat("with these classes of purposes the "
                                      "registration ",
                                      client.id(),
                                      " would mix marketing with service: "
                                      "register two systems first"));
    }
    AddFieldViolation(
        &status, {"purposes", absl::StrCat("mixed by client ", client.id())});
  }
  return status;
}

}  // namespace

absl::StatusOr<v1::Policy> PolicyAdmin::Get(store::Connection* connection,
                                            std::string_view hash) const {
  const auto current = registry_->current();
  if (hash.empty() || hash == Hex(current->hash())) {
    return Show(current->policy(), current->hash());
  }
  const std::string bytes =
      absl::HexStringToBytes(absl::string_view(hash.data(), hash.size()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto bundle, ReadBundle(connection, bytes));
  CONSENTRY_ASSIGN_OR_RETURN(auto stored,
                             ReadPolicy(connection, bundle.policy_hash()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto policy,
                             CompilePolicy(std::move(stored)));
  return Show(*policy, bytes);
}

absl::StatusOr<std::vector<v1::Policy>> PolicyAdmin::List(
    store::Connection* connection, int64_t before, int limit,
    int64_t* next) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto history,
                             ReadBundleHistory(connection, before, limit + 1));
  std::vector<v1::Policy> versions;
  *next = 0;
  for (const BundleVersion& version : history) {
    if (static_cast<int>(versions.size()) == limit) {
      *next = version.change_number + 1;
      break;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto bundle,
                               ReadBundle(connection, version.hash));
    v1::Policy shown;
    shown.set_hash(Hex(version.hash));
    shown.set_etag(EtagOf(bundle.policy_hash()));
    versions.push_back(std::move(shown));
  }
  return versions;
}

void PolicyAdmin::Update(const CallerContext& caller,
                         const v1::UpdatePolicyRequest& request, Done done) {
  const auto current = registry_->current();
  store::v1::StoredPolicy sources = current->policy().sources;
  if (!request.catalog().empty()) sources.set_catalog(request.catalog());
  if (!request.purposes().empty()) sources.set_purposes(request.purposes());
  if (!request.owner_pack().empty()) {
    sources.set_owner_pack(request.owner_pack());
  }
  auto compiled = CompilePolicy(std::move(sources));
  if (!compiled.ok()) {
    done(compiled.status());
    return;
  }
  const auto mismatch = [etag = request.etag()](std::string_view policy_hash) {
    if (EtagOf(policy_hash) == etag) return absl::OkStatus();
    return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                     "the policy changed; read it again");
  };
  if (request.validate_only()) {
    const absl::Status status = mismatch(current->policy().hash);
    if (status.ok()) {
      done(Show(**compiled, current->hash()));
    } else {
      done(status);
    }
    return;
  }
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  // What a purpose or the owner's pack may take away is not worked out here:
  // every new policy binds the reads in flight.
  plan.negative = true;
  v1::UpdatePolicyRequest canonical = request;
  canonical.clear_request_id();
  plan.request = BindRequest(caller, request.request_id(), canonical);
  plan.edit = [policy = *compiled, mismatch](
                  store::Connection* writer, int64_t,
                  ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(mismatch(draft->policy_hash));
    CONSENTRY_RETURN_IF_ERROR(CheckRegistrations(writer, *policy->bundle));
    CONSENTRY_ASSIGN_OR_RETURN(draft->policy_hash,
                               WritePolicy(writer, policy->sources));
    draft->policy = policy;
    draft->details.push_back("policy=" + Hex(policy->hash));
    return absl::OkStatus();
  };
  writer_->Commit(std::move(plan), [registry = registry_, policy = *compiled,
                                    done = std::move(done)](
                                       store::ChangeOutcome outcome) mutable {
    if (outcome.status.ok()) {
      done(Show(*policy, registry->current()->hash()));
    } else {
      done(std::move(outcome.status));
    }
  });
}

absl::Status PolicyAdmin::LoadFiles(store::Connection* connection,
                                    store::v1::StoredPolicy sources) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto policy,
                             CompilePolicy(std::move(sources)));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string last,
                             store::GetMeta(connection, kFilesHash));
  if (last == policy->hash) return absl::OkStatus();
  ConfigurationWriter::Plan plan;
  plan.caller.event = "system.policy_loaded";
  plan.negative = true;
  plan.edit = [policy](store::Connection* writer, int64_t,
                       ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(CheckRegistrations(writer, *policy->bundle));
    CONSENTRY_ASSIGN_OR_RETURN(draft->policy_hash,
                               WritePolicy(writer, policy->sources));
    CONSENTRY_RETURN_IF_ERROR(store::PutMeta(writer, kFilesHash, policy->hash));
    draft->policy = policy;
    draft->details.push_back("policy=" + Hex(policy->hash));
    return absl::OkStatus();
  };
  return writer_->CommitAndWait(std::move(plan)).status;
}

}  // namespace consentry::clients
