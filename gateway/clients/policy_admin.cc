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

// meta: FilesHash of what the files last held.
constexpr std::string_view kFilesHash = "policy_files_hash";

// What a proposal of changed files names as its method.
constexpr char kFilesMethod[] = "system.policy_files";

std::string Hex(std::string_view bytes) {
  return absl::BytesToHexString(absl::string_view(bytes.data(), bytes.size()));
}

// Of what people wrote and chose: the texts of packs are the program's, and
// where nobody chose among them, so is which there are.
std::string FilesHash(store::v1::StoredPolicy sources, bool all_packs) {
  if (all_packs) sources.clear_packs();
  for (auto& pack : *sources.mutable_packs()) pack.clear_text();
  return Sha256(CanonicalBytes(sources));
}

const store::v1::StoredPack* FindPack(const store::v1::StoredPolicy& policy,
                                      const std::string& name) {
  const auto found =
      std::find_if(policy.packs().begin(), policy.packs().end(),
                   [&](const auto& pack) { return pack.name() == name; });
  return found == policy.packs().end() ? nullptr : &*found;
}

// Gives the packs of `policy` the texts that `program` has of them; all others
// of the program too, if they are wanted. Names of those that changed.
std::vector<std::string> TakePacks(const store::v1::StoredPolicy& program,
                                   bool all, store::v1::StoredPolicy* policy) {
  std::vector<std::string> changed;
  for (auto& pack : *policy->mutable_packs()) {
    const auto* brought = FindPack(program, pack.name());
    if (brought == nullptr || brought->text() == pack.text()) continue;
    pack.set_text(brought->text());
    changed.push_back(pack.name());
  }
  for (const auto& pack : program.packs()) {
    if (!all || FindPack(*policy, pack.name()) != nullptr) continue;
    *policy->add_packs() = pack;
    changed.push_back(pack.name());
  }
  std::sort(policy->mutable_packs()->begin(), policy->mutable_packs()->end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return changed;
}

// The hash of the policy's own text: another registration does not change it.
std::string EtagOf(std::string_view policy_hash) {
  return Hex(policy_hash.substr(0, 16));
}

absl::Status CheckEtag(std::string_view policy_hash, std::string_view etag) {
  if (EtagOf(policy_hash) == etag) return absl::OkStatus();
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "the policy changed; read it again");
}

absl::Status Unreadable() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a kept proposal does not parse");
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

absl::StatusOr<std::shared_ptr<const Policy>> PolicyAdmin::Compiled(
    const v1::UpdatePolicyRequest& request) const {
  store::v1::StoredPolicy sources = registry_->current()->policy().sources;
  if (!request.catalog().empty()) sources.set_catalog(request.catalog());
  if (!request.purposes().empty()) sources.set_purposes(request.purposes());
  if (!request.owner_pack().empty()) {
    sources.set_owner_pack(request.owner_pack());
  }
  return CompilePolicy(std::move(sources));
}

ConfigurationWriter::Edit PolicyAdmin::UpdateEdit(
    std::shared_ptr<const Policy> policy, std::string etag) {
  return [policy = std::move(policy), etag = std::move(etag)](
             store::Connection* writer, int64_t,
             ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(CheckEtag(draft->policy_hash, etag));
    CONSENTRY_RETURN_IF_ERROR(CheckRegistrations(writer, *policy->bundle));
    CONSENTRY_ASSIGN_OR_RETURN(draft->policy_hash,
                               WritePolicy(writer, policy->sources));
    draft->policy = policy;
    draft->details.push_back("policy=" + Hex(policy->hash));
    return absl::OkStatus();
  };
}

ConfigurationWriter::Edit PolicyAdmin::FilesEdit(
    std::shared_ptr<const Policy> policy) const {
  return [policy, hash = FilesHash(policy->sources, all_packs_)](
             store::Connection* writer, int64_t now,
             ConfigurationDraft* draft) -> absl::Status {
    if (draft->policy_hash.empty()) {
      CONSENTRY_RETURN_IF_ERROR(store::PutMetaInt64(writer, kFounded, now));
    }
    CONSENTRY_RETURN_IF_ERROR(CheckRegistrations(writer, *policy->bundle));
    CONSENTRY_ASSIGN_OR_RETURN(draft->policy_hash,
                               WritePolicy(writer, policy->sources));
    CONSENTRY_RETURN_IF_ERROR(store::PutMeta(writer, kFilesHash, hash));
    draft->policy = policy;
    draft->details.push_back("policy=" + Hex(policy->hash));
    return absl::OkStatus();
  };
}

void PolicyAdmin::WaitIn(Proposals* proposals) {
  proposals_ = proposals;
  proposals->SetBuilder("AdminService.UpdatePolicy",
                        [this](const store::v1::StoredProposal& proposal)
                            -> absl::StatusOr<ConfigurationWriter::Edit> {
                          v1::UpdatePolicyRequest kept;
                          if (!kept.ParseFromString(proposal.request()))
                            return Unreadable();
                          CONSENTRY_ASSIGN_OR_RETURN(auto policy,
                                                     Compiled(kept));
                          return UpdateEdit(std::move(policy), kept.etag());
                        });
  proposals->SetBuilder(kFilesMethod,
                        [this](const store::v1::StoredProposal& proposal)
                            -> absl::StatusOr<ConfigurationWriter::Edit> {
                          store::v1::StoredPolicy kept;
                          if (!kept.ParseFromString(proposal.request()))
                            return Unreadable();
                          // The program may have changed since.
                          TakePacks(files_, all_packs_, &kept);
                          CONSENTRY_ASSIGN_OR_RETURN(
                              auto policy, CompilePolicy(std::move(kept)));
                          return FilesEdit(std::move(policy));
                        });
}

void PolicyAdmin::Update(const CallerContext& caller,
                         const v1::UpdatePolicyRequest& request, Done done) {
  const auto current = registry_->current();
  auto compiled = Compiled(request);
  if (!compiled.ok()) {
    done(compiled.status());
    return;
  }
  const bool waits = proposals_ != nullptr && proposals_->Needed(caller);
  if (request.validate_only() || waits) {
    const absl::Status status =
        CheckEtag(current->policy().hash, request.etag());
    if (!status.ok()) {
      done(status);
      return;
    }
  }
  if (request.validate_only()) {
    done(Show(**compiled, current->hash()));
    return;
  }
  v1::UpdatePolicyRequest canonical = request;
  canonical.clear_request_id();
  auto binding = BindRequest(caller, request.request_id(), canonical);
  if (waits) {
    store::v1::StoredProposal proposal;
    proposal.set_method(caller.method);
    proposal.set_request(CanonicalBytes(canonical));
    proposal.set_target("policy");
    if (!request.catalog().empty()) proposal.add_changes("catalog");
    if (!request.purposes().empty()) proposal.add_changes("purposes");
    if (!request.owner_pack().empty()) proposal.add_changes("owner's pack");
    proposal.add_changes("policy " + Hex((*compiled)->hash));
    proposals_->Propose(
        caller, std::move(proposal), std::move(binding),
        [](const std::string& id) { return id; },
        [registry = registry_,
         done = std::move(done)](store::ChangeOutcome outcome) mutable {
          if (!outcome.status.ok()) {
            done(std::move(outcome.status));
            return;
          }
          const auto now = registry->current();
          v1::Policy shown = Show(now->policy(), now->hash());
          shown.set_proposal_id(outcome.result);
          done(std::move(shown));
        });
    return;
  }
  ConfigurationWriter::Plan plan;
  plan.caller = caller;
  // What a purpose or the owner's pack may take away is not worked out here:
  // every new policy binds the reads in flight.
  plan.negative = true;
  plan.request = std::move(binding);
  plan.edit = UpdateEdit(*compiled, request.etag());
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
                                    store::v1::StoredPolicy sources,
                                    bool all_packs) {
  files_ = sources;
  all_packs_ = all_packs;
  CallerContext self;
  self.event = "system.policy_loaded";
  const bool first = registry_->current() == nullptr;
  if (!first) CONSENTRY_RETURN_IF_ERROR(UpdatePacks());
  CONSENTRY_ASSIGN_OR_RETURN(const auto policy,
                             CompilePolicy(std::move(sources)));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string last,
                             store::GetMeta(connection, kFilesHash));
  const bool unchanged = last == FilesHash(policy->sources, all_packs_);
  if (!first && proposals_ != nullptr &&
      (unchanged || proposals_->mode() != ApprovalRules::Mode::kAtOnce)) {
    return ProposeFiles(connection, self, unchanged ? nullptr : policy.get());
  }
  if (unchanged) return absl::OkStatus();
  ConfigurationWriter::Plan plan;
  plan.caller = self;
  plan.negative = true;
  plan.edit = FilesEdit(policy);
  return writer_->CommitAndWait(std::move(plan)).status;
}

absl::Status PolicyAdmin::UpdatePacks() {
  store::v1::StoredPolicy sources = registry_->current()->policy().sources;
  std::vector<std::string> changed = TakePacks(files_, all_packs_, &sources);
  if (changed.empty()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(auto policy, CompilePolicy(std::move(sources)));
  ConfigurationWriter::Plan plan;
  plan.caller.event = "system.packs_updated";
  plan.negative = true;
  plan.edit = [policy = std::move(policy), changed = std::move(changed)](
                  store::Connection* writer, int64_t,
                  ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(CheckRegistrations(writer, *policy->bundle));
    CONSENTRY_ASSIGN_OR_RETURN(draft->policy_hash,
                               WritePolicy(writer, policy->sources));
    draft->policy = policy;
    for (const std::string& name : changed) {
      draft->details.push_back("pack=" + name);
    }
    draft->details.push_back("policy=" + Hex(policy->hash));
    return absl::OkStatus();
  };
  return writer_->CommitAndWait(std::move(plan)).status;
}

// Once for each content: an open proposal of the same files is not made again,
// one of what they no longer hold is taken back.
absl::Status PolicyAdmin::ProposeFiles(store::Connection* connection,
                                       const CallerContext& self,
                                       const Policy* policy) {
  const std::string line =
      policy == nullptr
          ? ""
          : "policy " + Hex(FilesHash(policy->sources, all_packs_));
  int64_t next = 0;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto open,
      proposals_->List(connection, v1::PROPOSAL_STATE_OPEN, INT64_MAX,
                       /*limit=*/1000, &next));
  bool proposed = policy == nullptr;
  for (const v1::Proposal& proposal : open.proposals()) {
    if (proposal.method() != kFilesMethod) continue;
    if (proposal.changes_size() == 1 && proposal.changes(0) == line) {
      proposed = true;
    } else {
      CONSENTRY_RETURN_IF_ERROR(proposals_->Supersede(proposal.id()));
    }
  }
  if (proposed) return absl::OkStatus();
  store::v1::StoredProposal proposal;
  proposal.set_method(kFilesMethod);
  proposal.set_request(CanonicalBytes(policy->sources));
  proposal.set_target("policy files");
  proposal.add_changes(line);
  return proposals_->ProposeAndWait(self, std::move(proposal));
}

}  // namespace consentry::clients
