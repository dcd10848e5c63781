#include "gateway/identity/people.h"

#include <chrono>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/clients/configuration.h"
#include "gateway/identity/roles.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::identity {
namespace {

constexpr base::LogEvent kKeysFetched = {base::LogLevel::kInfo, 9001,
                                         "identity.keys_read"};
constexpr base::LogEvent kKeysFailed = {base::LogLevel::kWarn, 9002,
                                        "identity.keys_not_read"};
constexpr base::LogEvent kSweepFailed = {base::LogLevel::kWarn, 9003,
                                         "identity.directory_not_swept"};

// Tokens remembered; beyond, all are forgotten and verified again.
constexpr size_t kMostRemembered = 8192;
constexpr std::chrono::seconds kRound{5};
constexpr int64_t kSweepUs = int64_t{3600} * 1'000'000;
// Names in the directory; longer ones are cut to nothing.
constexpr size_t kMaxNameBytes = 256;

std::string ShortText(const JsonObject& claims, const char* name) {
  std::string text = claims.Text(name).value_or("");
  return text.size() <= kMaxNameBytes ? text : std::string();
}

absl::Status NobodyLinked() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED, "access denied");
}

}  // namespace

People::People(Options options) : options_(std::move(options)) {
  KeySource::Fetch fetch = options_.fetch;
  if (fetch == nullptr) {
    fetch = [this](const config::v1::Issuer& issuer) {
      return FetchKeys(issuer, &stopping_);
    };
  }
  for (const config::v1::Issuer& issuer : options_.config.issuers()) {
    sources_.push_back(std::make_unique<KeySource>(issuer, fetch));
  }
  if (options_.background && !sources_.empty()) {
    keeper_ = std::make_unique<base::Periodic>(base::Constant("identity"),
                                               kRound, [this] { RunOnce(); });
    keeper_->Wake();
  }
}

People::~People() { Stop(); }

void People::Stop() {
  stopping_.store(true);
  keeper_.reset();
}

void People::RunOnce() {
  const int64_t now_us = options_.clock->NowUs();
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto fetched = sources_[i]->Refresh(now_us);
    const std::string& issuer =
        options_.config.issuers(static_cast<int>(i)).issuer();
    if (!fetched.ok()) {
      base::Log(kKeysFailed, {{"issuer", base::LogId{issuer}},
                              {"status", fetched.status()}});
    } else if (*fetched) {
      base::Log(kKeysFetched, {{"issuer", base::LogId{issuer}}});
    }
  }
  if (options_.staff == nullptr ||
      (swept_us_ != 0 && now_us - swept_us_ < kSweepUs &&
       now_us >= swept_us_)) {
    return;
  }
  swept_us_ = now_us;
  const auto sweep = [&]() -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    return options_.staff->Sweep(lease.get(), now_us);
  };
  if (const absl::Status status = sweep(); !status.ok()) {
    base::Log(kSweepFailed, {{"status", status}});
  }
}

std::shared_ptr<const People::Verified> People::Remembered(
    const std::string& hash, int64_t now_us) {
  std::shared_ptr<const Verified> found;
  {
    MutexLock lock(&mu_);
    const auto it = known_.find(hash);
    if (it == known_.end()) return nullptr;
    found = it->second;
  }
  // A key that was taken back takes its tokens with it.
  if (sources_[found->issuer]->keys(now_us) != found->keys) return nullptr;
  // So does a role that was.
  if (options_.roles != nullptr &&
      options_.roles->current() != found->mapping) {
    return nullptr;
  }
  return found;
}

absl::StatusOr<std::shared_ptr<const People::Verified>> People::Verify(
    std::string_view token, int64_t now_us) {
  const std::string hash = clients::Sha256(token);
  if (auto remembered = Remembered(hash, now_us)) {
    if (remembered->facts.expire_us + kTokenLeewayUs <= now_us) {
      return TokenError("expired");
    }
    return remembered;
  }
  CONSENTRY_ASSIGN_OR_RETURN(const ParsedToken parsed, ParseToken(token));
  const std::string named = parsed.claims.Text("iss").value_or("");
  size_t index = 0;
  while (index < sources_.size() &&
         options_.config.issuers(static_cast<int>(index)).issuer() != named) {
    ++index;
  }
  if (index == sources_.size()) return TokenError("issuer");
  const config::v1::Issuer& issuer =
      options_.config.issuers(static_cast<int>(index));
  bool allowed = false;
  for (const int algorithm : issuer.algorithms()) {
    allowed = allowed || algorithm == parsed.algorithm;
  }
  if (!allowed) return TokenError("algorithm");
  auto verified = std::make_shared<Verified>();
  verified->issuer = index;
  if (options_.roles != nullptr) verified->mapping = options_.roles->current();
  verified->keys = sources_[index]->keys(now_us);
  if (verified->keys == nullptr) return TokenError("keys");
  if (absl::Status status = verified->keys->Verify(token, parsed);
      !status.ok()) {
    if (!verified->keys->Has(parsed.key_id)) sources_[index]->Want();
    return status;
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      verified->facts,
      CheckClaims(parsed.claims,
                  {.issuer = issuer.issuer(), .audience = issuer.audience()},
                  now_us));
  if (issuer.customers()) {
    verified->roles = 1u << v1::ROLE_CUSTOMER;
  } else {
    verified->roles =
        RolesOf(verified->mapping == nullptr
                    ? issuer
                    : IssuerOf(*verified->mapping, issuer.issuer()),
                parsed.claims);
    verified->person =
        options_.pseudonyms->Of(issuer.issuer(), verified->facts.login);
    // Somebody who is nothing here is not written down.
    if (verified->roles != 0 && options_.staff != nullptr) {
      store::v1::StaffEntry seen;
      seen.set_issuer(issuer.issuer());
      seen.set_login(verified->facts.login);
      seen.set_name(ShortText(parsed.claims, "name"));
      seen.set_email(ShortText(parsed.claims, "email"));
      options_.staff->Note(verified->person, seen, now_us);
    }
  }
  MutexLock lock(&mu_);
  if (known_.size() >= kMostRemembered) known_.clear();
  known_[hash] = verified;
  return std::shared_ptr<const Verified>(std::move(verified));
}

absl::StatusOr<KnownPerson> People::Identify(
    std::string_view token, const clients::Registration& by,
    std::string_view certificate_sha256, int64_t now_us) {
  // Before the token is looked at: whoever may carry none costs nothing.
  if (by.client().may_delegate().empty()) return TokenError("not_delegated");
  CONSENTRY_ASSIGN_OR_RETURN(const auto verified, Verify(token, now_us));
  const std::string& client =
      by.client().token_client().empty() ? by.id() : by.client().token_client();
  if (verified->facts.client != client) return TokenError("client");
  if (!verified->facts.certificate_thumbprint.empty() &&
      verified->facts.certificate_thumbprint !=
          EncodeBase64Url(certificate_sha256)) {
    return TokenError("confirmation");
  }
  KnownPerson known;
  known.person.roles = by.Carries(verified->roles);
  known.person.auth_time_us = verified->facts.auth_time_us;
  if (known.person.roles == 0) return TokenError("not_delegated");
  const config::v1::Issuer& issuer =
      options_.config.issuers(static_cast<int>(verified->issuer));
  if (!issuer.customers()) {
    known.person.id = verified->person;
    return known;
  }
  known.issuer = issuer.issuer();
  known.login = verified->facts.login;
  CONSENTRY_RETURN_IF_ERROR(LinkTo(&known));
  return known;
}

absl::Status People::LinkTo(KnownPerson* known) const {
  known->links = options_.logins->generation();
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto link,
      options_.logins->Find(lease.get(), known->issuer, known->login));
  if (!link) return NobodyLinked();
  known->person.subject = link->subject;
  known->person.subject_id = link->subject_id;
  return absl::OkStatus();
}

absl::Status People::CheckStillLinked(const KnownPerson& known) const {
  if (!known.person.IsCustomer() ||
      options_.logins->generation() == known.links) {
    return absl::OkStatus();
  }
  KnownPerson again = known;
  CONSENTRY_RETURN_IF_ERROR(LinkTo(&again));
  return again.person.subject == known.person.subject ? absl::OkStatus()
                                                      : NobodyLinked();
}

std::vector<std::string> People::Warnings(int64_t now_us) const {
  std::vector<std::string> warnings;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i]->keys(now_us) != nullptr) continue;
    warnings.push_back("identity_keys_missing: " +
                       options_.config.issuers(static_cast<int>(i)).issuer());
  }
  return warnings;
}

}  // namespace consentry::identity
