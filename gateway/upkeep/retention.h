#ifndef CONSENTRY_GATEWAY_UPKEEP_RETENTION_H_
#define CONSENTRY_GATEWAY_UPKEEP_RETENTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/upkeep/retention_rules.h"
#include "gateway/vault/head_cache.h"
#include "proto/support/mutex.h"

namespace consentry::upkeep {

// How many values of each field went, and how many stayed on a ground or under
// a legal hold. Fields that the catalog no longer knows count under "".
struct RetentionCounts {
  struct Count {
    int64_t removed = 0;
    int64_t kept = 0;
  };
  std::map<std::string, Count> fields;
  // Something is left to be done.
  bool more = false;

  void Add(const RetentionCounts& other);
};

// Removes values whose time is over (GDPR Art. 5(1)(e)): from the record, and
// with the last value the record itself; identifiers with the field that they
// come from. One change, and one audit entry, for at most kRowsPerStep
// records, so that no other change waits long. What is removed is overwritten
// in the store. The subject's key lives on: copies in older data backups open
// until those backups are removed, and a restore removes the values again.
//
// Walks the index of due months. That index is reckoned anew when the policy
// changes any end. Idempotent: what a crash cuts short the next run finishes.
// Safe for many threads; Run and DryRun wait for the disk.
class Retention {
 public:
  static constexpr size_t kRowsPerStep = 32;

  struct Options {
    // All outlive it.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    const crypto::SlotFile* slots = nullptr;
    vault::HeadCache* cache = nullptr;
    std::string log_origin;
  };
  explicit Retention(Options options) : options_(std::move(options)) {}

  // Removes what is due, until nothing is left or `go_on` answers false, which
  // is asked before each step. Entries say that the gateway did it.
  absl::StatusOr<RetentionCounts> Run(const std::function<bool()>& go_on);

  // What Run would do now.
  absl::StatusOr<RetentionCounts> DryRun(const std::function<bool()>& go_on);

 private:
  // A place in the index of due months.
  struct Place {
    int64_t due_month = -1;
    int64_t record = 0;
  };
  struct Due {
    int64_t record = 0;
    Judgement judgement;
  };

  const RetentionRules& RulesNow(int64_t now_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Reckon(const RetentionRules& rules, int64_t now_us,
                      const std::function<bool()>& go_on, bool* done)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::vector<int64_t>> NextDue(int64_t now_us,
                                               Place* after) const;
  absl::StatusOr<RetentionCounts> Look(const RetentionRules& rules,
                                       const std::vector<int64_t>& records,
                                       int64_t now_us, bool* changes) const;
  absl::StatusOr<RetentionCounts> Remove(const RetentionRules& rules,
                                         const std::vector<int64_t>& records);

  const Options options_;
  // One run at a time.
  Mutex mu_;
  std::optional<RetentionRules> rules_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const clients::Policy> rules_of_ ABSL_GUARDED_BY(mu_);
  int64_t rules_day_ ABSL_GUARDED_BY(mu_) = -1;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_RETENTION_H_
