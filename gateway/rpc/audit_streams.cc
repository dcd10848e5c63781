#include "gateway/rpc/audit_streams.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "gateway/rpc/entries.h"
#include "proto/support/error.h"

namespace consentry::rpc {
namespace {

using Span = access::AuditReader::Span;

// Below the 4 MiB that clients take by default; one leaf is at most 64 KiB.
constexpr size_t kMaxMessage = 3 << 20;
constexpr uint64_t kMaxLeaves = 256;
constexpr std::chrono::milliseconds kWait{200};

// What both share: the entry first, then steps on the waiters.
template <class Response>
class AuditSource : public StreamSource<Response> {
 public:
  AuditSource(access::AuditReader* reader, base::WorkerPool* waiters,
              const CallInfo* call, Span span)
      : reader_(reader), waiters_(waiters), call_(call), span_(span) {}

  void Next(Response* out, NextCompletion done) final {
    if (opened_) {
      Submit(out, std::move(done));
      return;
    }
    opened_ = true;
    reader_->Open(
        CallerOf(*call_, {}), span_,
        [this, out, done = std::move(done)](
            const absl::StatusOr<access::Released<Span>>& opened) mutable {
          if (opened.ok()) {
            Submit(out, std::move(done));
          } else {
            done.End(opened.status());
          }
        });
  }

 protected:
  // Runs on a waiter. Completes `done`, or hands it back to Submit.
  virtual void Step(Response* out, NextCompletion done) = 0;

  void Submit(Response* out, NextCompletion done) {
    // Kept outside of the task: one that is refused still gets its answer.
    auto held = std::make_shared<NextCompletion>(std::move(done));
    if (!waiters_->TrySubmit(
            [this, out, held] { Step(out, std::move(*held)); })) {
      held->End(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                          "too many streams over the log; try again later"));
    }
  }

  access::AuditReader* reader() const { return reader_; }
  const CallInfo& call() const { return *call_; }
  Span& span() { return span_; }

 private:
  access::AuditReader* const reader_;
  base::WorkerPool* const waiters_;
  const CallInfo* const call_;
  Span span_;
  bool opened_ = false;
};

class ExportSource final : public AuditSource<v1::ExportAuditEntriesResponse> {
 public:
  using AuditSource::AuditSource;

 private:
  void Step(v1::ExportAuditEntriesResponse* out, NextCompletion done) override {
    if (ended_) {
      done.End(absl::OkStatus());
      return;
    }
    const absl::Status status = Fill(out);
    if (status.ok()) {
      done.Message();
    } else {
      done.End(status);
    }
  }

  absl::Status Fill(v1::ExportAuditEntriesResponse* out) {
    uint64_t most = kMaxLeaves;
    for (;;) {
      auto leaves = reader()->ReadLeaves(
          span().from, std::min(span().to, span().from + most));
      if (!leaves.ok()) return leaves.status();
      if (leaves->ByteSizeLong() <= kMaxMessage || most == 1) {
        *out = *std::move(leaves);
        break;
      }
      most /= 2;
    }
    span().from += static_cast<uint64_t>(out->leaves_size());
    if (span().from < span().to && out->leaves_size() > 0) {
      return absl::OkStatus();
    }
    ended_ = true;
    auto checkpoint = reader()->NewestCheckpoint();
    if (!checkpoint.ok()) return checkpoint.status();
    *out->mutable_checkpoint() = *std::move(checkpoint);
    return absl::OkStatus();
  }

  bool ended_ = false;
};

class TailSource final : public AuditSource<v1::AuditEntry> {
 public:
  TailSource(access::AuditReader* reader, base::WorkerPool* waiters,
             const CallInfo* call, Span span, bool follow)
      : AuditSource(reader, waiters, call, span), follow_(follow) {}

 private:
  void Step(v1::AuditEntry* out, NextCompletion done) override {
    if (next_ == entries_.size()) {
      const absl::Status status = Fetch();
      if (!status.ok()) {
        done.End(status);
        return;
      }
    }
    if (next_ < entries_.size()) {
      *out = std::move(entries_[next_++]);
      done.Message();
      return;
    }
    if (!follow_) {
      done.End(absl::OkStatus());
    } else if (const absl::Status alive = call().CheckAlive(); !alive.ok()) {
      done.End(alive);
    } else {
      reader()->log().WaitForMore(span().from, kWait);
      Submit(out, std::move(done));
    }
  }

  absl::Status Fetch() {
    entries_.clear();
    next_ = 0;
    const uint64_t to = follow_ ? reader()->log().size()
                                : std::min(span().to, reader()->log().size());
    if (span().from >= to) return absl::OkStatus();
    auto entries = reader()->ReadEntries(span().from, to);
    if (!entries.ok()) return entries.status();
    entries_ = *std::move(entries);
    span().from += entries_.size();
    return absl::OkStatus();
  }

  const bool follow_;
  std::vector<v1::AuditEntry> entries_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<StreamSource<v1::ExportAuditEntriesResponse>> MakeExportSource(
    access::AuditReader* reader, base::WorkerPool* waiters,
    const CallInfo* call, const v1::ExportAuditEntriesRequest& request) {
  Span span{.from = request.from_index(), .to = request.to_index()};
  const auto checkpoint = reader->NewestCheckpoint();
  const uint64_t signed_size = checkpoint.ok() ? checkpoint->size() : 0;
  if (span.to == 0 || span.to > signed_size) span.to = signed_size;
  return std::make_unique<ExportSource>(reader, waiters, call, span);
}

std::unique_ptr<StreamSource<v1::AuditEntry>> MakeTailSource(
    access::AuditReader* reader, base::WorkerPool* waiters,
    const CallInfo* call, const v1::TailAuditEntriesRequest& request) {
  const uint64_t size = reader->log().size();
  Span span{
      .from = static_cast<uint64_t>(std::max<int64_t>(0, request.from_index())),
      .to = size};
  if (request.from_index() < 0) {
    // Written so that the lowest number does not overflow.
    const uint64_t back =
        static_cast<uint64_t>(-(request.from_index() + 1)) + 1;
    span.from = back >= size ? 0 : size - back;
  }
  return std::make_unique<TailSource>(reader, waiters, call, span,
                                      request.follow());
}

}  // namespace consentry::rpc
