#include "gateway/store/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/schema.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/store_fixture.h"

namespace consentry::store {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;
using Kind = ReadOutcome::Kind;

template <class T>
bool IsReady(std::future<T>& future) {
  return future.wait_for(std::chrono::milliseconds(30)) ==
         std::future_status::ready;
}

class CommitterTest : public ::testing::Test, protected testing::StoreFixture {
 protected:
  void SetUp() override { ASSERT_OK(Start()); }
  ChangeOutcome Do(Change change) {
    return committer()->CommitChangeAndWait(std::move(change));
  }
  static Change Bound(Change change, const std::string& id,
                      const std::string& hash = "hash") {
    change.request = RequestBinding{"client", id, "method", hash};
    return change;
  }
};

TEST_F(CommitterTest, ChangeIsStoredLoggedAndNumbered) {
  const ChangeOutcome first = Do(Put(1, "a"));
  ASSERT_OK(first.status);
  EXPECT_EQ(first.change, 1);
  EXPECT_EQ(first.log_index, 0u);
  const ChangeOutcome second = Do(Put(2, "b"));
  EXPECT_EQ(second.change, 2);
  EXPECT_EQ(second.log_index, 1u);
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 2);
  EXPECT_THAT(log().entries(), ElementsAre("change 1 1", "change 2 2"));
  EXPECT_EQ(committer()->LastStored(), 2);
}

TEST_F(CommitterTest, ReadIsLoggedBeforeItIsAnswered) {
  ASSERT_OK(Do(Put(1)).status);
  log().Hold();
  auto outcome = CommitRead(Snapshot(1));
  log().AwaitAppend();
  EXPECT_FALSE(IsReady(outcome));
  log().LetGo();
  const ReadOutcome read = outcome.get();
  EXPECT_EQ(read.kind, Kind::kCommitted);
  EXPECT_EQ(read.log_index, 1u);
  EXPECT_THAT(log().entries(), ElementsAre("change 1 1", "read 1 1"));
}

TEST_F(CommitterTest, ReadsThatWaitShareOneSync) {
  log().Hold();
  std::vector<std::future<ReadOutcome>> reads;
  reads.push_back(CommitRead(Snapshot(1)));
  log().AwaitAppend();
  for (int i = 0; i < 20; ++i) reads.push_back(CommitRead(Snapshot(1)));
  log().LetGo();
  for (auto& read : reads) EXPECT_EQ(read.get().kind, Kind::kCommitted);
  EXPECT_EQ(log().batches(), 2);
}

TEST_F(CommitterTest, ReadDecidedBeforeAChangeGoesBack) {
  ASSERT_OK(Do(Put(1)).status);
  ReadCommit before = Snapshot(1);
  ASSERT_OK(Do(Put(1)).status);
  EXPECT_EQ(CommitRead(before).get().kind, Kind::kStale);
  EXPECT_EQ(CommitRead(Snapshot(1)).get().kind, Kind::kCommitted);
  EXPECT_THAT(log().entries(),
              ElementsAre("change 1 1", "change 2 1", "read 1 2"));
}

TEST_F(CommitterTest, ReadOfSeveralSubjectsGoesBackWhenOneChanged) {
  ASSERT_OK(Do(Put(1)).status);
  ASSERT_OK(Do(Put(2)).status);
  ReadCommit read = Snapshot(1);
  read.subjects.push_back(Snapshot(2).subjects[0]);
  ASSERT_OK(Do(Put(2)).status);
  EXPECT_EQ(CommitRead(std::move(read)).get().kind, Kind::kStale);
}

TEST_F(CommitterTest, ReadFromBeforeTheMapGoesBack) {
  Stop();
  ASSERT_OK(Start({.recent_changes = 2}));
  ReadCommit old = Snapshot(9);
  for (int i = 1; i <= 3; ++i) ASSERT_OK(Do(Put(i)).status);
  EXPECT_EQ(CommitRead(std::move(old)).get().kind, Kind::kStale);
}

TEST_F(CommitterTest, ReadPastItsDecidedUntilGoesBack) {
  ReadCommit read = Snapshot(1);
  read.decided_until_us = clock().NowUs() + 1000;
  ReadCommit again = read;
  EXPECT_EQ(CommitRead(std::move(read)).get().kind, Kind::kCommitted);
  clock().AdvanceUs(1000);
  EXPECT_EQ(CommitRead(std::move(again)).get().kind, Kind::kStale);
}

TEST_F(CommitterTest, ClockSetBackDoesNotReviveWhatHadExpired) {
  ReadCommit read = Snapshot(1);
  read.decided_until_us = clock().NowUs() + 1000;
  clock().AdvanceUs(2000);
  EXPECT_EQ(CommitRead(Snapshot(2)).get().kind, Kind::kCommitted);
  clock().SetNowUs(read.decided_at_us);
  EXPECT_EQ(CommitRead(std::move(read)).get().kind, Kind::kStale);
  EXPECT_EQ(committer()->NowUs(), clock().NowUs() + 2000);
}

TEST_F(CommitterTest, ReadUnderAnOldConfigurationGoesBack) {
  ReadCommit old = Snapshot(1);
  Change change = Put(5);
  change.apply = [inner = std::move(change.apply)](
                     ChangeContext& context) mutable -> absl::Status {
    context.TouchConfiguration();
    return inner(context);
  };
  ASSERT_OK(Do(std::move(change)).status);
  EXPECT_EQ(committer()->configuration_epoch(), 1);
  EXPECT_EQ(CommitRead(std::move(old)).get().kind, Kind::kStale);
  EXPECT_EQ(CommitRead(Snapshot(1)).get().kind, Kind::kCommitted);
  Stop();
  ASSERT_OK(Start());
  EXPECT_EQ(committer()->configuration_epoch(), 1) << "survives a restart";
}

TEST_F(CommitterTest, FailedChangeLeavesNothingAndTakesNoNumber) {
  Change bad = Put(1);
  bad.apply = [inner = std::move(bad.apply)](
                  ChangeContext& context) mutable -> absl::Status {
    EXPECT_OK(inner(context));
    return MakeError(v1::ERROR_REASON_STATE_INVALID, "no");
  };
  const ChangeOutcome outcome = Do(std::move(bad));
  EXPECT_EQ(ReasonOf(outcome.status), v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 0);
  EXPECT_EQ(Do(Put(2)).change, 1);
  EXPECT_THAT(LoggedChanges(), ElementsAre(1));
}

TEST_F(CommitterTest, ChangesOfOneTurnFailAlone) {
  log().Hold();
  auto first = CommitChange(Put(1));
  log().AwaitAppend();
  std::vector<std::future<ChangeOutcome>> outcomes;
  for (int i = 0; i < 10; ++i) {
    Change change = Put(10 + i);
    if (i % 3 == 1) {
      change.apply = [](ChangeContext&) -> absl::Status {
        return absl::InvalidArgumentError("no");
      };
    }
    outcomes.push_back(CommitChange(std::move(change)));
  }
  log().LetGo();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(outcomes[i].get().status.ok(), i % 3 != 1) << i;
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 8);
  EXPECT_THAT(LoggedChanges(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

// Keeps the number of increments in the version of subject 1000.
class CountingSum final : public TurnSum {
 public:
  absl::Status Write(Connection* connection,
                     std::span<const Increment> increments,
                     int64_t now_us) override {
    EXPECT_GT(now_us, 0);
    ++writes;
    for (const Increment& one : increments) {
      pending += *static_cast<const int*>(one.get());
    }
    if (fail) return absl::ResourceExhaustedError("no");
    auto query = connection->Prepare(
        "UPDATE subjects SET version = version + $1 WHERE subject = 1000");
    EXPECT_OK(query);
    query->Bind(int64_t{pending});
    return query->Run();
  }
  void Kept() override { kept += std::exchange(pending, 0); }
  void Dropped() override {
    pending = 0;
    ++dropped;
  }

  std::atomic<bool> fail = false;
  std::atomic<int> writes = 0;
  std::atomic<int> kept = 0;
  std::atomic<int> dropped = 0;
  int pending = 0;
};

Change Adding(Change change, CountingSum* sum, bool fails = false) {
  change.apply = [inner = std::move(change.apply), sum,
                  fails](ChangeContext& context) mutable -> absl::Status {
    context.AddTo(sum, std::make_shared<const int>(1));
    if (fails) return absl::InvalidArgumentError("no");
    return inner(context);
  };
  return change;
}

TEST_F(CommitterTest, WhatATurnAddsIsWrittenOnceAndOnlyForWhatSucceeded) {
  CountingSum sum;
  ASSERT_OK(Do(Put(1000)).status);
  log().Hold();
  auto first = CommitChange(Put(1));
  log().AwaitAppend();
  const int before = sum.writes;
  std::vector<std::future<ChangeOutcome>> outcomes;
  for (int i = 0; i < 10; ++i) {
    outcomes.push_back(
        CommitChange(Adding(Put(10 + i), &sum, /*fails=*/i % 3 == 1)));
  }
  log().LetGo();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(outcomes[i].get().status.ok(), i % 3 != 1) << i;
  }
  EXPECT_EQ(sum.kept, 7);
  EXPECT_EQ(Ask("SELECT version FROM subjects WHERE subject = 1000"), 1 + 7);
  EXPECT_LE(sum.writes - before, 10);
  EXPECT_EQ(sum.dropped, 0);
}

TEST_F(CommitterTest, ChangesWhoseSumCannotBeWrittenAreNotKept) {
  CountingSum sum;
  ASSERT_OK(Do(Put(1000)).status);
  sum.fail = true;
  EXPECT_FALSE(Do(Adding(Put(1), &sum)).status.ok());
  EXPECT_EQ(sum.kept, 0);
  EXPECT_GT(sum.dropped, 0);
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 1);
  sum.fail = false;
  EXPECT_OK(Do(Adding(Put(1), &sum)).status);
  EXPECT_EQ(sum.kept, 1);
  EXPECT_EQ(Ask("SELECT version FROM subjects WHERE subject = 1000"), 1 + 1);
}

TEST_F(CommitterTest, ChangeWithoutAnEntryIsRefused) {
  Change change;
  change.apply = [](ChangeContext&) { return absl::OkStatus(); };
  EXPECT_THAT(Do(std::move(change)).status,
              StatusIs(absl::StatusCode::kInternal));
}

TEST_F(CommitterTest, VersionPreconditionAborts) {
  ASSERT_OK(Do(Put(1)).status);
  Change change;
  change.apply = [](ChangeContext& context) {
    return context.RequireVersion(1, 0);
  };
  EXPECT_EQ(ReasonOf(Do(std::move(change)).status),
            v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(CommitterTest, HooksRunBeforeFurtherReadsAreLetThrough) {
  std::atomic<bool> hooked{false};
  Change change = Put(1);
  change.apply = [inner = std::move(change.apply),
                  &hooked](ChangeContext& context) mutable -> absl::Status {
    context.OnStored([&hooked] { hooked = true; });
    return inner(context);
  };
  log().Hold();
  auto outcome = CommitChange(std::move(change));
  log().AwaitAppend();
  EXPECT_TRUE(hooked) << "before the entry is synced";
  log().LetGo();
  EXPECT_OK(outcome.get().status);
}

// --- What a withdrawal waits for ---

TEST_F(CommitterTest, NegativeChangeWaitsForTicketsOfEarlierBatches) {
  ReadOutcome read = CommitRead(Snapshot(1)).get();
  ASSERT_EQ(read.kind, Kind::kCommitted);
  auto withdrawal = CommitChange(Put(1, "row", /*negative=*/true));
  while (!read.ticket.MustDrop()) {
    ASSERT_FALSE(IsReady(withdrawal));
    std::this_thread::yield();
  }
  EXPECT_FALSE(IsReady(withdrawal));
  read.ticket.Release();
  EXPECT_OK(withdrawal.get().status);
}

TEST_F(CommitterTest, OtherChangesDoNotWaitForTickets) {
  ReadOutcome read = CommitRead(Snapshot(1)).get();
  EXPECT_OK(Do(Put(1)).status);
  EXPECT_FALSE(read.ticket.MustDrop());
}

TEST_F(CommitterTest, LaterReadsAreAnsweredWhileAWithdrawalWaits) {
  ReadOutcome held = CommitRead(Snapshot(1)).get();
  auto withdrawal = CommitChange(Put(1, "row", true));
  EXPECT_FALSE(IsReady(withdrawal));
  EXPECT_EQ(CommitRead(Snapshot(2)).get().kind, Kind::kCommitted);
  held.ticket.Release();
  EXPECT_OK(withdrawal.get().status);
}

TEST_F(CommitterTest, ReadDecidedBeforeTheWithdrawalIsNotReleasedAfterIt) {
  ASSERT_OK(Do(Put(1)).status);
  ReadCommit before = Snapshot(1);
  ASSERT_OK(Do(Put(1, "row", true)).status);
  EXPECT_EQ(CommitRead(std::move(before)).get().kind, Kind::kStale);
}

TEST_F(CommitterTest, NegativeFoundWhileApplyingWaitsToo) {
  ReadOutcome read = CommitRead(Snapshot(1)).get();
  Change change = Put(1);
  change.apply = [inner = std::move(change.apply)](
                     ChangeContext& context) mutable -> absl::Status {
    context.MarkNegative();
    return inner(context);
  };
  auto outcome = CommitChange(std::move(change));
  EXPECT_FALSE(IsReady(outcome));
  read.ticket.Release();
  EXPECT_OK(outcome.get().status);
}

// --- request_id ---

TEST_F(CommitterTest, RepetitionGetsTheFirstResultAndChangesNothing) {
  const ChangeOutcome first = Do(Bound(Put(1), "id"));
  const ChangeOutcome again = Do(Bound(Put(1), "id"));
  ASSERT_OK(again.status);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.change, first.change);
  EXPECT_EQ(again.result, "result 1");
  EXPECT_THAT(LoggedChanges(), ElementsAre(1));
}

TEST_F(CommitterTest, RepetitionIsAnsweredOnlyOnceTheFirstIsLogged) {
  log().Hold();
  auto first = CommitChange(Bound(Put(1), "id"));
  log().AwaitAppend();
  auto again = CommitChange(Bound(Put(1), "id"));
  EXPECT_FALSE(IsReady(again));
  log().LetGo();
  EXPECT_TRUE(again.get().repeated);
  EXPECT_FALSE(first.get().repeated);
}

TEST_F(CommitterTest, RepetitionOfAWithdrawalWaitsForTicketsToo) {
  ASSERT_OK(Do(Bound(Put(1, "row", true), "id")).status);
  ReadOutcome read = CommitRead(Snapshot(1)).get();
  auto again = CommitChange(Bound(Put(1, "row", true), "id"));
  EXPECT_FALSE(IsReady(again));
  read.ticket.Release();
  EXPECT_TRUE(again.get().repeated);
}

TEST_F(CommitterTest, RequestIdWithAnotherRequestIsRefused) {
  ASSERT_OK(Do(Bound(Put(1), "id", "one")).status);
  EXPECT_EQ(ReasonOf(Do(Bound(Put(1), "id", "two")).status),
            v1::ERROR_REASON_REQUEST_ID_REUSED);
}

TEST_F(CommitterTest, FailedRequestMayBeRepeatedInFull) {
  Change bad = Bound(Put(1), "id");
  bad.apply = [](ChangeContext&) { return absl::NotFoundError("no"); };
  EXPECT_FALSE(Do(std::move(bad)).status.ok());
  const ChangeOutcome again = Do(Bound(Put(1), "id"));
  ASSERT_OK(again.status);
  EXPECT_FALSE(again.repeated);
}

TEST_F(CommitterTest, RequestIdSurvivesARestartAndEndsAfterADay) {
  ASSERT_OK(Do(Bound(Put(1), "id")).status);
  Stop();
  ASSERT_OK(Start());
  EXPECT_TRUE(Do(Bound(Put(1), "id")).repeated);
  clock().AdvanceUs(int64_t{26} * 3600 * 1000000);
  EXPECT_FALSE(Do(Bound(Put(1), "id")).repeated);
  EXPECT_EQ(Ask("SELECT count(*) FROM requests"), 1);
}

TEST_F(CommitterTest, ExpiredRequestsAreRemoved) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(Do(Bound(Put(i), std::to_string(i))).status);
  }
  clock().AdvanceUs(int64_t{26} * 3600 * 1000000);
  ASSERT_OK(Do(Put(9)).status);
  EXPECT_EQ(Ask("SELECT count(*) FROM requests"), 0);
}

// --- Failure ---

TEST_F(CommitterTest, FailedAppendEndsItForEver) {
  std::atomic<int> told{0};
  Stop();
  ASSERT_OK(
      Start({.on_serving = [&](bool serving) { told += serving ? 1 : 10; }}));
  EXPECT_TRUE(committer()->serving());
  log().Fail();
  const ReadOutcome read = CommitRead(Snapshot(1)).get();
  EXPECT_EQ(read.kind, Kind::kFailed);
  EXPECT_EQ(ReasonOf(read.status), v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  const ReadOutcome later = CommitRead(Snapshot(1)).get();
  EXPECT_EQ(ReasonOf(later.status), v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  const ChangeOutcome change = Do(Put(1, "row", true));
  EXPECT_EQ(ReasonOf(change.status), v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 0);
  EXPECT_FALSE(committer()->serving());
  EXPECT_EQ(told, 11);
}

TEST_F(CommitterTest, ChangeStoredBeforeTheLogFailedIsUnknownThenRecovered) {
  log().Hold();
  auto outcome = CommitChange(Bound(Put(1), "id"));
  log().AwaitAppend();
  log().Fail();
  log().LetGo();
  EXPECT_EQ(ReasonOf(outcome.get().status), v1::ERROR_REASON_UNKNOWN_OUTCOME);
  Stop();
  EXPECT_TRUE(LoggedChanges().empty());
  testing::MemoryLogSink sound;
  ASSERT_OK_AND_ASSIGN(auto again,
                       Committer::Start(engine(), &sound, &clock()));
  EXPECT_THAT(sound.entries(), ElementsAre("change 1 1"));
  const ChangeOutcome repeated =
      again->CommitChangeAndWait(Bound(Put(1), "id"));
  EXPECT_TRUE(repeated.repeated);
}

TEST_F(CommitterTest, StopCompletesWhatWasAcceptedAndRefusesTheRest) {
  std::vector<std::future<ChangeOutcome>> changes;
  std::vector<std::future<ReadOutcome>> reads;
  for (int i = 0; i < 100; ++i) {
    changes.push_back(CommitChange(Put(i)));
    reads.push_back(CommitRead(Snapshot(1000 + i)));
  }
  committer()->Stop();
  for (auto& change : changes) EXPECT_OK(change.get().status);
  for (auto& read : reads) EXPECT_EQ(read.get().kind, Kind::kCommitted);
  EXPECT_EQ(LoggedChanges().size(), 100u);
  EXPECT_EQ(ReasonOf(Do(Put(1)).status), v1::ERROR_REASON_STOPPING);
  EXPECT_EQ(ReasonOf(CommitRead(ReadCommit{}).get().status),
            v1::ERROR_REASON_STOPPING);
  EXPECT_FALSE(committer()->serving());
}

TEST_F(CommitterTest, WithdrawalIsAnsweredByATicketThatOutlivesTheCommitter) {
  ReadOutcome read = CommitRead(Snapshot(1)).get();
  auto withdrawal = CommitChange(Put(1, "row", true));
  Stop();
  EXPECT_FALSE(IsReady(withdrawal));
  read.ticket.Release();
  EXPECT_OK(withdrawal.get().status);
}

// --- Start ---

TEST_F(CommitterTest, RestartGoesOnWithTheNextNumber) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(Do(Put(i)).status);
  Stop();
  ASSERT_OK(Start());
  EXPECT_EQ(Do(Put(9)).change, 6);
  EXPECT_THAT(LoggedChanges(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(CommitterTest, OutboxIsTrimmedAndNothingIsLoggedTwice) {
  for (int i = 0; i < 600; ++i) {
    auto outcome = CommitChange(Put(i % 7));
    if (i % 50 == 49) {
      ASSERT_OK(outcome.get().status);
    }
  }
  Stop();
  EXPECT_LT(Ask("SELECT count(*) FROM outbox"), 400);
  ASSERT_OK(Start());
  EXPECT_EQ(LoggedChanges().size(), 600u);
}

TEST_F(CommitterTest, StoreOlderThanTheLogIsRefused) {
  ASSERT_OK(Do(Put(1)).status);
  Stop();
  const std::string_view extra[] = {"change 2 1"};
  ASSERT_OK(log().Append(extra));
  const absl::Status status = Start();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CommitterTest, LogShorterThanTheStoreRemembersIsRefused) {
  ASSERT_OK(Do(Put(1)).status);
  ASSERT_EQ(CommitRead(Snapshot(1)).get().kind, Kind::kCommitted);
  Stop();
  log().Truncate(1);  // The read alone is cut off.
  EXPECT_THAT(Start(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CommitterTest, OtherLogOfTheSameLengthIsRefused) {
  for (int i = 0; i < 3; ++i) ASSERT_OK(Do(Put(1)).status);
  Stop();
  testing::MemoryLogSink other;
  const std::string_view entries[] = {"change 1 9", "change 2 1", "change 3 1"};
  ASSERT_OK(other.Append(entries));
  EXPECT_THAT(Committer::Start(engine(), &other, &clock()),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CommitterTest, GapInTheOutboxIsRefused) {
  for (int i = 0; i < 3; ++i) ASSERT_OK(Do(Put(1)).status);
  Stop();
  {
    ASSERT_OK_AND_ASSIGN(auto writer, engine()->ConnectWriter());
    ASSERT_OK(writer->Execute("DELETE FROM outbox WHERE change_number = 2"));
    ASSERT_OK(PutMetaInt64(writer.get(), "log_size", 0));
    ASSERT_OK(PutMetaInt64(writer.get(), "log_last_change", 0));
  }
  testing::MemoryLogSink empty;
  EXPECT_THAT(Committer::Start(engine(), &empty, &clock()),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(CommitterTest, TimeNeverStartsBehindTheLog) {
  Stop();
  log().SetTailTimeUs(clock().NowUs() + 77);
  ASSERT_OK(Start());
  EXPECT_EQ(committer()->NowUs(), clock().NowUs() + 77);
}

TEST_F(CommitterTest, StartReadsTheLogFromWhereTheStoreRemembersIt) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(Do(Put(1)).status);
  Stop();
  EXPECT_EQ(Ask("SELECT count(*) FROM meta WHERE k = 'log_size'"), 1);
  ASSERT_OK(Start());
  EXPECT_EQ(log().last_tail_from(), 5u);
  EXPECT_EQ(Do(Put(1)).change, 6);
}

// --- Disk ---

// A store that cannot grow any more, as on a full volume.
Change Cap() {
  Change change = testing::StoreFixture::Put(1);
  change.apply = [inner = std::move(change.apply)](
                     ChangeContext& context) mutable -> absl::Status {
    auto count = context.connection()->Prepare("PRAGMA page_count");
    EXPECT_OK(count);
    EXPECT_OK(count->Step());
    EXPECT_OK(context.connection()->Execute("PRAGMA max_page_count = " +
                                            std::to_string(count->Int64(0))));
    return inner(context);
  };
  return change;
}

TEST_F(CommitterTest, ChangeThatFindsNoRoomFailsAlone) {
  ASSERT_OK(Do(Cap()).status);
  log().Hold();
  auto first = CommitChange(Put(2));
  log().AwaitAppend();
  auto small = CommitChange(Put(3));
  auto large = CommitChange(Put(4, std::string(100'000, 'x')));
  auto after = CommitChange(Put(5));
  log().LetGo();
  EXPECT_OK(first.get().status);
  EXPECT_OK(small.get().status);
  EXPECT_EQ(ReasonOf(large.get().status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_OK(after.get().status);
  EXPECT_THAT(LoggedChanges(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), 4);
  EXPECT_TRUE(committer()->serving());
}

TEST_F(CommitterTest, WithdrawalThatFindsNoRoomGetsTheReserve) {
  Stop();
  CommitterOptions options;
  options.free_bytes = []() -> absl::StatusOr<uint64_t> {
    return uint64_t{1} << 30;
  };
  options.high_water_bytes = 1 << 20;
  options.reserve_path = dir().File("reserve");
  options.reserve_bytes = 1 << 16;
  ASSERT_OK(Start(options));
  ASSERT_OK(Do(Cap()).status);
  // The cap holds on, so that it fails all the same; the reserve is given up.
  EXPECT_EQ(ReasonOf(Do(Put(4, std::string(100'000, 'x'))).status),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_TRUE(std::filesystem::exists(options.reserve_path));
  EXPECT_EQ(ReasonOf(Do(Put(4, std::string(100'000, 'x'), true)).status),
            v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_FALSE(std::filesystem::exists(options.reserve_path));
  EXPECT_OK(Do(Put(5, "row", true)).status);
}

TEST_F(CommitterTest, NearlyFullDiskStopsReadsAndTakesWithdrawals) {
  Stop();
  std::atomic<uint64_t> free{uint64_t{1} << 30};
  std::atomic<int> told{-1};
  CommitterOptions options;
  options.free_bytes = [&]() -> absl::StatusOr<uint64_t> {
    return free.load();
  };
  options.high_water_bytes = 1 << 20;
  options.reserve_path = dir().File("reserve");
  options.reserve_bytes = 1 << 16;
  options.on_serving = [&](bool serving) { told = serving; };
  ASSERT_OK(Start(options));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(std::filesystem::file_size(options.reserve_path), 1u << 16);

  free = 600 << 10;
  clock().AdvanceUs(200'000);
  EXPECT_EQ(ReasonOf(CommitRead(Snapshot(1)).get().status),
            v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(Do(Put(1)).status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_OK(Do(Put(1, "row", true)).status);
  EXPECT_FALSE(committer()->serving());
  EXPECT_TRUE(std::filesystem::exists(options.reserve_path));

  free = 100 << 10;
  clock().AdvanceUs(200'000);
  EXPECT_OK(Do(Put(2, "row", true)).status);
  EXPECT_FALSE(committer()->serving());
  EXPECT_FALSE(std::filesystem::exists(options.reserve_path));

  // The reserve's own room is for withdrawals, not for reads.
  free = (1 << 20) + (1 << 15);
  clock().AdvanceUs(200'000);
  EXPECT_EQ(ReasonOf(CommitRead(Snapshot(1)).get().status),
            v1::ERROR_REASON_AUDIT_UNAVAILABLE);
  EXPECT_OK(Do(Put(3, "row", true)).status);
  EXPECT_FALSE(committer()->serving());

  free = uint64_t{1} << 30;
  clock().AdvanceUs(200'000);
  EXPECT_TRUE(committer()->serving());
  EXPECT_EQ(CommitRead(Snapshot(1)).get().kind, Kind::kCommitted);
  EXPECT_TRUE(std::filesystem::exists(options.reserve_path));
}

}  // namespace
}  // namespace consentry::store
