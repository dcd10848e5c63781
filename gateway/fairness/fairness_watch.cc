#include "gateway/fairness/fairness_watch.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/engine/civil.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::fairness {
namespace {

using policy::kUsPerDay;
using policy::kUsPerHour;

// After the end of a period: for a clock that is set back.
constexpr int64_t kUnitSlackUs = 2 * kUsPerDay;
constexpr int64_t kDaysOfVersion = 3660;

int64_t PeriodEndUs(rules::Period period, int64_t now_us) {
  switch (period) {
    case rules::Period::kDay:
      return now_us + kUsPerDay;
    case rules::Period::kWeek:
      return now_us + 7 * kUsPerDay;
    case rules::Period::kMonth:
      return now_us + 31 * kUsPerDay;
    case rules::Period::kVersion:
      return now_us + kDaysOfVersion * kUsPerDay;
  }
  return now_us;
}

conduct::Action ActionOf(config::v1::FairnessAction::Value action) {
  switch (action) {
    case config::v1::FairnessAction::BLOCK:
      return conduct::Action::kBlock;
    case config::v1::FairnessAction::HOLD:
      return conduct::Action::kHold;
    default:
      return conduct::Action::kRelease;
  }
}

absl::Status CountedByAnother() {
  return MakeError(v1::ERROR_REASON_ETAG_MISMATCH,
                   "what the output is counted by changed");
}

}  // namespace

// One output, ready to be counted. Group numbers leave this file in counters
// alone.
struct FairnessWatch::Weighed {
  VersionKey version;
  std::shared_ptr<const ProfileInForce> profile;
  // For each metric, one for each number of the customer that can be told; one
  // alone where it cannot.
  std::vector<std::vector<std::string>> unit_keys;
  int64_t expire_hour = 0;
  uint64_t stratum = 0;
  int64_t time_us = 0;
  // Absent: no attribute may be read and nobody is counted; keys and values are
  // empty then.
  std::optional<std::vector<int>> groups;
  // One for each metric.
  std::vector<std::optional<rules::UnitValue>> values;
  // What stood against the version when it was weighed.
  conduct::Action standing = conduct::Action::kRelease;
};

// What of it was new.
struct FairnessWatch::Counted {
  std::shared_ptr<const Weighed> weighed;
  // One for each metric.
  std::vector<bool> fresh;
  // One of them can be told.
  bool valued = false;
};

// A version as this transaction leaves it.
struct FairnessWatch::Working {
  std::shared_ptr<WatchedVersion> version;
  // Cloned so far, by stream.
  std::map<size_t, std::shared_ptr<rules::Monitor>> changed;
};

FairnessWatch::FairnessWatch(Options options)
    : options_(std::move(options)),
      groups_(options_.configuration, options_.subjects) {}
FairnessWatch::~FairnessWatch() = default;

absl::StatusOr<std::unique_ptr<FairnessWatch>> FairnessWatch::Open(
    Options options, store::Connection* connection) {
  auto watch =
      std::unique_ptr<FairnessWatch>(new FairnessWatch(std::move(options)));
  CONSENTRY_RETURN_IF_ERROR(watch->Load(connection));
  return watch;
}

absl::Status FairnessWatch::Load(store::Connection* connection) {
  const FairnessRows& rows = *options_.rows;
  MutexLock lock(&mu_);
  CONSENTRY_ASSIGN_OR_RETURN(const auto profiles, rows.Profiles(connection));
  for (const ProfileRow& row : profiles) {
    CONSENTRY_ASSIGN_OR_RETURN(
        profiles_[row.doc.id()],
        CompileProfile(row.doc.id(), row.doc.text(), row.doc.version()));
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto versions, rows.Versions(connection));
  CONSENTRY_ASSIGN_OR_RETURN(const auto logged, rows.Findings(connection));
  for (const VersionRow& row : versions) {
    auto version = std::make_shared<WatchedVersion>();
    version->no = row.no;
    version->generation = row.generation;
    version->doc = row.doc;
    const auto current = profiles_.find(row.doc.profile_id());
    if (current != profiles_.end() &&
        current->second->version == row.doc.profile_version()) {
      version->profile = current->second;
    } else {
      CONSENTRY_ASSIGN_OR_RETURN(
          version->profile,
          CompileProfile(row.doc.profile_id(), row.doc.profile_text(),
                         row.doc.profile_version()));
    }
    const auto& streams = version->profile->profile->streams();
    for (const auto& stream : streams) {
      version->monitors.push_back(
          std::make_shared<const rules::Monitor>(stream.plan));
    }
    version->generations.resize(streams.size());
    CONSENTRY_ASSIGN_OR_RETURN(const auto monitors,
                               rows.Monitors(connection, row.no));
    for (const MonitorRow& monitor : monitors) {
      const auto restored = rules::Monitor::Restore(monitor.state);
      const auto stream = static_cast<size_t>(monitor.stream);
      if (!restored.ok() || stream >= streams.size()) {
        return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                         "a stored fairness monitor is broken");
      }
      version->monitors[stream] =
          std::make_shared<const rules::Monitor>(*restored);
      version->generations[stream] = monitor.generation;
    }
    NoteStanding(version.get());
    for (const size_t stream : version->violations) {
      if (logged.contains({row.no, static_cast<int64_t>(stream)})) continue;
      unlogged_.push_back(FindingOf(*version, stream, true));
    }
    last_version_ = std::max(last_version_, row.no);
    VersionKey key(row.doc.profile_id(), row.doc.model_version());
    NoteUse(key, row.doc.last_us());
    versions_[std::move(key)] = std::move(version);
  }
  return absl::OkStatus();
}

size_t FairnessWatch::InUseLocked(const std::string& profile_id,
                                  int64_t now_us) const {
  const auto uses = uses_.find(profile_id);
  if (uses == uses_.end()) return 0;
  size_t count = 0;
  for (auto use = uses->second.rbegin();
       use != uses->second.rend() && use->first > now_us - kInUseUs; ++use) {
    if (++count == kMaxVersions) break;
  }
  return count;
}

size_t FairnessWatch::InUse(const std::string& profile_id,
                            int64_t now_us) const {
  MutexLock lock(&mu_);
  return InUseLocked(profile_id, now_us);
}

int64_t FairnessWatch::LastUse(const store::v1::FairnessVersionDoc& doc) const {
  MutexLock lock(&mu_);
  const auto used = used_us_.find({doc.profile_id(), doc.model_version()});
  return used == used_us_.end() ? doc.last_us() : used->second;
}

void FairnessWatch::NoteUse(const VersionKey& key, int64_t time_us) {
  const auto [used, added] = used_us_.try_emplace(key, time_us);
  if (!added) {
    if (time_us < used->second + kUsPerHour) return;
    uses_[key.first].erase({used->second, key.second});
    used->second = time_us;
  }
  if (key.second != kSharedVersion)
    uses_[key.first].emplace(time_us, key.second);
}

FairnessWatch::VersionKey FairnessWatch::KeyOf(const std::string& profile_id,
                                               const std::string& model_version,
                                               int64_t now_us) const {
  VersionKey key(profile_id, model_version);
  if (!versions_.contains(key) &&
      InUseLocked(profile_id, now_us) >= kMaxVersions) {
    key.second = std::string(kSharedVersion);
  }
  return key;
}

conduct::Action FairnessWatch::StandingOf(const VersionKey& key) const {
  const auto version = versions_.find(key);
  const auto profile = profiles_.find(key.first);
  conduct::Action action = conduct::Action::kRelease;
  if (version == versions_.end() || profile == profiles_.end()) return action;
  const auto& message = profile->second->profile->message();
  if (!version->second->violations.empty() ||
      version->second->lost_violation()) {
    action = std::max(action, ActionOf(message.on_violation()));
  }
  if (!version->second->alarms.empty()) {
    action = std::max(action, ActionOf(message.on_alarm()));
  }
  return action;
}

std::shared_ptr<const ProfileInForce> FairnessWatch::FindProfile(
    const v1::Output& output) const {
  for (const auto& [id, profile] : profiles_) {
    if (profile->profile->Watches(output)) return profile;
  }
  return nullptr;
}

screening::FairnessGate::Answer FairnessWatch::Ask(const v1::Output& output,
                                                   const access::Snapshot&,
                                                   int64_t now_us) const {
  Answer answer;
  std::shared_ptr<const ProfileInForce> profile;
  std::shared_ptr<const WatchedVersion> version;
  {
    MutexLock lock(&mu_);
    profile = FindProfile(output);
    if (profile == nullptr) return answer;
    const auto found = versions_.find(
        KeyOf(profile->profile->id(), output.model_version(), now_us));
    if (found == versions_.end()) return answer;
    version = found->second;
  }
  const auto stand = [&](const std::vector<size_t>& streams,
                         config::v1::FairnessAction::Value action) {
    if (streams.empty() || ActionOf(action) == conduct::Action::kRelease) {
      return;
    }
    answer.action = std::max(answer.action, ActionOf(action));
    for (const size_t stream : streams) {
      answer.monitors.push_back(MonitorId(*version, stream));
    }
  };
  // What is done about it is a matter of today, not of when it began.
  const auto on_violation = profile->profile->message().on_violation();
  stand(version->violations, on_violation);
  if (version->lost_violation() &&
      ActionOf(on_violation) != conduct::Action::kRelease) {
    answer.action = std::max(answer.action, ActionOf(on_violation));
    answer.monitors.push_back(RecordId(*version));
  }
  stand(version->alarms, profile->profile->message().on_alarm());
  std::sort(answer.monitors.begin(), answer.monitors.end());
  answer.monitors.erase(
      std::unique(answer.monitors.begin(), answer.monitors.end()),
      answer.monitors.end());
  return answer;
}

uint64_t FairnessWatch::changes() const {
  MutexLock lock(&mu_);
  return changes_;
}

absl::StatusOr<screening::FairnessGate::Unit> FairnessWatch::Weigh(
    store::Connection* connection, const v1::Output& output,
    v1::Channel channel, const access::Snapshot& snapshot, int64_t now_us,
    const vault::SubjectReader::HeadOptions& options) {
  auto unit = std::make_shared<Weighed>();
  {
    MutexLock lock(&mu_);
    unit->profile = FindProfile(output);
    if (unit->profile == nullptr || !snapshot.known()) return Unit();
    unit->version =
        KeyOf(unit->profile->profile->id(), output.model_version(), now_us);
    const auto found = versions_.find(unit->version);
    if (found != versions_.end()) {
      unit->profile = found->second->profile;
      NoteUse(unit->version, now_us);
    }
    unit->standing = StandingOf(unit->version);
  }
  const rules::Profile& profile = *unit->profile->profile;
  // The profile that this version began with may leave such outputs out.
  if (!profile.Watches(output)) return Unit();
  unit->time_us = now_us;
  CONSENTRY_ASSIGN_OR_RETURN(
      unit->groups, groups_.Of(connection, unit->profile->profile, snapshot,
                               now_us, options));
  if (!unit->groups) return Unit(std::move(unit));
  unit->stratum = profile.StratumOf(output, channel);
  std::vector<uint64_t> numbers;
  for (const auto& member : snapshot.members) {
    numbers.push_back(member->subject());
  }
  std::sort(numbers.begin(), numbers.end());
  const int64_t period = rules::PeriodOf(profile.period(), now_us);
  unit->expire_hour =
      (PeriodEndUs(profile.period(), now_us) + kUnitSlackUs) / kUsPerHour;
  for (size_t i = 0; i < profile.metrics().size(); ++i) {
    unit->values.push_back(profile.ValueOf(profile.metrics()[i], output));
    const bool told = unit->values.back().has_value();
    auto& keys = unit->unit_keys.emplace_back();
    for (const uint64_t number : numbers) {
      keys.push_back(options_.rows->UnitKey(
          unit->version.first, unit->version.second,
          told ? absl::StrCat(i) : absl::StrCat("silent.", i), number, period));
      if (!told) break;
    }
  }
  return Unit(std::move(unit));
}

absl::Status FairnessWatch::Count(store::ChangeContext& context,
                                  const Unit& unit, store::v1::Leaf* leaf) {
  if (unit == nullptr) return absl::OkStatus();
  const auto& weighed = *static_cast<const Weighed*>(unit.get());
  {
    // Of an output that was weighed while its version began, or while its
    // profile changed.
    MutexLock lock(&mu_);
    const auto running = versions_.find(weighed.version);
    const auto current = profiles_.find(weighed.version.first);
    const ProfileInForce* const due =
        running != versions_.end()   ? running->second->profile.get()
        : current != profiles_.end() ? current->second.get()
                                     : nullptr;
    // Nor is one told a verdict that the monitors have overtaken.
    // Others may have begun meanwhile, and it must not.
    if (KeyOf(weighed.version.first, weighed.version.second,
              context.now_us()) != weighed.version ||
        due != weighed.profile.get() ||
        StandingOf(weighed.version) != weighed.standing) {
      return CountedByAnother();
    }
    // It says so already.
    if (!weighed.groups && running != versions_.end() &&
        running->second->doc.uncounted_since_us() != 0) {
      return absl::OkStatus();
    }
  }
  auto counted = std::make_shared<Counted>();
  counted->weighed = std::static_pointer_cast<const Weighed>(unit);
  if (!weighed.groups) {
    context.AddTo(this, std::move(counted));
    return absl::OkStatus();
  }
  bool any = false;
  std::vector<size_t> told;
  for (size_t i = 0; i < weighed.unit_keys.size(); ++i) {
    // Whoever was joined with somebody who was counted is no new one, nor will
    // any of them be when they are parted.
    bool fresh = true;
    for (const std::string& key : weighed.unit_keys[i]) {
      CONSENTRY_ASSIGN_OR_RETURN(
          const bool added, options_.rows->AddUnit(context.connection(), key,
                                                   weighed.expire_hour));
      fresh = fresh && added;
    }
    counted->fresh.push_back(fresh);
    any = any || fresh;
    if (fresh && weighed.values[i]) told.push_back(i);
  }
  if (!any) return absl::OkStatus();
  counted->valued = !told.empty();
  context.AddTo(this, std::move(counted));
  if (told.empty()) return absl::OkStatus();
  leaf->add_details(absl::StrCat(std::string(kCountedDetail),
                                 weighed.version.first, "/",
                                 weighed.version.second));
  if (weighed.unit_keys.size() > 1) {
    leaf->add_details(absl::StrCat(std::string(kCountedMetricsDetail),
                                   absl::StrJoin(told, ",")));
  }
  return absl::OkStatus();
}

FairnessWatch::Working* FairnessWatch::Begin(const VersionKey& key,
                                             const Weighed& unit,
                                             int64_t now_us) {
  std::unique_ptr<Working>& working = working_[key];
  if (working != nullptr) return working.get();
  working = std::make_unique<Working>();
  {
    MutexLock lock(&mu_);
    const auto found = versions_.find(key);
    if (found != versions_.end()) {
      working->version = std::make_shared<WatchedVersion>(*found->second);
      return working.get();
    }
  }
  auto version = std::make_shared<WatchedVersion>();
  version->no = ++last_version_;
  version->profile = unit.profile;
  const rules::Profile& profile = *unit.profile->profile;
  version->doc = NewVersionDoc(*unit.profile, key.second, now_us);
  for (const auto& stream : profile.streams()) {
    version->monitors.push_back(
        std::make_shared<const rules::Monitor>(stream.plan));
  }
  version->generations.resize(profile.streams().size());
  working->version = std::move(version);
  return working.get();
}

absl::Status FairnessWatch::Write(store::Connection* connection,
                                  std::span<const Increment> increments,
                                  int64_t now_us) {
  working_.clear();
  for (const Increment& increment : increments) {
    const auto& counted = *static_cast<const Counted*>(increment.get());
    const Weighed& unit = *counted.weighed;
    Working* const working = Begin(unit.version, unit, now_us);
    WatchedVersion& version = *working->version;
    // The profile changed after this or another unit was held against it.
    if (version.profile != unit.profile) return CountedByAnother();
    const rules::Profile& profile = *version.profile->profile;
    version.doc.set_last_us(now_us);
    const int64_t since_us = version.doc.uncounted_since_us();
    if (!unit.groups) {
      if (since_us == 0) version.doc.set_uncounted_since_us(now_us);
      continue;
    }
    if (since_us != 0) {
      version.doc.set_uncounted_us(version.doc.uncounted_us() +
                                   std::max<int64_t>(now_us - since_us, 0));
      version.doc.clear_uncounted_since_us();
    }
    const std::vector<int>& groups = *unit.groups;
    if (counted.valued) version.doc.set_units(version.doc.units() + 1);
    for (size_t i = 0; counted.valued && i < groups.size(); ++i) {
      auto* const counts = version.doc.mutable_attributes(static_cast<int>(i));
      if (groups[i] == rules::kUnknownGroup) {
        counts->set_unknown(counts->unknown() + 1);
      } else if (groups[i] == rules::kOtherGroup) {
        counts->set_other(counts->other() + 1);
      }
    }
    for (size_t i = 0; i < unit.values.size(); ++i) {
      if (unit.values[i] || !counted.fresh[i]) continue;
      const int at = static_cast<int>(i);
      version.doc.set_unreadable(at, version.doc.unreadable(at) + 1);
    }
    for (size_t i = 0; i < profile.streams().size(); ++i) {
      const auto& stream = profile.streams()[i];
      const auto& value = unit.values[stream.metric];
      if (!value || !counted.fresh[stream.metric]) continue;
      const auto side = stream.SideOf(groups);
      if (!side) continue;
      std::shared_ptr<rules::Monitor>& monitor = working->changed[i];
      if (monitor == nullptr) {
        monitor = std::make_shared<rules::Monitor>(*version.monitors[i]);
      }
      monitor->Count(*side, value->value, unit.stratum, unit.time_us,
                     value->clipped);
    }
  }
  const FairnessRows& rows = *options_.rows;
  for (auto& [key, working] : working_) {
    WatchedVersion& version = *working->version;
    VersionRow row{version.no, version.generation, version.doc};
    CONSENTRY_RETURN_IF_ERROR(rows.Put(connection, &row));
    version.generation = row.generation;
    for (auto& [stream, monitor] : working->changed) {
      MonitorRow changed{static_cast<int64_t>(stream),
                         version.generations[stream], monitor->Save()};
      CONSENTRY_RETURN_IF_ERROR(rows.Put(connection, version.no, &changed));
      version.generations[stream] = changed.generation;
      version.monitors[stream] = std::move(monitor);
    }
    NoteStanding(&version);
  }
  return rows.DropUnits(connection, now_us / kUsPerHour,
                        static_cast<int64_t>(2 * increments.size() + 16));
}

void FairnessWatch::Kept() {
  std::vector<FairnessFinding> found;
  {
    MutexLock lock(&mu_);
    for (auto& [key, working] : working_) {
      const conduct::Action standing = StandingOf(key);
      std::shared_ptr<const WatchedVersion>& live = versions_[key];
      NoteUse(key, working->version->doc.last_us());
      const auto note = [&](const std::vector<size_t>& now,
                            const std::vector<size_t>& before, bool violation) {
        for (const size_t stream : now) {
          if (std::find(before.begin(), before.end(), stream) == before.end()) {
            found.push_back(FindingOf(*working->version, stream, violation));
          }
        }
      };
      static const std::vector<size_t> none;
      note(working->version->violations, live ? live->violations : none, true);
      note(working->version->alarms, live ? live->alarms : none, false);
      live = std::move(working->version);
      if (StandingOf(key) > standing) ++changes_;
    }
  }
  working_.clear();
  if (!found.empty() && options_.on_found) options_.on_found(std::move(found));
}

void FairnessWatch::Dropped() { working_.clear(); }

std::map<std::string, std::shared_ptr<const ProfileInForce>>
FairnessWatch::profiles() const {
  MutexLock lock(&mu_);
  return profiles_;
}

std::vector<std::shared_ptr<const WatchedVersion>> FairnessWatch::versions()
    const {
  MutexLock lock(&mu_);
  std::vector<std::shared_ptr<const WatchedVersion>> all;
  for (const auto& [key, version] : versions_) all.push_back(version);
  return all;
}

void FairnessWatch::SetProfile(std::shared_ptr<const ProfileInForce> profile) {
  MutexLock lock(&mu_);
  const std::string id = profile->profile->id();
  profiles_[id] = std::move(profile);
  const bool stands = std::any_of(
      versions_.lower_bound({id, ""}), versions_.end(), [&](const auto& each) {
        return each.first.first == id &&
               StandingOf(each.first) != conduct::Action::kRelease;
      });
  if (stands) ++changes_;
}

}  // namespace consentry::fairness
