#include "tools/consentry/importer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "proto/support/mutex.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::tools {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kMap[] = R"(
source: "crm"
purpose: "essential.service.order"
identifiers { type: "email" column: "mail" }
records {
  kind: "profile" key: "id"
  fields { field: "name" columns: "name" }
  fields { field: "born" columns: "born" type: DATE }
}
)";

// A gateway that keeps records by key and refuses names that start with "bad".
class FakeGateway {
 public:
  std::map<std::string, std::string> records;
  int headers = 0;
  bool last_dry_run = false;
  // Most messages that were sent and not yet answered.
  int most_ahead = 0;
  int fail_after_messages = -1;
};

class FakeTransport final : public ImportTransport {
 public:
  explicit FakeTransport(FakeGateway* gateway) : gateway_(gateway) {}

  absl::Status Send(const v1::ImportRecordsRequest& message) override {
    MutexLock lock(&mu_);
    if (failed_) return absl::CancelledError("call is over");
    if (message.has_header()) {
      ++gateway_->headers;
      gateway_->last_dry_run = message.header().validate_only();
      return absl::OkStatus();
    }
    if (gateway_->fail_after_messages-- == 0) {
      failed_ = true;
      changed_.SignalAll();
      return absl::CancelledError("call is over");
    }
    EXPECT_LE(message.rows().rows_size(), kImportRowsPerMessage);
    sent_.push_back(message.rows());
    ++ahead_;
    gateway_->most_ahead = std::max(gateway_->most_ahead, ahead_);
    changed_.SignalAll();
    return absl::OkStatus();
  }

  absl::Status DoneSending() override {
    MutexLock lock(&mu_);
    done_ = true;
    changed_.SignalAll();
    return absl::OkStatus();
  }

  std::optional<v1::ImportRecordsResponse> Receive() override {
    v1::ImportRows rows;
    {
      MutexLock lock(&mu_);
      while (sent_.empty() && !done_ && !failed_) changed_.Wait(&mu_);
      if (sent_.empty()) return std::nullopt;
      rows = sent_.front();
      sent_.pop_front();
      --ahead_;
    }
    v1::ImportRecordsResponse response;
    for (const v1::ImportRow& row : rows.rows()) {
      *response.add_results() = Apply(row);
    }
    return response;
  }

  absl::Status Finish() override {
    MutexLock lock(&mu_);
    return failed_ ? absl::UnavailableError("the gateway is stopping")
                   : absl::OkStatus();
  }

 private:
  v1::ImportRowResult Apply(const v1::ImportRow& row) {
    v1::ImportRowResult result;
    result.set_number(row.number());
    const auto name = row.values().find("name");
    if (name != row.values().end() &&
        name->second.string_value().substr(0, 3) == "bad") {
      v1::ImportFault* fault = result.add_faults();
      fault->set_column("profile.name");
      fault->set_reason(v1::ERROR_REASON_VALUE_OUT_OF_RANGE);
    }
    if (row.identifiers(0).value() == "taken@example.org") {
      v1::ImportFault* fault = result.add_faults();
      fault->set_column("email");
      fault->set_reason(v1::ERROR_REASON_IDENTIFIER_CONFLICT);
    }
    const std::string key = row.kind() + "/" + row.source_key();
    // A map has no order of its own.
    std::map<std::string, std::string> values;
    for (const auto& [field, value] : row.values()) {
      values[field] = value.string_value();
    }
    std::string bytes;
    for (const auto& [field, value] : values) {
      absl::StrAppend(&bytes, field, "=", value, ";");
    }
    const auto known = gateway_->records.find(key);
    if (known == gateway_->records.end()) {
      result.set_outcome(v1::WRITE_OUTCOME_CREATED);
    } else if (known->second == bytes) {
      result.set_outcome(v1::WRITE_OUTCOME_UNCHANGED);
    } else {
      result.set_outcome(v1::WRITE_OUTCOME_UPDATED);
      result.add_conflicts("profile.name");
    }
    if (!gateway_->last_dry_run) gateway_->records[key] = bytes;
    return result;
  }

  FakeGateway* const gateway_;
  Mutex mu_;
  CondVar changed_;
  std::deque<v1::ImportRows> sent_ ABSL_GUARDED_BY(mu_);
  int ahead_ ABSL_GUARDED_BY(mu_) = 0;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
};

class ImporterTest : public ::testing::Test {
 protected:
  ImporterTest() { std::ofstream(dir_.File("map.txtpb")) << kMap; }

  absl::StatusOr<ImportReport> Import(const std::string& csv,
                                      bool dry_run = false) {
    std::ofstream(dir_.File("crm.csv"), std::ios::binary) << csv;
    quarantine_.str("");
    ImportOptions options;
    options.dry_run = dry_run;
    return ImportFile(
        dir_.File("map.txtpb"), dir_.File("crm.csv"), options,
        [this]() -> absl::StatusOr<std::unique_ptr<ImportTransport>> {
          return std::unique_ptr<ImportTransport>(new FakeTransport(&gateway_));
        },
        &quarantine_, nullptr);
  }

  testing::TempDir dir_;
  FakeGateway gateway_;
  std::ostringstream quarantine_;
};

std::string ManyRows(int count) {
  std::string csv = "id,mail,name,born\n";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&csv, i, ",p", i, "@example.org,Name ", i, ",1980-01-02\n");
  }
  return csv;
}

TEST_F(ImporterTest, SecondRunOfTheSameFileChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const ImportReport first, Import(ManyRows(5000)));
  EXPECT_EQ(first.rows, 5000u);
  EXPECT_EQ(first.created, 5000u);
  EXPECT_EQ(first.changed(), 5000u);
  ASSERT_OK_AND_ASSIGN(const ImportReport second, Import(ManyRows(5000)));
  EXPECT_EQ(second.changed(), 0u);
  EXPECT_EQ(second.unchanged, 5000u);
  EXPECT_THAT(ReportTable(second), HasSubstr(" 0 changed"));
  EXPECT_LE(gateway_.most_ahead, kImportWindow);
}

TEST_F(ImporterTest, DryRunSaysSoToTheGateway) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(ManyRows(3), true));
  EXPECT_TRUE(gateway_.last_dry_run);
  EXPECT_TRUE(gateway_.records.empty());
  EXPECT_THAT(ReportTable(report), StartsWith("Dry run"));
}

TEST_F(ImporterTest, QuarantineNamesRowColumnAndReasonWithoutValue) {
  const std::string csv =
      "id,mail,name,born\n"
      "1,a@example.org,Canary,1980-01-02\n"
      "2,b@example.org,Canary,32.13.Canary\n"     // Row 3: a bad cell.
      "3,,Canary,1980-01-02\n"                    // Row 4: nobody.
      "4,Canary,too,many,fields\n"                // Row 5: ragged.
      "5,d@example.org,bad Canary,1980-01-02\n";  // Row 6: the gateway's.
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(csv));
  EXPECT_EQ(report.rows, 5u);
  EXPECT_EQ(report.created, 3u);
  EXPECT_EQ(report.quarantined_rows, 2u);
  std::vector<std::string> lines =
      absl::StrSplit(quarantine_.str(), "\r\n", absl::SkipEmpty());
  EXPECT_THAT(lines, Each(Not(HasSubstr("Canary"))));
  EXPECT_THAT(lines, ::testing::UnorderedElementsAre(
                         "row,column,reason", "3,born,VALUE_MALFORMED",
                         "4,row,IDENTIFIER_MISSING", "5,row,ROW_UNREADABLE",
                         "6,name,VALUE_OUT_OF_RANGE"));
  EXPECT_EQ(report.fields.at("profile.born").invalid, 1u);
  EXPECT_EQ(report.fields.at("profile.born").present, 2u);
  EXPECT_EQ(report.fields.at("profile.name").invalid, 1u);
  EXPECT_EQ(report.reasons.at("VALUE_MALFORMED"), 1u);
}

TEST_F(ImporterTest, RepeatedKeysAndConflictsAreCounted) {
  const std::string csv =
      "id,mail,name,born\n"
      "1,a@example.org,One,1980-01-02\n"
      "1,a@example.org,One,1980-01-02\n"
      "1,a@example.org,Other,1980-01-02\n";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(csv));
  EXPECT_EQ(report.duplicates, 2u);
  EXPECT_EQ(report.created, 1u);
  EXPECT_EQ(report.unchanged, 1u);
  EXPECT_EQ(report.updated, 1u);
  EXPECT_EQ(report.fields.at("profile.name").conflicts, 1u);
  const std::string json = ReportJson(report);
  EXPECT_THAT(json, HasSubstr("\"changed\":2"));
  EXPECT_THAT(json, HasSubstr("{\"name\":\"profile.name\",\"records\":3,"
                              "\"present\":3,\"invalid\":0,\"conflicts\":1}"));
}

TEST_F(ImporterTest, IdentifierOfSomebodyElseIsAConflictAndNoBadValue) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      Import("id,mail,name,born\n1,taken@example.org,One,1980-01-02\n"));
  EXPECT_EQ(report.created, 1u);
  EXPECT_EQ(report.fields.at("email").conflicts, 1u);
  EXPECT_EQ(report.fields.at("email").invalid, 0u);
  EXPECT_EQ(report.fields.at("email").present, 1u);
  EXPECT_THAT(quarantine_.str(), HasSubstr("2,mail,IDENTIFIER_CONFLICT"));
}

TEST_F(ImporterTest, CallThatEndsEarlyIsAnErrorAndTheNextRunGoesOn) {
  gateway_.fail_after_messages = 3;
  const auto report = Import(ManyRows(20 * kImportRowsPerMessage));
  EXPECT_THAT(report, testing::StatusIs(absl::StatusCode::kUnavailable));
  const size_t applied = gateway_.records.size();
  EXPECT_EQ(applied, 3u * kImportRowsPerMessage);
  gateway_.fail_after_messages = -1;
  ASSERT_OK_AND_ASSIGN(const ImportReport second,
                       Import(ManyRows(20 * kImportRowsPerMessage)));
  EXPECT_EQ(second.unchanged, applied);
  EXPECT_EQ(second.created, 17u * kImportRowsPerMessage);
}

TEST_F(ImporterTest, FaultsOfMapAndFileStopBeforeTheCall) {
  std::ofstream(dir_.File("map.txtpb")) << "source: 5";
  EXPECT_THAT(Import("id\n"),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  std::ofstream(dir_.File("map.txtpb"), std::ios::trunc) << kMap;
  const auto missing = Import("id,mail,name\n");
  ASSERT_THAT(missing, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("map.txtpb"));
  EXPECT_THAT(Import(""),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(gateway_.headers, 0);
}

}  // namespace
}  // namespace consentry::tools
