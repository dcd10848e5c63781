#include "gateway/access/refusals.h"

#include <string>
#include <utility>

#include "proto/support/error.h"

namespace consentry::access {
namespace {

// Faults of the gateway are no decisions; they have no entry.
bool IsDecision(v1::ErrorReason reason) {
  return reason < v1::ERROR_REASON_AUDIT_UNAVAILABLE &&
         reason != v1::ERROR_REASON_UNSPECIFIED;
}

// "PURPOSE_NOT_ALLOWED".
std::string NameOf(v1::ErrorReason reason) {
  return v1::ErrorReason_Name(reason).substr(sizeof("ERROR_REASON_") - 1);
}

}  // namespace

Refusals::Refusals(store::Committer* committer, const base::Clock* clock)
    : committer_(committer), clock_(clock) {}

Refusals::~Refusals() { Flush(/*all=*/true); }

void Refusals::Record(const clients::Configuration& configuration,
                      const Caller& caller, std::string_view purpose,
                      absl::Status status,
                      absl::AnyInvocable<void(absl::Status)> done) {
  const v1::ErrorReason reason =
      ReasonOf(status).value_or(v1::ERROR_REASON_INTERNAL);
  if (!IsDecision(reason)) {
    done(std::move(status));
    return;
  }
  store::v1::Leaf leaf =
      clients::LeafOf(configuration, caller, committer_->NowUs());
  if (configuration.bundle().FindPurpose(purpose)) {
    leaf.set_purpose(std::string(purpose));
  }
  leaf.add_details("method=" + caller.method);
  leaf.add_details("refused=" + NameOf(reason));
  leaf.set_released_nothing(true);

  clients::RepeatedDenials::Key key;
  key.client = caller.client_id;
  key.method = caller.method;
  key.reason = reason;
  key.purpose = leaf.purpose();
  if (!repeated_.First(key, leaf, clock_->MonotonicUs())) {
    done(std::move(status));
    return;
  }
  Write(leaf, [status = std::move(status),
               done = std::move(done)](absl::Status written) mutable {
    done(written.ok() ? std::move(status) : std::move(written));
  });
}

void Refusals::Flush(bool all) {
  const int64_t now = all ? INT64_MAX : clock_->MonotonicUs();
  for (const store::v1::Leaf& leaf : repeated_.Due(now)) {
    Write(leaf, [](const absl::Status&) {});
  }
}

void Refusals::Write(const store::v1::Leaf& leaf,
                     absl::AnyInvocable<void(absl::Status)> done) {
  store::ReadCommit entry;
  store::v1::Leaf stamped = leaf;
  // Nothing is released on the strength of this entry, so it cannot be stale.
  entry.as_of_change = committer_->LastStored();
  entry.configuration_epoch = committer_->configuration_epoch();
  entry.decided_at_us = committer_->NowUs();
  stamped.set_time_us(entry.decided_at_us);
  entry.entry = stamped.SerializeAsString();
  committer_->CommitRead(
      std::move(entry),
      [done = std::move(done)](store::ReadOutcome outcome) mutable {
        // A stale entry means that the configuration changed meanwhile; the
        // refusal stood under the one it names, and the caller may try again.
        done(outcome.kind == store::ReadOutcome::Kind::kStale
                 ? MakeError(v1::ERROR_REASON_CONTENDED,
                             "the configuration changed; repeat the call")
                 : std::move(outcome.status));
      });
}

}  // namespace consentry::access
