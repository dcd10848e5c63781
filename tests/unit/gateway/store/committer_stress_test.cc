// Reads, grants and withdrawals from many threads at once.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <future>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"

namespace consentry::store {
namespace {

constexpr int kSubjects = 8;
constexpr int kReaders = 8;

// For each subject, how often it was withdrawn, written before the answer to a
// withdrawal counts; and a transport that notes what was handed over when.
class CommitterStressTest : public ::testing::Test,
                            protected testing::StoreFixture {
 protected:
  void SetUp() override {
    log().SetDelayUs(200);
    ASSERT_OK(Start());
    ASSERT_OK_AND_ASSIGN(pool_, ReaderPool::Open(engine(), kReaders));
    for (int i = 0; i < kSubjects; ++i) {
      ASSERT_OK(committer()->CommitChangeAndWait(Put(i, "granted")).status);
    }
  }
  void TearDown() override {
    pool_.reset();
    Stop();
  }

  // What the store says, by a leased connection; nothing when it is withdrawn.
  bool Decide(int64_t subject, ReadCommit* read) {
    read->as_of_change = committer()->LastStored();
    read->configuration_epoch = committer()->configuration_epoch();
    read->decided_at_us = committer()->NowUs();
    auto lease = pool_->Acquire();
    EXPECT_OK(lease);
    auto query = (*lease)->Prepare(
        "SELECT version, head FROM subjects WHERE subject = $1");
    EXPECT_OK(query);
    auto row = query->Bind(subject).Step();
    EXPECT_TRUE(row.ok() && *row);
    const int64_t version = query->Int64(0);
    read->subjects = {{subject, version}};
    read->entry =
        "read " + std::to_string(subject) + " " + std::to_string(version);
    return query->Blob(1) == "granted";
  }

  std::unique_ptr<ReaderPool> pool_;
};

TEST_F(CommitterStressTest, NothingIsHandedOverAfterAWithdrawalWasAnswered) {
  // answered[s]: version of the last withdrawal of s that was answered.
  std::atomic<int64_t> answered[kSubjects] = {};
  std::atomic<int> broken{0};
  std::atomic<int64_t> handed_over{0};
  std::atomic<bool> stop{false};

  std::vector<std::thread> threads;
  for (int t = 0; t < kReaders; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      std::vector<ReadOutcome> held;  // As a stream holds some back.
      while (!stop) {
        const int64_t subject = random() % kSubjects;
        ReadCommit read;
        if (!Decide(subject, &read)) continue;
        const int64_t version = read.subjects[0].version;
        std::promise<ReadOutcome> told;
        auto outcome = told.get_future();
        committer()->CommitRead(
            std::move(read), [told = std::move(told)](ReadOutcome o) mutable {
              told.set_value(std::move(o));
            });
        ReadOutcome result = outcome.get();
        if (result.kind != ReadOutcome::Kind::kCommitted) continue;
        if (random() % 8 == 0 && held.size() < 4) {
          held.push_back(std::move(result));
          continue;
        }
        // The hand-over: a grant older than an answered withdrawal must not
        // come here.
        if (version < answered[subject].load()) ++broken;
        ++handed_over;
        result.ticket.Release();
        std::erase_if(held,
                      [](const ReadOutcome& o) { return o.ticket.MustDrop(); });
        if (random() % 16 == 0) held.clear();
      }
    });
  }

  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      std::mt19937 random(100 + w);
      for (int i = 0; i < 60; ++i) {
        // Each writer has subjects of its own, so that versions only rise.
        const int64_t subject = random() % (kSubjects / 2) * 2 + w;
        const ChangeOutcome withdrawn = committer()->CommitChangeAndWait(
            Put(subject, "withdrawn", /*negative=*/true));
        EXPECT_OK(withdrawn.status);
        answered[subject] = withdrawn.change;
        std::this_thread::sleep_for(std::chrono::microseconds(500));
        EXPECT_OK(
            committer()->CommitChangeAndWait(Put(subject, "granted")).status);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(broken, 0);
  EXPECT_GT(handed_over, 100);

  // In the log, each read stands behind the change that made its version and,
  // since all reads here saw grants, before the next change of the subject's
  // batch: the last change of the subject before it is the one it saw.
  std::map<long long, long long> version;
  int reads = 0;
  for (const std::string& entry : log().entries()) {
    long long a = 0;
    long long b = 0;
    if (std::sscanf(entry.c_str(), "change %lld %lld", &a, &b) == 2) {
      version[b] = a;
    } else if (std::sscanf(entry.c_str(), "read %lld %lld", &a, &b) == 2) {
      ASSERT_EQ(version[a], b) << "a read relies on a change that the log "
                                  "does not hold before it";
      ++reads;
    }
  }
  EXPECT_GT(reads, 100);
}

TEST_F(CommitterStressTest, NumbersStayGapFreeWhenManyChangesFail) {
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 50; ++i) {
        Change change = Put(random() % kSubjects);
        if (random() % 3 == 0) {
          change.apply = [inner = std::move(change.apply)](
                             ChangeContext& context) mutable -> absl::Status {
            const absl::Status ignored = inner(context);
            return absl::InvalidArgumentError("no");
          };
        }
        if (committer()->CommitChangeAndWait(std::move(change)).status.ok()) {
          ++stored;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::vector<int64_t> logged = LoggedChanges();
  ASSERT_EQ(logged.size(), static_cast<size_t>(stored + kSubjects));
  for (size_t i = 0; i < logged.size(); ++i) {
    ASSERT_EQ(logged[i], static_cast<int64_t>(i) + 1);
  }
}

TEST_F(CommitterStressTest, LogFailureUnderLoadReleasesNothingMore) {
  std::atomic<bool> failed{false};
  std::atomic<int> committed_after{0};
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kReaders; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0;; ++i) {
        ReadCommit read;
        Decide(t % kSubjects, &read);
        std::promise<ReadOutcome> told;
        auto outcome = told.get_future();
        const bool before = failed;
        ++waiting;
        committer()->CommitRead(
            std::move(read), [told = std::move(told)](ReadOutcome o) mutable {
              told.set_value(std::move(o));
            });
        const ReadOutcome result = outcome.get();
        --waiting;
        if (result.kind == ReadOutcome::Kind::kCommitted && before) {
          ++committed_after;
        }
        if (result.kind == ReadOutcome::Kind::kFailed) return;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  log().Fail();
  // The append that was under way when Fail() was called has ended.
  failed = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(committed_after, 0);
  EXPECT_EQ(waiting, 0);
  EXPECT_FALSE(committer()->serving());
}

}  // namespace
}  // namespace consentry::store
