#ifndef CONSENTRY_GATEWAY_RPC_PIPELINE_H_
#define CONSENTRY_GATEWAY_RPC_PIPELINE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/clients/registry.h"
#include "gateway/identity/people.h"
#include "gateway/rpc/authn.h"
#include "gateway/rpc/call.h"
#include "gateway/rpc/method_table.h"
#include "proto/support/mutex.h"

namespace consentry::rpc {

// Where refusals of callers are told: no permission, over the rate, unknown.
class RefusalSink {
 public:
  virtual ~RefusalSink() = default;
  // `client_id` is empty for a caller that no registration knows. Does not
  // block; nothing waits for it, since nothing is released.
  virtual void Record(const clients::Configuration& configuration,
                      const Method& method, std::string_view client_id,
                      const absl::Status& status) = 0;
};

// What every call passes before its handler and after it, in this order:
// stopping? -> deadline -> authenticate -> (with a token: rate, person) ->
// permission -> rate -> (bind to the person, validate, handle: UnaryCall and
// its siblings) -> still registered, still linked? -> error map. Never blocks.
// Safe for many threads; outlives every call.
class Pipeline {
 public:
  struct Options {
    // Longest time of one unary call; streams have no bound of their own.
    int64_t max_call_us = 10'000'000;
    base::MetricRegistry* metrics = base::MetricRegistry::Global();
    // Who the tokens of calls stand for; null: no call may carry one.
    identity::People* people = nullptr;
  };

  // All arguments outlive the pipeline.
  Pipeline(const clients::Registry* registry, const MethodTable* methods,
           RefusalSink* refusals, const base::Clock* clock, Options options);
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;
  ~Pipeline();

  const MethodTable& methods() const { return *methods_; }
  const clients::Registry* registry() const { return registry_; }
  const base::Clock* clock() const { return clock_; }

  // Fills `info`, or says why the call is not admitted. `bounded`: the longest
  // time of a call holds, and a stop waits for it; otherwise it is a stream.
  absl::Status Admit(const grpc::ServerContextBase& context, bool bounded,
                     CallInfo* info);

  // Right before an answer is handed over: what a handler ended with, or the
  // reason why its caller may no longer have it.
  absl::Status BeforeRelease(const CallInfo& info,
                             const absl::Status& status) const;

  // For handlers whose part below writes no entry about what it refuses: one
  // about this status, if it is a refusal and no fault. Does not wait for it.
  void NoteRefusal(const CallInfo& info, const absl::Status& status);

  // Counts the outcome and translates it.
  grpc::Status Finish(const CallInfo& info, const absl::Status& status);

  // From now on calls are answered STOPPING, and streams count as expired.
  void Stop() { stopping_.store(true, std::memory_order_release); }
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  // Calls between Admit and the end of their reactor. Streams and slow
  // handlers keep a stop waiting; WaitIdle says whether all ended in time.
  void Enter();
  void Leave();
  bool WaitIdle(int64_t timeout_us);

 private:
  absl::Status Refuse(const clients::Configuration* configuration,
                      const clients::Registration* registration,
                      const Method& method, absl::Status status);

  // RATE_LIMITED when the registration has used up its calls.
  static absl::Status TakeRate(const clients::Registration& registration,
                               int64_t monotonic_us);
  // Who stands behind the call, if it carries a token.
  absl::Status Identify(const grpc::ServerContextBase& context,
                        const PeerKey& key, CallInfo* info) const;

  const clients::Registry* const registry_;
  const MethodTable* const methods_;
  RefusalSink* const refusals_;
  const base::Clock* const clock_;
  const Options options_;
  Authenticator authenticator_;
  base::Histogram* const latency_;
  base::Counter* const answered_;
  base::Counter* const failed_;
  base::Counter* const refused_;
  std::atomic<bool> stopping_{false};
  std::atomic<int64_t> in_flight_{0};
  Mutex mu_;
  CondVar idle_;
};

// The part that every kind of call shares. Owned by its reactor.
class CallBase {
 public:
  CallBase(Pipeline* pipeline, const Method* method)
      : pipeline_(pipeline),
        info_(method, pipeline->registry(), pipeline->clock()) {
    pipeline_->Enter();
  }
  CallBase(const CallBase&) = delete;
  CallBase& operator=(const CallBase&) = delete;
  ~CallBase() { pipeline_->Leave(); }

 protected:
  Pipeline* pipeline() const { return pipeline_; }
  CallInfo& info() { return info_; }
  void MarkCancelled() {
    info_.cancelled_.store(true, std::memory_order_relaxed);
  }

 private:
  Pipeline* const pipeline_;
  CallInfo info_;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_PIPELINE_H_
