#ifndef CONSENTRY_GATEWAY_RPC_CALL_H_
#define CONSENTRY_GATEWAY_RPC_CALL_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/clients/person.h"
#include "gateway/clients/registry.h"
#include "gateway/identity/people.h"
#include "gateway/rpc/method_table.h"
#include "gateway/store/release_ticket.h"

namespace consentry::rpc {

// What a handler knows of a call beside its request. Lives until the call's
// completion was run. Names no peer and no address.
class CallInfo {
 public:
  CallInfo(const Method* method, const clients::Registry* registry,
           const base::Clock* clock)
      : method_(method), registry_(registry), clock_(clock) {}
  CallInfo(const CallInfo&) = delete;
  CallInfo& operator=(const CallInfo&) = delete;

  const Method& method() const { return *method_; }

  // Who called, under the configuration that the call was admitted under.
  const clients::Caller& caller() const { return caller_; }
  const clients::Registration& registration() const {
    return *caller_.registration;
  }
  const clients::Configuration& configuration() const {
    return *caller_.configuration;
  }
  // The same caller under the configuration in force now, for another try
  // after the first snapshot went stale and for the next chunk of a stream.
  // PERMISSION_MISSING when the method's was taken away meanwhile,
  // ACCESS_DENIED when a customer's login was unlinked.
  absl::StatusOr<clients::Caller> Refresh() const;

  // Whose token the call carries; null: the client speaks for itself.
  const clients::Person* person() const {
    return known_.has_value() ? &known_->person : nullptr;
  }
  bool IsCustomer() const { return known_ && known_->person.IsCustomer(); }
  // The call has a service's powers: those of a registration that is one, or of
  // its own staff. Otherwise it has those of an office, or of a customer.
  bool IsService() const {
    return known_ ? known_->person.Is(v1::ROLE_SERVICE)
                  : registration().client().role() == v1::ROLE_SERVICE;
  }

  // The metadata of the call holds "sec-gpc: 1".
  bool global_privacy_control() const { return global_privacy_control_; }
  // Reasons about the subject may be told.
  bool may_explain() const { return may_explain_; }

  // Wall clock at arrival, microseconds.
  int64_t arrived_us() const { return arrived_us_; }
  // The earlier of the caller's deadline and the server's own bound, on the
  // monotonic clock. Nothing stops a handler: one that takes several steps asks
  // Expired() between them, before its last point of return.
  int64_t deadline_us() const { return deadline_us_; }
  // A stream is also expired once the gateway stops.
  bool Expired() const {
    return cancelled_.load(std::memory_order_relaxed) ||
           clock_->MonotonicUs() >= deadline_us_ ||
           (stopping_ != nullptr && stopping_->load(std::memory_order_relaxed));
  }
  // STOPPING or DEADLINE_EXCEEDED when Expired().
  absl::Status CheckAlive() const;

 private:
  friend class Pipeline;
  friend class CallBase;

  const Method* const method_;
  const clients::Registry* const registry_;
  const base::Clock* const clock_;
  clients::Caller caller_;
  const identity::People* people_ = nullptr;
  std::optional<identity::KnownPerson> known_;
  bool global_privacy_control_ = false;
  bool may_explain_ = false;
  int64_t arrived_us_ = 0;
  int64_t arrived_monotonic_us_ = 0;
  int64_t deadline_us_ = INT64_MAX;
  std::atomic<bool> cancelled_{false};
  const std::atomic<bool>* stopping_ = nullptr;
};

// Of the reads whose answer a call hands over.
using Tickets = std::vector<store::ReleaseTicket>;

// The receiver of a Completion.
class Completer {
 public:
  // Hands the answer over, or the error, and lets the tickets go after that.
  // Called once.
  virtual void Complete(const absl::Status& status, Tickets tickets) = 0;

 protected:
  ~Completer() = default;
};

// Ends one call, once, from any thread. An answer that tickets stand for comes
// with them: the call lets them go when the transport has it, which may be
// after operator() returned. Neither request, response nor CallInfo may be
// touched any more. One that is destroyed unused ends its call with INTERNAL.
// Movable.
class Completion {
 public:
  explicit Completion(Completer* call) : call_(call) {}
  Completion(Completion&& other) noexcept
      : call_(std::exchange(other.call_, nullptr)) {}
  Completion& operator=(Completion&&) = delete;
  ~Completion() {
    if (call_ != nullptr) {
      call_->Complete(absl::InternalError("a handler dropped its call"), {});
    }
  }

  void operator()(const absl::Status& status, Tickets tickets = {}) {
    std::exchange(call_, nullptr)->Complete(status, std::move(tickets));
  }

 private:
  Completer* call_;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_CALL_H_
