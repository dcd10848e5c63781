// Every call that the audit log makes to its disk fails in turn, while the
// committer commits; then the power is cut, and a new start has to find each
// acknowledged change once, in order, and nothing that was never made.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/log/audit_log.h"
#include "audit/log/note.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/store/audit_log_sink.h"
#include "gateway/store/committer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::store {
namespace {

using testing::FaultFileSystem;
using testing::MemoryFileSystem;

class CommitterLogFaultTest : public ::testing::Test {
 protected:
  CommitterLogFaultTest()
      : signer_(*audit::SkeySigner::FromSeed("consentry.example/log",
                                             std::string(32, 's'))) {}

  // One store, one log disk, opened as often as asked.
  struct Site {
    testing::TempDir dir;
    MemoryFileSystem disk;
    FaultFileSystem faults{&disk};
    std::unique_ptr<Engine> engine;
    std::unique_ptr<audit::AuditLog> log;
    std::unique_ptr<AuditLogSink> sink;
    std::unique_ptr<Committer> committer;
    base::MetricRegistry metrics;

    void Close() {
      committer.reset();
      sink.reset();
      log.reset();
    }
    ~Site() { Close(); }
  };

  absl::Status Open(Site* site, audit::FileSystem* fs) {
    if (site->engine == nullptr) {
      static constexpr uint8_t kKey[32] = {5};
      auto engine =
          OpenSqlcipher({.path = site->dir.File("store"), .create = true},
                        std::span<const uint8_t, 32>(kKey));
      if (!engine.ok()) return engine.status();
      site->engine = *std::move(engine);
    }
    audit::AuditLog::Options options;
    options.writer.segment_bytes = 4096;  // So that it rolls within the run.
    options.writer.prepare_in_background = false;
    options.integrator.checkpoint_interval = std::chrono::hours(1);
    audit::RecoveryReport report;
    auto log =
        audit::AuditLog::Open(fs, "/log", signer_.get(), options, &report);
    if (!log.ok()) return log.status();
    site->log = *std::move(log);
    site->sink = std::make_unique<AuditLogSink>(site->log.get());
    auto committer =
        Committer::Start(site->engine.get(), site->sink.get(),
                         base::Clock::System(), {.metrics = &site->metrics});
    if (!committer.ok()) return committer.status();
    site->committer = *std::move(committer);
    return absl::OkStatus();
  }

  static Change MakeChange() {
    Change change;
    change.apply = [](ChangeContext& context) {
      v1::Leaf leaf;
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.set_time_us(context.now_us());
      leaf.set_event(std::string(600, 'e'));
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    return change;
  }

  // Commits until something fails; the numbers that were acknowledged.
  static std::vector<int64_t> Run(Site* site) {
    std::vector<int64_t> acknowledged;
    for (int i = 0; i < 12; ++i) {
      const ChangeOutcome outcome =
          site->committer->CommitChangeAndWait(MakeChange());
      if (!outcome.status.ok()) break;
      acknowledged.push_back(outcome.change);
    }
    return acknowledged;
  }

  void RunWithFault(const FaultFileSystem::Fault& fault, uint64_t seed) {
    Site site;
    site.faults.FailAt(fault);
    std::vector<int64_t> acknowledged;
    if (Open(&site, &site.faults).ok()) acknowledged = Run(&site);
    site.Close();
    site.disk.Reboot(MemoryFileSystem::Unsynced::kSome, seed);
    ASSERT_OK(Open(&site, &site.disk));
    std::vector<int64_t> logged;
    ASSERT_OK(site.log->reader().Scan(
        0, site.log->size(), [&](uint64_t, std::string_view entry) {
          v1::Leaf leaf;
          EXPECT_TRUE(leaf.ParseFromString(std::string(entry)));
          logged.push_back(static_cast<int64_t>(leaf.change_number()));
          return true;
        }));
    for (size_t i = 0; i < logged.size(); ++i) {
      ASSERT_EQ(logged[i], static_cast<int64_t>(i) + 1) << "gap or repetition";
    }
    ASSERT_EQ(static_cast<int64_t>(logged.size()), site.committer->LastStored())
        << "store and log tell the same";
    ASSERT_GE(logged.size(), acknowledged.size()) << "acknowledged and lost";
    // And it goes on.
    const ChangeOutcome outcome =
        site.committer->CommitChangeAndWait(MakeChange());
    ASSERT_OK(outcome.status);
    ASSERT_EQ(outcome.change, static_cast<int64_t>(logged.size()) + 1);
  }

  void RunAllFaults() {
    std::vector<FaultFileSystem::Call> calls;
    {
      Site site;
      ASSERT_OK(Open(&site, &site.faults));
      ASSERT_EQ(Run(&site).size(), 12u);
      site.Close();
      calls = site.faults.calls();
    }
    ASSERT_GT(calls.size(), 30u);
    std::mt19937 random(20260801);
    int runs = 0;
    for (const FaultFileSystem::Call& call : calls) {
      for (const FaultFileSystem::Fault& fault :
           FaultFileSystem::FaultsOf(call)) {
        SCOPED_TRACE(call.name + " " + call.path + " #" +
                     std::to_string(call.number) + " kind " +
                     std::to_string(static_cast<int>(fault.kind)) + " keep " +
                     std::to_string(fault.keep));
        RunWithFault(fault, random());
        if (HasFatalFailure()) return;
        ++runs;
      }
    }
    EXPECT_GT(runs, 100);
  }

  std::unique_ptr<audit::SkeySigner> signer_;
};

TEST_F(CommitterLogFaultTest, EveryFailingCallLosesAndRepeatsNothing) {
  RunAllFaults();
}

}  // namespace
}  // namespace consentry::store
