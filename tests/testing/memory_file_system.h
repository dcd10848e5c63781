#ifndef CONSENTRY_TESTS_TESTING_MEMORY_FILE_SYSTEM_H_
#define CONSENTRY_TESTS_TESTING_MEMORY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "audit/io/file.h"
#include "proto/support/mutex.h"

namespace consentry::testing {

// A disk in memory that knows what is durable. Written bytes become durable by
// File::Sync(); names (made, renamed, removed) by SyncDirectory() of their
// folder. Folder "/" always exists; paths are absolute. Safe for many threads,
// deterministic for one.
class MemoryFileSystem final : public audit::FileSystem {
 public:
  // What of the data and names that were not synced is there after a power cut.
  enum class Unsynced {
    kLost,  // None of it.
    kKept,  // All of it.
    kSome,  // Each 512-byte sector and each name by a coin drawn from the seed.
  };

  MemoryFileSystem();
  ~MemoryFileSystem() override;

  // A power cut: every open file and lock is dead from here on (calls answer
  // Unavailable), and the disk holds what was durable and, as `unsynced` says,
  // some of the rest. All of it is durable then.
  void Reboot(Unsynced unsynced, uint64_t seed = 0);

  // The process ends and another starts, the machine stays up: open files and
  // locks are dead, what was written is there, and only what was synced is
  // durable.
  void RestartProcess();

  // What Linux does when a sync fails: the pages stay in the cache with what
  // was written and count as clean, so no later sync writes them to the disk.
  void LoseDirtyMarks();

  // A copy of the disk as it is now, nothing open, all durable. Not what a
  // power cut would leave.
  std::unique_ptr<MemoryFileSystem> Clone() const;

  // Bytes that FreeSpace() reports and that writes may still add.
  void SetFreeSpace(uint64_t bytes);

  absl::StatusOr<std::unique_ptr<audit::File>> Open(std::string_view path,
                                                    Mode mode) override;
  absl::StatusOr<bool> Exists(std::string_view path) override;
  absl::Status Rename(std::string_view from, std::string_view to) override;
  absl::Status Remove(std::string_view path) override;
  absl::Status MakeDirectory(std::string_view path) override;
  absl::Status SyncDirectory(std::string_view path) override;
  absl::StatusOr<std::vector<std::string>> List(std::string_view path) override;
  absl::StatusOr<uint64_t> FreeSpace(std::string_view path) override;
  absl::StatusOr<std::unique_ptr<audit::File>> Lock(
      std::string_view path) override;

 private:
  friend class MemoryFile;
  struct Node;
  using Names = std::map<std::string, std::shared_ptr<Node>, std::less<>>;

  absl::Status CheckParent(std::string_view path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  // Full path to file or folder: as seen, and as a power cut would leave it.
  Names live_ ABSL_GUARDED_BY(mu_);
  Names durable_ ABSL_GUARDED_BY(mu_);
  std::set<std::string, std::less<>> locked_ ABSL_GUARDED_BY(mu_);
  // Raised by Reboot(); files of an older boot are dead.
  uint64_t boot_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t free_ ABSL_GUARDED_BY(mu_) = uint64_t{1} << 40;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_MEMORY_FILE_SYSTEM_H_
