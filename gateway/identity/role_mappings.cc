#include "gateway/identity/role_mappings.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/clients/configuration.h"
#include "gateway/store/schema.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::identity {
namespace {

using config::v1::Identity;
using config::v1::Issuer;

// meta: the Identity in force, serialised.
constexpr std::string_view kMappingKey = "role_mapping";

constexpr char kMethod[] = "system.role_mapping";
constexpr char kEvent[] = "system.role_mapping_loaded";

// What gives power, of all that is configured.
Identity MappingOf(const Identity& configured) {
  Identity mapping;
  for (const Issuer& issuer : configured.issuers()) {
    if (issuer.roles().empty()) continue;
    Issuer* kept = mapping.add_issuers();
    kept->set_issuer(issuer.issuer());
    *kept->mutable_roles() = issuer.roles();
  }
  std::sort(
      mapping.mutable_issuers()->begin(), mapping.mutable_issuers()->end(),
      [](const auto& a, const auto& b) { return a.issuer() < b.issuer(); });
  return mapping;
}

std::string HashOf(const Identity& mapping) {
  return absl::BytesToHexString(
      clients::Sha256(clients::CanonicalBytes(mapping)));
}

// For whoever approves: "https://login.example group=admins: ADMIN".
std::set<std::string> LinesOf(const Identity& mapping) {
  std::set<std::string> lines;
  for (const Issuer& issuer : mapping.issuers()) {
    for (const auto& rule : issuer.roles()) {
      std::string line = issuer.issuer();
      if (!rule.email().empty())
        absl::StrAppend(&line, " email=", rule.email());
      if (!rule.group().empty())
        absl::StrAppend(&line, " group=", rule.group());
      if (!rule.claim().empty()) {
        absl::StrAppend(&line, " ", absl::StrJoin(rule.claim(), "."), "=",
                        rule.value());
      }
      std::vector<std::string> roles;
      for (const int role : rule.roles()) {
        roles.push_back(config::v1::StaffRole::Value_Name(
            static_cast<config::v1::StaffRole::Value>(role)));
      }
      absl::StrAppend(&line, ": ", absl::StrJoin(roles, ", "));
      lines.insert(std::move(line));
    }
  }
  return lines;
}

}  // namespace

const Issuer& IssuerOf(const Identity& mapping, std::string_view issuer) {
  for (const Issuer& kept : mapping.issuers()) {
    if (kept.issuer() == issuer) return kept;
  }
  return Issuer::default_instance();
}

RoleMappings::RoleMappings(clients::ConfigurationWriter* writer,
                           clients::Proposals* proposals)
    : writer_(writer),
      proposals_(proposals),
      mapping_(std::make_shared<const Identity>()) {
  proposals->SetBuilder(
      kMethod,
      [this](const store::v1::StoredProposal& proposal)
          -> absl::StatusOr<clients::ConfigurationWriter::Edit> {
        Identity mapping;
        if (!mapping.ParseFromString(proposal.request())) {
          return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                           "a kept proposal does not parse");
        }
        return EditTo(std::move(mapping));
      });
}

clients::ConfigurationWriter::Edit RoleMappings::EditTo(Identity mapping) {
  return [this, mapping = std::make_shared<const Identity>(std::move(mapping))](
             store::Connection* writer, int64_t,
             clients::ConfigurationDraft* draft) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(
        store::PutMeta(writer, kMappingKey, clients::CanonicalBytes(*mapping)));
    draft->details.push_back("roles=" + HashOf(*mapping));
    draft->on_stored = [this, mapping] {
      MutexLock lock(&mu_);
      mapping_ = mapping;
    };
    return absl::OkStatus();
  };
}

absl::Status RoleMappings::Load(store::Connection* connection,
                                const Identity& configured, bool first) {
  const Identity wanted = MappingOf(configured);
  CONSENTRY_ASSIGN_OR_RETURN(const std::string kept,
                             store::GetMeta(connection, kMappingKey));
  Identity in_force;
  if (!in_force.ParseFromString(kept)) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "the kept mapping of roles does not parse");
  }
  {
    MutexLock lock(&mu_);
    mapping_ = std::make_shared<const Identity>(in_force);
  }
  const bool alike = HashOf(wanted) == HashOf(in_force);
  if (alike ||
      (!first && proposals_->mode() != clients::ApprovalRules::Mode::kAtOnce)) {
    return Propose(connection, wanted, in_force);
  }
  clients::ConfigurationWriter::Plan plan;
  plan.caller.event = kEvent;
  plan.negative = true;
  plan.edit = EditTo(wanted);
  return writer_->CommitAndWait(std::move(plan)).status;
}

absl::Status RoleMappings::Propose(store::Connection* connection,
                                   const Identity& wanted,
                                   const Identity& in_force) {
  const std::string hash = HashOf(wanted);
  const std::string name = "mapping " + hash;
  int64_t next = 0;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto open,
      proposals_->List(connection, v1::PROPOSAL_STATE_OPEN, INT64_MAX,
                       /*limit=*/1000, &next));
  bool proposed = hash == HashOf(in_force);
  for (const v1::Proposal& proposal : open.proposals()) {
    if (proposal.method() != kMethod) continue;
    if (!proposed && proposal.changes_size() > 0 &&
        proposal.changes(0) == name) {
      proposed = true;
    } else {
      CONSENTRY_RETURN_IF_ERROR(proposals_->Supersede(proposal.id()));
    }
  }
  if (proposed) return absl::OkStatus();
  store::v1::StoredProposal proposal;
  proposal.set_method(kMethod);
  proposal.set_request(clients::CanonicalBytes(wanted));
  proposal.set_target("mapping of roles");
  proposal.add_changes(name);
  const std::set<std::string> before = LinesOf(in_force);
  const std::set<std::string> after = LinesOf(wanted);
  for (const std::string& line : after) {
    if (!before.contains(line)) proposal.add_changes("adds " + line);
  }
  for (const std::string& line : before) {
    if (!after.contains(line)) proposal.add_changes("removes " + line);
  }
  clients::CallerContext self;
  self.event = kEvent;
  return proposals_->ProposeAndWait(self, std::move(proposal));
}

}  // namespace consentry::identity
