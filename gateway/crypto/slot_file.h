#ifndef CONSENTRY_GATEWAY_CRYPTO_SLOT_FILE_H_
#define CONSENTRY_GATEWAY_CRYPTO_SLOT_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/locked_slab.h"
#include "gateway/crypto/slot_format.h"
#include "gateway/crypto/subject_keys.h"
#include "proto/support/mutex.h"

namespace consentry::crypto {

// The keys of all subjects: a flat file of fixed slots, one per subject,
// overwritten in place and synced, because destroying a key is what erasure
// is, and a database keeps deleted bytes. Bytes and sizes: slot_format.h.
//
// Crash: a slot that was being allocated is unused; a destruction is done or
// to be done again; a live slot that was being replaced (new generation, new
// epoch) is whole, since its new content goes through a redo area first. A
// torn or changed slot is found (DataLoss) and harms no other.
//
// Threads: Load, Info and ForEach run beside one another and beside one
// writer without a lock; writers take turns. Nothing is kept in memory per
// subject: whoever wants a cache keeps one and drops an entry when its slot
// changes.
//
// Failure: when a sync fails, or a write over what exists, the file answers
// Unavailable to everything from then on, since the disk may differ from what
// is read back; it must be opened anew. A full disk fails Allocate alone.
class SlotFile {
 public:
  struct Options {
    audit::FileSystem* fs = nullptr;
    std::string path;
    const EpochFile* epochs = nullptr;  // Must outlive the slot file.
    LockedSlab* slab = nullptr;         // Must outlive all SubjectKeys.
  };

  // AlreadyExists.
  static absl::StatusOr<std::unique_ptr<SlotFile>> Create(
      const Options& options, int64_t now_us);

  // Finishes what a crash left. NotFound; FailedPrecondition when a newer
  // version wrote it; DataLoss when the header does not verify (damaged, or
  // of another epoch file) or counts slots beyond the file's end.
  static absl::StatusOr<std::unique_ptr<SlotFile>> Open(const Options& options);

  // Makes keys for `count` new subjects (1 to 65536), numbered without gap
  // from the result, durable when it returns. Keys before data: only then may
  // rows of these subjects be written. What never gets rows is an orphan.
  absl::StatusOr<uint64_t> Allocate(uint32_t count, int64_t now_us);

  // NotFound: never allocated, or freed. FailedPrecondition: destroyed.
  // DataLoss: damaged. ResourceExhausted: no block in the slab.
  absl::StatusOr<SubjectKeys> Load(uint64_t subject) const;

  // What stands in a slot besides keys. Errors as for Load, but a destroyed
  // or freed slot is an answer here.
  absl::StatusOr<SlotInfo> Info(uint64_t subject) const;

  // Starts a new generation of the data key, the audit key, or both; what was
  // current becomes the previous one, so that values can be opened under it
  // and sealed anew. FailedPrecondition while a previous generation of the
  // same key is still there.
  struct Rekey {
    bool data = false;
    bool audit = false;
  };
  absl::StatusOr<SubjectKeys> AddGeneration(uint64_t subject, Rekey which);

  // Destroys previous generations for good and records `log_index`, in one
  // synced write. Idempotent.
  absl::Status DropPrevious(uint64_t subject, Rekey which, uint64_t log_index);

  // Destroys all keys of the subjects for good and records `log_index`, with
  // one sync for all. Idempotent; a damaged slot counts as destroyed too.
  absl::Status Destroy(std::span<const uint64_t> subjects, uint64_t log_index);
  absl::Status Destroy(uint64_t subject, uint64_t log_index) {
    return Destroy(std::span<const uint64_t>(&subject, 1), log_index);
  }

  // Frees the live (or damaged) slots in [first, last] for which `in_use`
  // answers false: keys whose rows were never written. The caller names only
  // subjects that nobody is still writing rows for. How many were freed.
  absl::StatusOr<uint64_t> SweepOrphans(
      uint64_t first, uint64_t last,
      const std::function<absl::StatusOr<bool>(uint64_t subject)>& in_use);

  // Wraps the next live slots that are not in the current epoch under it, at
  // most `limit` of them, starting at subject `from`. Where to go on, or 0
  // when none is left: then the older epochs may be destroyed. May be stopped
  // at any point and started again from 1.
  absl::StatusOr<uint64_t> Rewrap(uint64_t from, uint32_t limit);

  // Calls `visit` for each allocated slot from `first` on, in order; damaged
  // slots come as a DataLoss status. Stops at the first error of `visit`.
  absl::Status ForEach(
      uint64_t first,
      const std::function<absl::Status(
          uint64_t subject, const absl::StatusOr<SlotInfo>&)>& visit) const;

  // Gives the bytes of a slot file with the same slots, in order, for a backup:
  // each slot is whole, as it is now or was when the call began; the header is
  // of when it began. No epoch may be added or destroyed meanwhile.
  absl::Status CopyTo(
      const std::function<absl::Status(std::string_view bytes)>& write) const;

  // Highest subject number allocated, 0 for none.
  uint64_t last_subject() const;

  // Highest log index that a destruction recorded. The log must reach beyond
  // it, and it must not be behind the last erasure in the log.
  uint64_t erased_through() const;

  // The log's size as last remembered here; never falls.
  uint64_t log_size() const;
  absl::Status RememberLogSize(uint64_t size);
  // For a restore whose log is lost beyond `size`, and nothing else: what was
  // remembered of entries behind it is forgotten.
  absl::Status ForgetLogBeyond(uint64_t size);

 private:
  SlotFile(const Options& options, std::unique_ptr<audit::File> file,
           const SlotFileId& id, const SlotHeader& header);

  const Options options_;
  const SlotFileId id_;
  // Provides its own synchronisation: positional reads beside one writer.
  const std::unique_ptr<audit::File> file_;

  // Writers take turns; held through their syncs.
  mutable Mutex write_mu_;

  mutable Mutex mu_;
  SlotHeader header_ ABSL_GUARDED_BY(mu_);
  bool failed_ ABSL_GUARDED_BY(mu_) = false;

  absl::Status CheckSubject(uint64_t subject) const;
  absl::Status CheckUsable() const;
  SlotHeader header() const;
  absl::Status Fail(absl::Status status);

  absl::StatusOr<SlotInfo> ReadOnce(uint64_t subject, SlotKeys* keys) const;
  absl::StatusOr<SlotInfo> Read(uint64_t subject, SlotKeys* keys) const;
  absl::StatusOr<SubjectKeys> Adopt(uint64_t subject, const SlotInfo& info,
                                    const SlotKeys& keys) const;

  absl::Status WriteHeader(SlotHeader header)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status Sync() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // To their places, without a sync; neighbours in one call.
  absl::Status WriteSlots(std::span<const SlotWrite> writes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // Overwrites live slots so that a crash leaves each old or new, and writes
  // the header with them when there is one.
  absl::Status Replace(std::span<const SlotWrite> writes,
                       const SlotHeader* header)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status Recover() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SLOT_FILE_H_
