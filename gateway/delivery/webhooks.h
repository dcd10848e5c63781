#ifndef CONSENTRY_GATEWAY_DELIVERY_WEBHOOKS_H_
#define CONSENTRY_GATEWAY_DELIVERY_WEBHOOKS_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "gateway/base/clock.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/delivery/notice_rows.h"
#include "gateway/delivery/outbox.h"
#include "gateway/delivery/webhook.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "proto/support/mutex.h"

namespace consentry::delivery {

// Posts the notices of recipients with a webhook, in order for each recipient,
// at least once; a repetition has the same event_id. A recipient that fails
// waits, longer each time, and holds nobody else up. What is not taken by its
// end, or has no webhook any more, becomes a task for staff. Removes notices of
// all ways that nobody needs any more.
//
// Each attempt has an entry: its notice, its recipient, what came of it.
class Webhooks {
 public:
  struct Options {
    // All outlive the object.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const Outbox* outbox = nullptr;
    const WebhookSigner* signer = nullptr;
    const base::Clock* clock = nullptr;
    // `stop` is set by the object.
    WebhookPoster::Options poster;
    std::chrono::milliseconds interval{1000};
    int64_t first_wait_us = 5'000'000;
    int64_t longest_wait_us = int64_t{3600} * 1'000'000;
  };
  explicit Webhooks(Options options);
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;
  ~Webhooks() { Stop(); }

  void Start();
  void Wake();
  // Ends within a second. What is open stays.
  void Stop();

  // Posts what is open now, and looks at no wait: for tests.
  void PostNow() { Pass(/*all=*/true); }

 private:
  struct Wait {
    int64_t until_us = 0;
    int64_t failures = 0;
  };
  enum class Outcome { kTaken, kLater, kToTask, kMoot };

  void Pass(bool all);
  // False: its recipient takes nothing now.
  bool PostOne(const NoticeRow& row);
  absl::Status Note(const NoticeRow& row, Outcome outcome,
                    std::string_view why) const;
  void DropOld();

  const Options options_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<WebhookPoster> poster_;

  // One pass at a time.
  Mutex pass_mu_;
  // By recipient, on the monotonic clock.
  std::map<std::string, Wait> waits_ ABSL_GUARDED_BY(pass_mu_);
  int64_t next_drop_us_ ABSL_GUARDED_BY(pass_mu_) = 0;

  Mutex mu_;
  std::unique_ptr<base::Periodic> thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_WEBHOOKS_H_
