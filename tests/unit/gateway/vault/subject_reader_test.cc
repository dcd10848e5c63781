#include "gateway/vault/subject_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/crypto/opener.h"
#include "gateway/store/engine.h"
#include "gateway/vault/record_number.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::RowBuilder;
using testing::StatusIs;

constexpr std::string_view kProfile = "profile";

class SubjectReaderTest : public ::testing::Test,
                          protected testing::VaultFixture {
 protected:
  uint64_t Person(const std::string& key, const std::string& name) {
    return FindById(ImportOne("crm", RowBuilder("profile", key)
                                         .External("crm", key)
                                         .Email(key + "@example.com")
                                         .Text("first_name", name))
                        .subject_id);
  }
  // As somebody with the file and its page key could: around the committer.
  void Tamper(const std::string& sql) {
    Stop();
    ASSERT_OK_AND_ASSIGN(const auto writer, engine()->ConnectWriter());
    ASSERT_OK(writer->Execute(sql));
    cache().Clear();
  }
  absl::StatusOr<std::vector<StoredRecord>> Read(uint64_t subject) {
    auto head = reader().ReadHead(reader_connection(), subject, {});
    if (!head.ok()) return head.status();
    return reader().ReadRecords(reader_connection(), **head,
                                std::span(&kProfile, 1));
  }
  absl::Status OpenFirst(uint64_t subject, const std::string& field) {
    auto head = reader().ReadHead(reader_connection(), subject, {});
    if (!head.ok()) return head.status();
    auto records = Read(subject);
    if (!records.ok()) return records.status();
    return crypto::Opener::Open(testing::GrantForTest::Make(), (*head)->keys(),
                                FieldContextOf(records->front(), field),
                                records->front().blob.fields(0).sealed())
        .status();
  }
  template <class Number>
  static std::string N(Number number) {
    return std::to_string(number);
  }
};

TEST_F(SubjectReaderTest, HeadComesFromTheCacheOnceItWasRead) {
  const uint64_t subject = Person("1", "Anna");
  ASSERT_OK_AND_ASSIGN(const auto first,
                       reader().ReadHead(reader_connection(), subject, {}));
  ASSERT_OK_AND_ASSIGN(const auto second,
                       reader().ReadHead(reader_connection(), subject, {}));
  EXPECT_EQ(first, second);
  SubjectReader::HeadOptions past;
  past.past_cache = true;
  ASSERT_OK_AND_ASSIGN(const auto third,
                       reader().ReadHead(reader_connection(), subject, past));
  EXPECT_NE(first, third);
}

TEST_F(SubjectReaderTest, ChangeIsSeenAtOnce) {
  const uint64_t subject = Person("1", "Anna");
  const uint64_t before = Head(subject).version();
  ImportOne("crm", RowBuilder("profile", "1")
                       .External("crm", "1")
                       .Email("1@example.com")
                       .Text("first_name", "Anne"));
  EXPECT_GT(Head(subject).version(), before);
}

TEST_F(SubjectReaderTest, RecordsAreKeptBesideTheHeadUntilTheyChange) {
  const uint64_t subject = Person("1", "Anna");
  const auto read = [&] {
    const auto head = reader().ReadHead(reader_connection(), subject, {});
    EXPECT_OK(head);
    const auto sets = reader().SharedRecords(reader_connection(), **head,
                                             std::span(&kProfile, 1));
    EXPECT_OK(sets);
    EXPECT_EQ(sets->size(), 1u);
    return sets->front();
  };
  const std::shared_ptr<const RecordSet> first = read();
  EXPECT_EQ(read(), first);
  ImportOne("crm", RowBuilder("profile", "1")
                       .External("crm", "1")
                       .Email("1@example.com")
                       .Text("first_name", "Anne"));
  const std::shared_ptr<const RecordSet> second = read();
  EXPECT_NE(second, first);
  ASSERT_EQ(second->records.size(), 1u);
  EXPECT_GT(second->records[0].row_generation,
            first->records[0].row_generation);
  EXPECT_EQ(read(), second);
}

TEST_F(SubjectReaderTest, KindsWithoutRecordsGiveNoSet) {
  const uint64_t subject = Person("1", "Anna");
  ASSERT_OK_AND_ASSIGN(const auto head,
                       reader().ReadHead(reader_connection(), subject, {}));
  constexpr std::string_view kOrder = "order";
  ASSERT_OK_AND_ASSIGN(const auto sets,
                       reader().SharedRecords(reader_connection(), *head,
                                              std::span(&kOrder, 1)));
  EXPECT_TRUE(sets.empty());
}

TEST_F(SubjectReaderTest, ManyRecordsAreReadAndNotKept) {
  const uint64_t subject = Person("1", "Anna");
  for (int i = 0; i < 20; ++i) {
    ImportOne("crm", RowBuilder("order", std::to_string(i))
                         .External("crm", "1")
                         .Text("number", "A-" + std::to_string(i)));
  }
  ASSERT_OK_AND_ASSIGN(const auto head,
                       reader().ReadHead(reader_connection(), subject, {}));
  constexpr std::string_view kOrder = "order";
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto sets,
                         reader().SharedRecords(reader_connection(), *head,
                                                std::span(&kOrder, 1)));
    ASSERT_EQ(sets.size(), 1u);
    EXPECT_EQ(sets[0]->records.size(), 20u);
    EXPECT_GT(sets[0]->bytes, CachedSubject::kMaxKeptBytes);
  }
  EXPECT_EQ(head->FindRecords(kOrder), nullptr);
}

TEST_F(SubjectReaderTest, DestroyedKeysLeaveNobody) {
  const uint64_t subject = Person("1", "Anna");
  ASSERT_OK(keys().slots().Destroy(subject, 1));
  cache().Invalidate(subject, INT64_MAX);
  EXPECT_THAT(reader().ReadHead(reader_connection(), subject, {}),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SubjectReaderTest, WrongNamesAreRefusedWithoutTheirValue) {
  v1::SubjectRef empty;
  EXPECT_THAT(reader().MakeKey(empty),
              StatusIs(absl::StatusCode::kInvalidArgument));
  v1::SubjectRef id;
  id.set_id("cus_canary");
  const auto bad_id = reader().MakeKey(id);
  EXPECT_THAT(bad_id, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(bad_id.status().ToString().find("canary"), std::string::npos);
  v1::SubjectRef mail;
  mail.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  mail.mutable_identifier()->set_value("canary at example");
  const auto bad_mail = reader().MakeKey(mail);
  EXPECT_THAT(bad_mail, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(bad_mail.status().ToString().find("canary"), std::string::npos);
  v1::SubjectRef pseudonym;
  pseudonym.set_pseudonym("psn_x");
  EXPECT_THAT(reader().MakeKey(pseudonym),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SubjectReaderTest, SwappedHeadsAreFound) {
  const uint64_t a = Person("1", "Anna");
  const uint64_t b = Person("2", "Ben");
  Tamper(
      "UPDATE subjects SET head = (SELECT head FROM subjects WHERE "
      "subject = " +
      N(b) + ") WHERE subject = " + N(a));
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(Read(b));
}

TEST_F(SubjectReaderTest, OlderHeadPutBackIsFound) {
  const uint64_t a = Person("1", "Anna");
  Person("2", "Ben");
  ImportOne("crm", RowBuilder("profile", "1")
                       .External("crm", "1")
                       .Text("first_name", "Anne"));
  Tamper("UPDATE subjects SET head = (SELECT head FROM facts WHERE subject = " +
         N(a) + ") WHERE subject = " + N(a));
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, RecordMovedToAnotherSubjectIsFound) {
  const uint64_t a = Person("1", "Anna");
  const uint64_t b = Person("2", "Ben");
  Tamper("DELETE FROM records WHERE record_no = " + N(RecordNumber(b, 0, 0)));
  Tamper("UPDATE records SET record_no = " + N(RecordNumber(b, 0, 0)) +
         " WHERE record_no = " + N(RecordNumber(a, 0, 0)));
  EXPECT_THAT(Read(b), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, RecordMovedToAnotherKindIsFound) {
  const uint64_t a = Person("1", "Anna");
  ImportOne("crm", RowBuilder("ticket", "9").External("crm", "1"));
  Tamper("DELETE FROM records WHERE record_no = " + N(RecordNumber(a, 0, 0)));
  Tamper("UPDATE records SET record_no = " + N(RecordNumber(a, 0, 0)) +
         " WHERE record_no = " + N(RecordNumber(a, 1, 0)));
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, RecordsThatSwappedBlobsAreFound) {
  const uint64_t a = Person("1", "Anna");
  ImportOne("crm", RowBuilder("profile", "1b")
                       .External("crm", "1")
                       .Text("first_name", "Anne"));
  Tamper(
      "UPDATE records SET fields = (SELECT fields FROM records other WHERE "
      "other.record_id <> records.record_id LIMIT 1)");
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, OlderRowGenerationPutBackIsFound) {
  const uint64_t a = Person("1", "Anna");
  Tamper("UPDATE records SET row_gen = row_gen + 1 WHERE record_no = " +
         N(RecordNumber(a, 0, 0)));
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, FieldTakenAwayIsFound) {
  const uint64_t a = Person("1", "Anna");
  ASSERT_OK_AND_ASSIGN(std::vector<StoredRecord> records, Read(a));
  records[0].blob.clear_fields();
  const std::string bytes = records[0].blob.SerializeAsString();
  std::string hex;
  for (unsigned char byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  Tamper("UPDATE records SET fields = x'" + hex +
         "' WHERE record_no = " + N(RecordNumber(a, 0, 0)));
  EXPECT_THAT(Read(a), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, ValueOpensUnderItsOwnNameOnly) {
  const uint64_t a = Person("1", "Anna");
  EXPECT_OK(OpenFirst(a, "profile.first_name"));
  EXPECT_THAT(OpenFirst(a, "profile.last_name"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SubjectReaderTest, RecordsComeNewestFirstAndBounded) {
  std::vector<v1::ImportRow> rows;
  for (int i = 0; i < 130; ++i) {
    rows.push_back(RowBuilder("order", "O" + std::to_string(i))
                       .External("crm", "1")
                       .Text("number", "A-" + std::to_string(i))
                       .CollectedAt(1000 + i));
  }
  const uint64_t subject = FindById(Import("crm", rows).front().subject_id);
  ASSERT_OK_AND_ASSIGN(const auto head,
                       reader().ReadHead(reader_connection(), subject, {}));
  constexpr std::string_view kOrder = "order";
  ASSERT_OK_AND_ASSIGN(
      const std::vector<StoredRecord> records,
      reader().ReadRecords(reader_connection(), *head, std::span(&kOrder, 1)));
  ASSERT_EQ(records.size(), kMaxRecordsRead);
  EXPECT_EQ(records.front().meta.source_key(), "O129");
  EXPECT_EQ(records.back().meta.source_key(), "O30");
}

TEST_F(SubjectReaderTest, WalkVisitsEachSubjectOnceInBoundedSteps) {
  std::vector<uint64_t> made;
  for (int i = 0; i < 7; ++i) made.push_back(Person(std::to_string(i), "X"));
  std::vector<uint64_t> walked;
  uint64_t cursor = 0;
  while (true) {
    ASSERT_OK_AND_ASSIGN(
        const std::vector<uint64_t> step,
        reader().SubjectsAfter(reader_connection(), cursor, 3));
    if (step.empty()) break;
    EXPECT_LE(step.size(), 3u);
    walked.insert(walked.end(), step.begin(), step.end());
    cursor = step.back();
  }
  EXPECT_EQ(walked, made);
}

TEST_F(SubjectReaderTest, UnknownNameTakesTheStepsOfAKnownOne) {
  for (int i = 0; i < 20; ++i) Person(std::to_string(i), "X");
  cache().Clear();
  v1::Identifier nobody;
  nobody.set_type(v1::IDENTIFIER_TYPE_EMAIL);
  nobody.set_value("nobody@example.com");
  ASSERT_OK_AND_ASSIGN(const LookupKey key, reader().MakeKey(nobody));
  ASSERT_OK_AND_ASSIGN(const auto found,
                       reader().Resolve(reader_connection(), key));
  ASSERT_FALSE(found.has_value());
  // The decoy reads and opens somebody's head, and the same one each time, so
  // that a name asked for again is as warm as a known one.
  reader().ReadDecoy(reader_connection(), key, std::span(&kProfile, 1), {});
  EXPECT_EQ(cache().entries(), 1u);
  reader().ReadDecoy(reader_connection(), key, std::span(&kProfile, 1), {});
  EXPECT_EQ(cache().entries(), 1u);
}

}  // namespace
}  // namespace consentry::vault
