#ifndef CONSENTRY_GATEWAY_DELIVERY_DIGEST_H_
#define CONSENTRY_GATEWAY_DELIVERY_DIGEST_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/delivery/sender.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "proto/support/mutex.h"

namespace consentry::delivery {

// Tells staff once a day what needs them: given up messages, tasks that are
// open or late, recipients that cannot be reached, and what other parts add
// (dates of cases and breaches, certificates that end). Counts and ids alone;
// nothing on a day without any. What cannot wait for the next day is an alarm:
// told within minutes, once, and once more after a restart.
//
// Safe for many threads once it was started.
class Digest {
 public:
  // Lines of [a-z0-9_.:- ], at most 120 characters each: "cases_due: 3".
  using Source =
      std::function<absl::StatusOr<std::vector<std::string>>(int64_t now_us)>;

  struct Options {
    // All outlive the digest.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const Sender* sender = nullptr;
    std::chrono::milliseconds interval{600'000};
  };
  explicit Digest(Options options) : options_(std::move(options)) {}
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  ~Digest() { Stop(); }

  // Before Start.
  void Add(Source source) { sources_.push_back(std::move(source)); }
  // Before Start. A line is told when it is new: it holds nothing that changes
  // by itself.
  void AddAlarm(Source source) { alarms_.push_back(std::move(source)); }
  void Start();
  void Stop();
  // Looks now, without waiting for it. Nothing before Start.
  void Wake();

  // Queues the digest of the UTC day of `now_us` unless it was queued already,
  // or there is nothing to tell. A source that fails is a line itself.
  absl::Status Run(int64_t now_us);
  // Queues an alarm of the lines that were not told yet.
  absl::Status Alarm(int64_t now_us);

 private:
  absl::StatusOr<std::vector<std::string>> OwnLines(int64_t now_us) const;
  absl::Status Tell(std::string_view text, std::string detail,
                    std::map<std::string, std::string> arguments,
                    std::string once);

  const Options options_;
  std::vector<Source> sources_;
  std::vector<Source> alarms_;
  Mutex mu_;
  // The day that was told, or had nothing to tell; days since the epoch.
  int64_t told_day_ ABSL_GUARDED_BY(mu_) = -1;
  // Lines of alarms that still hold.
  std::set<std::string> told_alarms_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<base::Periodic> thread_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_DIGEST_H_
