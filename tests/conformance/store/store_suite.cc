#include "tests/conformance/store/store_suite.h"

#include <atomic>
#include <cstdint>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/reader_pool.h"
#include "gateway/store/schema.h"
#include "tests/testing/status_matchers.h"

namespace consentry::store {

using testing::StatusIs;

void StoreSuite::SetUp() {
  instance_ = GetParam().make();
  ASSERT_NE(instance_, nullptr);
  ASSERT_OK_AND_ASSIGN(writer_, engine()->ConnectWriter());
}

std::unique_ptr<Connection> StoreSuite::NewReader() {
  auto reader = engine()->ConnectReader();
  EXPECT_OK(reader);
  return reader.ok() ? *std::move(reader) : nullptr;
}

void StoreSuite::Do(const std::string& sql) {
  ASSERT_OK(writer()->Execute(engine()->Dialect(sql)));
}

int64_t StoreSuite::Ask(Connection* connection, const std::string& sql) {
  auto query = connection->Prepare(sql);
  EXPECT_OK(query);
  if (!query.ok()) return -2;
  auto row = query->Step();
  EXPECT_OK(row);
  return row.ok() && *row ? query->Int64(0) : -1;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreSuite);

TEST_P(StoreSuite, EveryTypeComesBackAsItWasBound) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY, b {blob}, s TEXT, n {int})");
  const std::string bytes("\0\xff'; DROP", 9);
  {
    ASSERT_OK_AND_ASSIGN(
        Query put, writer()->Prepare("INSERT INTO t VALUES ($1, $2, $3, $4)"));
    ASSERT_OK(put.Bind(std::numeric_limits<int64_t>::min(), bytes,
                       Text{"\xc3\xa9t\xc3\xa9"}, Null{})
                  .Run());
    put.Reset();
    ASSERT_OK(put.Bind(std::numeric_limits<int64_t>::max(), std::string_view(),
                       Text{""}, 0)
                  .Run());
  }
  ASSERT_OK_AND_ASSIGN(
      Query get, writer()->Prepare("SELECT k, b, s, n FROM t ORDER BY k"));
  ASSERT_OK_AND_ASSIGN(bool row, get.Step());
  ASSERT_TRUE(row);
  EXPECT_EQ(get.Int64(0), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(get.Blob(1), bytes);
  EXPECT_EQ(get.TextAt(2), "\xc3\xa9t\xc3\xa9");
  EXPECT_TRUE(get.IsNull(3));
  ASSERT_OK_AND_ASSIGN(row, get.Step());
  ASSERT_TRUE(row);
  EXPECT_EQ(get.Int64(0), std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(get.IsNull(1)) << "empty bytes are not null";
  EXPECT_EQ(get.Blob(1), "");
  EXPECT_FALSE(get.IsNull(3));
  ASSERT_OK_AND_ASSIGN(row, get.Step());
  EXPECT_FALSE(row);
}

TEST_P(StoreSuite, StatementIsReusableAndForgetsItsParameters) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY, n {int})");
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(Query put,
                         writer()->Prepare("INSERT INTO t VALUES ($1, $2)"));
    if (i == 2) {
      ASSERT_OK(put.Bind(i).Run());
    } else {
      ASSERT_OK(put.Bind(i, i * 10).Run());
    }
  }
  EXPECT_EQ(Ask(writer(), "SELECT count(*) FROM t WHERE n IS NULL"), 1);
}

TEST_P(StoreSuite, SameStatementNestedInItselfDoesNotDisturbTheOuter) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  Do("INSERT INTO t VALUES (1), (2), (3)");
  const char* const sql = "SELECT k FROM t ORDER BY k";
  ASSERT_OK_AND_ASSIGN(Query outer, writer()->Prepare(sql));
  std::vector<int64_t> seen;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const bool row, outer.Step());
    if (!row) break;
    seen.push_back(outer.Int64(0));
    EXPECT_EQ(Ask(writer(), sql), 1);
  }
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 2, 3}));
}

TEST_P(StoreSuite, UnknownTableAndParameterAreInternalErrors) {
  EXPECT_THAT(writer()->Execute("SELECT * FROM absent"),
              StatusIs(absl::StatusCode::kInternal));
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  ASSERT_OK_AND_ASSIGN(Query put,
                       writer()->Prepare("INSERT INTO t VALUES ($1)"));
  EXPECT_THAT(put.Bind(1, 2).Run(), StatusIs(absl::StatusCode::kInternal));
}

TEST_P(StoreSuite, DuplicateKeyIsAlreadyExistsAndTheTransactionGoesOn) {
  Do("CREATE TABLE t (k {blob} NOT NULL PRIMARY KEY, u {int} UNIQUE) "
     "{clustered}");
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteTransaction::Begin(writer()));
  ASSERT_OK_AND_ASSIGN(Query put,
                       writer()->Prepare("INSERT INTO t VALUES ($1, $2)"));
  ASSERT_OK(put.Bind("a", 1).Run());
  put.Reset();
  ASSERT_OK(writer()->Execute("SAVEPOINT s"));
  EXPECT_THAT(put.Bind("a", 2).Run(),
              StatusIs(absl::StatusCode::kAlreadyExists));
  put.Reset();
  ASSERT_OK(writer()->Execute("ROLLBACK TO SAVEPOINT s"));
  EXPECT_THAT(put.Bind("b", 1).Run(),
              StatusIs(absl::StatusCode::kAlreadyExists));
  put.Reset();
  ASSERT_OK(writer()->Execute("ROLLBACK TO SAVEPOINT s"));
  ASSERT_OK(writer()->Execute("RELEASE SAVEPOINT s"));
  ASSERT_OK(put.Bind("c", 3).Run());
  put.Reset();
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(Ask(writer(), "SELECT count(*) FROM t"), 2);
}

TEST_P(StoreSuite, UpsertAndReturningWork) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY, n {int} NOT NULL)");
  ASSERT_OK_AND_ASSIGN(
      Query put,
      writer()->Prepare("INSERT INTO t (k, n) VALUES ($1, $2) ON CONFLICT (k)"
                        " DO UPDATE SET n = t.n + excluded.n RETURNING n"));
  for (const int64_t expected : {5, 10}) {
    ASSERT_OK_AND_ASSIGN(const bool row, put.Bind(1, 5).Step());
    ASSERT_TRUE(row);
    EXPECT_EQ(put.Int64(0), expected);
    put.Reset();
  }
}

TEST_P(StoreSuite, ChangesCountsTheRowsOfTheLastWrite) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY, n {int})");
  Do("INSERT INTO t VALUES (1, 0), (2, 0), (3, 1)");
  Do("UPDATE t SET n = 7 WHERE n = 0");
  EXPECT_EQ(writer()->Changes(), 2);
  Do("UPDATE t SET n = 8 WHERE n = 0");
  EXPECT_EQ(writer()->Changes(), 0);
}

TEST_P(StoreSuite, ParameterMayStandTwice) {
  EXPECT_EQ(Ask(writer(), "SELECT 41 + 1"), 42);
  Do("CREATE TABLE t (a {int}, b {int})");
  ASSERT_OK_AND_ASSIGN(Query put,
                       writer()->Prepare("INSERT INTO t VALUES ($2, $1 + $2)"));
  ASSERT_OK(put.Bind(1, 2).Run());
  EXPECT_EQ(Ask(writer(), "SELECT a * 10 + b FROM t"), 23);
}

TEST_P(StoreSuite, RunManyRunsEachRowAndStopsAtTheFirstFailure) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  const std::vector<int64_t> keys = {1, 2, 2, 3};
  const auto bind = [&](Query& query, size_t i) { query.Bind(keys[i]); };
  EXPECT_THAT(RunMany(writer(), "INSERT INTO t VALUES ($1)", keys.size(), bind),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(Ask(writer(), "SELECT count(*) FROM t"), 2);
}

TEST_P(StoreSuite, TransactionWithoutCommitLeavesNothing) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  {
    ASSERT_OK_AND_ASSIGN(auto transaction, WriteTransaction::Begin(writer()));
    Do("INSERT INTO t VALUES (1)");
  }
  EXPECT_EQ(Ask(writer(), "SELECT count(*) FROM t"), 0);
}

TEST_P(StoreSuite, SavepointUndoesOneChangeOfMany) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteTransaction::Begin(writer()));
  for (int i = 1; i <= 3; ++i) {
    Do("SAVEPOINT change");
    Do("INSERT INTO t VALUES (" + std::to_string(i) + ")");
    if (i == 2) Do("ROLLBACK TO SAVEPOINT change");
    Do("RELEASE SAVEPOINT change");
  }
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(Ask(writer(), "SELECT sum(k) FROM t"), 4);
}

TEST_P(StoreSuite, ReaderSeesWhatIsCommittedAndNothingElse) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  auto reader = NewReader();
  ASSERT_OK_AND_ASSIGN(auto transaction, WriteTransaction::Begin(writer()));
  Do("INSERT INTO t VALUES (1)");
  EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 0);
  ASSERT_OK(transaction.Commit());
  EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 1);
}

TEST_P(StoreSuite, ReadTransactionSeesOneState) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  auto reader = NewReader();
  {
    ASSERT_OK_AND_ASSIGN(auto snapshot, ReadTransaction::Begin(reader.get()));
    EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 0);
    Do("INSERT INTO t VALUES (1)");
    EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 0);
  }
  EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 1);
}

TEST_P(StoreSuite, ReaderRefusesToWrite) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  auto reader = NewReader();
  EXPECT_FALSE(reader->Execute("INSERT INTO t VALUES (1)").ok());
  EXPECT_FALSE(reader->Execute("DROP TABLE t").ok());
  EXPECT_EQ(Ask(writer(), "SELECT count(*) FROM t"), 0);
}

TEST_P(StoreSuite, RowsSurviveReconnecting) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  Do("INSERT INTO t VALUES (7)");
  auto reader = NewReader();
  EXPECT_EQ(Ask(reader.get(), "SELECT k FROM t"), 7);
}

TEST_P(StoreSuite, CheckpointIsRefusedWhileAReaderStandsInTheWay) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY)");
  auto reader = NewReader();
  {
    ASSERT_OK_AND_ASSIGN(auto snapshot, ReadTransaction::Begin(reader.get()));
    Ask(reader.get(), "SELECT count(*) FROM t");
    Do("INSERT INTO t VALUES (1)");
    EXPECT_THAT(engine()->Checkpoint(writer()),
                StatusIs(absl::StatusCode::kAborted));
  }
  EXPECT_OK(engine()->Checkpoint(writer()));
  EXPECT_EQ(Ask(reader.get(), "SELECT count(*) FROM t"), 1);
}

TEST_P(StoreSuite, ManyReadersSeeWholeTransactionsWhileOneWrites) {
  Do("CREATE TABLE t (k {int} PRIMARY KEY, n {int} NOT NULL)");
  Do("INSERT INTO t VALUES (1, 500), (2, 500)");
  ASSERT_OK_AND_ASSIGN(auto pool, ReaderPool::Open(engine(), 3));
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        auto lease = pool->Acquire();
        if (!lease.ok()) {
          ++wrong;
          return;
        }
        auto query = (*lease)->Prepare("SELECT sum(n) FROM t");
        if (!query.ok() || !query->Step().ok() || query->Int64(0) != 1000) {
          ++wrong;
        }
        ++reads;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK_AND_ASSIGN(auto transaction, WriteTransaction::Begin(writer()));
    Do("UPDATE t SET n = n - 1 WHERE k = 1");
    Do("UPDATE t SET n = n + 1 WHERE k = 2");
    ASSERT_OK(transaction.Commit());
  }
  while (reads < 100) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(StoreSuite, MigrateMakesEveryTableAndIsRepeatable) {
  ASSERT_OK(Migrate(engine(), writer()));
  ASSERT_OK(Migrate(engine(), writer()));
  ASSERT_OK_AND_ASSIGN(const int64_t version, ReadSchemaVersion(writer()));
  EXPECT_EQ(version, kSchemaVersion);
  for (const char* table :
       {"subjects", "lookup", "records", "facts", "consent_events",
        "source_rows", "outbox", "requests", "clients", "bundles",
        "bundle_history", "merges", "quarantine", "jobs"}) {
    EXPECT_EQ(Ask(writer(), std::string("SELECT count(*) FROM ") + table), 0)
        << table;
  }
}

TEST_P(StoreSuite, NewerStoreIsRefusedAndLeftAlone) {
  ASSERT_OK(Migrate(engine(), writer()));
  ASSERT_OK(PutMetaInt64(writer(), "format", kSchemaVersion + 1));
  const absl::Status status = Migrate(engine(), writer());
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_NE(status.message().find("newer"), absl::string_view::npos);
  ASSERT_OK_AND_ASSIGN(const int64_t version, ReadSchemaVersion(writer()));
  EXPECT_EQ(version, kSchemaVersion + 1);
}

TEST_P(StoreSuite, OlderStoreIsBroughtForwardWithItsRows) {
  const std::string_view first[] = {"CREATE TABLE a (k {int} PRIMARY KEY);"};
  const std::string_view both[] = {
      first[0],
      "CREATE TABLE b (k {int} PRIMARY KEY); INSERT INTO b SELECT k FROM a;"};
  ASSERT_OK(MigrateWith(engine(), writer(), first));
  Do("INSERT INTO a VALUES (5)");
  ASSERT_OK(MigrateWith(engine(), writer(), both));
  EXPECT_EQ(Ask(writer(), "SELECT k FROM b"), 5);
}

TEST_P(StoreSuite, FailedMigrationLeavesTheOlderVersionWhole) {
  const std::string_view broken[] = {
      "CREATE TABLE a (k {int} PRIMARY KEY);",
      "CREATE TABLE b (k {int} PRIMARY KEY); INSERT INTO absent VALUES (1);"};
  EXPECT_FALSE(MigrateWith(engine(), writer(), broken).ok());
  ASSERT_OK_AND_ASSIGN(const int64_t version, ReadSchemaVersion(writer()));
  EXPECT_EQ(version, 1);
  EXPECT_FALSE(writer()->Execute("SELECT * FROM b").ok());
}

TEST_P(StoreSuite, MetaIsReplacedAndAbsentReadsAsEmpty) {
  ASSERT_OK(Migrate(engine(), writer()));
  ASSERT_OK_AND_ASSIGN(std::string value, GetMeta(writer(), "absent"));
  EXPECT_EQ(value, "");
  ASSERT_OK(PutMeta(writer(), "k", "one"));
  ASSERT_OK(PutMeta(writer(), "k", "two"));
  ASSERT_OK_AND_ASSIGN(value, GetMeta(writer(), "k"));
  EXPECT_EQ(value, "two");
  EXPECT_THAT(GetMetaInt64(writer(), "k"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_P(StoreSuite, PoolLendsEachConnectionOnceAndTellsWhenNoneIsFree) {
  ASSERT_OK_AND_ASSIGN(auto pool, ReaderPool::Open(engine(), 2));
  ASSERT_OK_AND_ASSIGN(auto first, pool->Acquire());
  ASSERT_OK_AND_ASSIGN(auto second, pool->Acquire());
  EXPECT_NE(first.get(), second.get());
  EXPECT_THAT(pool->Acquire(std::chrono::milliseconds(1)),
              StatusIs(absl::StatusCode::kUnavailable));
  first.GiveBack();
  EXPECT_OK(pool->Acquire(std::chrono::milliseconds(1)));
}

}  // namespace consentry::store
