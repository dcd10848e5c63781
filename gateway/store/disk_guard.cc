#include "gateway/store/disk_guard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "gateway/base/log.h"

namespace consentry::store {
namespace {

constexpr base::LogEvent kLow{base::LogLevel::kError, 2020, "store.disk_low"};
constexpr base::LogEvent kEnough{base::LogLevel::kInfo, 2021,
                                 "store.disk_enough"};
constexpr base::LogEvent kReserveGone{base::LogLevel::kError, 2022,
                                      "store.disk_reserve_given_up"};

constexpr int64_t kLookEveryUs = 100'000;

}  // namespace

DiskGuard::DiskGuard(Options options, const base::Clock* clock)
    : options_(std::move(options)), clock_(clock) {
  MutexLock lock(&mu_);
  struct stat found;
  have_reserve_ =
      !options_.reserve_path.empty() &&
      stat(options_.reserve_path.c_str(), &found) == 0 &&
      static_cast<uint64_t>(found.st_size) >= options_.reserve_bytes;
  if (options_.free_bytes != nullptr) Look();
}

bool DiskGuard::Low() {
  if (options_.free_bytes == nullptr) return false;
  const int64_t now = clock_->MonotonicUs();
  if (now >= next_look_us_.load(std::memory_order_relaxed) && mu_.TryLock()) {
    if (now >= next_look_us_.load(std::memory_order_relaxed)) Look();
    mu_.Unlock();
  }
  return low_.load(std::memory_order_acquire);
}

bool DiskGuard::GiveUpReserve() {
  MutexLock lock(&mu_);
  return DropReserve();
}

void DiskGuard::Look() {
  const absl::StatusOr<uint64_t> free = options_.free_bytes();
  const uint64_t bytes = free.ok() ? *free : 0;
  // The room that the reserve left is not for reads.
  const uint64_t kept_free = options_.reserve_path.empty() || have_reserve_
                                 ? 0
                                 : options_.reserve_bytes;
  const bool low = bytes < options_.high_water_bytes + kept_free;
  if (low != low_.exchange(low, std::memory_order_acq_rel)) {
    base::Log(low ? kLow : kEnough, {{"free_mib", bytes >> 20}});
  }
  if (bytes < options_.high_water_bytes / 2) {
    DropReserve();
  } else if (bytes >= options_.high_water_bytes + options_.reserve_bytes) {
    MakeReserve();
  }
  next_look_us_.store(clock_->MonotonicUs() + kLookEveryUs,
                      std::memory_order_relaxed);
}

bool DiskGuard::DropReserve() {
  if (options_.reserve_path.empty()) return false;
  have_reserve_ = false;
  if (unlink(options_.reserve_path.c_str()) != 0) return false;
  base::Log(kReserveGone);
  return true;
}

void DiskGuard::MakeReserve() {
  if (options_.reserve_path.empty() || have_reserve_) return;
  const int fd = open(options_.reserve_path.c_str(),
                      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  have_reserve_ =
      posix_fallocate(fd, 0, static_cast<off_t>(options_.reserve_bytes)) == 0;
  close(fd);
}

}  // namespace consentry::store
