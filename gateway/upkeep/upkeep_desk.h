#ifndef CONSENTRY_GATEWAY_UPKEEP_UPKEEP_DESK_H_
#define CONSENTRY_GATEWAY_UPKEEP_UPKEEP_DESK_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/base/threads.h"
#include "gateway/clients/caller_context.h"
#include "gateway/upkeep/backups.h"
#include "gateway/upkeep/retention.h"
#include "gateway/upkeep/rotation.h"
#include "proto/support/mutex.h"

namespace consentry::upkeep {

// What recurs by itself, on one thread: steps of a rotation, and retention when
// it is due; and what an administrator asks of either. Safe for many threads.
class UpkeepDesk {
 public:
  struct Options {
    Retention::Options retention;
    Rotation::Options rotation;
    Backups::Options backups;
    // 0: only when somebody asks.
    int64_t backup_every_us = 0;
    int64_t retention_every_us = 0;
    int64_t rotate_every_us = 0;
    // The recovery key was typed back.
    std::function<bool()> recovery_confirmed;
    std::chrono::milliseconds tick{1000};
    // How long a call waits for what it asked for.
    int64_t call_us = int64_t{5} * 1'000'000;
  };
  explicit UpkeepDesk(Options options);
  UpkeepDesk(const UpkeepDesk&) = delete;
  UpkeepDesk& operator=(const UpkeepDesk&) = delete;
  // As Stop().
  ~UpkeepDesk();

  // Begins what recurs. Once, when the gateway has recovered.
  void Start();
  // Ends after the step at hand.
  void Stop();

  template <class T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  absl::StatusOr<v1::KeyStatus> KeyStatus() const;
  // Answers once it is decided; the rest goes on behind it.
  void RotateKeys(const clients::CallerContext& caller,
                  const v1::RotateKeysRequest& request,
                  Done<v1::KeyStatus> done);

  // Counts only. For a worker.
  absl::StatusOr<v1::RunRetentionResponse> DryRunRetention();
  // Removes, for some seconds at most: `more` says that the rest follows by
  // itself. For a worker.
  void RunRetention(const clients::CallerContext& caller,
                    const v1::RunRetentionRequest& request,
                    Done<v1::RunRetentionResponse> done);

  // Decides it, and waits for some seconds for its end: `verified` says whether
  // it was reached. For a worker.
  absl::StatusOr<v1::Backup> CreateBackup(
      const clients::CallerContext& caller,
      const v1::CreateBackupRequest& request);
  absl::StatusOr<v1::ListBackupsResponse> ListBackups(const std::string& before,
                                                      size_t limit,
                                                      std::string* next) const {
    return backups_.List(before, limit, next);
  }

  Retention* retention() { return &retention_; }
  Rotation* rotation() { return &rotation_; }

 private:
  void Tick();
  void TickBackups();
  void TickRotation();
  std::function<bool()> ForSomeTime() const;
  bool stopping() const;

  const Options options_;
  Retention retention_;
  Rotation rotation_;
  Backups backups_;

  mutable Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // Monotonic; when retention runs next.
  int64_t retention_at_us_ ABSL_GUARDED_BY(mu_) = 0;

  std::unique_ptr<base::Periodic> periodic_;
};

}  // namespace consentry::upkeep

#endif  // CONSENTRY_GATEWAY_UPKEEP_UPKEEP_DESK_H_
