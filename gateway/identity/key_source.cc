#include "gateway/identity/key_source.h"

#include <utility>

#include "audit/io/file.h"
#include "gateway/identity/fetch.h"

namespace consentry::identity {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMinuteUs = 60 * kSecondUs;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kRetryUs = 30 * kSecondUs;

}  // namespace

KeySource::KeySource(const config::v1::Issuer& issuer, Fetch fetch)
    : issuer_(issuer), fetch_(std::move(fetch)) {}

std::shared_ptr<const KeySet> KeySource::keys(int64_t now_us) const {
  MutexLock lock(&mu_);
  const int64_t most_us = int64_t{issuer_.stale_hours()} * kHourUs;
  return keys_ != nullptr && now_us - fetched_us_ <= most_us ? keys_ : nullptr;
}

void KeySource::Want() {
  MutexLock lock(&mu_);
  wanted_ = true;
}

absl::StatusOr<bool> KeySource::Refresh(int64_t now_us) {
  {
    MutexLock lock(&mu_);
    int64_t wait_us = issuer_.has_jwks_file()
                          ? kMinuteUs
                          : int64_t{issuer_.refresh_minutes()} * kMinuteUs;
    if (failed_) wait_us = kRetryUs;
    if (wanted_ && wait_us > kMinuteUs) wait_us = kMinuteUs;
    // A clock that was set back must not stop the fetching.
    if (tried_ && now_us - tried_us_ < wait_us && now_us >= tried_us_) {
      return false;
    }
    tried_ = true;
    tried_us_ = now_us;
    wanted_ = false;
  }
  absl::StatusOr<std::string> text = fetch_(issuer_);
  auto keys =
      text.ok() ? KeySet::Parse(*text)
                : absl::StatusOr<std::shared_ptr<const KeySet>>(text.status());
  MutexLock lock(&mu_);
  failed_ = !keys.ok();
  if (!keys.ok()) return keys.status();
  // The same keys stay the same object: what was verified with it stays so.
  if (keys_ == nullptr || keys_->digest() != (*keys)->digest()) {
    keys_ = *std::move(keys);
  }
  fetched_us_ = now_us;
  return true;
}

absl::StatusOr<std::string> FetchKeys(const config::v1::Issuer& issuer,
                                      const std::atomic<bool>* cancelled) {
  if (issuer.has_jwks_file()) {
    return audit::ReadFile(audit::FileSystem::Posix(), issuer.jwks_file(),
                           kMaxKeySetBytes);
  }
  return HttpsGet(issuer.jwks_url(), {.authorities = issuer.authorities(),
                                      .most_bytes = kMaxKeySetBytes,
                                      .cancelled = cancelled});
}

}  // namespace consentry::identity
