#include "tests/testing/fault_file_system.h"

#include <algorithm>
#include <set>
#include <utility>

namespace consentry::testing {

// A file whose calls are counted and failed by its FaultFileSystem.
class FaultFile final : public audit::File {
 public:
  FaultFile(FaultFileSystem* fs, std::unique_ptr<audit::File> base,
            std::string path)
      : fs_(fs), base_(std::move(base)), path_(std::move(path)) {}

  absl::Status WriteAt(uint64_t offset, std::string_view data) override {
    const auto verdict = fs_->Count("write", path_, data.size());
    if (verdict.run) {
      const absl::Status status = base_->WriteAt(
          offset, data.substr(0, verdict.keep.value_or(data.size())));
      if (verdict.status.ok()) return status;
    }
    return verdict.status;
  }

  absl::StatusOr<std::string> ReadAt(uint64_t offset,
                                     size_t length) const override {
    return fs_->Do<absl::StatusOr<std::string>>(
        "read", path_, [&] { return base_->ReadAt(offset, length); });
  }

  absl::StatusOr<uint64_t> Size() const override {
    return fs_->Do<absl::StatusOr<uint64_t>>("size", path_,
                                             [&] { return base_->Size(); });
  }

  absl::Status Truncate(uint64_t size) override {
    return fs_->Do<absl::Status>("truncate", path_,
                                 [&] { return base_->Truncate(size); });
  }

  absl::Status Sync() override {
    return fs_->Do<absl::Status>("sync", path_, [&] { return base_->Sync(); });
  }

 private:
  FaultFileSystem* const fs_;
  const std::unique_ptr<audit::File> base_;
  const std::string path_;
};

template <class Result, class F>
Result FaultFileSystem::Do(std::string_view name, std::string_view path, F f) {
  const Verdict verdict = Count(name, path, 0);
  if (!verdict.run) return verdict.status;
  Result result = f();
  if (!verdict.status.ok()) return verdict.status;
  return result;
}

FaultFileSystem::Verdict FaultFileSystem::Count(std::string_view name,
                                                std::string_view path,
                                                size_t bytes) {
  MutexLock lock(&mu_);
  const uint64_t number = calls_.size();
  calls_.push_back({number, std::string(name), std::string(path), bytes});
  Verdict verdict;
  if (dead_) {
    verdict.run = false;
    verdict.status = absl::UnavailableError("the process is dead");
    return verdict;
  }
  if (!fault_.has_value() || fault_->call != number) return verdict;
  triggered_ = true;
  verdict.status = absl::Status(fault_->code, "injected fault");
  switch (fault_->kind) {
    case Kind::kError:
      verdict.run = false;
      break;
    case Kind::kShort:
      verdict.keep = std::min(bytes, fault_->keep);
      break;
    case Kind::kKill:
      verdict.keep = std::min(bytes, fault_->keep);
      // A kill before the call is one that keeps nothing.
      verdict.run = fault_->keep > 0;
      dead_ = true;
      break;
  }
  return verdict;
}

void FaultFileSystem::FailAt(const Fault& fault) {
  MutexLock lock(&mu_);
  fault_ = fault;
  triggered_ = false;
}

void FaultFileSystem::Heal() {
  MutexLock lock(&mu_);
  fault_.reset();
  dead_ = false;
}

uint64_t FaultFileSystem::call_count() const {
  MutexLock lock(&mu_);
  return calls_.size();
}

std::vector<FaultFileSystem::Call> FaultFileSystem::calls() const {
  MutexLock lock(&mu_);
  return calls_;
}

bool FaultFileSystem::triggered() const {
  MutexLock lock(&mu_);
  return triggered_;
}

std::vector<FaultFileSystem::Fault> FaultFileSystem::FaultsOf(
    const Call& call) {
  std::vector<Fault> faults;
  const auto add = [&](Kind kind, size_t keep, absl::StatusCode code) {
    faults.push_back({call.number, kind, keep, code});
  };
  add(Kind::kError, 0, absl::StatusCode::kUnavailable);
  add(Kind::kKill, 0, absl::StatusCode::kUnavailable);
  if (call.name != "write") {
    add(Kind::kShort, 1, absl::StatusCode::kUnavailable);
    add(Kind::kKill, 1, absl::StatusCode::kUnavailable);
    return faults;
  }
  add(Kind::kError, 0, absl::StatusCode::kResourceExhausted);
  std::set<size_t> cuts = {1, 7, call.bytes / 2, call.bytes};
  if (call.bytes > 0) cuts.insert(call.bytes - 1);
  for (size_t at = 512; at < call.bytes; at += 512) cuts.insert(at);
  cuts.erase(0);
  for (const size_t cut : cuts) {
    if (cut > call.bytes) continue;
    add(Kind::kShort, cut, absl::StatusCode::kUnavailable);
    add(Kind::kKill, cut, absl::StatusCode::kUnavailable);
  }
  return faults;
}

absl::StatusOr<std::unique_ptr<audit::File>> FaultFileSystem::Open(
    std::string_view path, Mode mode) {
  using Opened = absl::StatusOr<std::unique_ptr<audit::File>>;
  Opened file = Do<Opened>(mode == Mode::kCreate ? "create" : "open", path,
                           [&] { return base_->Open(path, mode); });
  if (!file.ok()) return file;
  return std::unique_ptr<audit::File>(
      std::make_unique<FaultFile>(this, *std::move(file), std::string(path)));
}

absl::StatusOr<bool> FaultFileSystem::Exists(std::string_view path) {
  return Do<absl::StatusOr<bool>>("exists", path,
                                  [&] { return base_->Exists(path); });
}

absl::Status FaultFileSystem::Rename(std::string_view from,
                                     std::string_view to) {
  return Do<absl::Status>("rename", from,
                          [&] { return base_->Rename(from, to); });
}

absl::Status FaultFileSystem::Remove(std::string_view path) {
  return Do<absl::Status>("remove", path, [&] { return base_->Remove(path); });
}

absl::Status FaultFileSystem::MakeDirectory(std::string_view path) {
  return Do<absl::Status>("mkdir", path,
                          [&] { return base_->MakeDirectory(path); });
}

absl::Status FaultFileSystem::SyncDirectory(std::string_view path) {
  return Do<absl::Status>("syncdir", path,
                          [&] { return base_->SyncDirectory(path); });
}

absl::StatusOr<std::vector<std::string>> FaultFileSystem::List(
    std::string_view path) {
  return Do<absl::StatusOr<std::vector<std::string>>>(
      "list", path, [&] { return base_->List(path); });
}

absl::StatusOr<uint64_t> FaultFileSystem::FreeSpace(std::string_view path) {
  return Do<absl::StatusOr<uint64_t>>("freespace", path,
                                      [&] { return base_->FreeSpace(path); });
}

absl::StatusOr<std::unique_ptr<audit::File>> FaultFileSystem::Lock(
    std::string_view path) {
  using Opened = absl::StatusOr<std::unique_ptr<audit::File>>;
  Opened file = Do<Opened>("lock", path, [&] { return base_->Lock(path); });
  if (!file.ok()) return file;
  return std::unique_ptr<audit::File>(
      std::make_unique<FaultFile>(this, *std::move(file), std::string(path)));
}

}  // namespace consentry::testing
