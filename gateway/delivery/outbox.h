#ifndef CONSENTRY_GATEWAY_DELIVERY_OUTBOX_H_
#define CONSENTRY_GATEWAY_DELIVERY_OUTBOX_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/delivery.pb.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/delivery/concern.h"
#include "gateway/delivery/notice_rows.h"
#include "gateway/delivery/recipients.h"
#include "gateway/store/change.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/trail_index.h"
#include "proto/support/mutex.h"

namespace consentry::delivery {

// Makes one notice for each recipient of what customers took back, had
// rectified, restricted or erased. The notices are then told by webhook, stream
// or staff (webhooks.h, watcher.h, task_desk.h).
//
// What is in the audit log is found there, behind the commit, so that nobody
// who withdraws waits for it: a thread follows the log and writes notices and
// its place in the log in one change. So each is made once, whatever crashes,
// and none is forgotten. What stands in no entry (which fields were rectified)
// is handed over by Tell in the change that does it, and erasures by
// TellErasure, with recipients that were collected before.
//
// Safe for many threads.
class Outbox {
 public:
  struct Options {
    // All outlive the outbox.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    trail::TrailIndex* trail = nullptr;
    const Recipients* recipients = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    NoticeKeys keys;
    config::v1::Delivery settings;
    std::chrono::milliseconds interval{250};
  };
  explicit Outbox(Options options) : options_(std::move(options)) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox() { Stop(); }

  // Begins to follow the log. Once, after recovery.
  void Start();
  void Stop();

  // In a change: recipients of `subject` learn of "rectification" of these
  // fields (empty: of all). "restriction" and "restriction_lifted" are read
  // from the change's own entry ("restricted=set"), and passed over here.
  absl::Status Tell(store::ChangeContext& context, uint64_t subject,
                    std::string_view event,
                    const std::vector<std::string>& targets,
                    std::string_view client_id) const;

  // In a change of the erasure, before or after keys are gone: `recipients` are
  // those of Recipients::Of from before. `targets`: fields, where not all is
  // erased.
  absl::Status TellErasure(store::ChangeContext& context,
                           const std::vector<Recipient>& recipients,
                           const std::vector<std::string>& targets) const;

  // Ids of the registrations that TellErasure would tell, sorted.
  std::set<std::string> ToldOfErasure(
      const std::vector<Recipient>& recipients) const;

  // In a change: removes up to `limit` rows of what is queued or still to be
  // told about the subject, messages to her included; how many went.
  static absl::StatusOr<int64_t> Forget(store::ChangeContext& context,
                                        uint64_t subject, int64_t limit);

  // One bounded step of the thread: true when there is more to do at once.
  absl::StatusOr<bool> Step();

  // When a notice of that way ends: given up, to be done, or no longer kept.
  int64_t DueHour(NoticeChannel channel, int64_t now_us) const;
  const NoticeKeys& keys() const { return options_.keys; }

  // Called after notices were written, on the outbox's thread. Once, before
  // Start.
  void OnNotices(std::function<void()> wake) { wake_ = std::move(wake); }

 private:
  struct Batch {
    struct Item {
      Planned notice;
      int64_t time_us = 0;
    };
    std::vector<Item> items;
    std::vector<int64_t> done_events;
    uint64_t cursor = 0;
  };

  absl::StatusOr<uint64_t> Cursor();
  absl::StatusOr<bool> FollowLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(step_mu_);
  absl::StatusOr<bool> SpreadEvents();
  absl::Status Write(Batch batch);

  const Options options_;
  std::function<void()> wake_;
  std::atomic<bool> stop_{false};

  // One step at a time.
  Mutex step_mu_;
  bool loaded_ ABSL_GUARDED_BY(step_mu_) = false;
  // Entries below it were looked at; as stored, and beyond that in memory.
  uint64_t cursor_ ABSL_GUARDED_BY(step_mu_) = 0;
  uint64_t stored_cursor_ ABSL_GUARDED_BY(step_mu_) = 0;
  // The last change whose entry lies below the cursor; -1: not known.
  int64_t walked_change_ ABSL_GUARDED_BY(step_mu_) = -1;

  Mutex mu_;
  std::unique_ptr<base::Periodic> thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_OUTBOX_H_
