#include "gateway/rpc/pipeline.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gateway/identity/token.h"
#include "gateway/rpc/error_map.h"
#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

constexpr char kPrivacySignal[] = "sec-gpc";
constexpr char kAuthorization[] = "authorization";
constexpr std::string_view kBearer = "Bearer ";

// Absent deadlines lie centuries ahead: clamped before any arithmetic.
int64_t MicrosecondsLeft(const grpc::ServerContextBase& context,
                         int64_t most_us) {
  const auto left = context.deadline() - std::chrono::system_clock::now();
  if (left >= std::chrono::microseconds(most_us)) return most_us;
  return std::chrono::duration_cast<std::chrono::microseconds>(left).count();
}

absl::Status PermissionMissing(const Method& method) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_PERMISSION_MISSING,
                "the registration does not hold the method's permission");
  AddErrorMetadata(&status, "permission", method.permission_name);
  return status;
}

clients::PermissionSet PermissionsOf(const clients::Registration& registration,
                                     const clients::Person* person) {
  return person == nullptr ? registration.permissions()
                           : registration.PermissionsFor(person->roles);
}

constexpr int64_t kUnboundedUs = int64_t{366} * 24 * 3600 * 1'000'000;

}  // namespace

absl::StatusOr<clients::Caller> CallInfo::Refresh() const {
  auto caller =
      registry_->Authenticate(caller_.registration->key(), clock_->NowUs());
  if (!caller.ok()) return caller;
  if (!PermissionsOf(*caller->registration, person())
           .Contains(method_->permission)) {
    return PermissionMissing(*method_);
  }
  if (known_.has_value()) {
    if (absl::Status status = people_->CheckStillLinked(*known_);
        !status.ok()) {
      return status;
    }
  }
  return caller;
}

absl::Status CallInfo::CheckAlive() const {
  if (!Expired()) return absl::OkStatus();
  if (stopping_ != nullptr && stopping_->load(std::memory_order_relaxed)) {
    return MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping");
  }
  return MakeError(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                   "the call was cancelled or its time is up");
}

Pipeline::Pipeline(const clients::Registry* registry,
                   const MethodTable* methods, RefusalSink* refusals,
                   const base::Clock* clock, Options options)
    : registry_(registry),
      methods_(methods),
      refusals_(refusals),
      clock_(clock),
      options_(options),
      authenticator_(registry),
      latency_(options.metrics->GetHistogram("consentry_call_seconds",
                                             "Time from arrival to hand-over")),
      answered_(options.metrics->GetCounter("consentry_calls_total",
                                            "Calls by outcome",
                                            {{"outcome", "answered"}})),
      failed_(options.metrics->GetCounter("consentry_calls_total",
                                          "Calls by outcome",
                                          {{"outcome", "failed"}})),
      refused_(options.metrics->GetCounter("consentry_calls_total",
                                           "Calls by outcome",
                                           {{"outcome", "refused"}})) {}

Pipeline::~Pipeline() = default;

absl::Status Pipeline::Refuse(const clients::Configuration* configuration,
                              const clients::Registration* registration,
                              const Method& method, absl::Status status) {
  refused_->Add();
  if (configuration != nullptr) {
    refusals_->Record(*configuration, method,
                      registration == nullptr ? "" : registration->id(),
                      status);
  }
  return status;
}

absl::Status Pipeline::Admit(const grpc::ServerContextBase& context,
                             bool bounded, CallInfo* info) {
  info->arrived_us_ = clock_->NowUs();
  const int64_t monotonic_us = clock_->MonotonicUs();
  info->arrived_monotonic_us_ = monotonic_us;
  if (stopping_.load(std::memory_order_acquire)) {
    return MakeError(v1::ERROR_REASON_STOPPING, "the gateway is stopping");
  }
  info->deadline_us_ =
      monotonic_us +
      MicrosecondsLeft(context, bounded ? options_.max_call_us : kUnboundedUs);
  if (!bounded) info->stopping_ = &stopping_;
  if (info->deadline_us_ <= monotonic_us) {
    return MakeError(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                     "the call's time was up when it arrived");
  }

  PeerKey key;
  absl::StatusOr<clients::Caller> caller =
      authenticator_.Authenticate(context, info->arrived_us_, &key);
  if (!caller.ok()) {
    // Named in the entry although it is no caller any more.
    const auto configuration = registry_->current();
    return Refuse(
        configuration.get(),
        configuration == nullptr ? nullptr : configuration->FindByKey(key.key),
        info->method(), std::move(caller).status());
  }
  info->caller_ = *std::move(caller);
  const clients::Configuration* configuration =
      info->caller_.configuration.get();
  const clients::Registration& registration = *info->caller_.registration;
  const auto refuse = [&](absl::Status status) {
    return Refuse(configuration, &registration, info->method(),
                  std::move(status));
  };
  const bool has_token = context.client_metadata().count(kAuthorization) > 0;
  if (has_token) {
    // Looking at a token costs more than all else here.
    absl::Status status = TakeRate(registration, monotonic_us);
    if (status.ok()) status = Identify(context, key, info);
    if (!status.ok()) return refuse(std::move(status));
  } else if (registration.client().context_rules().token_required()) {
    return refuse(MakeError(v1::ERROR_REASON_TOKEN_REQUIRED,
                            "the registration demands a token with each call"));
  }
  const clients::PermissionSet permissions =
      PermissionsOf(registration, info->person());
  if (!permissions.Contains(info->method().permission)) {
    return refuse(PermissionMissing(info->method()));
  }
  if (!has_token) {
    if (absl::Status status = TakeRate(registration, monotonic_us);
        !status.ok()) {
      return refuse(std::move(status));
    }
  }

  static const clients::PermissionSet explain =
      *clients::PermissionSet::Of("decisions.explain");
  info->may_explain_ = permissions.Contains(explain);
  const auto& metadata = context.client_metadata();
  const auto [from, to] = metadata.equal_range(kPrivacySignal);
  for (auto it = from; it != to; ++it) {
    if (it->second == "1") info->global_privacy_control_ = true;
  }
  return absl::OkStatus();
}

absl::Status Pipeline::TakeRate(const clients::Registration& registration,
                                int64_t monotonic_us) {
  const int64_t wait_us = registration.use().rate.Take(monotonic_us);
  if (wait_us <= 0) return absl::OkStatus();
  absl::Status status = MakeError(v1::ERROR_REASON_RATE_LIMITED,
                                  "more calls than the registration allows");
  AddErrorMetadata(&status, "retry_after_ms",
                   std::to_string((wait_us + 999) / 1000));
  return status;
}

absl::Status Pipeline::Identify(const grpc::ServerContextBase& context,
                                const PeerKey& key, CallInfo* info) const {
  const auto [from, to] = context.client_metadata().equal_range(kAuthorization);
  const std::string_view text(from->second.data(), from->second.size());
  // RFC 6750: one token, its scheme in any case.
  if (std::next(from) != to || text.size() <= kBearer.size() ||
      !absl::EqualsIgnoreCase(
          absl::string_view(text.data(), kBearer.size()),
          absl::string_view(kBearer.data(), kBearer.size()))) {
    return identity::TokenError("form");
  }
  if (options_.people == nullptr) return identity::TokenError("not_configured");
  auto known = options_.people->Identify(
      text.substr(kBearer.size()), *info->caller_.registration,
      std::string_view(reinterpret_cast<const char*>(key.certificate.data()),
                       key.certificate.size()),
      info->arrived_us_);
  if (!known.ok()) return std::move(known).status();
  info->people_ = options_.people;
  info->known_ = *std::move(known);
  return absl::OkStatus();
}

absl::Status Pipeline::BeforeRelease(const CallInfo& info,
                                     const absl::Status& status) const {
  if (!status.ok() || !(info.method().releases || info.IsCustomer())) {
    return status;
  }
  return info.Refresh().status();
}

void Pipeline::NoteRefusal(const CallInfo& info, const absl::Status& status) {
  const auto reason = ReasonOf(status);
  if (!reason || *reason < v1::ERROR_REASON_CLIENT_UNKNOWN ||
      *reason >= v1::ERROR_REASON_VALUE_MALFORMED) {
    return;
  }
  refusals_->Record(info.configuration(), info.method(),
                    info.registration().id(), status);
}

grpc::Status Pipeline::Finish(const CallInfo& info,
                              const absl::Status& status) {
  if (status.ok()) {
    answered_->Add();
  } else {
    failed_->Add();
  }
  latency_->ObserveUs(clock_->MonotonicUs() - info.arrived_monotonic_us_);
  return ToGrpcStatus(status, info.may_explain(), info.method().name);
}

void Pipeline::Enter() { in_flight_.fetch_add(1, std::memory_order_acq_rel); }

void Pipeline::Leave() {
  if (in_flight_.fetch_sub(1, std::memory_order_acq_rel) == 1 &&
      stopping_.load(std::memory_order_acquire)) {
    MutexLock lock(&mu_);
    idle_.SignalAll();
  }
}

bool Pipeline::WaitIdle(int64_t timeout_us) {
  const int64_t end_us = clock_->MonotonicUs() + timeout_us;
  MutexLock lock(&mu_);
  while (in_flight_.load(std::memory_order_acquire) > 0) {
    const int64_t left_us = end_us - clock_->MonotonicUs();
    if (left_us <= 0) return false;
    idle_.WaitFor(
        &mu_, std::chrono::microseconds(std::min<int64_t>(left_us, 100'000)));
  }
  return true;
}

}  // namespace consentry::rpc
