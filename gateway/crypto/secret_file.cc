#include "gateway/crypto/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace consentry::crypto {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status FileError(const char* what, const std::string& path, int error) {
  const std::string message =
      std::string("cannot ") + what + " " + path + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(message);
    case EEXIST:
      return absl::AlreadyExistsError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    case ELOOP:
      return absl::PermissionDeniedError(path + " is a symbolic link");
    case ENOSPC:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::UnavailableError(message);
  }
}

}  // namespace

absl::StatusOr<SecretBuffer> ReadSecretFile(const std::string& path) {
  // O_NONBLOCK: a fifo in the file's place must not hang the start.
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (file.get() < 0) return FileError("open", path, errno);
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return FileError("read", path, errno);
  if (!S_ISREG(info.st_mode)) {
    return absl::PermissionDeniedError(path + " is not a regular file");
  }
  if (info.st_uid != geteuid() && info.st_uid != 0) {
    return absl::PermissionDeniedError(
        path +
        " belongs to another user: make it belong to the one that the "
        "gateway runs as");
  }
  if ((info.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        path + " is open to others than its owner: chmod 600 it");
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size > kMaxSecretFileBytes) {
    return absl::ResourceExhaustedError(path + " is too long for a key file");
  }
  SecretBuffer content(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t n =
        read(file.get(), content.mutable_data() + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("read", path, errno);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  content.Shrink(done);
  return content;
}

absl::Status CreateSecretFile(const std::string& path,
                              std::span<const uint8_t> content) {
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
           0600));
  if (file.get() < 0) return FileError("create", path, errno);
  // Whatever goes wrong from here: half a key is worse than none.
  const auto give_up = [&path](const char* what, int error) {
    unlink(path.c_str());
    return FileError(what, path, error);
  };
  if (fchmod(file.get(), 0600) != 0) return give_up("protect", errno);
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n =
        write(file.get(), content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return give_up("write", errno);
    done += static_cast<size_t>(n);
  }
  if (fsync(file.get()) != 0) return give_up("sync", errno);

  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  const Descriptor directory(
      open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return give_up("sync the folder of", errno);
  if (fsync(directory.get()) != 0) return give_up("sync the folder of", errno);
  return absl::OkStatus();
}

}  // namespace consentry::crypto
