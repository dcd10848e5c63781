#include "gateway/rpc/refusal_log.h"

#include <chrono>
#include <string>

namespace consentry::rpc {

RefusalLog::RefusalLog(access::Refusals* refusals)
    : refusals_(refusals), flusher_("refusals", [this] {
        for (;;) {
          {
            MutexLock lock(&mu_);
            if (!stopping_) wake_.WaitFor(&mu_, std::chrono::seconds(1));
            if (stopping_) return;
          }
          refusals_->Flush(/*all=*/false);
        }
      }) {}

RefusalLog::~RefusalLog() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
    wake_.SignalAll();
  }
  flusher_.Join();
}

void RefusalLog::Record(const clients::Configuration& configuration,
                        const Method& method, std::string_view client_id,
                        const absl::Status& status) {
  clients::CallerContext caller;
  caller.client_id = std::string(client_id);
  caller.method = method.name;
  caller.event = method.audit_event;
  // The caller has its answer: it releases nothing.
  refusals_->Record(configuration, caller, "", status,
                    [](const absl::Status&) {});
}

}  // namespace consentry::rpc
