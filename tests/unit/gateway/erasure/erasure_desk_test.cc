#include "gateway/erasure/erasure_desk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/store/sqlcipher/tables.h"
#include "gateway/vault/merges.h"
#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/erasure/erasure_bench.h"

namespace consentry::erasure {
namespace {

bool IsErased(const v1::ImportRowResult& result) {
  return result.outcome() == v1::WRITE_OUTCOME_QUARANTINED &&
         result.faults_size() > 0 &&
         result.faults(0).reason() == v1::ERROR_REASON_SUBJECT_ERASED;
}

// With the wait of a day: nothing is destroyed.
class WaitingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { bench_ = new ErasureBench(""); }
  static void TearDownTestSuite() {
    delete bench_;
    bench_ = nullptr;
  }
  static inline ErasureBench* bench_ = nullptr;
};

TEST_F(WaitingTest, DeniesFromTheDecisionOnUntilItIsCancelled) {
  const std::string id = bench_->gateway.Write("ann");
  ASSERT_EQ(bench_->gateway.Read(id).effect(), v1::EFFECT_PERMIT);
  const auto erasure = bench_->Decide(id, "rgt_ann");
  ASSERT_OK(erasure);
  EXPECT_EQ(bench_->gateway.Read(id).effect(), v1::EFFECT_DENY);
  EXPECT_EQ(bench_->ReasonOfRead(id), v1::ERROR_REASON_SUBJECT_ERASED);
  EXPECT_TRUE(IsErased(bench_->Import(bench_->Row("ann"))));
  EXPECT_EQ(bench_->StateOf("rgt_ann"), ErasureState::kWaiting);
  EXPECT_EQ(ReasonOf(bench_->Certificate("rgt_ann").status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(ReasonOf(bench_->Decide(id, "rgt_ann2").status()),
            v1::ERROR_REASON_STATE_INVALID);

  ASSERT_OK(bench_->Cancel(*erasure));
  EXPECT_EQ(bench_->gateway.Read(id).effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(bench_->Import(bench_->Row("ann")).outcome(),
            v1::WRITE_OUTCOME_CREATED);
  EXPECT_EQ(ReasonOf(bench_->Cancel(*erasure)), v1::ERROR_REASON_STATE_INVALID);
  ASSERT_OK(bench_->Decide(id, "rgt_ann3"));
}

TEST_F(WaitingTest, PreviewNamesFieldsGroundsAndWhatIsNoField) {
  const std::string id = bench_->gateway.Write("bea");
  const v1::ErasurePlan plan = bench_->Preview(ByEmail("bea"));
  std::map<std::string, v1::RightsDisposition> told;
  for (const auto& outcome : plan.outcomes()) {
    told[outcome.target()] = outcome.disposition();
  }
  EXPECT_EQ(told["profile.given_name"], v1::RIGHTS_DISPOSITION_GRANTED);
  EXPECT_EQ(told["identifiers"], v1::RIGHTS_DISPOSITION_GRANTED);
  EXPECT_EQ(bench_->gateway.Read(id).effect(), v1::EFFECT_PERMIT);
  // Of somebody who is not there it says nothing, and is no error.
  EXPECT_TRUE(bench_->Preview(ByEmail("nobody")).outcomes().empty());
}

TEST_F(WaitingTest, AHoldOnEverythingStopsTheErasureAndTheUse) {
  const std::string id = bench_->gateway.Write("cleo");
  const auto hold = bench_->Place(id, {});
  ASSERT_OK(hold);
  EXPECT_EQ(hold->subject_id(), id);
  EXPECT_EQ(bench_->gateway.Read(id).effect(), v1::EFFECT_PERMIT);
  const auto erasure = bench_->Decide(id, "rgt_cleo");
  ASSERT_OK(erasure);
  EXPECT_EQ(bench_->StateOf("rgt_cleo"), ErasureState::kHeld);
  EXPECT_EQ(ReasonOf(bench_->Certificate("rgt_cleo").status()),
            v1::ERROR_REASON_LEGAL_HOLD);
  EXPECT_EQ(bench_->ReasonOfRead(id), v1::ERROR_REASON_SUBJECT_RESTRICTED);
  ASSERT_OK(bench_->Lift(hold->id()));
  EXPECT_EQ(bench_->StateOf("rgt_cleo"), ErasureState::kWaiting);
  EXPECT_EQ(ReasonOf(bench_->Lift(hold->id()).status()),
            v1::ERROR_REASON_STATE_INVALID);
  ASSERT_OK(bench_->Cancel(*erasure));
}

TEST_F(WaitingTest, HoldsNameFieldsOfTheCatalogAndAreListed) {
  const std::string id = bench_->gateway.Write("dora");
  EXPECT_EQ(ReasonOf(bench_->Place(id, {"order.nonsense"}).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(bench_->Place(id, {"nonsense.*"}).status()),
            v1::ERROR_REASON_FIELD_INVALID);
  const auto first = bench_->Place(id, {"order.*"});
  ASSERT_OK(first);
  const auto second = bench_->Place(id, {"profile.email"});
  ASSERT_OK(second);
  ASSERT_OK(bench_->Lift(first->id()));
  v1::ListLegalHoldsRequest request;
  *request.mutable_subject() = ById(id);
  const auto list = [&] {
    const auto page =
        bench_->gateway.Wait<v1::ListLegalHoldsResponse>([&](auto done) {
          bench_->gateway->erasures()->ListHolds(
              WholeGateway::As("dpo", "hold.list"), request, std::move(done));
        });
    EXPECT_OK(page);
    std::vector<std::string> ids;
    if (page.ok()) {
      request.set_page_token(page->next_page_token());
      for (const auto& hold : page->legal_holds()) ids.push_back(hold.id());
    }
    return ids;
  };
  EXPECT_EQ(list(), std::vector<std::string>{second->id()});
  request.clear_page_token();
  request.set_include_ended(true);
  request.set_page_size(1);
  EXPECT_EQ(list(), std::vector<std::string>{second->id()});
  EXPECT_EQ(list(), std::vector<std::string>{first->id()});
}

TEST_F(WaitingTest, WhatSomebodyUnknownProhibitsBindsALaterImport) {
  bench_->OptOut(ByEmail("eve"));
  bench_->Withdraw(ByEmail("eve"));
  v1::ImportRow row = bench_->Row("eve");
  ASSERT_EQ(bench_->Import(row).outcome(), v1::WRITE_OUTCOME_CREATED);
  const auto state = bench_->State(ByEmail("eve"));
  ASSERT_EQ(state.opt_outs_size(), 1);
  EXPECT_EQ(state.opt_outs(0), v1::OPT_OUT_KIND_DIRECT_MARKETING);
  ASSERT_EQ(state.states_size(), 1);
  EXPECT_EQ(state.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  // Of another it says nothing.
  ASSERT_EQ(bench_->Import(bench_->Row("eva")).outcome(),
            v1::WRITE_OUTCOME_CREATED);
  EXPECT_EQ(bench_->State(ByEmail("eva")).opt_outs_size(), 0);
}

// Without a wait.
class ErasingTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    bench_ = new ErasureBench("erasure { wait_hours: 0 }");
  }
  static void TearDownTestSuite() {
    delete bench_;
    bench_ = nullptr;
  }
  static inline ErasureBench* bench_ = nullptr;
};

TEST_F(ErasingTest, AnObjectionOutlivesHerAndBindsWhenSheComesBack) {
  const std::string id = bench_->gateway.Write("fay");
  bench_->OptOut(ByEmail("fay"));
  bench_->Withdraw(ByEmail("fay"));
  ASSERT_OK(bench_->Decide(id, "rgt_fay"));
  ASSERT_TRUE(bench_->WaitFor("rgt_fay", ErasureState::kDone));
  EXPECT_TRUE(IsErased(bench_->Import(bench_->Row("fay"))));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  v1::ImportRow row = bench_->Row("fay");
  row.set_new_relationship(true);
  row.mutable_collect_time()->set_seconds(
      bench_->gateway->committer()->NowUs() / 1'000'000);
  ASSERT_EQ(bench_->Import(row).outcome(), v1::WRITE_OUTCOME_CREATED);
  const auto state = bench_->State(ByEmail("fay"));
  EXPECT_EQ(state.opt_outs_size(), 1);
  EXPECT_EQ(state.states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
}

TEST_F(ErasingTest, TakesAllWhoAreJoined) {
  const std::string one = bench_->gateway.Write("gia");
  const std::string two = bench_->gateway.Write("gia2");
  v1::MergeSubjectsRequest request;
  request.add_subject_ids(one);
  request.add_subject_ids(two);
  std::promise<absl::Status> merged;
  bench_->gateway->merges()->Merge(
      WholeGateway::As("operator", "subjects.merge"), request,
      [&](auto merge) { merged.set_value(merge.status()); });
  ASSERT_OK(merged.get_future().get());
  EXPECT_EQ(bench_->Preview(ById(one)).linked_subject_ids_size(), 1);
  ASSERT_OK(bench_->Decide(one, "rgt_gia"));
  ASSERT_TRUE(bench_->WaitFor("rgt_gia", ErasureState::kDone));
  for (const char* key : {"gia", "gia2"}) {
    EXPECT_TRUE(IsErased(bench_->Import(bench_->Row(key)))) << key;
  }
  EXPECT_EQ(bench_->Number(one), 0u);
  EXPECT_EQ(bench_->Number(two), 0u);
}

TEST_F(ErasingTest, AHoldKeepsItsFieldsUntilItIsLifted) {
  const std::string id = bench_->gateway.Write("hal");
  const auto hold = bench_->Place(id, {"profile.given_name"});
  ASSERT_OK(hold);
  ASSERT_OK(bench_->Decide(id, "rgt_hal"));
  ASSERT_TRUE(bench_->WaitFor("rgt_hal", ErasureState::kKept));
  const auto first = bench_->Certificate("rgt_hal");
  ASSERT_OK(first);
  EXPECT_EQ(first->outcomes(0).disposition(), v1::RIGHTS_DISPOSITION_KEPT);
  EXPECT_EQ(first->outcomes(0).document(), "matter 7");
  EXPECT_EQ(bench_->ReasonOfRead(id), v1::ERROR_REASON_SUBJECT_RESTRICTED);
  ASSERT_OK(bench_->Lift(hold->id()));
  ASSERT_TRUE(bench_->WaitFor("rgt_hal", ErasureState::kDone));
  const auto second = bench_->Certificate("rgt_hal");
  ASSERT_OK(second);
  EXPECT_EQ(second->outcomes(0).disposition(), v1::RIGHTS_DISPOSITION_GRANTED);
  EXPECT_GT(second->audit_index(), first->audit_index());
  EXPECT_EQ(bench_->Number(id), 0u);
}

TEST_F(ErasingTest, IsFinalWhenTheLastOlderBackupOfKeysHasEnded) {
  const std::string id = bench_->gateway.Write("jo");
  const int64_t now_us = bench_->gateway->committer()->NowUs();
  constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
  const auto list = [&](const char* name, v1::BackupPart part, int64_t begun_us,
                        int64_t end_us) {
    ASSERT_OK(bench_->Change([&](store::ChangeContext& context,
                                 store::v1::Leaf*) -> absl::StatusOr<int64_t> {
      auto query = context.connection()->Prepare(
          "INSERT INTO backups (backup_id, part, state, created_us, "
          "expires_us, bytes, log_size, file) "
          "VALUES ($1, $2, 2, $3, $4, 0, 0, $5)");
      if (!query.ok()) return query.status();
      const absl::Status run =
          query
              ->Bind(std::string_view(name), static_cast<int64_t>(part),
                     begun_us, end_us, store::Text{name})
              .Run();
      if (!run.ok()) return run;
      return 0;
    }));
  };
  list("backup of keys 1", v1::BACKUP_PART_KEYS, now_us - 1,
       now_us + 3 * kDayUs);
  list("backup of keys 2", v1::BACKUP_PART_KEYS, now_us - 2,
       now_us + 2 * kDayUs);
  // Begun when the keys are gone, and no keys at all.
  list("backup of keys 3", v1::BACKUP_PART_KEYS, now_us + kDayUs,
       now_us + 9 * kDayUs);
  list("backup of data 4", v1::BACKUP_PART_DATA, now_us - 1,
       now_us + 30 * kDayUs);
  ASSERT_OK(bench_->Decide(id, "rgt_jo"));
  ASSERT_TRUE(bench_->WaitFor("rgt_jo", ErasureState::kDone));
  const auto certificate = bench_->Certificate("rgt_jo");
  ASSERT_OK(certificate);
  EXPECT_EQ(certificate->final_time().seconds(),
            (now_us + 3 * kDayUs) / 1'000'000);
}

// Looks at every table that the store has, and so at those that come later.
class RowsOfTest : public ErasingTest {
 protected:
  // Numbers by which rows name her, and ids in clear.
  struct Her {
    uint64_t number = 0;
    std::vector<std::string> ids;
  };

  static bool IsHers(const store::ColumnInfo& column, const store::Query& row,
                     int at, const Her& her) {
    if (row.IsNull(at)) return false;
    if (column.type == store::ColumnType::kInt) {
      const int64_t value = row.Int64(at);
      if (column.name == "subject" || column.name == "into_subject") {
        return static_cast<uint64_t>(value) == her.number;
      }
      return column.name == "record_no" &&
             vault::SubjectOfRecord(value) == her.number;
    }
    const std::string_view bytes =
        column.type == store::ColumnType::kText ? row.TextAt(at) : row.Blob(at);
    return std::any_of(her.ids.begin(), her.ids.end(),
                       [&](const std::string& id) {
                         return bytes.find(id) != std::string_view::npos;
                       });
  }

  // How many rows of each table are hers.
  static std::map<std::string, int> RowsOf(const Her& her) {
    std::map<std::string, int> rows;
    auto lease = bench_->gateway->readers()->Acquire();
    EXPECT_OK(lease);
    const auto tables = store::ListTables(lease->get());
    EXPECT_OK(tables);
    for (const store::TableInfo& table : *tables) {
      std::string sql;
      for (const auto& column : table.columns) {
        sql += (sql.empty() ? "SELECT " : ", ") + column.name;
      }
      auto query = (*lease)->Prepare(sql + " FROM " + table.name);
      EXPECT_OK(query);
      while (*query->Step()) {
        for (size_t i = 0; i < table.columns.size(); ++i) {
          if (!IsHers(table.columns[i], *query, static_cast<int>(i), her)) {
            continue;
          }
          ++rows[table.name];
          break;
        }
      }
    }
    return rows;
  }

  // Of a customer who has chosen, was held, and repeats her requests.
  static Her Make(const std::string& key) {
    const std::string id = bench_->gateway.Write(key);
    EXPECT_EQ(bench_->Import(bench_->Row(key, "order")).outcome(),
              v1::WRITE_OUTCOME_CREATED);
    bench_->OptOut(ById(id));
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = ById(id);
    request.add_purposes(kLetters);
    request.set_request_id("6f1f1a52-0000-4000-8000-0000000000" + key);
    std::promise<absl::Status> promise;
    bench_->gateway->ledger()->Withdraw(
        WholeGateway::As("shop", "consent.withdraw"), request,
        [&](auto answer) { promise.set_value(answer.status()); });
    EXPECT_OK(promise.get_future().get());
    const auto hold = bench_->Place(id, {"order.*"});
    EXPECT_OK(hold);
    EXPECT_OK(bench_->Lift(hold->id()));

    Her her;
    her.number = bench_->Number(id);
    her.ids = {id, request.request_id()};
    const auto parsed = crypto::ParseId(crypto::IdKind::kSubject, id);
    her.ids.emplace_back(parsed->begin(), parsed->end());
    auto lease = bench_->gateway->readers()->Acquire();
    for (const char* sql :
         {"SELECT event_id FROM consent_event_ids WHERE subject = $1",
          "SELECT public_id FROM holds WHERE subject = $1"}) {
      auto query = (*lease)->Prepare(sql);
      query->Bind(static_cast<int64_t>(her.number));
      while (*query->Step()) her.ids.emplace_back(query->Blob(0));
    }
    auto records = (*lease)->Prepare(
        "SELECT record_id FROM records WHERE record_no BETWEEN $1 AND $2");
    records->Bind(vault::RecordNumber(her.number, 0, 0),
                  vault::RecordNumber(her.number, vault::kMaxKindPosition,
                                      vault::kMaxRecordIndex));
    while (*records->Step()) her.ids.emplace_back(records->Blob(0));
    EXPECT_GE(her.ids.size(), 6u);
    return her;
  }

  // A row of hers in each table that has rows of customers and none of hers.
  static void Fill(const Her& her) {
    const std::map<std::string, int> before = RowsOf(her);
    ASSERT_OK(bench_->Change([&](store::ChangeContext& context,
                                 store::v1::Leaf*) -> absl::StatusOr<int64_t> {
      auto tables = store::ListTables(context.connection());
      if (!tables.ok()) return tables.status();
      for (const store::TableInfo& table : *tables) {
        const bool of_customers = std::any_of(
            table.columns.begin(), table.columns.end(),
            [](const auto& column) { return column.name == "subject"; });
        // The erasure itself is one.
        if (!of_customers || before.count(table.name) != 0 ||
            table.name == "erasures") {
          continue;
        }
        std::string names;
        std::string values;
        for (const auto& column : table.columns) {
          names += (names.empty() ? "" : ", ") + column.name;
          values += values.empty() ? "" : ", ";
          if (column.name == "subject") {
            values += std::to_string(her.number);
          } else if (column.type == store::ColumnType::kInt) {
            // In no state that anything works on, and due in the far future.
            values += column.name == "by_system" || column.name == "open"
                          ? "0"
                          : "2000000000";
          } else {
            values += "CAST('" + table.name + column.name + "' AS BLOB)";
          }
        }
        const absl::Status made =
            context.connection()->Execute("INSERT INTO " + table.name + " (" +
                                          names + ") VALUES (" + values + ")");
        if (!made.ok()) return made;
      }
      return 0;
    }));
  }
};

TEST_F(RowsOfTest, HersAreInNoTableAfterAnErasure) {
  const Her her = Make("10");
  const Her other = Make("11");
  Fill(her);
  const std::map<std::string, int> before = RowsOf(her);
  for (const char* table :
       {"consent_ends", "consent_event_ids", "consent_events", "double_opt_ins",
        "facts", "holds", "jobs", "logins", "lookup", "merges", "messages",
        "recipient_notices", "records", "requests", "rights_agents",
        "rights_cases", "rights_reports", "source_rows", "subjects"}) {
    EXPECT_EQ(before.count(table), 1u) << table;
  }
  // What recipients are to be told is passed on at any moment.
  const auto settled = [&other] {
    std::map<std::string, int> rows = RowsOf(other);
    rows.erase("recipient_events");
    return rows;
  };
  const std::map<std::string, int> of_other = settled();
  const std::string id = her.ids[0];
  ASSERT_OK(bench_->Decide(id, "rgt_rows"));
  ASSERT_TRUE(bench_->WaitFor("rgt_rows", ErasureState::kDone));
  for (const auto& [table, rows] : RowsOf(her)) {
    ADD_FAILURE() << rows << " of " << table;
  }
  EXPECT_EQ(settled(), of_other);
  EXPECT_EQ(of_other.at("requests"), 1);
}

TEST_F(ErasingTest, ADecisionAboutHerIsExplainedNoMore) {
  const std::string id = bench_->gateway.Write("ida");
  const v1::Decision before = bench_->gateway.Read(id);
  ASSERT_OK(bench_->Decide(id, "rgt_ida"));
  ASSERT_TRUE(bench_->WaitFor("rgt_ida", ErasureState::kDone));
  v1::ExplainDecisionRequest request;
  request.set_decision_id(before.id());
  const auto explained =
      bench_->gateway.Wait<v1::ExplainDecisionResponse>([&](auto done) {
        bench_->gateway->explainer()->Explain(
            WholeGateway::As("shop", "data.explain"), request,
            /*of_others=*/false, std::move(done));
      });
  EXPECT_EQ(ReasonOf(explained.status()), v1::ERROR_REASON_SUBJECT_ERASED);
}

}  // namespace
}  // namespace consentry::erasure
