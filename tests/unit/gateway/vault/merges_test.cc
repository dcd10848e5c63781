#include "gateway/vault/merges.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using testing::RowBuilder;
using ::testing::UnorderedElementsAre;

class MergesTest : public ::testing::Test, protected testing::VaultFixture {
 protected:
  uint64_t Person(const std::string& source, const std::string& key,
                  const std::string& city) {
    return FindById(
        ImportOne(
            source,
            RowBuilder("profile", key).External(source, key).Text("city", city))
            .subject_id);
  }
  Merges::Decision Human() {
    Merges::Decision decision;
    decision.decided_by = "staff-7";
    decision.note = "same person at the desk";
    decision.leaf.set_event("subject.merge");
    return decision;
  }
  store::ChangeOutcome Do(store::Change change) {
    return committer()->CommitChangeAndWait(std::move(change));
  }
  store::v1::SubjectHead WithoutVersion(uint64_t subject) {
    store::v1::SubjectHead head = Head(subject);
    head.clear_version();
    return head;
  }
  int64_t RecordsOf(uint64_t subject) {
    return Ask("SELECT count(*) FROM records WHERE record_no BETWEEN " +
               std::to_string(RecordNumber(subject, 0, 0)) + " AND " +
               std::to_string(RecordNumber(subject + 1, 0, 0) - 1));
  }
  std::vector<int64_t> Links(uint64_t subject) {
    const store::v1::SubjectHead head = Head(subject);
    return {head.links().begin(), head.links().end()};
  }
};

TEST_F(MergesTest, MergeLinksBothWaysAndMovesNothing) {
  const uint64_t a = Person("crm", "1", "Ulm");
  const uint64_t b = Person("shop", "2", "Bonn");
  const int64_t records = RecordsOf(a);
  const store::ChangeOutcome outcome = Do(merges().Merge(a, b, Human()));
  ASSERT_OK(outcome.status);
  EXPECT_THAT(Links(a), ElementsAre(static_cast<int64_t>(b)));
  EXPECT_THAT(Links(b), ElementsAre(static_cast<int64_t>(a)));
  EXPECT_EQ(records, 1);
  EXPECT_EQ(RecordsOf(a), records);
  // Both see the same profile, whichever is asked for.
  const std::map<std::string, std::string> profile = Profile(a);
  EXPECT_EQ(profile, Profile(b));
  EXPECT_THAT(profile, ElementsAre(Pair("profile.city", "Ulm (crm)!")));
  const store::v1::Leaf leaf = Leaves().back();
  ASSERT_EQ(leaf.subjects_size(), 2);
  EXPECT_THAT(leaf.subjects(0).changes(), ElementsAre("link=merged"));
}

TEST_F(MergesTest, UndoRestoresEveryHeadExactly) {
  const uint64_t a = Person("crm", "1", "Ulm");
  const uint64_t b = Person("shop", "2", "Bonn");
  const store::v1::SubjectHead before_a = WithoutVersion(a);
  const store::v1::SubjectHead before_b = WithoutVersion(b);
  const store::ChangeOutcome outcome = Do(merges().Merge(a, b, Human()));
  ASSERT_OK(outcome.status);
  ASSERT_OK(Do(merges().Undo(std::stoll(outcome.result), Human())).status);
  EXPECT_EQ(WithoutVersion(a).SerializeAsString(),
            before_a.SerializeAsString());
  EXPECT_EQ(WithoutVersion(b).SerializeAsString(),
            before_b.SerializeAsString());
  EXPECT_THAT(Profile(a), ElementsAre(Pair("profile.city", "Ulm (crm)")));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> undone,
      merges().List(reader_connection(), MergeState::kUndone, 0, 10));
  ASSERT_EQ(undone.size(), 1u);
  EXPECT_EQ(undone[0].grounds.decided_by(), "staff-7");
  EXPECT_EQ(undone[0].grounds.note(), "same person at the desk");
  EXPECT_EQ(undone[0].grounds.undone_by(), "staff-7");
}

TEST_F(MergesTest, ThreeAreOneGroupAndUndoOfOneLeavesTheOthers) {
  const uint64_t a = Person("crm", "1", "Ulm");
  const uint64_t b = Person("shop", "2", "Ulm");
  const uint64_t c = Person("pos", "3", "Ulm");
  const store::ChangeOutcome ab = Do(merges().Merge(a, b, Human()));
  ASSERT_OK(ab.status);
  ASSERT_OK(Do(merges().Merge(b, c, Human())).status);
  EXPECT_THAT(Links(a), UnorderedElementsAre(static_cast<int64_t>(b),
                                             static_cast<int64_t>(c)));
  EXPECT_THAT(Links(c), UnorderedElementsAre(static_cast<int64_t>(a),
                                             static_cast<int64_t>(b)));
  ASSERT_OK(Do(merges().Undo(std::stoll(ab.result), Human())).status);
  EXPECT_THAT(Links(a), ElementsAre());
  EXPECT_THAT(Links(b), ElementsAre(static_cast<int64_t>(c)));
  EXPECT_THAT(Links(c), ElementsAre(static_cast<int64_t>(b)));
}

TEST_F(MergesTest, SharedIdentifierFindsTheGroup) {
  const RowOutcome first =
      ImportOne("crm", RowBuilder("profile", "1").Email("a@example.com"));
  const RowOutcome second =
      ImportOne("shop", RowBuilder("profile", "2").Email("a@example.com"));
  EXPECT_EQ(FindByEmail("a@example.com"), 0u) << "two people so far";
  const uint64_t a = FindById(first.subject_id);
  ASSERT_OK(Do(merges().Merge(FindById(second.subject_id), a, Human())).status);
  EXPECT_EQ(FindByEmail("a@example.com"), a);
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> left,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  EXPECT_TRUE(left.empty()) << "the candidate became the merge";
}

TEST_F(MergesTest, WhatIsNotToBeDoneIsRefused) {
  const uint64_t a = Person("crm", "1", "Ulm");
  const uint64_t b = Person("shop", "2", "Bonn");
  const auto reason = [&](store::Change change) {
    return ReasonOf(Do(std::move(change)).status)
        .value_or(v1::ERROR_REASON_UNSPECIFIED);
  };
  EXPECT_EQ(reason(merges().Merge(a, a, Human())),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(reason(merges().Undo(12345, Human())),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_THAT(Do(merges().Merge(a, 999, Human())).status,
              testing::StatusIs(absl::StatusCode::kNotFound));
  const store::ChangeOutcome done = Do(merges().Merge(a, b, Human()));
  ASSERT_OK(done.status);
  EXPECT_EQ(reason(merges().Merge(b, a, Human())),
            v1::ERROR_REASON_STATE_INVALID);
  ASSERT_OK(Do(merges().Undo(std::stoll(done.result), Human())).status);
  EXPECT_EQ(reason(merges().Undo(std::stoll(done.result), Human())),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(MergesTest, DismissedCandidateIsAskedOfNobodyAgain) {
  ImportOne("crm", RowBuilder("profile", "1").Email("a@example.com"));
  ImportOne("shop", RowBuilder("profile", "2").Email("a@example.com"));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> candidates,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  ASSERT_EQ(candidates.size(), 1u);
  ASSERT_OK(Do(merges().Dismiss(candidates[0].merge_id, Human())).status);
  ImportOne(
      "shop",
      RowBuilder("profile", "2").Email("a@example.com").Text("city", "Ulm"));
  ASSERT_OK_AND_ASSIGN(
      const std::vector<MergeRecord> left,
      merges().List(reader_connection(), MergeState::kCandidate, 0, 10));
  EXPECT_TRUE(left.empty());
}

}  // namespace
}  // namespace consentry::vault
