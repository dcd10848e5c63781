#ifndef CONSENTRY_GATEWAY_RPC_WATCH_STREAM_H_
#define CONSENTRY_GATEWAY_RPC_WATCH_STREAM_H_

#include <memory>

#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/base/threads.h"
#include "gateway/rpc/stream_call.h"

namespace consentry::delivery {
class Watcher;
}  // namespace consentry::delivery

namespace consentry::rpc {

// What WatchChanges sends: changes as they come, until the caller goes, its
// registration ends, or the gateway stops. Holds one message at a time.
// PURPOSE_NOT_ALLOWED for a purpose that the caller is not registered for;
// FIELD_INVALID for a token of somebody else. All but the result outlive the
// stream; `waiters` runs what waits.
absl::StatusOr<std::unique_ptr<StreamSource<v1::WatchChangesResponse>>>
MakeWatchSource(delivery::Watcher* watcher, base::WorkerPool* waiters,
                const CallInfo* call, const v1::WatchChangesRequest& request);

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_WATCH_STREAM_H_
