// The folder of a log, live or exported, in which somebody changed, cut or
// removed a file. The verifier ends and calls it sound only when every signed
// entry is as it was; a proof is made of nothing else; and what the gateway
// itself opens and reads are entries of the log.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/audit_log.h"
#include "audit/log/checkpoint_store.h"
#include "audit/verify/exported_folder.h"
#include "audit/verify/prove.h"
#include "audit/verify/verify.h"
#include "tests/fuzz/input.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/tampered_log.h"

using namespace consentry;
using fuzz::Input;
using fuzz::LayOver;
using fuzz::Require;
using testing::MemoryFileSystem;

namespace {

constexpr uint64_t kSegmentBytes = uint64_t{1} << 13;
constexpr std::string_view kLive = "/log";
constexpr std::string_view kExported = "/out";

struct Logs {
  Logs() {
    testing::BuildLog(&fs, std::string(kLive), entries, kSegmentBytes);
    testing::Export(&fs, std::string(kLive), std::string(kExported));
    checkpoint = audit::CheckpointStore::ReadAll(&fs, kLive).value().back();
    Walk(std::string(kLive), &live);
    Walk(std::string(kExported), &exported);
  }

  void Walk(const std::string& folder, std::vector<std::string>* files) {
    const auto names = fs.List(folder);
    if (!names.ok()) return;
    for (const std::string& name : *names) {
      const std::string path = folder + "/" + name;
      const auto file = fs.Open(path, audit::FileSystem::Mode::kRead);
      if (file.ok()) {
        files->push_back(path);
      } else {
        Walk(path, files);
      }
    }
  }

  const testing::Entries entries = testing::SomeEntries(300);
  MemoryFileSystem fs;
  std::string checkpoint;
  std::vector<std::string> live;
  std::vector<std::string> exported;
};

void Change(const std::vector<std::string>& files, Input* input,
            MemoryFileSystem* fs) {
  const std::string& path =
      files[static_cast<size_t>(input->Below(static_cast<int>(files.size())))];
  const int how = input->Below(8);
  if (how == 0) {
    Require(fs->Remove(path).ok());
    return;
  }
  const std::string bytes = audit::ReadFile(fs, path, 1 << 24).value();
  const size_t at = input->Number() & 0xffff;
  std::string changed;
  if (how == 1) {
    changed = bytes.substr(0, bytes.empty() ? 0 : at % bytes.size());
  } else if (how == 2) {
    changed = std::string(input->Text(255));
  } else if (how == 3) {
    changed = bytes + std::string(input->Text(255));
  } else {
    changed = LayOver(bytes, at, input->Text(16));
  }
  Require(fs->Remove(path).ok());
  const auto file = fs->Open(path, audit::FileSystem::Mode::kCreate);
  Require(file.ok() && (*file)->WriteAt(0, changed).ok());
}

void CheckVerdict(const Logs& logs, MemoryFileSystem* fs,
                  std::string_view folder) {
  audit::VerifyOptions options{.key = testing::TestVerifier(),
                               .checkpoint = logs.checkpoint,
                               .progress = {}};
  const auto report = audit::Verify(fs, folder, options);
  if (!report.ok() || !report->ok()) return;
  Require(report->signed_size == logs.entries.size());
  Require(report->entries >= logs.entries.size());
  const audit::ExportedFolder exported(fs, folder);
  const auto log = audit::LogReader::Open(fs, folder);
  uint64_t index = 0;
  const auto check = [&](std::string_view entry) {
    Require(index >= logs.entries.size() || entry == logs.entries[index]);
    ++index;
  };
  if (folder == kExported) {
    Require(exported.ForEachEntry(logs.entries.size(), check).ok());
  } else {
    Require(log.ok());
    Require((*log)
                ->Scan(0, UINT64_MAX,
                       [&](uint64_t, std::string_view entry) {
                         check(entry);
                         return true;
                       })
                .ok());
  }
  Require(index >= logs.entries.size());
}

void CheckProof(const Logs& logs, MemoryFileSystem* fs, std::string_view folder,
                uint64_t index) {
  const auto proof = audit::ProveFromFolder(fs, folder, index);
  if (!proof.ok()) return;
  const audit::NoteVerifier verifier = testing::TestVerifier();
  const std::string entry = proof->extra.value_or("");
  Require(!audit::VerifyTlogProof(*proof, entry, {&verifier, 1}).ok() ||
          (proof->index == index && entry == logs.entries[index]));
}

void CheckOpens(const Logs& logs, MemoryFileSystem* fs) {
  static const auto* const signer = testing::TestSigner().release();
  const auto note = audit::ReadFile(fs, std::string(kLive) + "/checkpoint",
                                    uint64_t{1} << 20);
  const bool whole = note.ok() && *note == logs.checkpoint;
  audit::AuditLog::Options options;
  options.writer.segment_bytes = kSegmentBytes;
  options.writer.prepare_in_background = false;
  options.integrator.checkpoint_interval = std::chrono::hours(1);
  audit::RecoveryReport recovered;
  auto log = audit::AuditLog::Open(fs, kLive, signer, options, &recovered);
  if (!log.ok()) return;
  const uint64_t size = (*log)->size();
  // All entries were signed: beside that signature no log opens that lacks one.
  Require(whole ? size == logs.entries.size() : size <= logs.entries.size());
  const std::string_view more[] = {"more"};
  Require((*log)->Append(more).value() == size);
  for (uint64_t i = 0; i < size; ++i) {
    const auto entry = (*log)->reader().Read(i);
    Require(!entry.ok() || *entry == logs.entries[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const logs = new Logs();
  Input input(data, size);
  const bool exported = input.Flag();
  const uint64_t index = input.Byte();
  const std::unique_ptr<MemoryFileSystem> fs = logs->fs.Clone();
  for (int changes = 1 + input.Below(3); changes > 0; --changes) {
    const auto& files = exported ? logs->exported : logs->live;
    std::vector<std::string> left;
    for (const std::string& file : files) {
      if (*fs->Exists(file)) left.push_back(file);
    }
    Change(left, &input, fs.get());
  }
  const std::string_view folder = exported ? kExported : kLive;
  CheckVerdict(*logs, fs.get(), folder);
  CheckProof(*logs, fs.get(), folder, index);
  if (!exported) CheckOpens(*logs, fs.get());
  return 0;
}
