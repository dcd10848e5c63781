#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gateway/vault/vault_writer.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using testing::RowBuilder;

class WriteRecordTest : public ::testing::Test,
                        protected testing::VaultFixture {
 protected:
  static v1::WriteRecordRequest Request(const std::string& key,
                                        const std::string& email) {
    v1::WriteRecordRequest request;
    request.set_source("crm");
    request.set_kind("profile");
    request.set_purpose("essential.service");
    request.set_source_key(key);
    v1::Identifier* identifier = request.add_subjects()->mutable_identifier();
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(email);
    return request;
  }
  static void Put(v1::WriteRecordRequest* request, const std::string& field,
                  const std::string& text) {
    (*request->mutable_values())[field].set_string_value(text);
  }
  absl::StatusOr<WrittenRecord> Write(
      const v1::WriteRecordRequest& request,
      std::optional<store::RequestBinding> binding = std::nullopt) {
    WriteContext context = Context("crm");
    context.leaf.set_event("data.write");
    return writer().WriteRecord(request, context, std::move(binding));
  }
};

TEST_F(WriteRecordTest, RecordIsCreatedUpdatedAndLeftAlone) {
  v1::WriteRecordRequest request = Request("1", "a@example.com");
  Put(&request, "city", "Ulm");
  ASSERT_OK_AND_ASSIGN(const WrittenRecord created, Write(request));
  EXPECT_EQ(created.outcome, v1::WRITE_OUTCOME_CREATED);
  ASSERT_OK_AND_ASSIGN(const WrittenRecord same, Write(request));
  EXPECT_EQ(same.outcome, v1::WRITE_OUTCOME_UNCHANGED);
  Put(&request, "city", "Bonn");
  ASSERT_OK_AND_ASSIGN(const WrittenRecord updated, Write(request));
  EXPECT_EQ(updated.outcome, v1::WRITE_OUTCOME_UPDATED);
  EXPECT_EQ(updated.record_id, created.record_id);
  EXPECT_EQ(updated.subject_id, created.subject_id);
  EXPECT_GT(updated.change, created.change);
}

TEST_F(WriteRecordTest, FieldLeftOutIsGone) {
  v1::WriteRecordRequest request = Request("1", "a@example.com");
  Put(&request, "city", "Ulm");
  Put(&request, "tier", "gold");
  ASSERT_OK(Write(request));
  request.mutable_values()->erase("tier");
  ASSERT_OK(Write(request));
  EXPECT_THAT(Profile(FindByEmail("a@example.com")),
              ElementsAre(Pair("profile.city", "Ulm (crm)")));
}

TEST_F(WriteRecordTest, SubjectIsNamedByItsId) {
  ASSERT_OK_AND_ASSIGN(const WrittenRecord first,
                       Write(Request("1", "a@example.com")));
  v1::WriteRecordRequest request = Request("T-1", "");
  request.set_kind("ticket");
  request.clear_subjects();
  request.add_subjects()->set_id(first.subject_id);
  ASSERT_OK_AND_ASSIGN(const WrittenRecord ticket, Write(request));
  EXPECT_EQ(ticket.subject_id, first.subject_id);
}

TEST_F(WriteRecordTest, UnknownIdIsDeniedLikeAnySubject) {
  v1::WriteRecordRequest request = Request("1", "");
  request.clear_subjects();
  request.add_subjects()->set_id("cus_aaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(ReasonOf(Write(request).status()), v1::ERROR_REASON_ACCESS_DENIED);
}

TEST_F(WriteRecordTest, AnyFaultRefusesTheWholeRecordAndShowsNoValue) {
  v1::WriteRecordRequest request = Request("1", "a@example.com");
  Put(&request, "city", "Ulm");
  Put(&request, "tier", "canary");
  Put(&request, "points", "canary");
  const auto refused = Write(request);
  EXPECT_THAT(refused, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(refused.status().ToString().find("canary"), std::string::npos);
  EXPECT_EQ(FindByEmail("a@example.com"), 0u);
}

TEST_F(WriteRecordTest, RepetitionReturnsTheFirstOutcome) {
  v1::WriteRecordRequest request = Request("1", "a@example.com");
  Put(&request, "city", "Ulm");
  const store::RequestBinding binding{"crm", "id-1", "WriteRecord", "hash"};
  ASSERT_OK_AND_ASSIGN(const WrittenRecord first, Write(request, binding));
  ASSERT_OK_AND_ASSIGN(const WrittenRecord second, Write(request, binding));
  EXPECT_EQ(second.outcome, v1::WRITE_OUTCOME_CREATED);
  EXPECT_EQ(second.record_id, first.record_id);
  EXPECT_EQ(second.change, first.change);
  EXPECT_FALSE(first.repeated);
  EXPECT_TRUE(second.repeated);
}

TEST_F(WriteRecordTest, WritersInARaceMakeOneSubject) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10;
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        v1::WriteRecordRequest request = Request("K" + std::to_string(t), "");
        v1::Identifier* identifier =
            request.mutable_subjects(0)->mutable_identifier();
        identifier->set_type(v1::IDENTIFIER_TYPE_EXTERNAL_ID);
        identifier->set_namespace_("crm");
        identifier->set_value("C-" + std::to_string(round));
        request.set_source_key(std::to_string(t) + "/" + std::to_string(round));
        const auto written = Write(request);
        // Only losing three times in a row is an excuse.
        if (!written.ok() &&
            ReasonOf(written.status()) != v1::ERROR_REASON_CONTENDED) {
          ++failed;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed.load(), 0);
  EXPECT_EQ(Ask("SELECT count(*) FROM subjects"), kRounds);
  EXPECT_EQ(Ask("SELECT count(*) FROM records"),
            Ask("SELECT count(*) FROM source_rows"));
}

}  // namespace
}  // namespace consentry::vault
