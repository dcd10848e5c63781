#ifndef CONSENTRY_GATEWAY_FAIRNESS_KNOWN_GROUPS_H_
#define CONSENTRY_GATEWAY_FAIRNESS_KNOWN_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/access/bias_read.h"
#include "gateway/access/snapshot.h"
#include "gateway/clients/caller_context.h"
#include "gateway/store/engine.h"
#include "gateway/vault/subject_reader.h"
#include "policy/fairness/profile.h"
#include "proto/support/mutex.h"

namespace consentry::fairness {

// Attributes of a profile whose fields may be read of nobody now, by number:
// the purpose does not list them. All of them where it is suspended or gone.
std::vector<size_t> UnreadableAttributes(
    const std::shared_ptr<const clients::Configuration>& configuration,
    const policy::fairness::Profile& profile);

// The groups of customers, read under the purpose of a profile (P-J2) and held
// in memory alone until they may be others: until midnight, as ages change
// then, until the permission ends, or until the customer's record, the
// configuration or the profile is another. Safe for many threads.
class KnownGroups {
 public:
  // Customers whose groups are held at most.
  static constexpr size_t kMaxKnown = 50'000;

  // `subjects` outlives this.
  KnownGroups(clients::ConfigurationSource configuration,
              const vault::SubjectReader* subjects)
      : configuration_(std::move(configuration)), subjects_(subjects) {}

  // For each attribute of the profile a number of its groups; kUnknownGroup
  // where the configuration or the decision on her does not permit the read, or
  // where the record is broken. Absent: the configuration lets no attribute be
  // read of anybody. `snapshot` is of somebody who is known. Fails as the store
  // does.
  absl::StatusOr<std::optional<std::vector<int>>> Of(
      store::Connection* connection,
      const std::shared_ptr<const policy::fairness::Profile>& profile,
      const access::Snapshot& snapshot, int64_t now_us,
      const vault::SubjectReader::HeadOptions& options);

  // Forgets groups whose time is over, and of customers whom nothing else in
  // memory holds any more, such as erased ones.
  void Sweep(int64_t now_us);
  size_t size() const;

 private:
  // What somebody was found to be, until it may be another.
  struct Known {
    std::vector<std::pair<uint64_t, int64_t>> members;
    // The same as others hold them.
    std::vector<std::weak_ptr<const vault::CachedSubject>> held;
    int64_t epoch = 0;
    std::shared_ptr<const policy::fairness::Profile> profile;
    int64_t until_us = 0;
    std::vector<int> groups;
  };

  const clients::ConfigurationSource configuration_;
  const vault::SubjectReader* const subjects_;

  mutable Mutex mu_;
  std::unordered_map<uint64_t, Known> known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_KNOWN_GROUPS_H_
