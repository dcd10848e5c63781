#include "gateway/upkeep/configuration_replay.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/clients/client_table.h"
#include "gateway/clients/configuration.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::upkeep {
namespace {

// Whatever may change registrations, purposes in use, or the policy.
constexpr std::string_view kEvents[] = {
    "admin.suspend",        "client.renew",
    "client.revoke",        "client.update",
    "policy.update",        "proposal.approve",
    "system.policy_loaded", "system.proposal_effective"};

// What follows `name` in the first detail of that name; empty: there is none.
std::string Detail(const store::v1::Leaf& leaf, std::string_view name) {
  for (const std::string& detail : leaf.details()) {
    if (detail.size() > name.size() + 1 &&
        std::string_view(detail).substr(0, name.size()) == name &&
        detail[name.size()] == '=') {
      return detail.substr(name.size() + 1);
    }
  }
  return "";
}

bool IsAnotherAdmin(const v1::Client& client, const v1::Client& than,
                    int64_t now_us) {
  return client.id() != than.id() && client.role() == v1::ROLE_ADMIN &&
         client.state() == v1::CLIENT_STATE_ACTIVE &&
         MicrosOf(client.expire_time()) > now_us;
}

}  // namespace

void ConfigurationReplay::Add(const store::v1::Leaf& leaf) {
  if (std::find(std::begin(kEvents), std::end(kEvents), leaf.event()) ==
      std::end(kEvents)) {
    return;
  }
  const std::string state = Detail(leaf, "state");
  if (std::string policy = Detail(leaf, "policy"); !policy.empty()) {
    policy_ = std::move(policy);
  }
  if (std::string purpose = Detail(leaf, "purpose");
      !purpose.empty() && state == "suspended") {
    purposes_.insert(std::move(purpose));
  }
  std::string client = Detail(leaf, "client");
  if (client.empty() || state == "active") return;
  if (state == "revoked") {
    revoked_.insert(std::move(client));
  } else if (state == "suspended") {
    suspended_.insert(std::move(client));
  } else {
    changed_.insert(std::move(client));
  }
}

absl::StatusOr<ConfigurationReplay::Counts> ConfigurationReplay::Apply(
    store::ChangeContext& context, std::string_view engine_version,
    store::v1::Leaf* leaf) const {
  store::Connection* const writer = context.connection();
  const int64_t now_us = context.now_us();
  Counts counts;
  // True when it was there to be changed.
  const auto set = [&](const std::string& id,
                       v1::ClientState state) -> absl::StatusOr<bool> {
    auto client = clients::ReadClient(writer, id);
    // Registered after the backup: nobody any more.
    if (absl::IsNotFound(client.status())) return false;
    CONSENTRY_RETURN_IF_ERROR(client.status());
    if (client->state() == v1::CLIENT_STATE_REVOKED) return false;
    client->set_state(state);
    client->set_version(client->version() + 1);
    SetTime(now_us, client->mutable_update_time());
    CONSENTRY_RETURN_IF_ERROR(clients::ReplaceClient(writer, *client));
    leaf->add_details("client=" + id);
    return true;
  };
  for (const std::string& id : revoked_) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool done,
                               set(id, v1::CLIENT_STATE_REVOKED));
    counts.revoked += done;
  }
  for (const std::string& id : suspended_) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool done,
                               set(id, v1::CLIENT_STATE_SUSPENDED));
    counts.suspended += done;
  }
  for (const std::string& id : changed_) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto all, clients::ReadClients(writer));
    const auto own = std::find_if(
        all.begin(), all.end(),
        [&](const v1::Client& client) { return client.id() == id; });
    if (own == all.end()) continue;
    if (own->role() == v1::ROLE_ADMIN &&
        std::none_of(all.begin(), all.end(), [&](const v1::Client& client) {
          return IsAnotherAdmin(client, *own, now_us);
        })) {
      ++counts.left;
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const bool done,
                               set(id, v1::CLIENT_STATE_SUSPENDED));
    counts.suspended += done;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const store::v1::StoredBundle bundle,
                             clients::ReadNewestBundle(writer));
  std::set<std::string> purposes = purposes_;
  if (!policy_.empty() &&
      policy_ != absl::BytesToHexString(bundle.policy_hash())) {
    counts.policy_lost = true;
    CONSENTRY_ASSIGN_OR_RETURN(
        store::v1::StoredPolicy sources,
        clients::ReadPolicy(writer, bundle.policy_hash()));
    CONSENTRY_ASSIGN_OR_RETURN(const auto policy,
                               clients::CompilePolicy(std::move(sources)));
    for (const auto& purpose : policy->bundle->purposes().purposes()) {
      purposes.insert(purpose.key());
    }
  }
  const size_t before = static_cast<size_t>(bundle.suspended_purposes_size());
  purposes.insert(bundle.suspended_purposes().begin(),
                  bundle.suspended_purposes().end());
  counts.purposes = static_cast<int64_t>(purposes.size() - before);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string hash,
      clients::WriteBundle(writer, context.number(), bundle.policy_hash(),
                           {purposes.begin(), purposes.end()}, engine_version));
  leaf->set_bundle_hash(hash);
  leaf->add_details(absl::StrCat("revoked=", counts.revoked));
  leaf->add_details(absl::StrCat("suspended=", counts.suspended));
  leaf->add_details(absl::StrCat("left=", counts.left));
  leaf->add_details(absl::StrCat("purposes_suspended=", counts.purposes));
  context.TouchConfiguration();
  context.MarkNegative();
  return counts;
}

}  // namespace consentry::upkeep
