#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/store/engine.h"
#include "gateway/vault/vault_writer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/vault_fixture.h"

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::RowBuilder;
using ::testing::UnorderedElementsAre;

class ImportTest : public ::testing::Test, protected testing::VaultFixture {
 protected:
  static std::vector<std::string> FaultsOf(const RowOutcome& outcome) {
    std::vector<std::string> faults;
    for (const v1::ImportFault& fault : outcome.result.faults()) {
      faults.push_back(fault.column() + ":" +
                       v1::ErrorReason_Name(fault.reason()).substr(13) +
                       (fault.row_quarantined() ? ":row" : ""));
    }
    return faults;
  }
  int64_t Count(const std::string& table) {
    return Ask("SELECT count(*) FROM " + table);
  }
};

TEST_F(ImportTest, NewRowMakesASubjectThatIsFound) {
  const RowOutcome outcome =
      ImportOne("crm", RowBuilder("profile", "17")
                           .Email("Anna.Berg@Example.com")
                           .Text("first_name", " Anna ")
                           .Text("last_name", "Berg"));
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  EXPECT_THAT(FaultsOf(outcome), IsEmpty());
  EXPECT_FALSE(outcome.result.joined());
  const uint64_t subject = FindByEmail("anna.berg@example.com");
  ASSERT_NE(subject, 0u);
  EXPECT_EQ(FindById(outcome.subject_id), subject);
  EXPECT_THAT(Profile(subject),
              UnorderedElementsAre(Pair("profile.first_name", "Anna (crm)"),
                                   Pair("profile.last_name", "Berg (crm)")));
}

TEST_F(ImportTest, SameFileTwiceChangesNothing) {
  std::vector<v1::ImportRow> rows;
  for (int i = 0; i < 100; ++i) {
    rows.push_back(RowBuilder("profile", std::to_string(i))
                       .Email("p" + std::to_string(i) + "@example.com")
                       .Text("first_name", "P")
                       .Residence("DE")
                       .BirthDate("1980-01-01")
                       .Number(i + 1));
  }
  for (const RowOutcome& outcome : Import("crm", rows)) {
    EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  }
  const uint64_t subject = FindByEmail("p7@example.com");
  const uint64_t version = Head(subject).version();
  for (const RowOutcome& outcome : Import("crm", rows)) {
    EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_UNCHANGED);
    EXPECT_FALSE(outcome.subject_id.empty());
  }
  EXPECT_EQ(Head(subject).version(), version);
  EXPECT_EQ(Count("subjects"), 100);
  EXPECT_EQ(Count("records"), 100);
  EXPECT_EQ(Count("facts"), 0);
}

TEST_F(ImportTest, ChangedRowIsOneNewVersion) {
  ImportOne(
      "crm",
      RowBuilder("profile", "1").Email("a@example.com").Text("city", "Ulm"));
  const uint64_t subject = FindByEmail("a@example.com");
  const uint64_t before = Head(subject).version();
  const RowOutcome outcome = ImportOne(
      "crm",
      RowBuilder("profile", "1").Email("a@example.com").Text("city", "Bonn"));
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_UPDATED);
  EXPECT_GT(Head(subject).version(), before);
  EXPECT_THAT(Profile(subject),
              ElementsAre(Pair("profile.city", "Bonn (crm)")));
  EXPECT_EQ(Count("records"), 1);
  EXPECT_EQ(Count("facts"), 1);
  ASSERT_OK_AND_ASSIGN(const store::v1::SubjectHead old,
                       reader().ReadHeadAt(reader_connection(), subject,
                                           static_cast<int64_t>(before)));
  EXPECT_EQ(old.version(), before);
}

TEST_F(ImportTest, OlderStateOfARecordDoesNotReplaceANewerOne) {
  ImportOne("crm", RowBuilder("profile", "1")
                       .Email("a@example.com")
                       .Text("city", "Bonn")
                       .CollectedAt(2000));
  const RowOutcome outcome = ImportOne("crm", RowBuilder("profile", "1")
                                                  .Email("a@example.com")
                                                  .Text("city", "Ulm")
                                                  .CollectedAt(1000));
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_THAT(FaultsOf(outcome), ElementsAre("row:ROW_DUPLICATE"));
  EXPECT_THAT(Profile(FindByEmail("a@example.com")),
              ElementsAre(Pair("profile.city", "Bonn (crm)")));
}

TEST_F(ImportTest, FaultyColumnIsHeldBackAndTheRowIsTaken) {
  const RowOutcome outcome = ImportOne("crm", RowBuilder("profile", "1")
                                                  .Email("a@example.com")
                                                  .Text("tier", "platinum")
                                                  .Text("points", "many")
                                                  .Text("colour", "red")
                                                  .Text("city", "Ulm"));
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  EXPECT_THAT(FaultsOf(outcome),
              UnorderedElementsAre("profile.tier:VALUE_OUT_OF_RANGE",
                                   "profile.points:VALUE_MALFORMED",
                                   "profile.colour:FIELD_UNKNOWN"));
  EXPECT_THAT(Profile(FindByEmail("a@example.com")),
              ElementsAre(Pair("profile.city", "Ulm (crm)")));
}

TEST_F(ImportTest, RowsThatCannotBeTakenAreHeldBackWhole) {
  v1::ImportRow late = RowBuilder("profile", "4").Email("d@example.com");
  late.mutable_collect_time()->set_seconds(kNowUs / 1000000 + 200000);
  const std::vector<RowOutcome> outcomes =
      Import("shop", {RowBuilder("parcel", "1").Email("a@example.com"),
                      RowBuilder("order", "2").Email("b@example.com"),
                      RowBuilder("profile", "3").Text("city", "Ulm"), late,
                      RowBuilder("profile", "").Email("e@example.com"),
                      RowBuilder("profile", "6").Email("not an address")});
  EXPECT_THAT(FaultsOf(outcomes[0]), ElementsAre("row:FIELD_UNKNOWN:row"));
  EXPECT_THAT(FaultsOf(outcomes[1]),
              ElementsAre("order.number:FIELD_INVALID:row"));
  EXPECT_THAT(FaultsOf(outcomes[2]), ElementsAre("row:IDENTIFIER_MISSING:row"));
  EXPECT_THAT(FaultsOf(outcomes[3]),
              ElementsAre("collect_time:VALUE_OUT_OF_RANGE:row"));
  EXPECT_THAT(FaultsOf(outcomes[4]),
              ElementsAre("source_key:FIELD_INVALID:row"));
  EXPECT_THAT(FaultsOf(outcomes[5]), ElementsAre("email:VALUE_MALFORMED",
                                                 "row:IDENTIFIER_MISSING:row"));
  for (const RowOutcome& outcome : outcomes) {
    EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_QUARANTINED);
  }
  EXPECT_EQ(Count("subjects"), 0);
  EXPECT_EQ(keys().slots().last_subject(), 0u);
}

TEST_F(ImportTest, LegalFactsNeedTheirOwnPermission) {
  WriteContext context = Context("crm");
  context.may_write_legal_facts = false;
  const RowOutcome outcome =
      Import(context, {RowBuilder("profile", "1")
                           .Email("a@example.com")
                           .Residence("DE")
                           .BirthDate("1980-01-01")
                           .Text("birth_date", "1980-01-01")})
          .front();
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  EXPECT_THAT(
      FaultsOf(outcome),
      UnorderedElementsAre("residence:LEGAL_FACT_NOT_ALLOWED",
                           "birth_date:LEGAL_FACT_NOT_ALLOWED",
                           "profile.birth_date:LEGAL_FACT_NOT_ALLOWED"));
  const store::v1::SubjectHead head = Head(FindByEmail("a@example.com"));
  EXPECT_EQ(head.residences_size(), 0);
  EXPECT_EQ(head.birth_dates_size(), 0);
}

TEST_F(ImportTest, SourcesThatDisagreeOnLegalFactsAreBothKept) {
  ImportOne("crm", RowBuilder("profile", "1")
                       .External("crm", "1")
                       .Email("a@example.com", true)
                       .Residence("DE"));
  ImportOne("shop", RowBuilder("profile", "2")
                        .Email("a@example.com", true)
                        .Residence("US-CA"));
  const store::v1::SubjectHead head = Head(FindByEmail("a@example.com"));
  ASSERT_EQ(head.residences_size(), 2);
  EXPECT_EQ(head.residences(0).value(), "DE");
  EXPECT_EQ(head.residences(1).value(), "US-CA");
}

TEST_F(ImportTest, SourceReplacesItsOwnEarlierFact) {
  ImportOne("crm", RowBuilder("profile", "1")
                       .Email("a@example.com")
                       .Residence("DE")
                       .CollectedAt(1000));
  ImportOne("crm", RowBuilder("profile", "1")
                       .Email("a@example.com")
                       .Residence("FR")
                       .CollectedAt(2000));
  const store::v1::SubjectHead head = Head(FindByEmail("a@example.com"));
  ASSERT_EQ(head.residences_size(), 1);
  EXPECT_EQ(head.residences(0).value(), "FR");
}

TEST_F(ImportTest, OpenTicketIsAContextUntilItIsClosed) {
  ImportOne("crm", RowBuilder("ticket", "T-1")
                       .Email("a@example.com")
                       .Text("opened_on", "2026-11-01"));
  const uint64_t subject = FindByEmail("a@example.com");
  ASSERT_EQ(Head(subject).contexts_size(), 1);
  EXPECT_EQ(Head(subject).contexts(0).kind(), "ticket");
  EXPECT_EQ(Head(subject).contexts(0).reference(), "T-1");
  EXPECT_TRUE(Head(subject).contexts(0).open());
  ImportOne("crm", RowBuilder("ticket", "T-1")
                       .Email("a@example.com")
                       .Text("opened_on", "2026-11-01")
                       .Text("closed_on", "2026-11-05"));
  EXPECT_EQ(Head(subject).contexts_size(), 0);
}

TEST_F(ImportTest, ConflictBetweenSourcesIsReportedAndPriorityWins) {
  ImportOne("crm", RowBuilder("profile", "1")
                       .Email("a@example.com", true)
                       .Text("first_name", "Anna")
                       .Text("city", "Ulm"));
  const RowOutcome outcome = ImportOne("shop", RowBuilder("profile", "9")
                                                   .Email("a@example.com", true)
                                                   .Text("first_name", "ANNA")
                                                   .Text("city", "Bonn"));
  EXPECT_TRUE(outcome.result.joined());
  EXPECT_THAT(outcome.result.conflicts(), ElementsAre("profile.city"));
  // The shop is the better source in general and the worse one for cities.
  EXPECT_THAT(Profile(FindByEmail("a@example.com")),
              UnorderedElementsAre(Pair("profile.first_name", "ANNA (shop)"),
                                   Pair("profile.city", "Ulm (crm)!")));
}

TEST_F(ImportTest, RowsOfOneBatchSeeEachOther) {
  const std::vector<RowOutcome> outcomes = Import(
      "crm",
      {RowBuilder("profile", "1").External("crm", "1").Text("city", "Ulm"),
       RowBuilder("order", "O-1").External("crm", "1").Text("number", "A-1"),
       RowBuilder("order", "O-2").External("crm", "1").Text("number", "A-2"),
       RowBuilder("profile", "1").External("crm", "1").Text("city", "Bonn"),
       RowBuilder("profile", "1").External("crm", "1").Text("city", "Bonn")});
  EXPECT_FALSE(outcomes[0].result.joined());
  EXPECT_TRUE(outcomes[1].result.joined());
  EXPECT_EQ(outcomes[3].result.outcome(), v1::WRITE_OUTCOME_UPDATED);
  EXPECT_EQ(outcomes[4].result.outcome(), v1::WRITE_OUTCOME_UNCHANGED);
  EXPECT_EQ(Count("subjects"), 1);
  EXPECT_EQ(Count("records"), 3);
  const uint64_t subject = FindById(outcomes[0].subject_id);
  EXPECT_THAT(Profile(subject),
              ElementsAre(Pair("profile.city", "Bonn (crm)")));
  EXPECT_EQ(Head(subject).kinds_size(), 2);
}

TEST_F(ImportTest, ValidateOnlyTellsAndWritesNothing) {
  WriteContext context = Context("crm");
  context.validate_only = true;
  const RowOutcome outcome = Import(context, {RowBuilder("profile", "1")
                                                  .Email("a@example.com")
                                                  .Text("tier", "tin")})
                                 .front();
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_CREATED);
  EXPECT_THAT(FaultsOf(outcome),
              ElementsAre("profile.tier:VALUE_OUT_OF_RANGE"));
  EXPECT_EQ(Count("subjects"), 0);
  EXPECT_EQ(Count("lookup"), 0);
  EXPECT_EQ(keys().slots().last_subject(), 0u);
  ASSERT_EQ(Leaves().size(), 1u) << "validation is audited too";
  EXPECT_TRUE(Leaves()[0].released_nothing());
}

TEST_F(ImportTest, OneEntryTellsTheBatchAndNamesNobody) {
  Import("crm", {RowBuilder("profile", "1").Email("canary@example.com"),
                 RowBuilder("profile", "2").Email("other@example.com")});
  ASSERT_EQ(Leaves().size(), 1u);
  const store::v1::Leaf leaf = Leaves().front();
  EXPECT_EQ(leaf.event(), "data.import");
  EXPECT_EQ(leaf.change_number(), 1u);
  ASSERT_EQ(leaf.subjects_size(), 2);
  EXPECT_EQ(leaf.subjects(0).tag().size(), 16u);
  EXPECT_NE(leaf.subjects(0).tag(), leaf.subjects(1).tag());
  EXPECT_THAT(leaf.subjects(0).changes(), ElementsAre("profile=created"));
  EXPECT_EQ(log().entries().front().find("canary"), std::string::npos);
}

TEST_F(ImportTest, NothingOfAValueStandsInTheStore) {
  ImportOne("crm", RowBuilder("profile", "canarykey")
                       .Email("canary@example.com")
                       .Text("first_name", "Canaryname")
                       .BirthDate("1977-07-07"));
  ASSERT_OK_AND_ASSIGN(const auto connection, engine()->ConnectReader());
  for (const std::string table :
       {"subjects", "lookup", "records", "source_rows"}) {
    ASSERT_OK_AND_ASSIGN(store::Query query,
                         connection->Prepare("SELECT * FROM " + table));
    int rows = 0;
    while (true) {
      ASSERT_OK_AND_ASSIGN(const bool row, query.Step());
      if (!row) break;
      ++rows;
      for (int column = 0; column < 6; ++column) {
        const std::string blob(query.Blob(column));
        EXPECT_EQ(blob.find("anary"), std::string::npos) << table;
        EXPECT_EQ(blob.find("1977-07-07"), std::string::npos) << table;
      }
    }
    EXPECT_GT(rows, 0) << table;
  }
}

TEST_F(ImportTest, UnknownSourceIsRefusedWhole) {
  const v1::ImportRow row = RowBuilder("profile", "1").Email("a@example.com");
  const v1::ImportRow* rows[] = {&row};
  EXPECT_THAT(writer().WriteRows(Context("fax"), rows),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ImportTest, ErasingSubjectTakesNoRows) {
  ImportOne("crm", RowBuilder("profile", "1").External("crm", "1"));
  const RowOutcome first =
      ImportOne("crm", RowBuilder("profile", "2").External("crm", "2"));
  const uint64_t subject = FindById(first.subject_id);
  ASSERT_OK(keys().slots().Destroy(subject, 1));
  cache().Invalidate(subject, INT64_MAX);
  const RowOutcome outcome = ImportOne(
      "crm",
      RowBuilder("profile", "2").External("crm", "2").Text("city", "Ulm"));
  EXPECT_EQ(outcome.result.outcome(), v1::WRITE_OUTCOME_QUARANTINED);
  EXPECT_THAT(FaultsOf(outcome), ElementsAre("row:SUBJECT_ERASED:row"));
}

}  // namespace
}  // namespace consentry::vault
