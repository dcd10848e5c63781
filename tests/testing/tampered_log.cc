#include "tests/testing/tampered_log.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/audit_log.h"
#include "audit/log/bytes.h"
#include "audit/log/export.h"
#include "audit/log/format.h"
#include "audit/log/segment.h"
#include "audit/log/tile.h"

namespace consentry::testing {
namespace {

using audit::FileSystem;

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

template <class T>
T Must(absl::StatusOr<T> value) {
  Must(value.status());
  return *std::move(value);
}

void AppendAll(audit::LogWriter* writer, const Entries& entries, size_t begin,
               size_t end) {
  for (size_t i = begin; i < end; i += 3) {
    std::vector<std::string_view> batch;
    for (size_t j = i; j < std::min(i + 3, end); ++j) {
      batch.push_back(entries[j]);
    }
    Must(writer->Append(batch).status());
  }
}

void RemoveFilesIn(FileSystem* fs, const std::string& folder) {
  for (const std::string& name : Must(fs->List(folder))) {
    const std::string path = folder + "/" + name;
    if (fs->Remove(path).ok()) continue;
    RemoveFilesIn(fs, path);
  }
}

void WriteNew(FileSystem* fs, const std::string& path, std::string_view data) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    Must(fs->MakeDirectory(path.substr(0, slash)));
  }
  Must(Must(fs->Open(path, FileSystem::Mode::kCreate))->WriteAt(0, data));
}

}  // namespace

std::unique_ptr<audit::SkeySigner> TestSigner() {
  return Must(audit::SkeySigner::FromSeed(kTestOrigin, std::string(32, 's')));
}

audit::NoteVerifier TestVerifier() {
  const auto signer = TestSigner();
  return Must(
      audit::NoteVerifier::Create(signer->name(), signer->public_key()));
}

Entries SomeEntries(size_t n) {
  Entries entries;
  for (size_t i = 0; i < n; ++i) {
    entries.push_back("entry " + std::to_string(i) + std::string(i % 31, '.'));
  }
  return entries;
}

void BuildLog(FileSystem* fs, const std::string& folder,
              const Entries& entries) {
  BuildLog(fs, folder, entries, uint64_t{1} << 16);
}

void BuildLog(FileSystem* fs, const std::string& folder, const Entries& entries,
              uint64_t segment_bytes) {
  const auto signer = TestSigner();
  audit::AuditLog::Options options;
  options.writer.segment_bytes = segment_bytes;
  options.writer.prepare_in_background = false;
  options.integrator.checkpoint_interval = std::chrono::hours(1);
  audit::RecoveryReport report;
  auto log =
      Must(audit::AuditLog::Open(fs, folder, signer.get(), options, &report));
  const size_t half = entries.size() / 2;
  AppendAll(&log->writer(), entries, 0, half);
  Must(log->integrator().WaitForCheckpoint(half, std::chrono::minutes(1)));
  AppendAll(&log->writer(), entries, half, entries.size());
  Must(log->Close());
}

void Export(FileSystem* fs, const std::string& folder, const std::string& out) {
  const auto log = Must(audit::LogReader::Open(fs, folder));
  audit::SignedCheckpoint checkpoint;
  checkpoint.note = Must(audit::CheckpointStore::ReadAll(fs, folder)).back();
  checkpoint.checkpoint =
      Must(audit::ParseCheckpointNote(checkpoint.note)).checkpoint;
  Must(audit::ExportLog(*log, checkpoint, fs, out, [](uint64_t) {}));
}

void ForgeSegments(FileSystem* fs, const std::string& folder,
                   const Entries& entries, const std::string& origin) {
  const std::string segments = audit::SegmentFolderOf(folder);
  RemoveFilesIn(fs, segments);
  const std::string closed = folder + "/" + std::string(audit::kClosedName);
  if (Must(fs->Exists(closed))) Must(fs->Remove(closed));
  audit::LogWriter::Options options;
  options.origin = origin;
  options.segment_bytes = uint64_t{1} << 16;
  options.prepare_in_background = false;
  audit::RecoveryReport report;
  auto writer = Must(audit::LogWriter::Open(fs, folder, options, &report));
  AppendAll(writer.get(), entries, 0, entries.size());
  Must(writer->Close());
}

void ForgeBundles(FileSystem* fs, const std::string& folder,
                  const Entries& entries) {
  RemoveFilesIn(fs, folder + "/tile/entries");
  for (size_t begin = 0; begin < entries.size(); begin += audit::kTileWidth) {
    const size_t end =
        std::min<size_t>(begin + audit::kTileWidth, entries.size());
    std::string bundle;
    for (size_t i = begin; i < end; ++i) {
      audit::PutInt(static_cast<uint16_t>(entries[i].size()), &bundle);
      bundle += entries[i];
    }
    WriteNew(
        fs,
        folder + "/" +
            audit::TilePath({audit::kEntriesLevel, begin / audit::kTileWidth,
                             static_cast<uint32_t>(end - begin)}),
        bundle);
  }
}

void CopyFolder(FileSystem* fs, const std::string& from,
                const std::string& to) {
  CopyFolder(fs, from, fs, to);
}

void CopyFolder(FileSystem* from_fs, const std::string& from, FileSystem* to_fs,
                const std::string& to) {
  Must(to_fs->MakeDirectory(to));
  for (const std::string& name : Must(from_fs->List(from))) {
    const std::string source = from + "/" + name;
    const absl::StatusOr<std::string> data =
        audit::ReadFile(from_fs, source, uint64_t{1} << 30);
    if (data.ok()) {
      WriteNew(to_fs, to + "/" + name, *data);
    } else {
      CopyFolder(from_fs, source, to_fs, to + "/" + name);
    }
  }
}

std::vector<Tampering> Tamperings(size_t size) {
  using audit::Fault;
  const auto at = [](Entries* e, size_t i) {
    return e->begin() + static_cast<long>(i);
  };
  return {
      {"changed", [](Entries* e) { (*e)[7] += "!"; }, Fault::kChanged, 7},
      {"first_changed", [](Entries* e) { (*e)[0] += "!"; }, Fault::kChanged, 0},
      {"last_changed", [](Entries* e) { e->back() += "!"; }, Fault::kChanged,
       size - 1},
      {"emptied", [](Entries* e) { (*e)[9].clear(); }, Fault::kChanged, 9},
      {"removed", [at](Entries* e) { e->erase(at(e, 5)); }, Fault::kRemoved, 5},
      {"first_removed", [at](Entries* e) { e->erase(at(e, 0)); },
       Fault::kRemoved, 0},
      {"three_removed", [at](Entries* e) { e->erase(at(e, 4), at(e, 7)); },
       Fault::kRemoved, 4},
      {"inserted", [at](Entries* e) { e->insert(at(e, 6), "planted"); },
       Fault::kInserted, 6},
      {"duplicated",
       [at](Entries* e) {
         const std::string copy = (*e)[3];
         e->insert(at(e, 4), copy);
       },
       Fault::kDuplicated, 4},
      {"duplicated_far",
       [at](Entries* e) {
         const std::string copy = (*e)[3];
         e->insert(at(e, 12), copy);
       },
       Fault::kDuplicated, 12},
      {"neighbours_swapped", [](Entries* e) { std::swap((*e)[8], (*e)[9]); },
       Fault::kReordered, 8},
      {"swapped_far", [](Entries* e) { std::swap((*e)[2], (*e)[15]); },
       Fault::kReordered, 2},
      {"moved",
       [at](Entries* e) { std::rotate(at(e, 4), at(e, 5), at(e, 14)); },
       Fault::kReordered, 4},
      {"last_cut", [](Entries* e) { e->pop_back(); }, Fault::kTailCut,
       size - 1},
      {"tail_cut", [](Entries* e) { e->resize(11); }, Fault::kTailCut, 11},
      {"all_cut", [](Entries* e) { e->clear(); }, Fault::kTailCut, 0},
  };
}

}  // namespace consentry::testing
