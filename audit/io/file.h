#ifndef CONSENTRY_AUDIT_IO_FILE_H_
#define CONSENTRY_AUDIT_IO_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::audit {

// An open file. One thread at a time. Closed by the destructor, without a
// sync: what matters is synced before.
class File {
 public:
  virtual ~File() = default;

  // Writes all of `data` at `offset` (bytes from the start) or fails. After a
  // failure the bytes in that range are unknown. Not durable before Sync().
  virtual absl::Status WriteAt(uint64_t offset, std::string_view data) = 0;

  // Reads up to `length` bytes at `offset`; fewer only at the end of the file.
  virtual absl::StatusOr<std::string> ReadAt(uint64_t offset,
                                             size_t length) const = 0;

  virtual absl::StatusOr<uint64_t> Size() const = 0;
  virtual absl::Status Truncate(uint64_t size) = 0;

  // Makes all earlier writes durable (fdatasync). After a failure nothing
  // written since the last success may be relied on, and a second call proves
  // nothing: the caller must give the file up.
  virtual absl::Status Sync() = 0;
};

// The seam through which the log, the key slots and the epoch file reach the
// disk, so that tests can make each call fail. Safe for many threads.
// Errors: NotFound, AlreadyExists, ResourceExhausted (no space),
// PermissionDenied, FailedPrecondition (locked), Unavailable (anything else).
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The machine's own. Never deleted.
  static FileSystem* Posix();

  enum class Mode {
    kRead,       // Must exist.
    kReadWrite,  // Must exist.
    kCreate,     // Must not exist; made with mode 0600. Not durable before
                 // SyncDirectory() of its folder.
  };
  virtual absl::StatusOr<std::unique_ptr<File>> Open(std::string_view path,
                                                     Mode mode) = 0;

  virtual absl::StatusOr<bool> Exists(std::string_view path) = 0;
  virtual absl::Status Rename(std::string_view from, std::string_view to) = 0;
  virtual absl::Status Remove(std::string_view path) = 0;
  // Mode 0700; OK when it exists already.
  virtual absl::Status MakeDirectory(std::string_view path) = 0;
  virtual absl::Status SyncDirectory(std::string_view path) = 0;
  // Names, without the folder, sorted; without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) = 0;
  // Bytes available to an unprivileged writer on the volume of `path`.
  virtual absl::StatusOr<uint64_t> FreeSpace(std::string_view path) = 0;

  // An exclusive advisory lock that ends with the returned file or the
  // process. FailedPrecondition when another process holds it.
  virtual absl::StatusOr<std::unique_ptr<File>> Lock(std::string_view path) = 0;
};

// Replaces `path` by `data` so that a crash leaves the old or the new content:
// write of a sibling, sync, rename, sync of the folder.
absl::Status ReplaceFile(FileSystem* fs, std::string_view path,
                         std::string_view data);

// Makes folder `path` unless it is there, so that it survives a crash. The
// folder above must exist.
absl::Status MakeDurableDirectory(FileSystem* fs, std::string_view path);

// The whole file; ResourceExhausted when it is longer than `limit` bytes.
absl::StatusOr<std::string> ReadFile(FileSystem* fs, std::string_view path,
                                     uint64_t limit);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_IO_FILE_H_
