#include "tests/testing/memory_file_system.h"

#include <algorithm>
#include <random>
#include <utility>

#include "proto/support/status_macros.h"

namespace consentry::testing {
namespace {

constexpr size_t kSector = 512;

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/"
                                                       : path.substr(0, slash);
}

}  // namespace

struct MemoryFileSystem::Node {
  bool folder = false;
  std::string live;
  std::string durable;
  // Start of each sector written, or cut off, since the last sync.
  std::set<size_t> dirty;
};

class MemoryFile final : public audit::File {
 public:
  MemoryFile(MemoryFileSystem* fs, std::shared_ptr<MemoryFileSystem::Node> node,
             uint64_t boot, bool writable, std::string lock)
      : fs_(fs),
        node_(std::move(node)),
        boot_(boot),
        writable_(writable),
        lock_(std::move(lock)) {}
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() override {
    MutexLock lock(&fs_->mu_);
    if (!lock_.empty() && boot_ == fs_->boot_) fs_->locked_.erase(lock_);
  }

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    MutexLock lock(&fs_->mu_);
    CONSENTRY_RETURN_IF_ERROR(Check(/*write=*/true));
    const size_t at = static_cast<size_t>(offset);
    const size_t end = at + data.size();
    if (end > node_->live.size()) {
      const size_t more = end - node_->live.size();
      if (more > fs_->free_) {
        return absl::ResourceExhaustedError("memory disk is full");
      }
      fs_->free_ -= more;
      MarkDirty(node_->live.size(), end);
      node_->live.resize(end, '\0');
    }
    MarkDirty(at, end);
    node_->live.replace(at, data.size(), data);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadAt(uint64_t offset,
                                     size_t length) const override {
    MutexLock lock(&fs_->mu_);
    CONSENTRY_RETURN_IF_ERROR(Check(/*write=*/false));
    if (offset >= node_->live.size()) return std::string();
    return node_->live.substr(static_cast<size_t>(offset), length);
  }

  absl::StatusOr<uint64_t> Size() const override {
    MutexLock lock(&fs_->mu_);
    CONSENTRY_RETURN_IF_ERROR(Check(/*write=*/false));
    return node_->live.size();
  }

  absl::Status Truncate(uint64_t size) override {
    MutexLock lock(&fs_->mu_);
    CONSENTRY_RETURN_IF_ERROR(Check(/*write=*/true));
    const size_t old = node_->live.size();
    const size_t now = static_cast<size_t>(size);
    MarkDirty(std::min(old, now), std::max(old, now));
    node_->live.resize(now, '\0');
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    MutexLock lock(&fs_->mu_);
    CONSENTRY_RETURN_IF_ERROR(Check(/*write=*/false));
    for (const size_t at : node_->dirty) {
      if (at >= node_->live.size()) continue;
      if (node_->durable.size() < node_->live.size()) {
        node_->durable.resize(node_->live.size(), '\0');
      }
      const size_t n = std::min(kSector, node_->live.size() - at);
      node_->durable.replace(at, n, node_->live, at, n);
    }
    node_->durable.resize(node_->live.size(), '\0');
    node_->dirty.clear();
    return absl::OkStatus();
  }

 private:
  absl::Status Check(bool write) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(fs_->mu_) {
    if (boot_ != fs_->boot_) {
      return absl::UnavailableError("file of before the power cut");
    }
    if (write && !writable_) {
      return absl::PermissionDeniedError("file is open for reading");
    }
    return absl::OkStatus();
  }

  void MarkDirty(size_t from, size_t to)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(fs_->mu_) {
    for (size_t at = from / kSector * kSector; at < to; at += kSector) {
      node_->dirty.insert(at);
    }
  }

  MemoryFileSystem* const fs_;
  const std::shared_ptr<MemoryFileSystem::Node> node_;
  const uint64_t boot_;
  const bool writable_;
  const std::string lock_;
};

MemoryFileSystem::MemoryFileSystem() {
  auto root = std::make_shared<Node>();
  root->folder = true;
  live_.emplace("/", root);
  durable_.emplace("/", root);
}

MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::Reboot(Unsynced unsynced, uint64_t seed) {
  MutexLock lock(&mu_);
  ++boot_;
  locked_.clear();
  std::mt19937_64 random(seed);
  const auto keep = [&] {
    return unsynced == Unsynced::kKept ||
           (unsynced == Unsynced::kSome && (random() >> 32) % 2 == 0);
  };

  std::set<std::string, std::less<>> paths;
  for (const auto& [path, node] : live_) paths.insert(path);
  for (const auto& [path, node] : durable_) paths.insert(path);
  Names names;
  std::set<Node*> kept;
  for (const std::string& path : paths) {
    const auto now = live_.find(path);
    const auto then = durable_.find(path);
    const bool same = now != live_.end() && then != durable_.end() &&
                      now->second == then->second;
    const bool take_now = same || keep();
    const auto& it = take_now ? now : then;
    if (it == (take_now ? live_.end() : durable_.end())) continue;
    // What stands in a folder that was lost is lost with it.
    if (path != "/" && names.find(ParentOf(path)) == names.end()) continue;
    names.emplace(path, it->second);
  }
  for (const auto& [path, node] : names) {
    if (!kept.insert(node.get()).second || node->folder) continue;
    std::string content = node->durable;
    if (!node->dirty.empty() && keep()) {
      content.resize(node->live.size(), '\0');
    }
    for (const size_t at : node->dirty) {
      if (at >= content.size() || at >= node->live.size() || !keep()) continue;
      const size_t n =
          std::min({kSector, content.size() - at, node->live.size() - at});
      content.replace(at, n, node->live, at, n);
    }
    node->live = content;
    node->durable = std::move(content);
    node->dirty.clear();
  }
  live_ = names;
  durable_ = std::move(names);
}

void MemoryFileSystem::RestartProcess() {
  MutexLock lock(&mu_);
  ++boot_;
  locked_.clear();
}

void MemoryFileSystem::LoseDirtyMarks() {
  MutexLock lock(&mu_);
  for (const auto& [path, node] : live_) node->dirty.clear();
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Clone() const {
  auto copy = std::make_unique<MemoryFileSystem>();
  MutexLock lock(&mu_);
  MutexLock copy_lock(&copy->mu_);
  for (const auto& [path, node] : live_) {
    auto twin = std::make_shared<Node>();
    twin->folder = node->folder;
    twin->live = node->live;
    twin->durable = node->live;
    copy->live_[path] = twin;
    copy->durable_[path] = std::move(twin);
  }
  copy->free_ = free_;
  return copy;
}

void MemoryFileSystem::SetFreeSpace(uint64_t bytes) {
  MutexLock lock(&mu_);
  free_ = bytes;
}

absl::Status MemoryFileSystem::CheckParent(std::string_view path) const {
  const auto parent = live_.find(ParentOf(path));
  if (parent == live_.end() || !parent->second->folder) {
    return absl::NotFoundError("no such folder");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<audit::File>> MemoryFileSystem::Open(
    std::string_view path, Mode mode) {
  MutexLock lock(&mu_);
  auto it = live_.find(path);
  if (mode == Mode::kCreate) {
    if (it != live_.end()) return absl::AlreadyExistsError("file exists");
    CONSENTRY_RETURN_IF_ERROR(CheckParent(path));
    it = live_.emplace(std::string(path), std::make_shared<Node>()).first;
  } else if (it == live_.end()) {
    return absl::NotFoundError("no such file");
  } else if (it->second->folder) {
    return absl::UnavailableError("is a folder");
  }
  return std::unique_ptr<audit::File>(std::make_unique<MemoryFile>(
      this, it->second, boot_, mode != Mode::kRead, std::string()));
}

absl::StatusOr<bool> MemoryFileSystem::Exists(std::string_view path) {
  MutexLock lock(&mu_);
  return live_.find(path) != live_.end();
}

absl::Status MemoryFileSystem::Rename(std::string_view from,
                                      std::string_view to) {
  MutexLock lock(&mu_);
  const auto it = live_.find(from);
  if (it == live_.end()) return absl::NotFoundError("no such file");
  if (it->second->folder) return absl::UnavailableError("is a folder");
  CONSENTRY_RETURN_IF_ERROR(CheckParent(to));
  live_[std::string(to)] = it->second;
  live_.erase(it);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::Remove(std::string_view path) {
  MutexLock lock(&mu_);
  const auto it = live_.find(path);
  if (it == live_.end()) return absl::NotFoundError("no such file");
  if (it->second->folder) return absl::UnavailableError("is a folder");
  live_.erase(it);
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::MakeDirectory(std::string_view path) {
  MutexLock lock(&mu_);
  const auto it = live_.find(path);
  if (it != live_.end()) {
    return it->second->folder ? absl::OkStatus()
                              : absl::AlreadyExistsError("is a file");
  }
  CONSENTRY_RETURN_IF_ERROR(CheckParent(path));
  auto node = std::make_shared<Node>();
  node->folder = true;
  live_.emplace(std::string(path), std::move(node));
  return absl::OkStatus();
}

absl::Status MemoryFileSystem::SyncDirectory(std::string_view path) {
  MutexLock lock(&mu_);
  const auto folder = live_.find(path);
  if (folder == live_.end() || !folder->second->folder) {
    return absl::NotFoundError("no such folder");
  }
  const auto inside = [&](const std::string& name) {
    return name != "/" && ParentOf(name) == path;
  };
  std::erase_if(durable_,
                [&](const auto& entry) { return inside(entry.first); });
  for (const auto& [name, node] : live_) {
    if (inside(name)) durable_[name] = node;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> MemoryFileSystem::List(
    std::string_view path) {
  MutexLock lock(&mu_);
  const auto folder = live_.find(path);
  if (folder == live_.end() || !folder->second->folder) {
    return absl::NotFoundError("no such folder");
  }
  std::vector<std::string> names;
  for (const auto& [name, node] : live_) {
    if (name != "/" && ParentOf(name) == path) {
      names.push_back(name.substr(name.rfind('/') + 1));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<uint64_t> MemoryFileSystem::FreeSpace(std::string_view) {
  MutexLock lock(&mu_);
  return free_;
}

absl::StatusOr<std::unique_ptr<audit::File>> MemoryFileSystem::Lock(
    std::string_view path) {
  MutexLock lock(&mu_);
  auto it = live_.find(path);
  if (it == live_.end()) {
    CONSENTRY_RETURN_IF_ERROR(CheckParent(path));
    it = live_.emplace(std::string(path), std::make_shared<Node>()).first;
  }
  if (!locked_.insert(std::string(path)).second) {
    return absl::FailedPreconditionError("locked by another");
  }
  return std::unique_ptr<audit::File>(std::make_unique<MemoryFile>(
      this, it->second, boot_, /*writable=*/true, std::string(path)));
}

}  // namespace consentry::testing
