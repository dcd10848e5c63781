#ifndef CONSENTRY_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
#define CONSENTRY_TESTS_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "audit/io/file.h"
#include "proto/support/mutex.h"

namespace consentry::testing {

// Hands every call to another FileSystem and counts it; makes the n-th fail.
// Over a MemoryFileSystem, whose Reboot() then says what survived, this is the
// exhaustive fault test of everything that writes through the seam:
//
//   MemoryFileSystem disk;
//   FaultFileSystem fs(&disk);
//   Run(&fs);                                   // once without a fault
//   for (const FaultFileSystem::Call& call : fs.calls()) {
//     for each FaultsOf(call) {
//       MemoryFileSystem d; FaultFileSystem f(&d);
//       f.FailAt(fault); Run(&f); d.Reboot(...); recover on &d and check.
//
// Safe for many threads; the order of calls is the caller's to keep.
class FaultFileSystem final : public audit::FileSystem {
 public:
  enum class Kind {
    kError,  // The call does nothing and fails. Later calls work.
    kShort,  // Of a write, the first `keep` bytes land; it fails. Later calls
             // work. Of any other call: done in full, and still fails.
    kKill,   // As kShort, and every later call fails: the process is dead.
  };
  struct Fault {
    uint64_t call = 0;  // Counted from 0.
    Kind kind = Kind::kError;
    size_t keep = 0;
    absl::StatusCode code = absl::StatusCode::kUnavailable;
  };
  struct Call {
    uint64_t number = 0;
    std::string name;  // "write", "sync", "open", ...
    std::string path;
    size_t bytes = 0;  // Of a write.
  };

  // `base` must outlive this and every file opened through it.
  explicit FaultFileSystem(audit::FileSystem* base) : base_(base) {}

  void FailAt(const Fault& fault);
  // Forgets the fault, also a kill.
  void Heal();
  // How many calls were made; those that failed count.
  uint64_t call_count() const;
  std::vector<Call> calls() const;
  // Whether the fault was reached.
  bool triggered() const;

  // Every fault worth a run for `call`: an error, done-but-failed, a kill
  // before and after it; for a write also short and killed at each 512-byte
  // boundary of the data (counted from its start) and within the first sector.
  static std::vector<Fault> FaultsOf(const Call& call);

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
  friend class FaultFile;

  // What the call just counted has to do.
  struct Verdict {
    bool run = true;             // Hand it to the base.
    std::optional<size_t> keep;  // Of a write: only so many bytes.
    absl::Status status;         // What to answer, when not OK.
  };
  Verdict Count(std::string_view name, std::string_view path, size_t bytes);

  template <class Result, class F>
  Result Do(std::string_view name, std::string_view path, F f);

  audit::FileSystem* const base_;
  mutable Mutex mu_;
  std::vector<Call> calls_ ABSL_GUARDED_BY(mu_);
  std::optional<Fault> fault_ ABSL_GUARDED_BY(mu_);
  bool triggered_ ABSL_GUARDED_BY(mu_) = false;
  bool dead_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_FAULT_FILE_SYSTEM_H_
