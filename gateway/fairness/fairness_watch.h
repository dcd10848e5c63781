#ifndef CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_
#define CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/known_groups.h"
#include "gateway/fairness/watched_version.h"
#include "gateway/screening/fairness_gate.h"
#include "gateway/store/turn_sum.h"
#include "gateway/vault/subject_reader.h"
#include "proto/support/mutex.h"

namespace consentry::fairness {

// Watches models through the outputs that pass the gate: counts each unit once,
// in the transaction of its verdict, and says what stands against a version.
// For each metric a unit is a person in a period, by the first output that says
// something about that metric; one that says nothing uses up nothing. While no
// attribute may be read of anybody, nobody is counted, and the record says
// since when.
//
// Ask, Weigh and the lists: any thread. Count and the sum: the committer's
// store thread.
class FairnessWatch final : public screening::FairnessGate,
                            private store::TurnSum {
 public:
  // Versions of one profile in use that get records of their own; what begins
  // while so many are shares one, "*", so that no engine escapes by calling
  // each output another version.
  static constexpr size_t kMaxVersions = 256;
  // A version is in use for so long after its last output, be it of somebody
  // who was counted before.
  static constexpr int64_t kInUseUs = int64_t{90} * 24 * 3600 * 1'000'000;

  struct Options {
    clients::ConfigurationSource configuration;
    const vault::SubjectReader* subjects = nullptr;
    const FairnessRows* rows = nullptr;
    // On the store thread, after what was found is in the store. Must not
    // block. May be empty.
    std::function<void(std::vector<FairnessFinding>)> on_found;
  };
  // Reads what is in the store. DATA_CORRUPT for a record that does not open.
  static absl::StatusOr<std::unique_ptr<FairnessWatch>> Open(
      Options options, store::Connection* connection);
  FairnessWatch(const FairnessWatch&) = delete;
  FairnessWatch& operator=(const FairnessWatch&) = delete;
  ~FairnessWatch() override;

  Answer Ask(const v1::Output& output, const access::Snapshot& snapshot,
             int64_t now_us) const override;
  uint64_t changes() const override;
  absl::StatusOr<Unit> Weigh(
      store::Connection* connection, const v1::Output& output,
      v1::Channel channel, const access::Snapshot& snapshot, int64_t now_us,
      const vault::SubjectReader::HeadOptions& options) override;
  absl::Status Count(store::ChangeContext& context, const Unit& unit,
                     store::v1::Leaf* leaf) override;

  // By id.
  std::map<std::string, std::shared_ptr<const ProfileInForce>> profiles() const;
  std::vector<std::shared_ptr<const WatchedVersion>> versions() const;
  // When the version last made an output, to within an hour; after a start, was
  // last counted.
  int64_t LastUse(const store::v1::FairnessVersionDoc& doc) const;
  // Versions of a profile in use, kMaxVersions at most.
  size_t InUse(const std::string& profile_id, int64_t now_us) const;
  // From now on. What runs goes on under what it started with.
  void SetProfile(std::shared_ptr<const ProfileInForce> profile);

  // Attributes of the profile that may be read of nobody under the
  // configuration of now, by number.
  std::vector<size_t> Unreadable(const rules::Profile& profile) const {
    return UnreadableAttributes(options_.configuration(), profile);
  }

  // Forgets groups of customers that may be others by now.
  void Sweep(int64_t now_us) { groups_.Sweep(now_us); }
  // Customers whose groups are in memory.
  size_t known() const { return groups_.size(); }

  // Violations that were in the store when it was opened, and of which the log
  // has no entry: the gateway ended in between.
  const std::vector<FairnessFinding>& unlogged() const { return unlogged_; }

 private:
  struct Weighed;
  struct Counted;
  struct Working;
  using VersionKey = std::pair<std::string, std::string>;

  explicit FairnessWatch(Options options);

  absl::Status Load(store::Connection* connection);
  std::shared_ptr<const ProfileInForce> FindProfile(
      const v1::Output& output) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Under which an output is counted that its engine says is of this version.
  VersionKey KeyOf(const std::string& profile_id,
                   const std::string& model_version, int64_t now_us) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t InUseLocked(const std::string& profile_id, int64_t now_us) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteUse(const VersionKey& key, int64_t time_us)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What is done with outputs of the version now.
  conduct::Action StandingOf(const VersionKey& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Status Write(store::Connection* connection,
                     std::span<const Increment> increments,
                     int64_t now_us) override;
  void Kept() override;
  void Dropped() override;
  Working* Begin(const VersionKey& key, const Weighed& unit, int64_t now_us);

  const Options options_;
  KnownGroups groups_;
  // Set by Load alone.
  std::vector<FairnessFinding> unlogged_;

  mutable Mutex mu_;
  std::map<std::string, std::shared_ptr<const ProfileInForce>> profiles_
      ABSL_GUARDED_BY(mu_);
  std::map<VersionKey, std::shared_ptr<const WatchedVersion>> versions_
      ABSL_GUARDED_BY(mu_);
  // When each was last used, and those of a profile in that order, without "*".
  std::map<VersionKey, int64_t> used_us_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<std::pair<int64_t, std::string>>> uses_
      ABSL_GUARDED_BY(mu_);
  // How often more stood against a version than before.
  uint64_t changes_ ABSL_GUARDED_BY(mu_) = 0;

  // The store thread alone.
  int64_t last_version_ = 0;
  std::map<VersionKey, std::unique_ptr<Working>> working_;
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_
