#ifndef CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_
#define CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "gateway/access/bias_read.h"
#include "gateway/clients/caller_context.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/screening/fairness_gate.h"
#include "gateway/store/turn_sum.h"
#include "gateway/vault/subject_reader.h"
#include "policy/fairness/monitor.h"
#include "policy/fairness/profile.h"
#include "proto/support/mutex.h"

namespace consentry::fairness {

namespace rules = policy::fairness;

// How entries of the log tell of monitors. An output that was counted, and
// where: "counted=credit/v7"; where the profile has several metrics also for
// which, by their numbers: "counted_metrics=0,2". Something found, an entry of
// its own: "record=" and "violation=fmo_credit.2.3" or "alarm=...".
inline constexpr std::string_view kCountedDetail = "counted=";
inline constexpr std::string_view kCountedMetricsDetail = "counted_metrics=";
inline constexpr std::string_view kFindingEvent = "system.fairness";
inline constexpr std::string_view kRecordDetail = "record=";
inline constexpr std::string_view kViolationDetail = "violation=";
inline constexpr std::string_view kAlarmDetail = "alarm=";

// A profile as it was put into force. Immutable.
struct ProfileInForce {
  std::shared_ptr<const rules::Profile> profile;
  uint64_t version = 0;
  std::string text;

  std::string etag() const { return "v" + std::to_string(version); }
};

// A version of a model as its monitors stand. Immutable once published.
struct WatchedVersion {
  int64_t no = 0;
  int64_t generation = 0;
  store::v1::FairnessVersionDoc doc;
  // The one that it started with.
  std::shared_ptr<const ProfileInForce> profile;
  // One for each stream of the profile.
  std::vector<std::shared_ptr<const rules::Monitor>> monitors;
  std::vector<int64_t> generations;
  // Streams in violation, and those with an alarm.
  std::vector<size_t> violations;
  std::vector<size_t> alarms;
};

// What was newly found, for whoever tells staff.
struct FairnessFinding {
  // "fmo_credit.2.3": profile, number of the version's record, stream.
  std::string monitor;
  // "credit/v7": profile and version of the model.
  std::string record;
  int64_t version_no = 0;
  size_t stream = 0;
  bool violation = false;
};

// Of what was put into force as `text`, whatever is asked of new ones since.
// CONFIG_INVALID.
absl::StatusOr<std::shared_ptr<const ProfileInForce>> CompileProfile(
    const std::string& id, const std::string& text, uint64_t version);

// Of a version that nothing is counted of yet.
store::v1::FairnessVersionDoc NewVersionDoc(const ProfileInForce& profile,
                                            const std::string& model_version,
                                            int64_t now_us);

// "credit/v7", as entries name it.
std::string RecordName(const store::v1::FairnessVersionDoc& doc);

// Watches models through the outputs that pass the gate: counts each unit once,
// in the transaction of its verdict, and says what stands against a version.
// For each metric a unit is a person in a period, by the first output that says
// something about that metric; one that says nothing uses up nothing.
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

  // Forgets groups whose time is over, and of customers whom nothing else in
  // memory holds any more, such as erased ones.
  void Sweep(int64_t now_us);
  // Customers whose groups are in memory.
  size_t known() const;

  // Violations that were in the store when it was opened, and of which the log
  // has no entry: the gateway ended in between.
  const std::vector<FairnessFinding>& unlogged() const { return unlogged_; }

  // Id of one monitor.
  static std::string MonitorId(const WatchedVersion& version, size_t stream);

 private:
  struct Weighed;
  struct Counted;
  struct Working;
  using VersionKey = std::pair<std::string, std::string>;

  // What somebody was found to be, until it may be another.
  struct Known {
    std::vector<std::pair<uint64_t, int64_t>> members;
    // The same as others hold them.
    std::vector<std::weak_ptr<const vault::CachedSubject>> held;
    int64_t epoch = 0;
    std::shared_ptr<const rules::Profile> profile;
    int64_t until_us = 0;
    std::vector<int> groups;
  };

  explicit FairnessWatch(Options options);

  static FairnessFinding FindingOf(const WatchedVersion& version, size_t stream,
                                   bool violation);
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
  absl::StatusOr<std::vector<int>> GroupsOf(
      store::Connection* connection,
      const std::shared_ptr<const rules::Profile>& profile,
      const access::Snapshot& snapshot, int64_t now_us,
      const vault::SubjectReader::HeadOptions& options);

  absl::Status Write(store::Connection* connection,
                     std::span<const Increment> increments,
                     int64_t now_us) override;
  void Kept() override;
  void Dropped() override;
  Working* Begin(const VersionKey& key, const Weighed& unit, int64_t now_us);

  const Options options_;
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

  mutable Mutex known_mu_;
  std::unordered_map<uint64_t, Known> known_ ABSL_GUARDED_BY(known_mu_);

  // The store thread alone.
  int64_t last_version_ = 0;
  std::map<VersionKey, std::unique_ptr<Working>> working_;
};

// What a stream says, for staff. Groups below the profile's bound are named and
// not counted; a violation or an alarm is told of them as well.
v1::FairnessMonitor ShowMonitor(const WatchedVersion& version, size_t stream,
                                int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_WATCH_H_
