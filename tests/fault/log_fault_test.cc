// Every I/O call of the audit log fails in turn, in every way a call can fail;
// then the power goes, or only the process; then the log is opened again. What
// was acknowledged is there, what was not is there whole or not at all, every
// checkpoint that was given out still holds, and the verifier finds nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/checkpoint_store.h"
#include "audit/log/integrator.h"
#include "audit/log/tree.h"
#include "audit/log/writer.h"
#include "audit/verify/verify.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tampered_log.h"

namespace consentry::audit {
namespace {

using testing::FaultFileSystem;
using testing::MemoryFileSystem;
using testing::TestSigner;
using testing::TestVerifier;
using Unsynced = MemoryFileSystem::Unsynced;

constexpr char kFolder[] = "/log";

std::string Entry(uint64_t i) {
  return "entry " + std::to_string(i) + std::string(40 + i * 37 % 400, 'x');
}

// What the callers of a log were told.
struct Told {
  uint64_t acknowledged = 0;  // Entries.
  uint64_t in_doubt = 0;      // Of the one batch that failed.
  std::vector<std::string> checkpoints;
};

// Opens the log, appends batches with a checkpoint after every third, closes.
// Goes on after a fault, as careless callers would.
class Workload {
 public:
  explicit Workload(FileSystem* fs) : fs_(fs) {}

  // False when the log did not open.
  bool Run(int batches, Told* told) {
    LogWriter::Options options;
    options.origin = signer_->name();
    options.segment_bytes = 4096;
    options.prepare_in_background = false;
    auto opened = LogWriter::Open(fs_, kFolder, options, &report_);
    status_ = opened.status();
    if (!opened.ok()) return false;
    const std::unique_ptr<LogWriter> writer = *std::move(opened);
    const auto reader = writer->NewReader();
    told->acknowledged = writer->size();
    told->in_doubt = 0;

    auto tree = Tree::Open(fs_, std::string(kFolder) + "/tree");
    auto store = CheckpointStore::Open(fs_, kFolder, signer_.get());
    std::unique_ptr<Integrator> integrator;
    if (tree.ok() && store.ok()) {
      integrator = std::make_unique<Integrator>(
          reader.get(), tree->get(), store->get(), Integrator::Options());
      status_ = integrator->CatchUp();
      if (status_.ok()) status_ = (*store)->Check(**tree);
    } else {
      status_ = tree.ok() ? store.status() : tree.status();
    }
    const auto sign = [&] {
      if (integrator == nullptr || !integrator->CatchUp().ok()) return;
      const absl::Status synced = (*tree)->Sync();
      const auto checkpoint = (*store)->Sign(**tree);
      if (checkpoint.ok()) told->checkpoints.push_back(checkpoint->note);
      if (status_.ok()) status_ = synced;
      if (status_.ok()) status_ = checkpoint.status();
    };

    for (int b = 0; b < batches; ++b) {
      std::vector<std::string> entries;
      for (uint64_t i = 0; i < 1 + told->acknowledged % 3; ++i) {
        entries.push_back(Entry(told->acknowledged + i));
      }
      const std::vector<std::string_view> views(entries.begin(), entries.end());
      const auto appended = writer->Append(views);
      if (appended.ok()) {
        // Behind a failure nothing may be acknowledged any more.
        EXPECT_EQ(told->in_doubt, 0u);
        EXPECT_EQ(*appended, told->acknowledged);
        told->acknowledged += entries.size();
      } else if (told->in_doubt == 0) {
        told->in_doubt = entries.size();
        EXPECT_FALSE(writer->healthy());
        status_ = appended.status();
      }
      EXPECT_EQ(reader->size(), told->acknowledged);
      if (b % 3 == 2) sign();
    }
    sign();
    const absl::Status closed = writer->Close();
    if (status_.ok()) status_ = closed;
    return true;
  }

  const absl::Status& status() const { return status_; }
  const RecoveryReport& report() const { return report_; }

 private:
  FileSystem* const fs_;
  const std::unique_ptr<SkeySigner> signer_ = TestSigner();
  RecoveryReport report_;
  absl::Status status_;
};

uint64_t CheckEntries(FileSystem* fs) {
  const auto reader = LogReader::Open(fs, kFolder);
  if (!reader.ok()) {
    ADD_FAILURE() << reader.status();
    return 0;
  }
  uint64_t seen = 0;
  EXPECT_OK((*reader)->Scan(0, (*reader)->size(),
                            [&](uint64_t i, std::string_view entry) {
                              EXPECT_EQ(entry, Entry(i));
                              ++seen;
                              return true;
                            }));
  EXPECT_EQ(seen, (*reader)->size());
  return seen;
}

void ExpectSound(FileSystem* fs, const Told& told) {
  for (const std::string& checkpoint : told.checkpoints) {
    const auto report = Verify(fs, kFolder, {TestVerifier(), checkpoint, {}});
    ASSERT_OK(report);
    ASSERT_TRUE(report->ok())
        << NameOf(report->findings[0].fault) << " " << report->findings[0].index
        << " " << report->findings[0].where;
  }
}

// After the crash: opens the log again with nothing failing any more.
void ExpectRecovered(MemoryFileSystem* disk, const Told& told) {
  const auto exists = disk->Exists("/log/segments");
  if (!*exists) {
    EXPECT_EQ(told.acknowledged, 0u);
  }
  Told after;
  Workload workload(disk);
  ASSERT_TRUE(workload.Run(0, &after)) << workload.status();
  ASSERT_OK(workload.status());
  EXPECT_TRUE(after.acknowledged == told.acknowledged ||
              after.acknowledged == told.acknowledged + told.in_doubt)
      << after.acknowledged << " of " << told.acknowledged << " and "
      << told.in_doubt;
  // What recovery showed is there for good, and the log goes on.
  disk->Reboot(Unsynced::kLost);
  EXPECT_EQ(CheckEntries(disk), after.acknowledged);
  after.checkpoints.insert(after.checkpoints.end(), told.checkpoints.begin(),
                           told.checkpoints.end());
  ExpectSound(disk, after);
  Told more;
  Workload again(disk);
  ASSERT_TRUE(again.Run(4, &more)) << again.status();
  ASSERT_OK(again.status());
  EXPECT_TRUE(again.report().clean);
  EXPECT_GT(more.acknowledged, after.acknowledged);
  EXPECT_EQ(CheckEntries(disk), more.acknowledged);
}

std::vector<FaultFileSystem::Call> CallsOf(MemoryFileSystem* disk,
                                           int batches) {
  FaultFileSystem fs(disk);
  Told told;
  Workload workload(&fs);
  EXPECT_TRUE(workload.Run(batches, &told));
  EXPECT_OK(workload.status());
  EXPECT_GT(told.acknowledged, static_cast<uint64_t>(batches));
  return fs.calls();
}

constexpr int kBatches = 10;

// Runs `check` for every fault of every call of one life of a log that starts
// from `start`.
template <class F>
int ForEachFault(const MemoryFileSystem& start, uint64_t start_size, F check) {
  const auto counting = start.Clone();
  int runs = 0;
  for (const auto& call : CallsOf(counting.get(), kBatches)) {
    for (const auto& fault : FaultFileSystem::FaultsOf(call)) {
      SCOPED_TRACE(call.name + " " + call.path + " " +
                   std::to_string(call.number) + " kind " +
                   std::to_string(static_cast<int>(fault.kind)) + " keep " +
                   std::to_string(fault.keep));
      const auto disk = start.Clone();
      FaultFileSystem fs(disk.get());
      fs.FailAt(fault);
      Told told;
      told.acknowledged = start_size;
      Workload workload(&fs);
      workload.Run(kBatches, &told);
      EXPECT_TRUE(fs.triggered());
      check(disk.get(), fault, told, runs++);
      if (::testing::Test::HasFatalFailure() ||
          ::testing::Test::HasNonfatalFailure()) {
        return runs;
      }
    }
  }
  return runs;
}

class LogFaultTest : public ::testing::TestWithParam<bool> {
 protected:
  LogFaultTest() {
    if (!GetParam()) return;
    // Not a new log: one with some life behind it, that ended uncleanly.
    Told told;
    Workload workload(&start_);
    EXPECT_TRUE(workload.Run(7, &told));
    start_size_ = told.acknowledged;
    EXPECT_OK(start_.Remove("/log/closed"));
    EXPECT_OK(start_.SyncDirectory("/log"));
  }

  MemoryFileSystem start_;
  uint64_t start_size_ = 0;
};

TEST_P(LogFaultTest, EveryFaultAndThenAPowerCut) {
  int runs = 0;
  for (const Unsynced unsynced :
       {Unsynced::kLost, Unsynced::kSome, Unsynced::kKept}) {
    runs += ForEachFault(
        start_, start_size_,
        [&](MemoryFileSystem* disk, const auto&, const Told& told, int run) {
          disk->Reboot(unsynced, static_cast<uint64_t>(run));
          ExpectRecovered(disk, told);
        });
  }
  RecordProperty("runs", runs);
  EXPECT_GT(runs, 1000);
}

// The machine stays up. A failed sync has left pages that are in the cache,
// count as clean, and are not on the disk.
TEST_P(LogFaultTest, EveryFaultAndThenARestartOfTheProcess) {
  const int runs = ForEachFault(
      start_, start_size_,
      [&](MemoryFileSystem* disk, const auto& fault, const Told& told, int) {
        if (fault.kind != FaultFileSystem::Kind::kKill) {
          disk->LoseDirtyMarks();
        }
        disk->RestartProcess();
        ExpectRecovered(disk, told);
      });
  EXPECT_GT(runs, 300);
}

INSTANTIATE_TEST_SUITE_P(FromNewAndFromUnclean, LogFaultTest, ::testing::Bool(),
                         [](const auto& param_info) {
                           return param_info.param ? "Unclean" : "New";
                         });

// The power goes a second time, at every call of the recovery from the first.
TEST(LogRecoveryFaultTest, EveryFaultDuringRecovery) {
  MemoryFileSystem empty;
  const auto calls = CallsOf(empty.Clone().get(), kBatches);
  int runs = 0;
  // The writes of batches, torn in their middle.
  for (const auto& call : calls) {
    if (call.name != "write" ||
        call.path.find("segments") == std::string::npos || call.bytes == 4096) {
      continue;
    }
    const auto disk = empty.Clone();
    FaultFileSystem fs(disk.get());
    fs.FailAt({call.number, FaultFileSystem::Kind::kKill, call.bytes / 2 + 1});
    Told told;
    Workload workload(&fs);
    workload.Run(kBatches, &told);
    disk->Reboot(Unsynced::kKept);

    const auto probe = disk->Clone();
    FaultFileSystem probe_fs(probe.get());
    Told found;
    ASSERT_TRUE(Workload(&probe_fs).Run(0, &found));
    for (const auto& recovery_call : probe_fs.calls()) {
      for (const auto& fault : FaultFileSystem::FaultsOf(recovery_call)) {
        const auto again = disk->Clone();
        FaultFileSystem again_fs(again.get());
        again_fs.FailAt(fault);
        Told ignored;
        Workload(&again_fs).Run(0, &ignored);
        Told both = told;
        both.checkpoints.insert(both.checkpoints.end(),
                                ignored.checkpoints.begin(),
                                ignored.checkpoints.end());
        again->Reboot(Unsynced::kSome, static_cast<uint64_t>(runs));
        ExpectRecovered(again.get(), both);
        ++runs;
        ASSERT_FALSE(HasFailure())
            << recovery_call.name << " " << recovery_call.path;
      }
    }
  }
  EXPECT_GT(runs, 500);
}

}  // namespace
}  // namespace consentry::audit
