#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/io/file.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

absl::StatusCode CodeOfErrno(int error) {
  switch (error) {
    case ENOENT:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case EWOULDBLOCK:
      return absl::StatusCode::kFailedPrecondition;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status PosixError(std::string_view what, const std::string& path,
                        int error) {
  char buffer[128];
  return absl::Status(
      CodeOfErrno(error),
      std::string(what) + " " + path + ": " +
          std::string(strerror_r(error, buffer, sizeof(buffer))));
}

// Calls `f` again while a signal interrupts it.
template <class F>
auto Retry(F f) {
  auto result = f();
  while (result < 0 && errno == EINTR) result = f();
  return result;
}

bool FitsOffset(uint64_t offset, uint64_t length) {
  constexpr uint64_t kMax = std::numeric_limits<off_t>::max();
  return offset <= kMax && length <= kMax - offset;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override { close(fd_); }

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    if (!FitsOffset(offset, data.size())) {
      return PosixError("write", path_, EFBIG);
    }
    while (!data.empty()) {
      const ssize_t n = Retry([&] {
        return pwrite(fd_, data.data(), data.size(),
                      static_cast<off_t>(offset));
      });
      if (n < 0) return PosixError("write", path_, errno);
      if (n == 0) return PosixError("write", path_, ENOSPC);
      offset += static_cast<uint64_t>(n);
      data.remove_prefix(static_cast<size_t>(n));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadAt(uint64_t offset,
                                     size_t length) const override {
    if (!FitsOffset(offset, length)) return PosixError("read", path_, EINVAL);
    // Not more memory than there are bytes, whatever length is asked for.
    CONSENTRY_ASSIGN_OR_RETURN(const uint64_t size, Size());
    if (offset >= size) return std::string();
    std::string data;
    data.resize(static_cast<size_t>(std::min<uint64_t>(length, size - offset)));
    size_t done = 0;
    while (done < data.size()) {
      const ssize_t n = Retry([&] {
        return pread(fd_, data.data() + done, data.size() - done,
                     static_cast<off_t>(offset + done));
      });
      if (n < 0) return PosixError("read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    data.resize(done);
    return data;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (fstat(fd_, &info) != 0) return PosixError("stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  absl::Status Truncate(uint64_t size) override {
    if (!FitsOffset(size, 0)) return PosixError("truncate", path_, EFBIG);
    if (Retry([&] { return ftruncate(fd_, static_cast<off_t>(size)); }) != 0) {
      return PosixError("truncate", path_, errno);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (Retry([&] { return fdatasync(fd_); }) != 0) {
      return PosixError("sync", path_, errno);
    }
    return absl::OkStatus();
  }

 private:
  const int fd_;
  const std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(std::string_view path,
                                             Mode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case Mode::kRead:
        flags |= O_RDONLY;
        break;
      case Mode::kReadWrite:
        flags |= O_RDWR;
        break;
      case Mode::kCreate:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    return OpenWith(path, flags);
  }

  absl::StatusOr<bool> Exists(std::string_view path) override {
    const std::string name(path);
    struct stat info;
    if (stat(name.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return PosixError("stat", name, errno);
  }

  absl::Status Rename(std::string_view from, std::string_view to) override {
    const std::string name(from);
    if (rename(name.c_str(), std::string(to).c_str()) != 0) {
      return PosixError("rename", name, errno);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(std::string_view path) override {
    const std::string name(path);
    if (unlink(name.c_str()) != 0) return PosixError("remove", name, errno);
    return absl::OkStatus();
  }

  absl::Status MakeDirectory(std::string_view path) override {
    const std::string name(path);
    if (mkdir(name.c_str(), 0700) == 0) return absl::OkStatus();
    const int error = errno;
    struct stat info;
    if (error == EEXIST && stat(name.c_str(), &info) == 0 &&
        S_ISDIR(info.st_mode)) {
      return absl::OkStatus();
    }
    return PosixError("make folder", name, error);
  }

  absl::Status SyncDirectory(std::string_view path) override {
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::unique_ptr<File> folder,
        OpenWith(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder->Sync();
  }

  absl::StatusOr<std::vector<std::string>> List(
      std::string_view path) override {
    const std::string name(path);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(name.c_str()),
                                                     &closedir);
    if (folder == nullptr) return PosixError("list", name, errno);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(folder.get());
      if (entry == nullptr) {
        if (errno != 0) return PosixError("list", name, errno);
        break;
      }
      const std::string_view found = entry->d_name;
      if (found != "." && found != "..") names.emplace_back(found);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<uint64_t> FreeSpace(std::string_view path) override {
    const std::string name(path);
    struct statvfs info;
    if (statvfs(name.c_str(), &info) != 0) {
      return PosixError("free space of", name, errno);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

  absl::StatusOr<std::unique_ptr<File>> Lock(std::string_view path) override {
    CONSENTRY_ASSIGN_OR_RETURN(const int fd,
                               OpenFd(path, O_RDWR | O_CREAT | O_CLOEXEC));
    auto file = std::make_unique<PosixFile>(fd, std::string(path));
    // flock, not fcntl: a second open in this same process conflicts as well,
    // and closing another descriptor of the file does not drop the lock.
    if (Retry([&] { return flock(fd, LOCK_EX | LOCK_NB); }) != 0) {
      return PosixError("lock", std::string(path), errno);
    }
    return std::unique_ptr<File>(std::move(file));
  }

 private:
  static absl::StatusOr<int> OpenFd(std::string_view path, int flags) {
    const std::string name(path);
    const int fd = Retry([&] { return open(name.c_str(), flags, 0600); });
    if (fd < 0) return PosixError("open", name, errno);
    return fd;
  }

  static absl::StatusOr<std::unique_ptr<File>> OpenWith(std::string_view path,
                                                        int flags) {
    CONSENTRY_ASSIGN_OR_RETURN(const int fd, OpenFd(path, flags));
    return std::unique_ptr<File>(
        std::make_unique<PosixFile>(fd, std::string(path)));
  }
};

}  // namespace

FileSystem* FileSystem::Posix() {
  static PosixFileSystem* const instance = new PosixFileSystem();
  return instance;
}

}  // namespace consentry::audit
