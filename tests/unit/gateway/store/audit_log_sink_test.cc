// The committer over the real audit log: what is found after a restart, a power
// cut, and a log that belongs elsewhere.
#include "gateway/store/audit_log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/log/note.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/store/committer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::store {
namespace {

using ::testing::ElementsAre;
using testing::MemoryFileSystem;
using testing::StatusIs;

class AuditLogSinkTest : public ::testing::Test {
 protected:
  AuditLogSinkTest()
      : signer_(*audit::SkeySigner::FromSeed("consentry.example/log",
                                             std::string(32, 's'))) {
    static constexpr uint8_t kKey[32] = {5};
    engine_ = *OpenSqlcipher({.path = dir_.File("store"), .create = true},
                             std::span<const uint8_t, 32>(kKey));
  }
  ~AuditLogSinkTest() override { Close(); }

  absl::Status Open() {
    audit::AuditLog::Options options;
    options.writer.segment_bytes = 65536;
    options.writer.prepare_in_background = false;
    audit::RecoveryReport report;
    auto log =
        audit::AuditLog::Open(&disk_, "/log", signer_.get(), options, &report);
    if (!log.ok()) return log.status();
    log_ = *std::move(log);
    sink_ = std::make_unique<AuditLogSink>(log_.get());
    auto committer = Committer::Start(engine_.get(), sink_.get(), &clock_);
    if (!committer.ok()) return committer.status();
    committer_ = *std::move(committer);
    return absl::OkStatus();
  }
  void Close() {
    committer_.reset();
    sink_.reset();
    if (log_ != nullptr) log_->Close().IgnoreError();
    log_.reset();
  }
  // The machine loses power: what the committer does from here on is lost.
  void Cut(uint64_t seed) {
    disk_.Reboot(MemoryFileSystem::Unsynced::kSome, seed);
    committer_.reset();
    sink_.reset();
    log_.reset();
  }

  ChangeOutcome Commit() {
    Change change;
    change.apply = [](ChangeContext& context) {
      v1::Leaf leaf;
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.set_time_us(context.now_us());
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    return committer_->CommitChangeAndWait(std::move(change));
  }

  std::vector<int64_t> LoggedChanges() {
    std::vector<int64_t> changes;
    EXPECT_OK(log_->reader().Scan(
        0, log_->size(), [&](uint64_t, std::string_view entry) {
          v1::Leaf leaf;
          EXPECT_TRUE(leaf.ParseFromString(std::string(entry)));
          changes.push_back(static_cast<int64_t>(leaf.change_number()));
          return true;
        }));
    return changes;
  }

  testing::TempDir dir_;
  MemoryFileSystem disk_;
  testing::ManualClock clock_;
  std::unique_ptr<audit::SkeySigner> signer_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<audit::AuditLog> log_;
  std::unique_ptr<AuditLogSink> sink_;
  std::unique_ptr<Committer> committer_;
};

TEST_F(AuditLogSinkTest, NumbersGoOnAfterARestart) {
  ASSERT_OK(Open());
  for (int i = 0; i < 3; ++i) ASSERT_OK(Commit().status);
  Close();
  ASSERT_OK(Open());
  EXPECT_EQ(Commit().change, 4);
  EXPECT_THAT(LoggedChanges(), ElementsAre(1, 2, 3, 4));
}

TEST_F(AuditLogSinkTest, TailSaysHighestChangeAndLatestTime) {
  ASSERT_OK(Open());
  for (int i = 0; i < 3; ++i) {
    clock_.AdvanceUs(1000);
    ASSERT_OK(Commit().status);
  }
  ASSERT_OK_AND_ASSIGN(LogTail tail, sink_->TailFrom(0));
  EXPECT_EQ(tail.last_change, 3);
  EXPECT_EQ(tail.last_time_us, clock_.NowUs());
  ASSERT_OK_AND_ASSIGN(tail, sink_->TailFrom(3));
  EXPECT_EQ(tail.last_change, 0);
}

TEST_F(AuditLogSinkTest, AfterAPowerCutEachAcknowledgedChangeIsThereOnce) {
  ASSERT_OK(Open());
  int64_t acknowledged = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (int i = 0; i < 5; ++i) {
      const ChangeOutcome outcome = Commit();
      ASSERT_OK(outcome.status);
      acknowledged = outcome.change;
    }
    Cut(seed);
    ASSERT_OK(Open());
    const std::vector<int64_t> logged = LoggedChanges();
    ASSERT_EQ(static_cast<int64_t>(logged.size()), acknowledged);
    for (size_t i = 0; i < logged.size(); ++i) {
      ASSERT_EQ(logged[i], static_cast<int64_t>(i) + 1);
    }
  }
}

TEST_F(AuditLogSinkTest, ChangeStoredWhenTheLogDiedIsLoggedAtTheNextStart) {
  ASSERT_OK(Open());
  ASSERT_OK(Commit().status);
  disk_.Reboot(MemoryFileSystem::Unsynced::kSome, 1);  // The log's disk alone.
  EXPECT_FALSE(Commit().status.ok());
  EXPECT_FALSE(committer_->serving());
  committer_.reset();
  sink_.reset();
  log_.reset();
  ASSERT_OK(Open());
  EXPECT_THAT(LoggedChanges(), ElementsAre(1, 2));
  EXPECT_EQ(Commit().change, 3);
}

TEST_F(AuditLogSinkTest, LogThatWasRolledBackIsRefused) {
  ASSERT_OK(Open());
  ASSERT_OK(Commit().status);
  Close();
  auto older = disk_.Clone();
  ASSERT_OK(Open());
  for (int i = 0; i < 5; ++i) ASSERT_OK(Commit().status);
  Close();
  audit::RecoveryReport report;
  audit::AuditLog::Options options;
  options.writer.segment_bytes = 65536;
  ASSERT_OK_AND_ASSIGN(auto log,
                       audit::AuditLog::Open(older.get(), "/log", signer_.get(),
                                             options, &report));
  AuditLogSink sink(log.get());
  EXPECT_THAT(Committer::Start(engine_.get(), &sink, &clock_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(AuditLogSinkTest, EntryThatIsNoLeafIsDataLoss) {
  ASSERT_OK(Open());
  const std::string_view bad[] = {std::string_view("\xff\xff\xff", 3)};
  ASSERT_OK(log_->Append(bad));
  EXPECT_THAT(sink_->TailFrom(0), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace consentry::store
