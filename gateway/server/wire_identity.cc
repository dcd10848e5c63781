#include "gateway/server/wire_identity.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/clients/policy_admin.h"
#include "gateway/store/schema.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

using config::v1::StaffRole;
using config::v1::TokenAlgorithm;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kHourUs = 3600 * kSecondUs;
constexpr int kMaxIssuers = 8;
constexpr int kMaxMappings = 256;
constexpr uint32_t kDefaultSetupHours = 24;
constexpr uint32_t kMaxSetupHours = 72;
constexpr uint32_t kDefaultWaitHours = 24;
constexpr uint32_t kMaxWaitHours = 720;

void CheckMapping(const config::v1::RoleMapping& mapping,
                  const std::string& path,
                  std::vector<FieldViolation>* faults) {
  if (mapping.email().empty() && mapping.group().empty() &&
      mapping.claim().empty()) {
    faults->push_back({path, "needs an email, a group or a claim"});
  }
  if (mapping.claim().empty() != mapping.value().empty()) {
    faults->push_back({path + ".value", "goes with claim: both or neither"});
  }
  if (mapping.roles().empty()) {
    faults->push_back({path + ".roles", "is required"});
  }
  for (const int role : mapping.roles()) {
    if (role == StaffRole::UNSPECIFIED || !StaffRole::Value_IsValid(role)) {
      faults->push_back({path + ".roles", "holds no known role"});
    }
  }
}

void CheckIssuer(const config::v1::Issuer& issuer, const std::string& path,
                 std::vector<FieldViolation>* faults) {
  const auto add = [&](const char* field, const char* text) {
    faults->push_back({absl::StrCat(path, field), text});
  };
  if (!absl::StartsWith(issuer.issuer(), "https://") ||
      issuer.issuer().size() > 512) {
    add(".issuer", "must be an https URL, as `iss` of its tokens");
  }
  if (issuer.audience().empty() || issuer.audience().size() > 512) {
    add(".audience", "is required: what its tokens name this gateway");
  }
  if (issuer.algorithms().empty()) {
    add(".algorithms", "is required: RS256, PS256, ES256 or EDDSA");
  }
  for (const int algorithm : issuer.algorithms()) {
    if (algorithm == TokenAlgorithm::UNSPECIFIED ||
        !TokenAlgorithm::Value_IsValid(algorithm)) {
      add(".algorithms", "holds none of RS256, PS256, ES256, EDDSA");
    }
  }
  if (issuer.keys_case() == config::v1::Issuer::KEYS_NOT_SET) {
    add("", "needs jwks_file or jwks_url");
  } else if (issuer.has_jwks_url() &&
             !absl::StartsWith(issuer.jwks_url(), "https://")) {
    add(".jwks_url", "must be an https URL");
  } else if (issuer.has_jwks_file() && issuer.jwks_file().empty()) {
    add(".jwks_file", "is empty");
  }
  if (issuer.refresh_minutes() > 1440) add(".refresh_minutes", "1 to 1440");
  if (issuer.stale_hours() > 720) add(".stale_hours", "1 to 720");
  if (issuer.customers() && !issuer.roles().empty()) {
    add(".roles", "customers have none: they are linked one by one");
  }
  if (issuer.roles_size() > kMaxMappings) add(".roles", "at most 256");
  for (int i = 0; i < issuer.roles_size() && i < kMaxMappings; ++i) {
    CheckMapping(issuer.roles(i), absl::StrCat(path, ".roles[", i, "]"),
                 faults);
  }
}

}  // namespace

std::vector<FieldViolation> CheckIdentity(
    const config::v1::GatewayConfig& message) {
  std::vector<FieldViolation> faults;
  const config::v1::Identity& identity = message.identity();
  if (identity.issuers_size() > kMaxIssuers) {
    faults.push_back({"identity.issuers", "at most 8"});
  }
  std::set<std::string> seen;
  for (int i = 0; i < identity.issuers_size() && i < kMaxIssuers; ++i) {
    const std::string path = absl::StrCat("identity.issuers[", i, "]");
    CheckIssuer(identity.issuers(i), path, &faults);
    if (!seen.insert(identity.issuers(i).issuer()).second) {
      faults.push_back({path + ".issuer", "stands twice"});
    }
  }
  if (identity.staff_retention_months() > 120) {
    faults.push_back({"identity.staff_retention_months", "1 to 120"});
  }
  const config::v1::Approvals& approvals = message.approvals();
  if (approvals.setup_hours() > kMaxSetupHours) {
    faults.push_back({"approvals.setup_hours", "0 to 72"});
  }
  if (approvals.wait_hours() != 0 &&
      (approvals.wait_hours() < kDefaultWaitHours ||
       approvals.wait_hours() > kMaxWaitHours)) {
    faults.push_back({"approvals.wait_hours", "24 to 720"});
  }
  return faults;
}

void FillIdentityDefaults(config::v1::GatewayConfig* message) {
  if (message->has_identity()) {
    config::v1::Identity* identity = message->mutable_identity();
    if (identity->staff_retention_months() == 0) {
      identity->set_staff_retention_months(36);
    }
    for (config::v1::Issuer& issuer : *identity->mutable_issuers()) {
      if (issuer.refresh_minutes() == 0) issuer.set_refresh_minutes(15);
      if (issuer.stale_hours() == 0) issuer.set_stale_hours(24);
    }
  }
  config::v1::Approvals* approvals = message->mutable_approvals();
  if (!approvals->has_setup_hours()) {
    approvals->set_setup_hours(kDefaultSetupHours);
  }
  if (approvals->wait_hours() == 0) {
    approvals->set_wait_hours(kDefaultWaitHours);
  }
}

absl::StatusOr<clients::ApprovalRules> ApprovalRulesOf(
    const config::v1::GatewayConfig& message, bool dev,
    store::Connection* connection) {
  const config::v1::Approvals& approvals = message.approvals();
  clients::ApprovalRules rules;
  rules.mode = message.single_operator()
                   ? clients::ApprovalRules::Mode::kAfterWait
                   : clients::ApprovalRules::Mode::kByAnother;
  rules.wait_us = int64_t{approvals.wait_hours()} * kHourUs;
  if (dev) {
    rules.wait_us = int64_t{approvals.dev_wait_seconds()} * kSecondUs;
    if (rules.wait_us == 0) {
      rules.mode = clients::ApprovalRules::Mode::kAtOnce;
    }
    return rules;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const int64_t founded_us,
      store::GetMetaInt64(connection, clients::kFounded));
  if (founded_us != 0) {
    rules.setup_ends_us =
        founded_us + int64_t{approvals.setup_hours()} * kHourUs;
  }
  return rules;
}

namespace {

identity::LoginDesk::Options DeskOptions(IdentityParts::Options options,
                                         identity::Logins* logins) {
  options.desk.logins = logins;
  for (const config::v1::Issuer& issuer : options.config->issuers()) {
    if (issuer.customers()) options.desk.issuers.insert(issuer.issuer());
  }
  return std::move(options.desk);
}

}  // namespace

IdentityParts::IdentityParts(Options options)
    : pseudonyms_(*options.root),
      logins_(options.epochs, options.desk.slots),
      staff_({.epochs = options.epochs,
              .committer = options.desk.committer,
              .configuration = options.desk.configuration,
              .retention_months = options.config->staff_retention_months()}),
      desk_(DeskOptions(options, &logins_)),
      people_(std::make_unique<identity::People>(
          identity::People::Options{.config = *options.config,
                                    .roles = options.roles,
                                    .pseudonyms = &pseudonyms_,
                                    .staff = &staff_,
                                    .logins = &logins_,
                                    .readers = options.desk.readers,
                                    .clock = options.clock})) {}

}  // namespace consentry::server
