// The gateway ends between the commit of what fairness monitors and audits did
// and the index of the log: a new start brings the entries into the log, and
// whoever asks the index afterwards finds each of them once.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/log/audit_log.h"
#include "audit/log/note.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/store/audit_log_sink.h"
#include "gateway/store/committer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "gateway/trail/trail_index.h"
#include "proto/support/mutex.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::trail {
namespace {

using testing::FaultFileSystem;
using testing::MemoryFileSystem;

// In turn: a verdict that was counted, what was found by it, an audit.
constexpr const char* kEvents[] = {"screening.screen", "system.fairness",
                                   "fairness.audit"};
constexpr const char* kDetails[] = {
    "counted=credit/v7", "violation=fmo_credit.1.0", "report=fre_0123456789"};
constexpr uint64_t kSubjects = 4;

std::string TagOf(uint64_t subject) {
  return std::string(16, static_cast<char>(subject));
}

// A store, a log and an index, opened in the order of the gateway and ended as
// by a loss of power.
class TrailRecoveryTest : public ::testing::Test {
 protected:
  void TearDown() override { End(); }

  void Start(audit::FileSystem* disk) {
    if (engine_ == nullptr) engine_ = Engine("store");
    audit::AuditLog::Options options;
    options.writer.segment_bytes = 1 << 16;
    options.writer.prepare_in_background = false;
    options.integrator.checkpoint_interval = std::chrono::hours(1);
    audit::RecoveryReport report;
    auto log =
        audit::AuditLog::Open(disk, "/log", signer_.get(), options, &report);
    ASSERT_OK(log);
    log_ = *std::move(log);
    kept_ = log_->size();
    sink_ = std::make_unique<store::AuditLogSink>(log_.get());
    store::CommitterOptions committing;
    committing.metrics = &metrics_;
    committing.on_logged = [this](uint64_t index,
                                  std::span<const int64_t> subjects) {
      // Recovery tells of nothing, and after a crash nobody listens.
      MutexLock lock(&mu_);
      if (index_ != nullptr) index_->Observe(index, subjects);
    };
    auto committer = store::Committer::Start(engine_.get(), sink_.get(),
                                             base::Clock::System(), committing);
    ASSERT_OK(committer);
    committer_ = *std::move(committer);
    trail_engine_ = Engine("trail");
    auto index = TrailIndex::Open(
        trail_engine_.get(), &log_->reader(),
        [this](const std::vector<uint32_t>&) {
          ++resolved_;
          std::map<std::string, uint64_t, std::less<>> tags;
          for (uint64_t subject = 1; subject <= kSubjects; ++subject) {
            tags[TagOf(subject)] = subject;
          }
          return absl::StatusOr<std::map<std::string, uint64_t, std::less<>>>(
              std::move(tags));
        },
        {});
    ASSERT_OK(index);
    MutexLock lock(&mu_);
    index_ = *std::move(index);
  }

  // From here on the file of the index is as it is now, as if all that follows
  // had been lost with the memory that it was in.
  void EndIndex() {
    {
      MutexLock lock(&mu_);
      index_.reset();
    }
    trail_engine_.reset();
  }
  void End() {
    EndIndex();
    committer_.reset();
    sink_.reset();
    log_.reset();
  }

  absl::Status Commit() {
    const uint64_t made = made_++;
    store::Change change;
    change.apply = [made](store::ChangeContext& context) {
      store::v1::Leaf leaf;
      leaf.set_change_number(static_cast<uint64_t>(context.number()));
      leaf.set_time_us(context.now_us());
      leaf.set_event(kEvents[made % 3]);
      leaf.add_details(kDetails[made % 3]);
      // What was found is about nobody.
      if (made % 3 == 0) {
        const uint64_t subject = 1 + made % kSubjects;
        leaf.add_subjects()->set_tag(TagOf(subject));
        context.TellOf(static_cast<int64_t>(subject));
      }
      context.SetEntry(leaf.SerializeAsString());
      return absl::OkStatus();
    };
    return committer_->CommitChangeAndWait(std::move(change)).status;
  }

  // Entries as the index finds them, oldest first.
  std::vector<uint64_t> Find(const std::vector<uint64_t>& subjects,
                             const std::string& event) {
    EntryFilter filter;
    if (!event.empty()) filter.event = event;
    std::vector<uint64_t> found;
    for (uint64_t below = UINT64_MAX; below > 0;) {
      const auto page = index_->Find(subjects, filter, below, 3);
      EXPECT_OK(page);
      if (!page.ok()) break;
      for (const auto& hit : page->hits) found.insert(found.begin(), hit.index);
      below = page->next;
    }
    return found;
  }

  // The same as the log itself says.
  std::vector<uint64_t> Scan(uint64_t subject, const std::string& event) {
    std::vector<uint64_t> found;
    EXPECT_OK(log_->reader().Scan(
        0, log_->size(), [&](uint64_t index, std::string_view entry) {
          store::v1::Leaf leaf;
          EXPECT_TRUE(leaf.ParseFromString(std::string(entry)));
          const bool about =
              subject == 0 || (leaf.subjects_size() == 1 &&
                               leaf.subjects(0).tag() == TagOf(subject));
          if (about && (event.empty() || leaf.event() == event)) {
            found.push_back(index);
          }
          return true;
        }));
    return found;
  }

  std::unique_ptr<store::Engine> Engine(const std::string& name) {
    static constexpr uint8_t kKey[32] = {5};
    auto engine =
        store::OpenSqlcipher({.path = dir_.File(name), .create = true},
                             std::span<const uint8_t, 32>(kKey));
    EXPECT_OK(engine);
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  const testing::TempDir dir_;
  const std::unique_ptr<audit::SkeySigner> signer_ =
      *audit::SkeySigner::FromSeed("consentry.example/log",
                                   std::string(32, 's'));
  MemoryFileSystem disk_;
  FaultFileSystem faults_{&disk_};
  base::MetricRegistry metrics_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<audit::AuditLog> log_;
  std::unique_ptr<store::AuditLogSink> sink_;
  std::unique_ptr<store::Committer> committer_;
  std::unique_ptr<store::Engine> trail_engine_;
  // Set under it; read without by the test's own thread.
  Mutex mu_;
  std::unique_ptr<TrailIndex> index_;
  uint64_t made_ = 0;
  // Entries that the log held when it was opened last.
  uint64_t kept_ = 0;
  int resolved_ = 0;
};

// Entries that the index has written, then those that the log alone has, then
// one that only the store has.
struct Lost {
  uint64_t indexed = 0;
  uint64_t logged = 0;
};

class TrailRecoveryOfTest : public TrailRecoveryTest,
                            public ::testing::WithParamInterface<Lost> {};

TEST_P(TrailRecoveryOfTest, FairnessEntriesAreFoundOnceEach) {
  const Lost lost = GetParam();
  ASSERT_NO_FATAL_FAILURE(Start(&faults_));
  const uint64_t before = log_->size();
  for (uint64_t i = 0; i < lost.indexed; ++i) ASSERT_OK(Commit());
  ASSERT_TRUE(index_->WaitUntilIndexed(log_->size(), std::chrono::seconds(20)));
  EndIndex();
  for (uint64_t i = 0; i < lost.logged; ++i) ASSERT_OK(Commit());
  // The store has taken it when the log's disk dies.
  faults_.FailAt(
      {.call = faults_.call_count(), .kind = FaultFileSystem::Kind::kKill});
  EXPECT_FALSE(Commit().ok());
  ASSERT_TRUE(faults_.triggered());
  End();
  disk_.Reboot(MemoryFileSystem::Unsynced::kLost);

  ASSERT_NO_FATAL_FAILURE(Start(&disk_));
  // What the log lacked came from the outbox of the store.
  EXPECT_EQ(kept_, before + lost.indexed + lost.logged);
  ASSERT_EQ(log_->size(), before + made_);
  ASSERT_TRUE(index_->WaitUntilIndexed(log_->size(), std::chrono::seconds(20)));
  // By their tags, where what was lost is about anybody.
  const uint64_t next_about = (lost.indexed + 2) / 3 * 3;
  EXPECT_EQ(resolved_ > 0, next_about < made_);
  // And what follows is beside it.
  for (int i = 0; i < 4; ++i) ASSERT_OK(Commit());
  ASSERT_TRUE(index_->WaitUntilIndexed(log_->size(), std::chrono::seconds(20)));
  ASSERT_EQ(log_->size(), before + made_);
  for (const char* event : kEvents) {
    EXPECT_EQ(Find({}, event), Scan(0, event)) << event;
  }
  size_t about = 0;
  for (uint64_t subject = 1; subject <= kSubjects; ++subject) {
    const auto found = Find({subject}, "screening.screen");
    EXPECT_EQ(found, Scan(subject, "screening.screen")) << subject;
    about += found.size();
    for (const uint64_t index : found) {
      const auto of = index_->SubjectOf(index, 0);
      ASSERT_OK(of);
      EXPECT_EQ(*of, subject);
    }
  }
  EXPECT_EQ(about, (made_ + 2) / 3);
  std::multiset<std::string> details;
  ASSERT_OK(index_->Walk(0, UINT64_MAX, {}, [&](const TrailIndex::Walked& one) {
    for (const std::string& detail : one.leaf->details()) {
      details.insert(detail);
    }
    return absl::OkStatus();
  }));
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(details.count(kDetails[i]), (made_ + 2 - i) / 3) << kDetails[i];
  }
}

INSTANTIATE_TEST_SUITE_P(
    Crashes, TrailRecoveryOfTest,
    // Each kind of entry is the one that only the store has; a block of the
    // index is left half, full and begun.
    ::testing::Values(Lost{0, 0}, Lost{0, 1}, Lost{0, 2}, Lost{7, 0},
                      Lost{7, 1}, Lost{7, 5}, Lost{255, 0}, Lost{256, 3},
                      Lost{3, 260}),
    [](const auto& made) {
      return absl::StrCat("Indexed", made.param.indexed, "Logged",
                          made.param.logged);
    });

}  // namespace
}  // namespace consentry::trail
