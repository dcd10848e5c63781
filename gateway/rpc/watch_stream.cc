#include "gateway/rpc/watch_stream.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/delivery/watcher.h"
#include "gateway/rpc/entries.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::rpc {
namespace {

// Some watchers share a waiter: each waits this long and lets the next look.
constexpr std::chrono::milliseconds kWait{50};

class WatchSource final : public StreamSource<v1::WatchChangesResponse> {
 public:
  WatchSource(delivery::Watcher* watcher, base::WorkerPool* waiters,
              const CallInfo* call, const v1::WatchChangesRequest& request)
      : watcher_(watcher),
        waiters_(waiters),
        call_(call),
        resume_token_(request.resume_token()),
        purposes_(request.purposes().begin(), request.purposes().end()) {}

  void Next(v1::WatchChangesResponse* out, NextCompletion done) override {
    auto held = std::make_shared<NextCompletion>(std::move(done));
    if (!waiters_->TrySubmit(
            [this, out, held] { Step(out, std::move(*held)); })) {
      held->End(MakeError(v1::ERROR_REASON_RATE_LIMITED,
                          "too many follow changes; try again later"));
    }
  }

 private:
  void Step(v1::WatchChangesResponse* out, NextCompletion done) {
    absl::Status status = call_->CheckAlive();
    // A stream that nothing comes on ends with its registration all the same.
    if (status.ok()) status = call_->Refresh().status();
    if (status.ok()) status = Open();
    if (!status.ok()) {
      done.End(status);
      return;
    }
    auto next = watcher_->Next(CallerOf(*call_, {}), purposes_, &*position_);
    if (!next.ok()) {
      done.End(next.status());
      return;
    }
    if (next->has_value()) {
      *out = std::move((*next)->response);
      // Handed to the transport when it returns; the tickets go after that.
      const Tickets tickets = std::move((*next)->tickets);
      done.Message();
      return;
    }
    watcher_->WaitForMore(kWait);
    Next(out, std::move(done));
  }

  absl::Status Open() {
    if (position_.has_value()) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(
        const int64_t position,
        watcher_->Position(CallerOf(*call_, {}), resume_token_));
    position_ = position;
    return absl::OkStatus();
  }

  delivery::Watcher* const watcher_;
  base::WorkerPool* const waiters_;
  const CallInfo* const call_;
  const std::string resume_token_;
  const std::vector<std::string> purposes_;
  std::optional<int64_t> position_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StreamSource<v1::WatchChangesResponse>>>
MakeWatchSource(delivery::Watcher* watcher, base::WorkerPool* waiters,
                const CallInfo* call, const v1::WatchChangesRequest& request) {
  for (const std::string& purpose : request.purposes()) {
    CONSENTRY_RETURN_IF_ERROR(call->configuration()
                                  .ResolvePurpose(call->registration(), purpose)
                                  .status());
  }
  return std::make_unique<WatchSource>(watcher, waiters, call, request);
}

}  // namespace consentry::rpc
