// A disk that loses power, for a program that is not ours to change: loaded
// into it by LD_PRELOAD. What is written to a segment of the audit log stays
// in memory until it is synced, and a sync takes its time. So a SIGKILL takes
// with it what was written and not synced, which the system's cache would have
// kept. All other files are left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdarg>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr char kSuffix[] = ".seg";
constexpr useconds_t kSyncUs = 1500;

template <class F>
F Real(const char* name) {
  F function;
  void* found = dlsym(RTLD_NEXT, name);
  std::memcpy(&function, &found, sizeof function);
  return function;
}

using Pwrite = ssize_t (*)(int, const void*, size_t, off_t);

struct Waiting {
  off_t offset;
  std::string data;
};

struct Disk {
  std::mutex mu;
  std::map<int, std::vector<Waiting>> segments;
};

// Never destroyed: the program may write while it ends.
Disk& TheDisk() {
  static Disk* const disk = new Disk();
  return *disk;
}

bool IsSegment(const char* path) {
  const size_t length = std::strlen(path);
  const size_t suffix = sizeof(kSuffix) - 1;
  return length > suffix && std::strcmp(path + length - suffix, kSuffix) == 0;
}

int Track(int fd, const char* path) {
  if (fd >= 0 && IsSegment(path)) {
    const std::lock_guard<std::mutex> lock(TheDisk().mu);
    TheDisk().segments[fd].clear();
  }
  return fd;
}

// False when a write failed.
bool Flush(int fd) {
  static const auto write = Real<Pwrite>("pwrite");
  const std::lock_guard<std::mutex> lock(TheDisk().mu);
  const auto segment = TheDisk().segments.find(fd);
  if (segment == TheDisk().segments.end()) return true;
  for (const Waiting& waiting : std::exchange(segment->second, {})) {
    const ssize_t written =
        write(fd, waiting.data.data(), waiting.data.size(), waiting.offset);
    if (written != static_cast<ssize_t>(waiting.data.size())) return false;
  }
  return true;
}

bool Tracked(int fd) {
  const std::lock_guard<std::mutex> lock(TheDisk().mu);
  return TheDisk().segments.contains(fd);
}

int Open(const char* name, const char* path, int flags, mode_t mode) {
  using Function = int (*)(const char*, int, ...);
  return Track(Real<Function>(name)(path, flags, mode), path);
}

ssize_t Write(const char* name, int fd, const void* data, size_t length,
              off_t offset) {
  {
    const std::lock_guard<std::mutex> lock(TheDisk().mu);
    const auto segment = TheDisk().segments.find(fd);
    if (segment != TheDisk().segments.end()) {
      segment->second.push_back(
          {offset, std::string(static_cast<const char*>(data), length)});
      return static_cast<ssize_t>(length);
    }
  }
  return Real<Pwrite>(name)(fd, data, length, offset);
}

ssize_t Read(const char* name, int fd, void* data, size_t length,
             off_t offset) {
  using Function = ssize_t (*)(int, void*, size_t, off_t);
  Flush(fd);
  return Real<Function>(name)(fd, data, length, offset);
}

int Sync(const char* name, int fd) {
  using Function = int (*)(int);
  if (Tracked(fd)) {
    usleep(kSyncUs);
    if (!Flush(fd)) return -1;
  }
  return Real<Function>(name)(fd);
}

int Truncate(const char* name, int fd, off_t size) {
  using Function = int (*)(int, off_t);
  Flush(fd);
  return Real<Function>(name)(fd, size);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode =
      (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return Open("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode =
      (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return Open("open64", path, flags, mode);
}

ssize_t pwrite(int fd, const void* data, size_t length, off_t offset) {
  return Write("pwrite", fd, data, length, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t length, off_t offset) {
  return Write("pwrite64", fd, data, length, offset);
}
ssize_t pread(int fd, void* data, size_t length, off_t offset) {
  return Read("pread", fd, data, length, offset);
}
ssize_t pread64(int fd, void* data, size_t length, off_t offset) {
  return Read("pread64", fd, data, length, offset);
}
int fdatasync(int fd) { return Sync("fdatasync", fd); }
int fsync(int fd) { return Sync("fsync", fd); }
int ftruncate(int fd, off_t size) { return Truncate("ftruncate", fd, size); }
int ftruncate64(int fd, off_t size) {
  return Truncate("ftruncate64", fd, size);
}
int close(int fd) {
  using Function = int (*)(int);
  Flush(fd);
  {
    const std::lock_guard<std::mutex> lock(TheDisk().mu);
    TheDisk().segments.erase(fd);
  }
  return Real<Function>("close")(fd);
}

}  // extern "C"
