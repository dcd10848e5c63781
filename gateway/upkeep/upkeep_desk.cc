#include "gateway/upkeep/upkeep_desk.h"

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/log.h"
#include "gateway/clients/configuration_writer.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::upkeep {
namespace {

constexpr base::LogEvent kRotationFailed = {base::LogLevel::kError, 9521,
                                            "upkeep.rotation_failed"};
constexpr base::LogEvent kBackupFailed = {base::LogLevel::kError, 9523,
                                          "upkeep.backup_failed"};
constexpr base::LogEvent kRetentionFailed = {base::LogLevel::kError, 9522,
                                             "upkeep.retention_failed"};

// After a start, before the first run of retention.
constexpr int64_t kFirstRunUs = int64_t{60} * 1'000'000;
// What failed is tried again after this.
constexpr int64_t kRetryUs = int64_t{600} * 1'000'000;

v1::RunRetentionResponse ToResponse(const RetentionCounts& counts) {
  v1::RunRetentionResponse response;
  for (const auto& [field, count] : counts.fields) {
    v1::RetentionCount* shown = response.add_counts();
    shown->set_field(field);
    shown->set_removed(count.removed);
    shown->set_kept(count.kept);
  }
  response.set_more(counts.more);
  return response;
}

}  // namespace

UpkeepDesk::UpkeepDesk(Options options)
    : options_(std::move(options)),
      retention_(options_.retention),
      rotation_(options_.rotation),
      backups_(options_.backups) {}

UpkeepDesk::~UpkeepDesk() { Stop(); }

void UpkeepDesk::Start() {
  {
    MutexLock lock(&mu_);
    retention_at_us_ = options_.rotation.clock->MonotonicUs() + kFirstRunUs;
  }
  periodic_ = std::make_unique<base::Periodic>(
      base::Constant("upkeep"), options_.tick, [this] { Tick(); });
}

void UpkeepDesk::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (periodic_ != nullptr) periodic_->Stop();
}

bool UpkeepDesk::stopping() const {
  MutexLock lock(&mu_);
  return stopping_;
}

// For at most as long as a call may take, and until the gateway stops.
std::function<bool()> UpkeepDesk::ForSomeTime() const {
  const base::Clock* const clock = options_.rotation.clock;
  return [this, clock, end = clock->MonotonicUs() + options_.call_us] {
    return clock->MonotonicUs() < end && !stopping();
  };
}

// On the thread of rotations, so that no epoch comes or goes while keys are
// copied.
void UpkeepDesk::TickBackups() {
  if (options_.backup_every_us > 0) {
    const std::vector<v1::BackupPart> parts = backups_.Parts();
    const auto last = parts.empty() ? 0 : backups_.LastUs(parts.front());
    if (!parts.empty() && last.ok() &&
        options_.backups.committer->NowUs() - *last >=
            options_.backup_every_us) {
      clients::CallerContext self;
      self.event = "backup.create";
      std::vector<v1::BackupPart> chosen;
      for (const v1::BackupPart part : parts) {
        if (part != v1::BACKUP_PART_KEYS ||
            options_.backups.recovery_key().has_value()) {
          chosen.push_back(part);
        }
      }
      const auto decided = backups_.Decide(self, chosen, std::nullopt);
      if (!decided.ok()) {
        base::Log(kBackupFailed, {{"status", decided.status()}});
      }
    }
  }
  while (!stopping()) {
    const auto more = backups_.RunNext();
    if (!more.ok()) base::Log(kBackupFailed, {{"status", more.status()}});
    if (!more.ok() || !*more) break;
  }
  if (stopping()) return;
  const auto expired = backups_.Expire();
  if (!expired.ok()) base::Log(kBackupFailed, {{"status", expired.status()}});
}

void UpkeepDesk::TickRotation() {
  if (options_.rotate_every_us > 0) {
    const auto due = rotation_.IsDue(options_.rotate_every_us);
    if (due.ok() && *due) {
      clients::CallerContext self;
      self.event = "keys.rotate";
      rotation_.Start(self, std::nullopt, [](const absl::Status& status) {
        if (!status.ok()) base::Log(kRotationFailed, {{"status", status}});
      });
    }
  }
  while (!stopping()) {
    const auto progress = rotation_.Step();
    if (!progress.ok()) {
      base::Log(kRotationFailed, {{"status", progress.status()}});
      break;
    }
    if (*progress != Rotation::Progress::kMore) break;
  }
}

void UpkeepDesk::Tick() {
  TickRotation();
  if (!stopping()) TickBackups();
  const int64_t now = options_.rotation.clock->MonotonicUs();
  {
    MutexLock lock(&mu_);
    if (stopping_ || options_.retention_every_us == 0 ||
        now < retention_at_us_) {
      return;
    }
  }
  const auto counts = retention_.Run([this] { return !stopping(); });
  if (!counts.ok()) base::Log(kRetentionFailed, {{"status", counts.status()}});
  MutexLock lock(&mu_);
  retention_at_us_ =
      now + (counts.ok() ? options_.retention_every_us : kRetryUs);
}

absl::StatusOr<v1::KeyStatus> UpkeepDesk::KeyStatus() const {
  CONSENTRY_ASSIGN_OR_RETURN(v1::KeyStatus status, rotation_.Status());
  status.set_recovery_confirmed(options_.recovery_confirmed());
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t expires, backups_.KeysExpireUs());
  if (expires != 0) SetTime(expires, status.mutable_backup_expire_time());
  return status;
}

void UpkeepDesk::RotateKeys(const clients::CallerContext& caller,
                            const v1::RotateKeysRequest& request,
                            Done<v1::KeyStatus> done) {
  v1::RotateKeysRequest canonical = request;
  canonical.clear_request_id();
  rotation_.Start(
      caller, clients::BindRequest(caller, request.request_id(), canonical),
      [this, done = std::move(done)](const absl::Status& started) mutable {
        if (!started.ok()) {
          done(started);
          return;
        }
        if (periodic_ != nullptr) periodic_->Wake();
        done(KeyStatus());
      });
}

absl::StatusOr<v1::Backup> UpkeepDesk::CreateBackup(
    const clients::CallerContext& caller,
    const v1::CreateBackupRequest& request) {
  v1::CreateBackupRequest canonical = request;
  canonical.clear_request_id();
  std::vector<v1::BackupPart> parts;
  if (request.part() != v1::BACKUP_PART_UNSPECIFIED) {
    parts.push_back(request.part());
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      v1::Backup backup,
      backups_.Decide(
          caller, std::move(parts),
          clients::BindRequest(caller, request.request_id(), canonical)));
  if (periodic_ != nullptr) periodic_->Wake();
  const std::function<bool()> go_on = ForSomeTime();
  while (go_on()) {
    const auto now = backups_.Get(backup.id());
    if (now.ok()) backup = *now;
    if (!now.ok() || now->verified()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return backup;
}

absl::StatusOr<v1::RunRetentionResponse> UpkeepDesk::DryRunRetention() {
  CONSENTRY_ASSIGN_OR_RETURN(const RetentionCounts counts,
                             retention_.DryRun(ForSomeTime()));
  return ToResponse(counts);
}

void UpkeepDesk::RunRetention(const clients::CallerContext& caller,
                              const v1::RunRetentionRequest& request,
                              Done<v1::RunRetentionResponse> done) {
  const auto counts = retention_.Run(ForSomeTime());
  if (!counts.ok()) {
    done(counts.status());
    return;
  }
  if (counts->more) {
    // The rest follows at once, not with the next run.
    MutexLock lock(&mu_);
    if (options_.retention_every_us > 0) retention_at_us_ = 0;
  }
  v1::RunRetentionRequest canonical = request;
  canonical.clear_request_id();
  store::Change change;
  change.request =
      clients::BindRequest(caller, request.request_id(), canonical);
  const auto configuration = options_.retention.configuration;
  change.apply = [configuration, caller, response = ToResponse(*counts)](
                     store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf =
        clients::LeafOf(*configuration(), caller, context.now_us());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (const v1::RetentionCount& count : response.counts()) {
      leaf.add_details(absl::StrCat(count.field(), ": removed=",
                                    count.removed(), " kept=", count.kept()));
    }
    context.SetEntry(clients::CanonicalBytes(leaf));
    context.SetResult(response.SerializeAsString());
    return absl::OkStatus();
  };
  options_.retention.committer->CommitChange(
      std::move(change),
      [done = std::move(done)](const store::ChangeOutcome& outcome) mutable {
        v1::RunRetentionResponse response;
        if (!outcome.status.ok()) {
          done(outcome.status);
        } else if (!response.ParseFromString(outcome.result)) {
          done(MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken"));
        } else {
          done(std::move(response));
        }
      });
}

}  // namespace consentry::upkeep
