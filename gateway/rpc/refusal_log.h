#ifndef CONSENTRY_GATEWAY_RPC_REFUSAL_LOG_H_
#define CONSENTRY_GATEWAY_RPC_REFUSAL_LOG_H_

#include <string_view>

#include "absl/status/status.h"
#include "gateway/access/refusals.h"
#include "gateway/base/threads.h"
#include "gateway/rpc/pipeline.h"
#include "proto/support/mutex.h"

namespace consentry::rpc {

// Hands refusals of the pipeline to the one place that writes them, and wakes
// it once a second for what it has counted. Safe for many threads.
class RefusalLog final : public RefusalSink {
 public:
  // `refusals` outlives this.
  explicit RefusalLog(access::Refusals* refusals);
  ~RefusalLog() override;

  void Record(const clients::Configuration& configuration, const Method& method,
              std::string_view client_id, const absl::Status& status) override;

 private:
  access::Refusals* const refusals_;
  Mutex mu_;
  CondVar wake_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  base::Thread flusher_;  // Last: uses all of the above.
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_REFUSAL_LOG_H_
