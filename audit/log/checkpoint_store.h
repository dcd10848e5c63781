#ifndef CONSENTRY_AUDIT_LOG_CHECKPOINT_STORE_H_
#define CONSENTRY_AUDIT_LOG_CHECKPOINT_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/checkpoint.h"
#include "audit/log/note.h"
#include "audit/log/signer.h"
#include "audit/log/tree.h"
#include "proto/support/mutex.h"

namespace consentry::audit {

// The newest checkpoint of a log, and of older ones the first behind each 4,096
// entries, so that a fault can later be placed between two signed sizes.
//
// Never signs two checkpoints of which one does not continue the other: the
// newest is on stable storage before it is given out, and the next one is
// signed only when the tree holds a consistency proof from it. Safe for many
// threads.
class CheckpointStore {
 public:
  // A checkpoint is kept for good when it is the first of its 4,096 entries.
  static constexpr uint64_t kKeepEvery = 4096;

  // `signer` must outlive the store; its name is the origin of the log.
  // DataLoss when the newest checkpoint is not by that key.
  static absl::StatusOr<std::unique_ptr<CheckpointStore>> Open(
      FileSystem* fs, std::string_view log_folder, const Signer* signer);

  std::optional<SignedCheckpoint> latest() const;

  // That `tree` continues the newest checkpoint: to be asked at start, once
  // the tree has caught up with the log. DataLoss when the log is shorter than
  // was once signed, or says something else.
  absl::Status Check(const Tree& tree) const;

  // Signs the whole of `tree`, unless that is what the newest one says.
  // DataLoss as Check(); those of FileSystem and the signer, and then nothing
  // was given out.
  absl::StatusOr<SignedCheckpoint> Sign(const Tree& tree);

  // The notes in a log's folder, oldest first, the newest included, whoever
  // wrote them: nothing of them is checked.
  static absl::StatusOr<std::vector<std::string>> ReadAll(
      FileSystem* fs, std::string_view log_folder);

 private:
  CheckpointStore(FileSystem* fs, std::string_view folder,
                  const Signer* signer);

  absl::Status CheckLocked(const Tree& tree, uint64_t size) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  FileSystem* const fs_;
  const std::string folder_;
  const Signer* const signer_;
  mutable Mutex mu_;
  std::optional<SignedCheckpoint> latest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_CHECKPOINT_STORE_H_
